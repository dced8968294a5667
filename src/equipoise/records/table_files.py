"""One file of a table: CSV, CSV.gz or Parquet, read as it stands.

A CSV is read as text; what its cells mean is decided later. While blinded no message quotes
anything that stands in the file: a damaged file may hold values where names are expected.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from equipoise.faults import Fault
from equipoise.records.rows import RowPlace

if TYPE_CHECKING:
    from equipoise.records.schema import Table


@dataclass(frozen=True, slots=True)
class RawTable:
    """A file as read: its frame, or the faults why there is none."""

    place: RowPlace
    frame: pl.DataFrame | None = None
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()


def read_table_file(path: Path, table: Table, *, blinded: bool) -> RawTable:
    """Read one file; every line of a CSV must have the fields of its header."""
    if path.suffix == ".parquet":
        return _parquet(path, blinded)
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return _refused(path, "file-unreadable", f"the file can be read: {reason}", "replace it")
    return _csv(path, data, table, blinded)


def _refused(path: Path, code: str, rule: str, remedy: str, value: str = "") -> RawTable:
    fault = Fault(code, path.name, "", value, rule, remedy)
    return RawTable(RowPlace(path.name), faults=(fault,))


def _parquet(path: Path, blinded: bool) -> RawTable:
    try:
        return RawTable(RowPlace(path.name), pl.read_parquet(path))
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = "" if blinded else f": {str(error).splitlines()[0]}"
        return _refused(path, "file-unreadable", f"the file is Parquet{reason}", "write it again")


def _csv(path: Path, data: bytes, table: Table, blinded: bool) -> RawTable:
    notes: tuple[str, ...] = ()
    if not data.strip():
        return _refused(
            path,
            "file-empty",
            "a table has a line of column names",
            "write the header " + ",".join(c.name for c in table.columns) + ", or remove the file",
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _refused(path, "file-encoding", "the file is UTF-8", "save it as UTF-8", "UTF-16")
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
        notes = (f"{path.name}: a UTF-8 byte-order mark was skipped",)
    if b"\r" in data and b"\n" not in data:
        return _refused(
            path,
            "file-line-ends",
            "lines end with a line feed (Unix) or carriage return and line feed (Windows)",
            "save it as CSV with one of these line ends",
        )
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return _refused(
            path, "file-encoding", "the file is UTF-8", "save it as CSV UTF-8", f"line {line}"
        )
    header = data.split(b"\n", 1)[0].decode("utf-8").strip()
    if (wrong := _wrong_separator(header, table)) is not None:
        return _refused(
            path,
            "separator-wrong",
            "columns are separated by commas, decimals written with a point",
            "save it as comma-separated values with decimal points",
            {"\t": "tab"}.get(wrong, f'"{wrong}"'),
        )
    widths, lines = _by_reader(data) if b'"' in data else _by_counting(data)
    uneven = [(n, w) for n, w in zip(lines, widths, strict=True) if w != widths[0]]
    if uneven:
        faults = tuple(
            Fault(
                "csv-invalid",
                f"{path.name}, line {line}",
                "",
                f"{width} fields",
                f"every line has the {widths[0]} fields of the header",
                'mend the line; text with a comma stands in "double quotes"',
            )
            for line, width in uneven[:50]
        )
        return RawTable(RowPlace(path.name), faults=faults, notes=notes)
    try:
        frame = pl.read_csv(io.BytesIO(data), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        reason = "" if blinded else f": {str(error).splitlines()[0][:200]}"
        rule, remedy = f"the file is CSV{reason}", "mend the file"
        if "duplicate" in str(error).lower():
            rule, remedy = "a column name stands once", "rename or remove one"
        return _refused(path, "csv-invalid", rule, remedy)
    simple = isinstance(lines, range)
    if not simple and frame.height > len(lines) - 1:  # Polars reads an empty line as a row
        frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    place = RowPlace(path.name, "line", None if simple else lines[1:])
    return RawTable(place, frame, notes=notes)


def _by_counting(data: bytes) -> tuple[Sequence[int], Sequence[int]]:
    """Fields and number of each line that is not empty, in a file without quotes."""
    import numpy as np

    bytes_ = np.frombuffer(data if data.endswith(b"\n") else data + b"\n", dtype=np.uint8)
    ends = np.flatnonzero(bytes_ == ord("\n"))
    commas = np.searchsorted(np.flatnonzero(bytes_ == ord(",")), ends)
    widths = np.diff(commas, prepend=0) + 1
    lengths = np.diff(ends, prepend=-1) - 1
    filled = (lengths > 1) | ((lengths == 1) & (bytes_[ends - 1] != ord("\r")))
    if filled.all() and (widths == widths[0]).all():  # the common case needs no lists
        return range(1), range(1)
    return widths[filled].tolist(), (np.flatnonzero(filled) + 1).tolist()


def _by_reader(data: bytes) -> tuple[Sequence[int], Sequence[int]]:
    """Fields and first line of each record, by Python's own reader: quotes may hold new lines."""
    rows = csv.reader(io.StringIO(data.decode("utf-8"), newline=""))
    widths, lines, start = [], [], 1
    try:
        for row in rows:
            if row:
                widths.append(len(row))
                lines.append(start)
            start = rows.line_num + 1
    except csv.Error:
        widths.append(-1)
        lines.append(start)
    return widths, lines


def _wrong_separator(header: str, table: Table) -> str | None:
    names = {column.name for column in table.columns}
    by_comma = len(names & {part.strip().strip('"') for part in header.split(",")})
    for separator in (";", "\t", "|"):
        by_other = len(names & {part.strip().strip('"') for part in header.split(separator)})
        if by_other > max(by_comma, 1):
            return separator
    return None
