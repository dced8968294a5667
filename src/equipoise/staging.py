"""Files are written beside their place and renamed into it, all or none.

A set of files is written whole into a hidden folder of the same file system. Only when every
file is complete are they renamed into place; what stood there is kept aside until the last
one stands, and put back if one fails. So a full disk, a missing permission, a kill or Ctrl-C
leaves an older good report as it was.

``files.json`` in the folder says which results and report Equipoise wrote there, with hashes:
a later run removes what of an earlier one it replaces, and never a file that a person put or
changed there. Records and lists are in no index: a hash of an allocation could be guessed.
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

INDEX = "files.json"

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
    unindexed
        Sets that ``files.json`` says nothing of.

    Raises
    ------
    EquipoiseError
        When the folder cannot be written; it is then as it was before.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    stage: Path | None = None
    done = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=".equipoise-", dir=folder))
        index = _read_index(folder)
        files = {path: content for files in sets.values() for path, content in files.items()}
        outdated = [path for path in removes if path not in files]
        outdated += _outdated(folder, index, sets, replaces)
        index = {name: paths for name, paths in index.items() if name not in replaces}
        index |= {name: _hashes(paths) for name, paths in sets.items() if name not in unindexed}
        if index:
            files[INDEX] = json.dumps(index, indent=1).encode() + b"\n"
        for name, content in files.items():
            path = stage / "new" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600 if name in private else 0o666)
            path.write_bytes(content)
        _exchange(folder, stage, sorted(files, key=lambda name: name == last), outdated)
        done = True
    except OSError as error:
        raise write_error(error, folder) from error
    finally:
        if stage is not None:
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
    except BaseException:
        for source, target in reversed(undo):
            if target.exists() and not source.exists():
                os.replace(target, source)
        for path in made:
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
        raise


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
) -> list[str]:
    """Files of earlier runs that the new ones replace and that nobody has changed since."""
    new = {path for files in sets.values() for path in files}
    found = []
    for name in (*sets, *replaces):
        for path, digest in index.get(name, {}).items():
            target = folder / path
            inside = folder.resolve() in target.resolve().parents
            plain = inside and target.is_file() and not target.is_symlink()
            if path not in new and plain and _digest(target.read_bytes()) == digest:
                found.append(path)
    return found
