"""Writing the tables of a trial, all or none."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from equipoise.faults import single
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

    A folder with a table that these records lack is refused: mixed records mislead, and an
    allocation left behind would undo the blind. The allocation and the kits are files of their
    own: leave them out of what blinded people get.

    Raises
    ------
    EquipoiseError
        When the folder holds other records or cannot be written; it is then as it was before.
    """
    folder = Path(folder)
    refuse_other_records(records, folder)
    owned = [f"{name}.{ending}" for name in records.frames() for ending in FORMATS]
    write_files(folder, record_files(records, format), last=MANIFEST, owned=owned)


def refuse_other_records(records: Records, folder: Path) -> None:
    """Raise when the folder holds a table that these records lack."""
    frames = records.frames()
    stray = [
        path.name
        for name in TABLE_NAMES
        for path in (folder / f"{name}.{ending}" for ending in FORMATS)
        if name not in frames and path.exists()
    ]
    if stray:
        raise single(
            "The records are not written",
            code="folder-holds-other-records",
            where=str(folder),
            value=", ".join(stray),
            rule="a folder holds the tables of one set of records",
            remedy="name an empty folder, or remove these files",
        )


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
