"""Files stand complete or not at all, whatever fails in between."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from equipoise.faults import EquipoiseError
from equipoise.staging import write_files

FILES = {"a.txt": b"new a", "sub/b.txt": b"new b", "last.txt": b"new last"}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in (*FILES, "sub/old.txt", "mine.txt"):
        (tmp_path / name).write_bytes(b"old")
    return tmp_path


def contents(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_success_replaces_all_removes_what_is_owned_and_keeps_the_rest(folder):
    write_files(folder, FILES, last="last.txt", owned=("sub/*.txt",))
    assert contents(folder) == {**FILES, "mine.txt": b"old"}
    assert not list(folder.glob(".equipoise-*"))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "untouched"),
        (errno.EACCES, "no permission"),
    ],
)
@pytest.mark.parametrize("failing", sorted(FILES))
def test_a_failure_at_any_file_leaves_everything_as_it_was(folder, monkeypatch, number, words, failing):  # fmt: skip
    before = contents(folder)
    write = Path.write_bytes

    def broken(self, data):
        if self.as_posix().endswith(failing):
            write(self, data[:2])
            raise OSError(number, os.strerror(number))
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", broken)
    with pytest.raises(EquipoiseError, match=words):
        write_files(folder, FILES, last="last.txt", owned=("sub/*.txt",))
    monkeypatch.undo()
    assert contents(folder) == before
    assert not list(folder.glob(".equipoise-*"))


def test_ctrl_c_leaves_everything_as_it_was(folder, monkeypatch):
    before = contents(folder)

    def interrupted(self, data):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        write_files(folder, FILES, last="last.txt")
        raise AssertionError("not reached")
    monkeypatch.undo()
    assert contents(folder) == before


def test_a_folder_that_was_made_for_nothing_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(
        Path, "write_bytes", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, ""))
    )
    with pytest.raises(EquipoiseError, match="disk is full"):
        write_files(tmp_path / "new" / "deep", FILES, last="last.txt")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_a_file(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(EquipoiseError, match="a folder of that name is in the way"):
        write_files(tmp_path, FILES, last="last.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
