"""Files are written beside their place and renamed into it, all or none.

A folder of results is staged whole in a hidden folder of the same file system. Only when
every file is complete are they renamed into place, so that a full disk, a kill or Ctrl-C
leaves an older good report as it was.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from equipoise.faults import EquipoiseError, single

_REASONS = {
    errno.ENOSPC: ("disk-full", "the disk is full", "free some space, or name another --out"),
    errno.EDQUOT: ("disk-full", "the disk quota is used up", "free space, or name another --out"),
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


@contextmanager
def staged(folder: Path, *, last: str | None = None) -> Iterator[Path]:
    """A hidden folder to write into; on success its files move to `folder`, else nothing does.

    Parameters
    ----------
    folder
        Where the files end. It is made if it is missing; other files in it stay.
    last
        The file that is renamed after all others, so that its presence means a complete set.

    Raises
    ------
    EquipoiseError
        When the folder cannot be written; it is then as it was before.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=".equipoise-", dir=folder))
    except OSError as error:
        raise write_error(error, folder) from error
    try:
        yield stage
        files = sorted(path for path in stage.rglob("*") if path.is_file())
        if last is not None:
            files.sort(key=lambda path: path.relative_to(stage).as_posix() == last)
        for path in files:
            target = folder / path.relative_to(stage)
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, "is a folder", str(target))
            target.parent.mkdir(parents=True, exist_ok=True)
        for path in files:
            os.replace(path, folder / path.relative_to(stage))
    except OSError as error:
        raise write_error(error, folder) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        if made and not any(folder.iterdir()):
            folder.rmdir()
