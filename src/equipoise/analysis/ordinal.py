"""Categories in order: the probability that somebody on the arm does better than on the control."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from equipoise.analysis.model_results import Contrast
from equipoise.analysis.outcome_results import GroupOutcome, OutcomeResult
from equipoise.analysis.outcomes import OutcomeData, compare, definition_of
from equipoise.analysis.small_cells import too_small
from equipoise.stats import win_probability


def analyse_ordinal(data: OutcomeData) -> OutcomeResult:
    """Categories at every visit after baseline; a composite failure is the worst category."""
    point = data.endpoint
    values = _values(data)
    groups = [row for visit in data.visits for row in _categories(data, values, visit)]
    main = compare(data, data.visits, lambda v, a, c: _effect(data, values, v, a, c))
    strata = " within strata" if data.stratified_by else ""
    return OutcomeResult(
        endpoint=data.key,
        label=point.label,
        scale="ordinal",
        better=point.better,
        definition=definition_of(data),
        method=f"Mann–Whitney probability of doing better{strata}, ties counting half; whoever "
        "has no value at the visit is left out",
        stratified_by=data.stratified_by,
        groups=tuple(groups),
        contrasts=tuple(main.contrasts),
        sensitivity=(),
        notes=main.notes(),
        failures=tuple(main.failures),
        failure=main.told(data),
    )


def _effect(
    data: OutcomeData, values: dict[tuple[str, str], float], visit: str, arm: str, control: str
) -> tuple[Contrast, int]:
    sign = -1.0 if data.endpoint.better == "lower" else 1.0
    rows = [
        (sign * value, group == arm, stratum)
        for person, group, stratum in data.people.iter_rows()
        if group in (arm, control) and (value := values.get((person, visit))) is not None
    ]
    treated = np.array([row[1] for row in rows], dtype=bool)
    data.enough(int(treated.sum()), int((~treated).sum()))
    found = win_probability(
        np.array([row[0] for row in rows]),
        treated,
        np.array([row[2] for row in rows], dtype=str),
        data.alpha,
    )
    contrast = Contrast(
        arm=arm,
        reference=control,
        visit=visit,
        measure="win probability",
        estimate=found.estimate,
        se=found.se if math.isfinite(found.se) else None,
        df=found.df if math.isfinite(found.df) else None,
        t=None,
        p=found.p,
        lower=found.lower,
        upper=found.upper,
    )
    return contrast, found.participants_left_out


def _values(data: OutcomeData) -> dict[tuple[str, str], float]:
    rows = data.values.select("participant", "visit", "value").iter_rows()
    values = {(str(p), str(v)): float(x) for p, v, x in rows}
    low, high = data.rating.range_of(data.endpoint.part)
    worst = float(high if data.endpoint.better == "lower" else low)
    return values | dict.fromkeys(data.failures, worst)


def _categories(
    data: OutcomeData, values: dict[tuple[str, str], float], visit: str
) -> list[GroupOutcome]:
    """Numbers in each category by group; hidden in all groups where one count is small."""
    known: dict[str, list[float]] = {}
    for group in data.groups.keys:
        found = [values.get((person, visit)) for person in data.members(group)]
        known[group] = [value for value in found if value is not None]
    tables = {
        group: pl.Series(mine, dtype=pl.Float64).value_counts(sort=False).sort("").rows()
        if mine
        else []
        for group, mine in known.items()
    }
    hide = any(too_small([n for _, n in table], data.smallest) for table in tables.values())
    rows: list[GroupOutcome] = []
    for group, mine in known.items():
        few = len(mine) < max(data.smallest, 1)
        rows.append(
            GroupOutcome(
                group=group,
                visit=visit,
                n=len(mine),
                missing=len(data.members(group)) - len(mine),
                events=None,
                estimate=None if few else float(np.mean(mine)),
                lower=None,
                upper=None,
                categories=()
                if hide
                else tuple((_named(data, category), int(n)) for category, n in tables[group]),
                suppressed=hide or (few and bool(mine)),
            )
        )
    return rows


def _named(data: OutcomeData, category: float) -> str:
    """A category as printed: its number, and its level where the scale names one."""
    level = data.rating.levels.get(f"{category:g}")
    return f"{category:g} ({level})" if level else f"{category:g}"
