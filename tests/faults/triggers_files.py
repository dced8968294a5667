"""Faults of the files that records stand in."""

from __future__ import annotations

import gzip

from tests.faults.catalogue import trigger

import equipoise as eq


@trigger
def folder_missing(box):
    """There is no folder of this name."""
    eq.read_records("dta", box.check())


@trigger
def manifest_invalid(box):
    """manifest.json is missing, or does not say whether the records were observed or simulated."""
    box.files["manifest.json"] = b'{"origin": "real"}'
    box.read()


@trigger
def table_missing(box):
    """A table that every trial has is not there."""
    box.read(without=("participants",))


@trigger
def table_twice(box):
    """A table stands there in two formats: which one counts?"""
    box.files["labs.csv.gz"] = gzip.compress(box.files["labs.csv"], mtime=0)
    box.read()


@trigger
def table_unknown(box):
    """Python only: a frame is handed over under a name that is no table."""
    eq.records_from_tables(box.check(), {"score": box.read().scores})


@trigger
def table_empty(box):
    """Nobody was randomised: there is nothing to analyse."""
    header = {name: text.split(b"\n", 1)[0] + b"\n" for name, text in box.files.items()}
    box.files = {**header, "manifest.json": box.files["manifest.json"]}
    protocol = box.check()
    protocol.lock(".")
    records = box.read()
    eq.analyse(protocol, records)


@trigger
def file_unknown(box):
    """A file looks like a table and has the name of none: a slip of the pen would lose its rows."""
    box.files["score.csv"] = box.files["scores.csv"]
    box.read()


@trigger
def file_unreadable(box):
    """A file is damaged."""
    del box.files["labs.csv"]
    box.files["labs.csv.gz"] = b"not gzip"
    box.read()


@trigger
def file_empty(box):
    """A file has no line of column names. A table that was not collected is left out."""
    box.files["labs.csv"] = b""
    box.read()


@trigger
def file_encoding(box):
    """A file is not UTF-8."""
    box.files["medications.csv"] = "participant,drug\nP1,Métoprolol\n".encode("latin-1")
    box.read()


@trigger
def file_line_ends(box):
    """A file ends its lines as very old Macs did."""
    box.files["labs.csv"] = box.files["labs.csv"].replace(b"\n", b"\r")
    box.read()


@trigger
def separator_wrong(box):
    """Columns are separated by semicolons or tabs."""
    box.files["labs.csv"] = box.files["labs.csv"].replace(b",", b";")
    box.read()


@trigger
def csv_invalid(box):
    """A line has more or fewer fields than the header, or a column stands twice."""
    box.read("labs", "mg/L,2.5", "mg/L,2,5")


@trigger
def csv_quotes(box):
    """A quote is open at the end of a line; it would swallow the rows that follow."""
    box.read("medications", "depression", '"depression')


@trigger
def column_missing(box):
    """A column that the table has is not in the file."""
    box.read("labs", "participant,visit,day,analyte,unit,value", "participant,visit,day,analyte,unit,result")  # fmt: skip


@trigger
def column_unknown(box):
    """A column that the table does not have."""
    box.read("labs", "unit,value\nP1,week4,28,crp,mg/L,2.5", "unit,value,method\nP1,week4,28,crp,mg/L,2.5,ELISA")  # fmt: skip


@trigger
def not_of_kind(box):
    """A cell is not of its column's kind: a word where a number belongs."""
    box.read("labs", "mg/L,2.5", "mg/L,<0.5")


@trigger
def decimal_comma(box):
    """A number is written with a decimal comma."""
    box.read("labs", "mg/L,2.5", 'mg/L,"2,5"')


@trigger
def cell_empty(box):
    """A cell is empty that never is."""
    box.read("visits", "P1,week2,14", "P1,week2,")


@trigger
def row_duplicate(box):
    """Two rows say the same thing twice, or differently."""
    box.read("visits", "P1,week2,14\n", "P1,week2,14\nP1,week2,15\n")


@trigger
def list_unreadable(box):
    """The randomisation list cannot be read, or a file of its folder is missing or damaged."""
    box.write("list.csv", "place,group\n1,active\n")
    box.read(listed="list.csv")
