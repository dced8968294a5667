"""Shift tables: laboratory values at baseline and at their worst afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.harm_results import LabShift, Level, ShiftCount
from equipoise.analysis.small_cells import too_small

if TYPE_CHECKING:
    from equipoise.analysis.harm_counts import Counter
    from equipoise.protocol import Protocol
    from equipoise.protocol.measurements import Lab
    from equipoise.records import Records

BASELINE_LEVELS: tuple[Level, ...] = ("low", "normal", "high", "missing")
WORST_LEVELS: tuple[Level, ...] = ("low", "normal", "high", "low and high", "missing")


def make_shifts(
    protocol: Protocol, records: Records, counter: Counter, smallest: int
) -> tuple[list[LabShift], list[str]]:
    """Shifts of every laboratory value with a reference limit, and what is not known.

    A limit belongs to the normal range. The worst value afterwards is low if any was low, high
    if any was high, and both where both happened. Who has no value stands under missing.
    """
    closed = counter.groups.closed
    labs = {k: lab for k, lab in protocol.labs.items() if not (closed and lab.unblinding)}
    limited = [k for k, lab in labs.items() if (lab.normal_low, lab.normal_high) != (None, None)]
    remarks = []
    if not protocol.labs:
        remarks.append("The protocol plans no laboratory values")
    elif records.labs is None:
        remarks.append("Laboratory values are not part of these records")
        limited = []
    if records.labs is not None and (without := [k for k in labs if k not in limited]):
        names = ", ".join(labs[key].label for key in without)
        remarks.append(f"No shift table, since the protocol gives no reference limit: {names}")
    shifts = []
    for key in limited:
        assert records.labs is not None
        rows = records.labs.filter(pl.col("analyte") == key).drop_nulls("value")
        shifts.append(_shift(protocol, key, rows, counter, smallest))
    return shifts, remarks


def _shift(
    protocol: Protocol, key: str, rows: pl.DataFrame, counter: Counter, smallest: int
) -> LabShift:
    lab = protocol.labs[key]
    first = rows.filter(pl.col("visit") == protocol.baseline.id)
    before = {p: _level(lab, [v]) for p, v in first.select("participant", "value").iter_rows()}
    later = rows.filter(pl.col("visit") != protocol.baseline.id)
    values = later.group_by("participant", maintain_order=True).agg("value").select(
        "participant", "value"
    )  # fmt: skip
    after = {person: _level(lab, found) for person, found in values.iter_rows()}
    counts = [
        ShiftCount(
            group=group,
            baseline=start,
            after=worst,
            n=sum(
                before.get(p, "missing") == start and after.get(p, "missing") == worst
                for p in people
            ),
        )
        for group, people in counter.people.items()
        for start in BASELINE_LEVELS
        for worst in WORST_LEVELS
    ]
    hide = too_small([count.n for count in counts], smallest)
    return LabShift(
        analyte=key,
        label=lab.label,
        unit=lab.unit,
        low=lab.normal_low,
        high=lab.normal_high,
        suppressed=hide,
        counts=() if hide else tuple(counts),
    )


def _level(lab: Lab, values: Iterable[float]) -> Level:
    found = list(values)
    low = lab.normal_low is not None and any(value < lab.normal_low for value in found)
    high = lab.normal_high is not None and any(value > lab.normal_high for value in found)
    if low and high:
        return "low and high"
    return "low" if low else "high" if high else "normal"
