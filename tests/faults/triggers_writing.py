"""Faults of writing; whatever fails, what stood there before is as it was."""

from __future__ import annotations

import errno
import sys

from tests.faults.catalogue import trigger

import equipoise as eq


def _failing(box, error):
    """The folder of the list cannot be written, for a reason of the operating system."""
    protocol = box.check()
    box.failing("replace", error)
    from equipoise.randomisation import randomise, write_allocation

    write_allocation(randomise(protocol, 1), "list", rehearsal=True)


@trigger
def disk_full(box):
    """The disk, or a quota, is used up."""
    _failing(box, errno.ENOSPC)


@trigger
def not_writable(box):
    """There is no permission to write there."""
    _failing(box, errno.EACCES)


@trigger
def another_disk(box):
    """Part of the folder lies on another disk, so that files cannot be renamed into place."""
    _failing(box, errno.EXDEV)


@trigger
def not_written(box):
    """The operating system refused for another reason, which it gives."""
    _failing(box, errno.EIO)


@trigger
def not_a_folder(box):
    """A file stands where a folder is to be."""
    box.write("list", "mine")
    _failing(box, errno.EIO)


@trigger
def not_a_file(box):
    """A folder stands where a file is to be."""
    box.write("data/participants.csv/notes.txt", "mine")
    records = eq.records_from_tables(box.check(), {"participants": _people()})
    eq.write_records(records, "data")


def _people():
    import polars as pl

    return pl.DataFrame({"participant": ["P1"], "site": ["1"], "sex": ["female"], "age": [40.0]})


@trigger
def name_too_long(box):
    """The path is longer than the system allows."""
    records = eq.records_from_tables(box.check(), {"participants": _people()})
    box.failing("mkdir", errno.ENAMETOOLONG)
    eq.write_records(records, "data")


@trigger
def folder_holds_other_records(box):
    """Other records stand there; observed ones are never overwritten."""
    box.read()
    box.command("simulate", "il2-depression", "--out", "data")


@trigger
def folder_not_clean(box):
    """Blinded results would stand beside files of an earlier run that a person has changed."""
    from equipoise.staging import write_files

    write_files(box.write("out/x", "").parent, {"results": {"a.csv": b"1"}}, last="a.csv")
    box.write("out/a.csv", "changed")
    write_files(
        box.write("out/x", "").parent, {"results": {"b.csv": b"1"}}, last="b.csv", clean=True
    )


@trigger
def rollback_failed(box):
    """Writing failed half-way, and the older files could not be put back. Nothing is lost."""
    from equipoise.staging import write_files

    folder = box.write("out/x", "").parent
    write_files(folder, {"results": {"a.csv": b"1", "b.csv": b"1"}}, last="b.csv")
    box.failing("replace", errno.EIO, after=2)
    write_files(folder, {"results": {"a.csv": b"2", "b.csv": b"2"}}, last="b.csv")


@trigger
def extra_missing(box):
    """`--pdf` without the extra that it needs."""
    box.monkeypatch.setitem(sys.modules, "weasyprint", None)
    box.command("run", "il2-depression", "--pdf")


@trigger
def library_missing(box):
    """`--pdf` where WeasyPrint is installed, but not the library of the system that it loads."""

    class Absent:
        @staticmethod
        def find_spec(name, *_):
            if name == "weasyprint":
                raise OSError("cannot load library 'libpango-1.0-0'")

    box.monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    box.monkeypatch.setattr(sys, "meta_path", [Absent, *sys.meta_path])
    box.command("run", "il2-depression", "--pdf")


@trigger
def characteristics_differ(box):
    """Python only: the simulated trials beside a report are of another protocol than it."""
    import dataclasses

    protocol = eq.load_protocol("il2-bipolar")
    analysis = protocol.analysis.model_copy(update={"sensitivity": {}})
    protocol = protocol.model_copy(update={"analysis": analysis})
    results = eq.analyse(protocol, eq.simulate(protocol, seed=1))
    found = eq.operating_characteristics(protocol, 1, scenarios=("null",), workers=1)
    other = dataclasses.replace(found, protocol_hash="0" * 64)
    eq.write_report(results, "out", characteristics=other)


@trigger
def characteristics_of_another_protocol(box):
    """The folder holds the operating characteristics of another protocol."""
    box.write("out/characteristics.json", '{"protocol_hash": "0000"}')
    box.command("design", "il2-depression", "--trials", "2", "--out", "out")
