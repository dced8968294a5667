"""Writing the tables of a trial, all or none."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from equipoise.faults import single
from equipoise.records.manifest import Manifest
from equipoise.records.schema import TABLE_NAMES
from equipoise.staging import write_files

if TYPE_CHECKING:
    import polars as pl

    from equipoise.records.model import Records

Format = Literal["csv", "csv.gz", "parquet"]
FORMATS = ("csv", "csv.gz", "parquet")
MANIFEST = "manifest.json"


def write_records(records: Records, folder: str | Path, *, format: Format = "csv") -> None:
    """Write the tables and the manifest; the same tables in other formats are removed.

    A folder with other records is refused when they were observed elsewhere, or hold a table
    that these lack: observed data are never overwritten by simulated ones, and an allocation
    left behind would undo the blind. The allocation and the kits are files of their
    own: leave them out of what blinded people get.

    Raises
    ------
    EquipoiseError
        When the folder holds other records or cannot be written; it is then as it was before.
    """
    folder = Path(folder)
    refuse_other_records(records, folder)
    files = {"records": record_files(records, format)}
    others = existing_files(folder, records.frames())
    write_files(folder, files, last=MANIFEST, removes=others, unindexed=("records",))


def existing_files(folder: Path, names: Iterable[str] = TABLE_NAMES) -> list[str]:
    """Names of the files of these tables that stand in a folder, in whatever format."""
    found = (f"{name}.{ending}" for name in names for ending in FORMATS)
    return [name for name in found if (folder / name).is_file()]


def refuse_other_records(records: Records, folder: Path) -> None:
    """Raise when the folder holds observed records of another source, or a further table."""
    frames = records.frames()
    path = folder / MANIFEST
    if path.exists() or existing_files(folder):
        there, mine = _manifest_in(folder), records.manifest
        if there is None or (
            not there.simulated and (mine.simulated or mine.source != there.source)
        ):
            raise single(
                "The records are not written",
                code="folder-holds-other-records",
                where=str(path),
                value="" if there is None else f"{there.origin}: {there.source or 'no source'}",
                rule="observed records, or records of unknown origin, are never overwritten",
                remedy="name another folder, or move these records away",
            )
    stray = existing_files(folder, [name for name in TABLE_NAMES if name not in frames])
    if stray:
        raise single(
            "The records are not written",
            code="folder-holds-other-records",
            where=str(folder),
            value=", ".join(stray),
            rule="a folder holds the tables of one set of records",
            remedy="name an empty folder, or remove these files",
        )


def _manifest_in(folder: Path) -> Manifest | None:
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return None


def record_files(records: Records, format: Format = "csv") -> dict[str, bytes]:
    """The files of these records: name → content."""
    files = {f"{name}.{format}": _bytes(frame, format) for name, frame in records.frames().items()}
    manifest = records.manifest.model_dump_json(indent=2, exclude_none=True)
    return {**files, MANIFEST: manifest.encode() + b"\n"}


def _bytes(frame: pl.DataFrame, format: Format) -> bytes:
    if format == "parquet":
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        return buffer.getvalue()
    text = frame.write_csv().encode()
    # No time stamp: the same records give the same bytes.
    return gzip.compress(text, mtime=0) if format == "csv.gz" else text
