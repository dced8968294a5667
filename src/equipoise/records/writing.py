"""Writing the tables of a trial, all or none."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from equipoise.faults import single
from equipoise.records.schema import TABLE_NAMES
from equipoise.staging import staged

if TYPE_CHECKING:
    from equipoise.records.model import Records

Format = Literal["csv", "csv.gz", "parquet"]
FORMATS = ("csv", "csv.gz", "parquet")


def write_records(records: Records, folder: str | Path, *, format: Format = "csv") -> None:
    """Write the tables and the manifest; files of the same table in other formats are removed.

    A folder with a table that these records lack is refused: mixed records mislead, and an
    allocation left behind would undo the blind.

    The allocation and the kits are files of their own: leave them out of what blinded
    people get.

    Raises
    ------
    EquipoiseError
        When the folder cannot be written; it is then as it was before.
    """
    folder = Path(folder)
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
    with staged(folder, last="manifest.json") as stage:
        for name, frame in frames.items():
            path = stage / f"{name}.{format}"
            if format == "parquet":
                frame.write_parquet(path)
            elif format == "csv.gz":
                text = frame.write_csv()
                with gzip.GzipFile(filename="", fileobj=path.open("wb"), mode="wb", mtime=0) as out:
                    out.write(text.encode())
            else:
                frame.write_csv(path)
        manifest = records.manifest.model_dump_json(indent=2, exclude_none=True)
        (stage / "manifest.json").write_text(manifest + "\n", encoding="utf-8")
    for name in frames:
        for other in FORMATS:
            if other != format:
                (folder / f"{name}.{other}").unlink(missing_ok=True)
