"""Where the values of an endpoint come from: one row a kind of measurement.

The checks, the reading of values, the baseline, the models and the report go by this table;
a further kind of measurement is one more row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from equipoise.protocol.questions import Endpoint


class MeasureKind(StrEnum):
    """Kind of a measurement, as results and report call it."""

    RATING_SCALE = "rating scale"
    CELLS = "cells"
    LABORATORY = "laboratory"
    VITAL_SIGN = "vital sign"
    EXPOSURE = "exposure"
    IMAGING = "imaging"


@dataclass(frozen=True, slots=True)
class EndpointSource:
    """One kind of measurement that an endpoint can name.

    Attributes
    ----------
    kind
        As results and report call it.
    field
        Field of an endpoint that names the entry: ``lab``.
    table
        Table of the protocol that holds the entry: ``labs``.
    records, column, value
        Table of the records, its column that names the entry, its column of values.
    detail
        (field of an endpoint, field of the entry that lists what is valid, column of the
        records): a second name that tells values of one entry apart, as the unit of cells does.
    part
        (field of an endpoint, column of the records, value where the field is left out): which
        part of an entry is meant, as an item of a rating scale or its ``total``.
    unit
        The unit of all entries; None where the entry, or the detail, has its own.
    can_unblind
        False where no entry can give the arm away.
    """

    kind: MeasureKind
    field: str
    table: str
    records: str
    column: str
    value: str = "value"
    detail: tuple[str, str, str] | None = None
    part: tuple[str, str, str] | None = None
    unit: str | None = None
    can_unblind: bool = True

    def unit_of(self, endpoint: Endpoint, entry: Any) -> str:
        """Unit of an endpoint's values, as printed."""
        if self.unit is not None:
            return self.unit
        return str(endpoint.cell_unit) if self.field == "cells" else str(entry.unit)


SOURCES: tuple[EndpointSource, ...] = (
    EndpointSource(
        MeasureKind.RATING_SCALE,
        "instrument",
        "instruments",
        records="scores",
        column="instrument",
        value="score",
        part=("part", "item", "total"),
        unit="points",
        can_unblind=False,
    ),
    EndpointSource(
        MeasureKind.CELLS,
        "cells",
        "cells",
        records="cells",
        column="population",
        detail=("cell_unit", "units", "unit"),
    ),
    EndpointSource(MeasureKind.LABORATORY, "lab", "labs", records="labs", column="analyte"),
    EndpointSource(MeasureKind.VITAL_SIGN, "vital", "vitals", records="vitals", column="sign"),
    EndpointSource(
        MeasureKind.EXPOSURE, "exposure", "exposures", records="exposures", column="exposure"
    ),
    EndpointSource(
        MeasureKind.IMAGING,
        "imaging",
        "imaging",
        records="imaging",
        column="measure",
        detail=("region", "regions", "region"),
    ),
)

#: Tables of a protocol that hold measurements.
MEASUREMENT_TABLES = tuple(source.table for source in SOURCES)


def source_of(endpoint: Endpoint) -> EndpointSource:
    """The kind of measurement that a valid endpoint names.

    Raises
    ------
    ValueError
        When the endpoint names none.
    """
    for source in SOURCES:
        if getattr(endpoint, source.field) is not None:
            return source
    raise ValueError("the endpoint names no measurement")


def planned_visits(entry: Any, visits: Any) -> tuple[str, ...]:
    """Ids of the visits at which a measurement is planned: the baseline where none is named.

    Parameters
    ----------
    entry
        An entry of one of the tables of measurements.
    visits
        The visits of the protocol.
    """
    return tuple(entry.visits) or tuple(visit.id for visit in visits if visit.baseline)


def follow_up_visits(tables: Mapping[str, Any], endpoint: Endpoint) -> tuple[str, ...]:
    """Ids of the visits after baseline, in order, at which an endpoint's values are planned.

    Parameters
    ----------
    tables
        Tables of the protocol by name; an endpoint that leads nowhere has no visits.
    """
    for source in SOURCES:
        target = getattr(endpoint, source.field)
        if target is not None and target in tables[source.table]:
            planned = planned_visits(tables[source.table][target], tables["visits"])
            return tuple(v.id for v in tables["visits"] if not v.baseline and v.id in planned)
    return ()
