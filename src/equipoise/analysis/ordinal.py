"""Categories in order: the probability that somebody on the arm does better than on the control."""

from __future__ import annotations

import numpy as np
import polars as pl

from equipoise.analysis.model_results import Contrast
from equipoise.analysis.outcome_results import GroupOutcome, OutcomeResult
from equipoise.analysis.outcomes import OutcomeData, definition_of
from equipoise.analysis.small_cells import too_small
from equipoise.stats import StatsError, win_probability


def analyse_ordinal(data: OutcomeData) -> OutcomeResult:
    """Categories at every visit after baseline; a composite failure is the worst category."""
    point = data.endpoint
    values = _values(data)
    groups: list[GroupOutcome] = []
    contrasts: list[Contrast] = []
    failures: list[str] = []
    sign = -1.0 if point.better == "lower" else 1.0
    for visit in data.visits:
        groups += _categories(data, values, visit)
        for arm, control in data.pairs():
            rows = [
                (value, group == arm, stratum)
                for person, group, stratum in data.people.iter_rows()
                if group in (arm, control) and (value := values.get((person, visit))) is not None
            ]
            try:
                found = win_probability(
                    np.array([sign * row[0] for row in rows]),
                    np.array([row[1] for row in rows], dtype=bool),
                    np.array([row[2] for row in rows], dtype=str),
                    data.alpha,
                )
            except StatsError as error:
                failures.append(f"{data.protocol.visit(visit).label}: {error}")
                continue
            contrasts.append(
                Contrast(
                    arm=arm, reference=control, visit=visit, measure="win probability",
                    estimate=found.estimate, se=found.se, df=found.df, t=None, p=found.p,
                    lower=found.lower, upper=found.upper,
                )
            )  # fmt: skip
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
        contrasts=tuple(contrasts),
        sensitivity=(),
        failure="; ".join(failures) or None,
    )


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
