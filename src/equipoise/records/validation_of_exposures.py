"""Rules of the tables `exposures` and `imaging`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl

from equipoise.protocol.endpoint_sources import planned_visits

if TYPE_CHECKING:
    from equipoise.protocol import Protocol
    from equipoise.protocol.exposures_and_imaging import Exposure
    from equipoise.records.rows import RowFaults

OneOf = Callable[["RowFaults", pl.Series, list[str], str, str], None]
Planned = Callable[["RowFaults", pl.DataFrame, pl.Series, str, object], None]

_COMMA = r"^\s*[-+]?\d+,\d+\s*$"


def check_exposures(
    protocol: Protocol, frame: pl.DataFrame, rows: RowFaults, one_of: OneOf, planned: Planned
) -> None:
    """Known exposures with values of their kind, their levels or range, and their unit.

    Parameters
    ----------
    frame
        The table with the schema's types: `value` is text.
    one_of, planned
        The checks that all tables share.
    """
    one_of(rows, frame["exposure"], list(protocol.exposures), "exposure-unknown", "exposures")
    for key, exposure in protocol.exposures.items():
        mine = (frame["exposure"] == key).fill_null(False)
        if exposure.type == "categorical":
            _levels(key, exposure, frame, mine, rows)
        else:
            _numbers(key, exposure, frame, mine, rows)
        unit = "" if exposure.unit is None else exposure.unit
        rows.add(
            mine & frame["unit"].is_not_null() & (frame["unit"] != unit).fill_null(False),
            code="unit-unknown",
            field="unit",
            values=frame["unit"],
            rule=f"{key} is given in {unit}" if unit else f"{key} has no unit",
            remedy="convert the values and correct the unit" if unit else "leave the unit empty",
        )
        planned(rows, frame, mine, key, planned_visits(exposure, protocol.visits))


def _levels(
    key: str, exposure: Exposure, frame: pl.DataFrame, mine: pl.Series, rows: RowFaults
) -> None:
    levels = list(exposure.levels)
    rows.add(
        mine & frame["value"].is_not_null() & ~frame["value"].is_in(levels).fill_null(False),
        code="level-unknown",
        field="value",
        values=frame["value"],
        rule=f"levels of {key}: {', '.join(levels)}",
        remedy="write one of them, or leave the cell empty where it was not determined",
    )


def _numbers(
    key: str, exposure: Exposure, frame: pl.DataFrame, mine: pl.Series, rows: RowFaults
) -> None:
    text = frame["value"]
    number = text.cast(pl.Float64, strict=False)
    wrong = mine & text.is_not_null() & ~number.is_finite().fill_null(False)
    if wrong.any():
        comma = bool(text.filter(wrong).head(50).str.contains(_COMMA).all())
        rows.add(
            wrong,
            code="decimal-comma" if comma else "not-of-kind",
            field="value",
            values=text,
            rule=f"`{key}` is a number" + (" with a decimal point" if comma else ""),
            remedy="write 12.5, not 12,5"
            if comma
            else "write a number, or leave the cell empty where nothing was measured",
        )
    low, high = exposure.minimum, exposure.maximum
    outside = mine & ~mine
    if low is not None:
        outside = outside | (number < low).fill_null(False)
    if high is not None:
        outside = outside | (number > high).fill_null(False)
    bounds = [
        *([f"at least {low:g}"] if low is not None else []),
        *([f"at most {high:g}"] if high is not None else []),
    ]
    rows.add(
        mine & outside & ~wrong,
        code="value-out-of-range",
        field="value",
        values=number,
        rule=f"{key} is {' and '.join(bounds)} {exposure.unit}",
        remedy="correct it, or leave it empty where it was not measured",
    )


def check_imaging(
    protocol: Protocol, frame: pl.DataFrame, rows: RowFaults, one_of: OneOf, planned: Planned
) -> None:
    """Known measures in known regions, in their unit and range; parameters as above."""
    one_of(rows, frame["measure"], list(protocol.imaging), "measure-unknown", "imaging measures")
    for key, image in protocol.imaging.items():
        mine = (frame["measure"] == key).fill_null(False)
        rows.add(
            mine & ~frame["region"].is_in(list(image.regions)).fill_null(False),
            code="region-unknown",
            field="region",
            values=frame["region"],
            rule=f"regions of {key}: {', '.join(image.regions)}",
            remedy="correct the region",
        )
        rows.add(
            mine & (frame["unit"] != image.unit).fill_null(False),
            code="unit-unknown",
            field="unit",
            values=frame["unit"],
            rule=f"{key} is given in {image.unit}",
            remedy="convert the values and correct the unit",
        )
        outside = (frame["value"] < image.minimum) | (frame["value"] > image.maximum)
        rows.add(
            mine & outside.fill_null(False),
            code="value-out-of-range",
            field="value",
            values=frame["value"],
            rule=f"{key} lies between {image.minimum:g} and {image.maximum:g} {image.unit}",
            remedy="correct it, or leave it empty where it was not measured",
        )
        planned(rows, frame, mine, key, planned_visits(image, protocol.visits))
