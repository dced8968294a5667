"""Files are written beside their place and renamed into it, all or none.

A set of files is written whole into a hidden folder of the same file system. Only when every
file is complete are they renamed into place, so that a full disk, a kill or Ctrl-C leaves an
older good report as it was.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from equipoise.faults import EquipoiseError, single

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
    files: Mapping[str, bytes],
    *,
    last: str,
    owned: Sequence[str] = (),
    private: Sequence[str] = (),
) -> None:
    """Write files into a folder, all or none.

    Parameters
    ----------
    folder
        Made if it is missing; other files in it stay.
    files
        Relative path → content.
    last
        The file that is renamed after all others: its presence means a complete set.
    owned
        Patterns of files that belong to the set: those of an earlier run that the present
        set lacks are removed once it stands.
    private
        Files that only their owner may read.

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
        for name, content in files.items():
            path = stage / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600 if name in private else 0o666)
            path.write_bytes(content)
        for name in files:
            if (folder / name).is_dir():
                raise IsADirectoryError(errno.EISDIR, "is a folder", name)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        for name in sorted(files, key=lambda name: name == last):
            os.replace(stage / name, folder / name)
        done = True
        for pattern in owned:
            for path in folder.glob(pattern):
                if path.relative_to(folder).as_posix() not in files:
                    path.unlink()
    except OSError as error:
        raise write_error(error, folder) from error
    finally:
        if stage is not None:
            shutil.rmtree(stage, ignore_errors=True)
        if not done:
            for path in made:
                if path.is_dir() and not any(path.iterdir()):
                    path.rmdir()
