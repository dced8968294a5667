"""Reading a folder of tables: CSV, CSV.gz or Parquet, and the manifest."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from pydantic import ValidationError

from equipoise.faults import EquipoiseError, Fault, single
from equipoise.records.conversion import converted
from equipoise.records.manifest import Manifest, Origin
from equipoise.records.model import Records
from equipoise.records.schema import TABLE_NAMES, Table, tables
from equipoise.records.validation import validate
from equipoise.records.writing import FORMATS, MANIFEST

if TYPE_CHECKING:
    from equipoise.protocol import Protocol

_ENDINGS = tuple(f".{ending}" for ending in FORMATS)


def read_records(
    folder: str | Path,
    protocol: Protocol,
    *,
    allocation_list: str | Path | pl.DataFrame | None = None,
) -> Records:
    """Read the tables of a trial and check them against its protocol.

    Parameters
    ----------
    folder
        Holds ``manifest.json`` and one file a table: ``scores.csv``, ``scores.csv.gz`` or
        ``scores.parquet``. Without ``allocation`` the records are blinded.
    protocol
        The plan that the records must fit.
    allocation_list
        The randomisation list that the allocation must follow (a CSV or a frame with the
        columns stratum, sequence, arm).

    Raises
    ------
    EquipoiseError
        With every fault of every table.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise single(
            f"The records in `{folder}` are refused",
            code="folder-missing",
            where=str(folder),
            rule="records are a folder with manifest.json and one file a table",
            remedy="name the folder; docs/bring-your-data.md shows how to make one",
        )
    schema = tables(protocol)
    manifest, faults = _manifest(folder)
    notes: list[str] = []
    frames: dict[str, pl.DataFrame] = {}
    files, file_faults = _files(folder)
    faults += file_faults
    blinded = "allocation" not in files
    for name, path in files.items():
        raw, raw_faults, raw_notes = _raw(path, schema[name])
        faults += raw_faults
        notes += raw_notes
        if raw is None:
            continue
        frame, frame_faults = converted(
            name, raw, schema, where=path.name, protocol=protocol, blinded=blinded
        )
        faults += frame_faults
        if frame is not None:
            frames[name] = frame
        del raw
    listed = _allocation_list(allocation_list, faults)
    return validate(
        protocol,
        manifest,
        frames,
        faults=faults,
        allocation_list=listed,
        notes=tuple(notes),
        heading=f"The records in `{folder}` are refused",
        present=frozenset(files),
        names={name: path.name for name, path in files.items()},
    )


def _manifest(folder: Path) -> tuple[Manifest | None, list[Fault]]:
    path = folder / MANIFEST
    example = '{"origin": "observed", "source": "…"}'

    def fault(value: str, rule: str, remedy: str) -> tuple[None, list[Fault]]:
        return None, [Fault("manifest-invalid", MANIFEST, "", value, rule, remedy)]

    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
        return Manifest.model_validate(data), []
    except FileNotFoundError:
        return fault(
            "",
            "manifest.json says whether the records were observed or simulated",
            f"write it beside the tables: {example}",
        )
    except OSError as error:
        return fault("", f"manifest.json can be read: {error.strerror}", "mend its permissions")
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        return fault("", f"manifest.json is JSON in UTF-8: {error}", f"for example {example}")
    except ValidationError as error:
        faults = [
            Fault(
                "manifest-invalid",
                MANIFEST,
                ".".join(str(part) for part in detail["loc"]),
                "" if detail["type"] == "missing" else str(detail["input"])[:60],
                detail["msg"].removeprefix("Value error, "),
                f"for example {example}; origin is one of {', '.join(Origin)}",
            )
            for detail in error.errors(include_url=False)
        ]
        return None, faults


def _files(folder: Path) -> tuple[dict[str, Path], list[Fault]]:
    found: dict[str, Path] = {}
    faults: list[Fault] = []
    for name in TABLE_NAMES:
        paths = [folder / f"{name}{e}" for e in _ENDINGS if (folder / f"{name}{e}").is_file()]
        if len(paths) > 1:
            faults.append(
                Fault(
                    "table-twice",
                    str(folder),
                    name,
                    ", ".join(p.name for p in paths),
                    "a table is one file",
                    "take all but one out",
                )
            )
        elif paths:
            found[name] = paths[0]
    known = {f"{name}{ending}" for name in TABLE_NAMES for ending in _ENDINGS}
    faults.extend(
        Fault(
            "file-unknown",
            path.name,
            "",
            "",
            "a table has one of the names " + ", ".join(TABLE_NAMES),
            "rename it, or move it elsewhere",
        )
        for path in sorted(folder.iterdir())
        if path.name.endswith(_ENDINGS) and path.name not in known
    )
    return found, faults


def _raw(path: Path, table: Table) -> tuple[pl.DataFrame | None, list[Fault], list[str]]:
    """The file as it stands: text for CSV, types for Parquet."""

    def refuse(code: str, rule: str, remedy: str, value: str = "") -> tuple[None, list[Fault], Any]:
        return None, [Fault(code, path.name, "", value, rule, remedy)], []

    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path), [], []
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return refuse("file-unreadable", f"the file can be read: {reason}", "mend or replace it")
    except pl.exceptions.PolarsError as error:
        return refuse("file-unreadable", f"the file is Parquet: {error}", "write it again")
    if not data.strip():
        return refuse(
            "file-empty",
            "a table has a line of column names",
            "write the header " + ",".join(c.name for c in table.columns) + ", or remove the file",
        )
    notes: list[str] = []
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return refuse("file-encoding", "the file is UTF-8", "save it as CSV UTF-8", "UTF-16")
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
        notes.append(f"{path.name}: a UTF-8 byte-order mark was skipped")
    try:
        header = data.split(b"\n", 1)[0].decode("utf-8").strip()
    except UnicodeDecodeError:
        return refuse("file-encoding", "the file is UTF-8", "save it as CSV UTF-8")
    if (wrong := _wrong_separator(header, table)) is not None:
        return refuse(
            "separator-wrong",
            "columns are separated by commas, decimals written with a point",
            "save it as comma-separated values with decimal points",
            {"\t": "tab"}.get(wrong, f'"{wrong}"'),
        )
    return _csv(path, data, notes)


def _csv(
    path: Path, data: bytes, notes: list[str]
) -> tuple[pl.DataFrame | None, list[Fault], list[str]]:
    try:
        frame = pl.read_csv(io.BytesIO(data), infer_schema=False, truncate_ragged_lines=False)
    except pl.exceptions.PolarsError as error:
        reason = str(error).split("\n", 1)[0]
        rule, remedy = f"every line has the header's columns: {reason}", "mend the file"
        code = "csv-invalid"
        if "utf" in reason.lower():
            code, rule, remedy = "file-encoding", "the file is UTF-8", "save it as CSV UTF-8"
        elif "duplicate" in reason.lower():
            rule, remedy = "a column name stands once", "rename or remove one"
        elif "more fields" in reason or "fields" in reason:
            remedy = 'mend the line; text with a comma stands in "double quotes"'
        return None, [Fault(code, path.name, "", _ragged_line(data), rule, remedy)], notes
    return frame, [], notes


def _ragged_line(data: bytes) -> str:
    """The first line whose number of fields is not the header's, by Python's own reader."""
    import csv

    try:
        rows = csv.reader(io.StringIO(data.decode("utf-8", "replace")))
        width = len(next(rows))
        for row in rows:
            if len(row) not in (0, width):
                return f"line {rows.line_num} has {len(row)} fields, the header {width}"
    except (csv.Error, StopIteration):
        return ""
    return ""


def _wrong_separator(header: str, table: Table) -> str | None:
    names = {column.name for column in table.columns}
    by_comma = len(names & {part.strip().strip('"') for part in header.split(",")})
    for separator in (";", "\t", "|"):
        by_other = len(names & {part.strip().strip('"') for part in header.split(separator)})
        if by_other > max(by_comma, 1):
            return separator
    return None


def _allocation_list(
    given: str | Path | pl.DataFrame | None, faults: list[Fault]
) -> pl.DataFrame | None:
    if given is None or isinstance(given, pl.DataFrame):
        return given
    path = Path(given)
    try:
        frame = pl.read_csv(path, schema_overrides={"sequence": pl.Int64, "stratum": pl.String})
        wanted = ["stratum", "sequence", "arm"]
        if set(wanted) <= set(frame.columns):
            return frame.select(wanted)
        reason = f"found the columns {', '.join(frame.columns)}"
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).split("\n", 1)[0]
    faults.append(
        Fault(
            "list-unreadable",
            str(path),
            "",
            "",
            f"a randomisation list has the columns stratum, sequence, arm: {reason}",
            "name the list that `equipoise randomise` wrote",
        )
    )
    return None


__all__ = ["EquipoiseError", "read_records"]
