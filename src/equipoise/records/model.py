"""The records of a trial as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from equipoise._version import __version__
from equipoise.records.manifest import Manifest, Origin
from equipoise.records.schema import TABLE_NAMES, Kind, Table, tables

if TYPE_CHECKING:
    from equipoise.protocol import Protocol

_DTYPES = {
    Kind.TEXT: pl.String,
    Kind.NUMBER: pl.Float64,
    Kind.WHOLE: pl.Int64,
    Kind.FLAG: pl.Boolean,
}


def dtypes(table: Table) -> dict[str, Any]:
    """Polars data type of each column of a table."""
    return {column.name: _DTYPES[column.kind] for column in table.columns}


@dataclass(frozen=True, slots=True)
class Records:
    """What was observed, or simulated.

    Each table is a Polars frame with the columns of ``docs/tables.md``; a table that was
    not collected is None. `notes` says what reading tolerated, such as a byte-order mark.
    """

    manifest: Manifest
    participants: pl.DataFrame
    allocation: pl.DataFrame | None = None
    kits: pl.DataFrame | None = None
    visits: pl.DataFrame | None = None
    scores: pl.DataFrame | None = None
    cells: pl.DataFrame | None = None
    labs: pl.DataFrame | None = None
    vitals: pl.DataFrame | None = None
    exposures: pl.DataFrame | None = None
    imaging: pl.DataFrame | None = None
    medications: pl.DataFrame | None = None
    doses: pl.DataFrame | None = None
    adverse_events: pl.DataFrame | None = None
    disposition: pl.DataFrame | None = None
    screening: pl.DataFrame | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def blinded(self) -> bool:
        """True without the allocation (which a single-arm trial never has)."""
        return self.allocation is None

    def frames(self) -> dict[str, pl.DataFrame]:
        """The tables that were collected, by name."""
        found = {name: getattr(self, name) for name in TABLE_NAMES}
        return {name: frame for name, frame in found.items() if frame is not None}

    def without_allocation(self) -> Records:
        """The same records, blinded: without the tables that give arms away."""
        from dataclasses import replace

        return replace(self, allocation=None, kits=None)


def records_from_tables(
    protocol: Protocol,
    frames: Mapping[str, Any],
    *,
    origin: Origin | str = Origin.OBSERVED,
    source: str | None = None,
    manifest: Manifest | None = None,
    allocation_list: Any = None,
) -> Records:
    """Records from data frames, checked against the protocol.

    Parameters
    ----------
    protocol
        The plan that the records must fit.
    frames
        Table name → data frame of any library that Narwhals reads. Columns may stand in
        any order.
    origin, source
        Whether the records were observed, and where they come from, in words.
    manifest
        Instead of `origin` and `source`: a complete manifest.
    allocation_list
        The randomisation list (columns stratum, sequence, arm) that the allocation must follow.

    Raises
    ------
    EquipoiseError
        With every fault of every table.
    """
    from equipoise.records.conversion import converted
    from equipoise.records.rows import RowPlace
    from equipoise.records.validation import validate

    if manifest is None:
        manifest = Manifest(
            origin=Origin(origin),
            protocol_hash=protocol.hash,
            source=source,
            software=f"equipoise {__version__}",
        )
    schema = tables(protocol)
    found: dict[str, pl.DataFrame] = {}
    faults = []
    blinded = "allocation" not in frames and not protocol.single_arm
    for name, frame in frames.items():
        table, table_faults = converted(
            name,
            as_polars(frame),
            schema,
            place=RowPlace(name),
            protocol=protocol,
            blinded=blinded,
        )
        faults += table_faults
        if table is not None:
            found[name] = table
    return validate(
        protocol, manifest, found, faults=faults, allocation_list=allocation_list, notes=()
    )


def as_polars(frame: Any) -> pl.DataFrame:
    """A frame of any library that Narwhals reads, as Polars, without pyarrow."""
    import narwhals as nw

    if isinstance(frame, pl.DataFrame):
        return frame
    eager = nw.from_native(frame, eager_only=True)
    columns = []
    for series in eager.iter_columns():
        if series.dtype.is_numeric() and series.null_count() == 0:
            columns.append(pl.Series(series.name, series.to_numpy()))
        else:
            # Each library has a missing value of its own.
            missing = series.is_null().to_list()
            values = [None if m else v for v, m in zip(series.to_list(), missing, strict=True)]
            columns.append(pl.Series(series.name, values, strict=False))
    return pl.DataFrame(columns)
