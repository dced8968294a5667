"""Allocation in turn from files: who enrolled, the sealed numbers, and everybody's arm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from equipoise.faults import single
from equipoise.randomisation.allocation_in_turn import allocate_in_turn
from equipoise.randomisation.seal import NUMBER_COLUMNS, read_seal
from equipoise.staging import write_files

if TYPE_CHECKING:
    import polars as pl

    from equipoise.protocol import Protocol

ALLOCATED_FILE = "allocation.csv"


def write_allocated(protocol: Protocol, enrolled: Path, folder: Path) -> tuple[int, int]:
    """Allocate everybody in a file of people, and keep it beside the numbers.

    Whoever has an arm keeps it: the people of an earlier call come first, unchanged.

    Parameters
    ----------
    enrolled
        CSV with the columns participant and those of `randomisation.strata`, in the order of
        enrolment.
    folder
        Where `write_allocation` wrote the numbers.

    Returns
    -------
    everybody, new
        How many have an arm, and how many of them were given one now.

    Raises
    ------
    EquipoiseError
        When a file cannot be read, the people have faults, or an arm would change.
    """
    import polars as pl

    numbers, _ = read_seal(folder)
    if not set(NUMBER_COLUMNS) <= set(numbers.columns):
        raise single(
            "Nobody is allocated",
            code="list-not-numbers",
            where=str(folder),
            rule="under minimisation the folder holds random numbers: " + ", ".join(NUMBER_COLUMNS),
            remedy="draw them with `equipoise randomise` under this protocol",
        )
    try:
        people = pl.read_csv(enrolled, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise single(
            "Nobody is allocated",
            code="enrolled-unreadable",
            where=str(enrolled),
            value=(getattr(error, "strerror", None) or str(error)).split("\n", 1)[0][:120],
            rule="the people who enrolled stand in a CSV file, one row each",
            remedy="name that file",
        ) from None
    found = allocate_in_turn(protocol, people, numbers)
    path = folder / ALLOCATED_FILE
    before = _before(path, found.columns)
    kept = found.head(before.height)
    if before.height > found.height or not before.equals(kept):
        changed = (
            found.height
            if before.height > found.height
            else (before != kept).select(pl.any_horizontal(pl.all())).to_series().arg_max() or 0
        )
        raise single(
            "Nobody is allocated",
            code="allocation-changed",
            where=f"{enrolled}, row {changed + 1}",
            rule="whoever was allocated stays as they were, in the same order; new people come "
            "after them",
            remedy="put the file back as it was and add people at its end; an error in a level is "
            "recorded as a deviation",
        )
    write_files(
        folder,
        {"allocated": {ALLOCATED_FILE: found.write_csv().encode()}},
        last=ALLOCATED_FILE,
        private=(ALLOCATED_FILE,),
        unindexed=("allocated",),
    )
    return found.height, found.height - before.height


def _before(path: Path, columns: list[str]) -> pl.DataFrame:
    import polars as pl

    schema = {name: pl.Int64 if name == "sequence" else pl.String for name in columns}
    if not path.exists():
        return pl.DataFrame(schema=schema)
    try:
        return pl.read_csv(path, schema_overrides=schema).select(columns)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise single(
            "Nobody is allocated",
            code="allocated-unreadable",
            where=str(path),
            value=str(error).split("\n", 1)[0][:120],
            rule="it holds the arms that were given so far, as they were written",
            remedy="put it back from a copy",
        ) from None
