"""Files stand complete or not at all, whatever fails in between."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from equipoise.faults import EquipoiseError
from equipoise.staging import INDEX, write_files

FILES = {"a.txt": b"new a", "sub/b.txt": b"new b", "last.txt": b"new last"}


def write(folder, files=FILES, **options):
    write_files(folder, {"results": files}, last="last.txt", **options)


def contents(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


@pytest.fixture
def folder(tmp_path):
    """A folder with an earlier set, a file of it that a person changed, and one of their own."""
    old = {**dict.fromkeys(FILES, b"old"), "sub/gone.txt": b"old", "sub/edited.txt": b"old"}
    write(tmp_path, old)
    (tmp_path / "sub/edited.txt").write_bytes(b"edited by a person")
    (tmp_path / "sub/mine.txt").write_bytes(b"mine")
    return tmp_path


KEPT = {"sub/edited.txt": b"edited by a person", "sub/mine.txt": b"mine"}


def test_success_replaces_the_set_and_touches_nothing_of_a_person(folder):
    write(folder)
    found = contents(folder)
    assert set(json.loads(found.pop(INDEX))["results"]) == set(FILES)
    assert found == {**FILES, **KEPT}


def test_another_set_goes_only_when_it_is_replaced(folder):
    write_files(folder, {"report": {"report.html": b"page"}}, last="report.html")
    write(folder)
    assert (folder / "report.html").is_file()
    write(folder, replaces=("report",))
    assert not (folder / "report.html").exists()
    assert "report" not in json.loads((folder / INDEX).read_text(encoding="utf-8"))


def test_an_index_of_another_hand_removes_nothing_outside(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "precious.txt"
    outside.write_bytes(b"precious")
    import hashlib

    digest = hashlib.sha256(b"precious").hexdigest()
    relative = os.path.relpath(outside, folder)
    (folder / INDEX).write_text(json.dumps({"results": {relative: digest, str(outside): digest}}))
    write(folder)
    assert outside.read_bytes() == b"precious"
    for broken in ("[]", "{", '{"results": 5}', '{"results": ["a"]}'):
        (folder / INDEX).write_text(broken)
        write(folder)


def test_a_set_that_is_not_indexed_leaves_no_hash(tmp_path):
    write(tmp_path, unindexed=("results",))
    assert contents(tmp_path) == FILES


ERRORS = [(errno.ENOSPC, "disk is full"), (errno.EDQUOT, "quota"), (errno.EROFS, "read-only"),
          (errno.EIO, "untouched"), (errno.EACCES, "no permission")]  # fmt: skip


@pytest.mark.parametrize(("number", "words"), ERRORS)
@pytest.mark.parametrize("failing", [*FILES, INDEX])
def test_a_failed_write_leaves_everything_as_it_was(folder, monkeypatch, number, words, failing):
    before = contents(folder)
    real = Path.write_bytes

    def broken(self, data):
        if self.as_posix().endswith(failing):
            real(self, data[:2])
            raise OSError(number, os.strerror(number))
        return real(self, data)

    monkeypatch.setattr(Path, "write_bytes", broken)
    with pytest.raises(EquipoiseError, match=words):
        write(folder)
    monkeypatch.undo()
    assert contents(folder) == before
    assert not list(folder.glob(".equipoise-*"))


@pytest.mark.parametrize("fault", [OSError(errno.EACCES, "no"), KeyboardInterrupt("stopped")])
@pytest.mark.parametrize("at", range(9))
def test_a_failure_between_any_two_renames_is_undone(folder, monkeypatch, at, fault):
    before = contents(folder)
    real, calls = os.replace, []

    def broken(source, target):
        calls.append(source)
        if len(calls) == at + 1:
            raise fault
        real(source, target)

    monkeypatch.setattr(os, "replace", broken)
    expected = KeyboardInterrupt if isinstance(fault, KeyboardInterrupt) else EquipoiseError
    with pytest.raises(expected, match="stopped" if expected is KeyboardInterrupt else "untouched"):
        write(folder, {**FILES, "new/deep/c.txt": b"c"})
    monkeypatch.undo()
    assert len(calls) > at
    assert contents(folder) == before
    assert not (folder / "new").exists()
    assert not list(folder.glob(".equipoise-*"))


def test_a_folder_that_was_made_for_nothing_is_removed(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(EquipoiseError, match="disk is full"):
        write(tmp_path / "new" / "deep")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_a_file(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(EquipoiseError, match="a folder of that name is in the way"):
        write(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_private_files_are_never_readable_by_others(tmp_path):
    write(tmp_path, private=("a.txt",))
    assert (tmp_path / "a.txt").stat().st_mode & 0o077 == 0


def test_when_the_rollback_fails_too_nothing_is_lost_and_nothing_untrue_is_said(
    folder, monkeypatch
):
    real, calls = os.replace, []

    def broken(source, target):
        calls.append(source)
        if len(calls) >= 4:
            raise OSError(errno.EIO, "disk gone")
        real(source, target)

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(EquipoiseError, match="putting the older files back") as info:
        write(folder)
    monkeypatch.undo()
    assert "untouched" not in str(info.value)
    (stage,) = folder.glob(".equipoise-*")
    assert str(stage) in info.value.faults[0].remedy
    kept = {
        p.relative_to(stage / "old").as_posix() for p in (stage / "old").rglob("*") if p.is_file()
    }
    there = {p for p in contents(folder) if not p.startswith(".equipoise-")}
    # Every older file is in its place or in the hidden folder.
    assert {"a.txt", "sub/b.txt", "last.txt", "sub/gone.txt", INDEX} <= kept | there


def test_blinded_results_do_not_join_changed_files_of_an_earlier_run(folder):
    with pytest.raises(EquipoiseError, match=r"sub/edited\.txt"):
        write(folder, clean=True)
    (folder / "sub/edited.txt").unlink()
    write(folder, clean=True)


def test_a_named_set_is_known_by_name_only_and_goes_when_it_is_replaced(folder):
    write_files(folder, {"data": {"data/allocation.csv": b"secret"}}, last="data/allocation.csv",
                named=("data",))  # fmt: skip
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    assert index["data"] == {"data/allocation.csv": ""}
    write(folder, replaces=("data",))
    assert not (folder / "data" / "allocation.csv").exists()
    assert contents(folder)["sub/mine.txt"] == b"mine"
