"""Reading a folder of tables: CSV, CSV.gz or Parquet, and the manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from pydantic import ValidationError

from equipoise.faults import EquipoiseError, Fault, single
from equipoise.records.conversion import converted
from equipoise.records.manifest import Manifest, Origin
from equipoise.records.model import Records
from equipoise.records.rows import RowPlace
from equipoise.records.schema import TABLE_NAMES, tables
from equipoise.records.table_files import read_table_file
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
    blinded = is_blinded(folder) and not protocol.single_arm
    places: dict[str, RowPlace] = {}
    for name, path in files.items():
        raw = read_table_file(path, schema[name], blinded=blinded)
        places[name] = raw.place
        faults += raw.faults
        notes += raw.notes
        if raw.frame is None:
            continue
        frame, frame_faults = converted(
            name, raw.frame, schema, place=raw.place, protocol=protocol, blinded=blinded
        )
        faults += frame_faults
        if frame is not None:
            frames[name] = frame
    listed = _allocation_list(allocation_list, faults, blinded)
    if allocation_list is not None and blinded:
        faults.append(
            Fault(
                "list-without-allocation",
                str(folder),
                "--list",
                "",
                "a list is compared with the allocation, and these records have none",
                "add the allocation, or leave the list out",
            )
        )
    return validate(
        protocol,
        manifest,
        frames,
        faults=faults,
        allocation_list=listed,
        notes=tuple(notes),
        heading=f"The records in `{folder}` are refused",
        present=frozenset(files),
        places=places,
    )


def is_blinded(folder: Path) -> bool:
    """Whether a folder of records holds no allocation in any form that is read."""
    return not any((folder / f"allocation{ending}").is_file() for ending in _ENDINGS)


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
    known: set[str] = set()
    for name in TABLE_NAMES:
        paths = [folder / f"{name}{e}" for e in _ENDINGS if (folder / f"{name}{e}").is_file()]
        known |= {path.name for path in paths}
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
    tables_like = [
        path
        for path in sorted(folder.iterdir())
        if path.name not in known
        and (path.name.endswith(_ENDINGS) or path.name.split(".")[0] in ("allocation", "kits"))
    ]
    faults.extend(
        Fault(
            "file-unknown",
            path.name,
            "",
            "",
            f"a table is a file named {', '.join(TABLE_NAMES)} with the ending "
            + " or ".join(_ENDINGS),
            "rename it, or move it elsewhere",
        )
        for path in tables_like
    )
    return found, faults


def _allocation_list(
    given: str | Path | pl.DataFrame | None, faults: list[Fault], blinded: bool
) -> pl.DataFrame | None:
    if given is None or isinstance(given, pl.DataFrame):
        return given
    path = Path(given)
    try:
        frame = pl.read_csv(path, schema_overrides={"sequence": pl.Int64, "stratum": pl.String})
        wanted = ["stratum", "sequence", "arm"]
        if set(wanted) <= set(frame.columns):
            return frame.select(wanted)
        found = ", ".join(name[:40] for name in frame.columns[:12])
        reason = "they are not there" if blinded else f"found the columns {found}"
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = getattr(error, "strerror", None) or "a line is not as it should be"
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
