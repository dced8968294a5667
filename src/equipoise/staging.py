"""Files are written beside their place and renamed into it, all or none.

A set of files is written whole into a hidden folder of the same file system. Only when every
file is complete are they renamed into place; what stood there is kept aside until the last
one stands, and put back if one fails. So a full disk, a missing permission or Ctrl-C leaves an
older good report as it was. A process that is killed between two renames leaves the older
files in the hidden folder ``.equipoise-…/old``.

``equipoise-files.json`` says which files Equipoise wrote, by set: a later run removes those of
an earlier one that it replaces. Of results and report it holds hashes, so that a file that a
person has changed is not removed; of data only names: a hash of an allocation could be guessed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from equipoise.faults import EquipoiseError, single

INDEX = "equipoise-files.json"

_REASONS = {
    errno.ENOSPC: ("disk-full", "the disk is full", "free some space, or name another --out"),
    errno.EDQUOT: ("disk-full", "the disk quota is used up", "free space, or name another --out"),
    errno.EFBIG: ("disk-full", "the system allows no file so large", "raise the limit"),
    errno.EACCES: ("not-writable", "no permission to write there", "name another --out"),
    errno.EPERM: ("not-writable", "no permission to write there", "name another --out"),
    errno.EROFS: ("not-writable", "the file system is read-only", "name another --out"),
    errno.ENOTDIR: ("not-a-folder", "part of the path is a file", "name a folder as --out"),
    errno.EEXIST: ("not-a-folder", "a file of that name is in the way", "name a folder as --out"),
    errno.EISDIR: ("not-a-file", "a folder of that name is in the way", "move it away"),
    errno.EXDEV: (
        "another-disk",
        "all of the folder lies on one disk",
        "replace the link by a folder",
    ),
    errno.ENAMETOOLONG: ("name-too-long", "the path is too long", "name a shorter --out"),
}


def write_error(error: OSError, target: Path) -> EquipoiseError:
    """Say of an operating-system error what was being written and what to do."""
    code, rule, remedy = _REASONS.get(
        error.errno or 0,
        ("not-written", str(error.strerror or error), "mend that, or name another --out"),
    )
    return single(
        "Nothing was written; what stood there before is untouched",
        code=code,
        where=str(target),
        rule=rule,
        remedy=remedy,
    )


def write_files(
    folder: Path,
    sets: Mapping[str, Mapping[str, bytes]],
    *,
    last: str,
    replaces: Sequence[str] = (),
    removes: Sequence[str] = (),
    private: Sequence[str] = (),
    unindexed: Sequence[str] = (),
    named: Sequence[str] = (),
    clean: bool = False,
) -> None:
    """Write sets of files into a folder, all or none.

    Parameters
    ----------
    folder
        Made if it is missing; other files in it stay.
    sets
        Name of a set (``results``, ``report``, …) → relative path → content. Files of the
        same set that an earlier run wrote and this one lacks are removed.
    last
        The file that is renamed after all others: its presence means a complete set.
    replaces
        Further sets of an earlier run that must not stand beside the new files.
    removes
        Files to be removed together with the writing, by relative path.
    private
        Files that only their owner may read.
    unindexed, named
        Sets of which the index says nothing, or the names only.
    clean
        Refuse when files of a replaced set would stay since a person has changed them.

    Raises
    ------
    EquipoiseError
        When the folder cannot be written; it is then as it was before.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    stage: Path | None = None
    done = False
    lost = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=".equipoise-", dir=folder))
        index = _read_index(folder)
        files = {path: content for files in sets.values() for path, content in files.items()}
        outdated = [path for path in removes if path not in files]
        old, changed = _outdated(folder, index, sets, replaces)
        outdated += old
        if changed and clean:
            raise single(
                "Nothing was written; what stood there before is untouched",
                code="folder-not-clean",
                where=str(folder),
                value=", ".join(changed[:10]),
                rule="blinded results do not stand beside changed files of an earlier run",
                remedy="name another --out, or move these files away",
            )
        index = {name: paths for name, paths in index.items() if name not in replaces}
        for name, paths in sets.items():
            if name in named:
                index[name] = dict.fromkeys(paths, "")
            elif name not in unindexed:
                index[name] = _hashes(paths)
        if index:
            files[INDEX] = json.dumps(index, indent=1).encode() + b"\n"
        for name, content in files.items():
            path = stage / "new" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600 if name in private else 0o666)
            path.write_bytes(content)
        _exchange(folder, stage, sorted(files, key=lambda name: name == last), outdated)
        done = True
    except _RollbackError as error:
        lost = True
        raise single(
            "Writing failed, and so did putting the older files back",
            code="rollback-failed",
            where=str(folder),
            value=", ".join(str(name) for name in error.args[0][:10]),
            rule=str(error.__cause__),
            remedy=f"the older files are in {stage}/old: put them back from there",
        ) from error
    except OSError as error:
        raise write_error(error, folder) from error
    finally:
        if stage is not None and not lost:
            shutil.rmtree(stage, ignore_errors=True)
        if not done:
            for path in made:
                if path.is_dir() and not any(path.iterdir()):
                    path.rmdir()


def _exchange(folder: Path, stage: Path, names: Sequence[str], outdated: Sequence[str]) -> None:
    """Rename the new files into place and the old ones aside; undo all of it if one fails."""
    for name in names:
        if (folder / name).is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder", name)
    undo: list[tuple[Path, Path]] = []
    made: list[Path] = []

    def move(source: Path, target: Path) -> None:
        missing = [path for path in target.parents if not path.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        made.extend(path for path in missing if stage not in (path, *path.parents))
        undo.append((source, target))
        os.replace(source, target)

    try:
        for name in (*outdated, *names):
            if (folder / name).exists():
                move(folder / name, stage / "old" / name)
            if name in names:
                move(stage / "new" / name, folder / name)
    except BaseException as error:
        failed = [source for source, target in reversed(undo) if not _put_back(target, source)]
        if failed:
            raise _RollbackError(failed) from error
        for path in made:
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
        raise


class _RollbackError(Exception):
    """Older files that could not be put back into their place."""


def _put_back(source: Path, target: Path) -> bool:
    """Undo one rename, twice if it must be: a second Ctrl-C must not lose a file."""
    for _ in range(3):
        try:
            if source.exists() and not target.exists():
                os.replace(source, target)
            return True
        except BaseException:  # whatever it is, the other files come first
            continue
    return False


def _hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: _digest(content) for name, content in files.items()}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read_index(folder: Path) -> dict[str, dict[str, str]]:
    """What earlier runs wrote here; nothing when there is no index that can be read."""
    try:
        data = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        return {
            str(name): {str(path): str(digest) for path, digest in files.items()}
            for name, files in data.items()
        }
    except (OSError, ValueError, AttributeError):
        return {}


def _outdated(
    folder: Path,
    index: Mapping[str, Mapping[str, str]],
    sets: Mapping[str, Mapping[str, bytes]],
    replaces: Sequence[str],
) -> tuple[list[str], list[str]]:
    """Files of earlier runs that the new ones replace: as written, and changed since."""
    new = {path for files in sets.values() for path in files}
    written, changed = [], []
    for name in (*sets, *replaces):
        for path, digest in index.get(name, {}).items():
            if path in new or "\0" in path:
                continue
            target = folder / path
            inside = folder.resolve() in target.resolve().parents
            if not inside or not target.is_file() or target.is_symlink():
                continue
            same = not digest or _digest(target.read_bytes()) == digest
            (written if same else changed).append(path)
    return written, changed
