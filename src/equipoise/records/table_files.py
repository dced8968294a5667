"""One file of a table: CSV, CSV.gz or Parquet, read as it stands.

A CSV is read as text; what its cells mean is decided later. While blinded no message quotes
anything that stands in the file: a damaged file may hold values where names are expected.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import zlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
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
        with _silent():
            return RawTable(RowPlace(path.name), pl.read_parquet(path))
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # a damaged file can make the reader panic
        known = isinstance(error, OSError | pl.exceptions.PolarsError) and not blinded
        reason = f": {_first_line(error)}" if known else ""
        return _refused(path, "file-unreadable", f"the file is Parquet{reason}", "write it again")


def _first_line(error: BaseException) -> str:
    return str(error).split("\n", 1)[0][:200]


@contextmanager
def _silent() -> Generator[None]:
    """No word on the standard error while the Parquet reader, in Rust, may panic on it."""
    try:
        saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:
        yield
        return
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


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
    if b'"' in data and not _plainly_quoted(data):
        return _quoted(path, data, notes)
    widths, lines = _by_counting(data)
    uneven = [(n, w) for n, w in zip(lines, widths, strict=True) if w != widths[0]]
    if uneven:
        return _uneven(path, uneven, widths[0], notes)
    if not isinstance(lines, range):  # Polars would read an empty line as a row
        data = b"\n".join(line for line in data.split(b"\n") if line.strip(b"\r"))
    try:
        frame = pl.read_csv(io.BytesIO(data), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        reason = "" if blinded else f": {_first_line(error)}"
        rule, remedy = f"the file is CSV{reason}", "mend the file"
        if "duplicate" in str(error).lower():
            rule, remedy = "a column name stands once", "rename or remove one"
        return _refused(path, "csv-invalid", rule, remedy)
    simple = isinstance(lines, range)
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


def _plainly_quoted(data: bytes) -> bool:
    """Whether all quotes stand in pairs around whole fields of one line, with no comma inside.

    Then Polars reads the file as Python's own reader does, only faster.
    """
    import numpy as np

    text = np.frombuffer(b"\n" + data + b"\n", dtype=np.uint8)
    quotes = np.flatnonzero(text == ord('"'))
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    before = np.isin(text[opening - 1], np.frombuffer(b",\n", dtype=np.uint8))
    after = np.isin(text[closing + 1], np.frombuffer(b",\r\n", dtype=np.uint8))
    ends = np.flatnonzero(text == ord("\n"))
    one_line = np.searchsorted(ends, opening) == np.searchsorted(ends, closing)
    commas = np.flatnonzero(text == ord(","))
    one_field = np.searchsorted(commas, opening) == np.searchsorted(commas, closing)
    filled = closing > opening + 1
    return bool(
        before.all() and after.all() and one_line.all() and one_field.all() and filled.all()
    )


def _uneven(
    path: Path, uneven: Sequence[tuple[int, int]], width: int, notes: tuple[str, ...]
) -> RawTable:
    faults = tuple(
        Fault(
            "csv-invalid",
            f"{path.name}, line {line}",
            "",
            f"{found} fields",
            f"every line has the {width} fields of the header",
            'mend the line; text with a comma stands in "double quotes"',
        )
        for line, found in uneven[:50]
    )
    return RawTable(RowPlace(path.name), faults=faults, notes=notes)


def _quoted(path: Path, data: bytes, notes: tuple[str, ...]) -> RawTable:
    """A file with quotes, by Python's own strict reader.

    A record stands in one line: a quote that is left open would swallow the rows up to the
    next one, and nobody would miss them.
    """
    text = io.StringIO(data.decode("utf-8"), newline="")
    reader = csv.reader(text, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error:
            return _bad_quotes(path, line)
        if reader.line_num != line:
            return _bad_quotes(path, line)
        if row:
            rows.append(row)
            lines.append(line)
    header = rows[0]
    uneven = [(n, len(row)) for n, row in zip(lines, rows, strict=True) if len(row) != len(header)]
    if uneven:
        return _uneven(path, uneven, len(header), notes)
    if len(set(header)) < len(header):
        return _refused(path, "csv-invalid", "a column name stands once", "rename or remove one")
    cells = list(zip(*rows[1:], strict=True)) or [()] * len(header)
    frame = pl.DataFrame(
        [pl.Series(name, cells[i], dtype=pl.String) for i, name in enumerate(header)]
    )
    return RawTable(RowPlace(path.name, "line", lines[1:]), frame, notes=notes)


def _bad_quotes(path: Path, line: int) -> RawTable:
    fault = Fault(
        "csv-quotes",
        f"{path.name}, line {line}",
        "",
        "",
        "quotes stand around a whole field, inside one they are doubled, and a record is one line",
        'close the quote, write "" for a quote in a text, and no line break in a field',
    )
    return RawTable(RowPlace(path.name), faults=(fault,))


def _wrong_separator(header: str, table: Table) -> str | None:
    names = {column.name for column in table.columns}
    by_comma = len(names & {part.strip().strip('"') for part in header.split(",")})
    for separator in (";", "\t", "|"):
        by_other = len(names & {part.strip().strip('"') for part in header.split(separator)})
        if by_other > max(by_comma, 1):
            return separator
    return None
