"""Level, power and size of trials whose size is estimated again without looking at arms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import stdtr
from tests.validate.power_study import LEVEL, Case, protocol_of

import equipoise as eq
from equipoise.design.sequential_trials import ENDS_WITH
from equipoise.protocol.changes import change_protocol
from equipoise.protocol.reestimation_plan import ReestimationPlan, Subtraction
from equipoise.stats import clopper_pearson

#: Planned: 48 people at 2 : 1, a fold of 0.6, 90 % power at a CV of 50 % within people.
SIZE, MOST, PLANNED_FOLD = 48, 144, 0.6
#: CVs within people: as planned, and larger.
AS_PLANNED, LARGER = 0.5, 0.75


@dataclass(frozen=True, slots=True)
class Row:
    """Trials of one truth under one rule.

    Attributes
    ----------
    ratio
        Participants on the drug for each on placebo.
    fold, cv
        True fold of the drug, and CV within people.
    rule
        ``fixed``, ``nothing`` or ``planned-effect``.
    rejected, lower, upper
        Share with p at most 5 %, and its exact 99.9 % limits.
    mean, low, high
        Participants: mean, 5th and 95th percentile.
    """

    ratio: int
    fold: float
    cv: float
    rule: str
    trials: int
    rejected: float = 0.0
    lower: float = 0.0
    upper: float = 0.0
    mean: float = 0.0
    low: float = 0.0
    high: float = 0.0


@cache
def _protocol(row: Row, folder: Path) -> eq.Protocol:
    base = protocol_of(Case("ancova", SIZE, row.ratio, row.fold, row.trials), folder)
    changed = change_protocol(base, {"assumptions.statistical.labs.crp.cv_within": row.cv})
    if row.rule == "fixed":
        return changed.protocol
    plan = ReestimationPlan(
        estimand="week8",
        share=0.5,
        effect=PLANNED_FOLD,
        power=0.9,
        maximum=MOST,
        subtract=Subtraction(row.rule),
    )
    analysis = changed.protocol.analysis.model_copy(update={"reestimation": plan})
    return changed.protocol.model_copy(update={"analysis": analysis})


def study(row: Row, folder: Path, workers: int | None = None) -> Row:
    """The row with what its trials came to."""
    found = eq.operating_characteristics(
        _protocol(row, folder), row.trials, 2, scenarios=["planned"], patients="statistical",
        workers=workers,
    )  # fmt: skip
    keys = [one.key for one in found.quantities]
    place = keys.index("estimand:week8:active")
    estimate, se, df = (part[0, :, place] for part in (found.estimate, found.se, found.df))
    made = int((2.0 * stdtr(df, -np.abs(estimate / se)) <= LEVEL).sum())
    lower, upper = clopper_pearson(made, row.trials, 0.001)
    size = np.full(row.trials, SIZE)
    if ENDS_WITH in keys:
        size = found.estimate[0, :, keys.index(ENDS_WITH)]
    low, high = np.percentile(size, [5, 95])
    return replace(
        row, rejected=made / row.trials, lower=lower, upper=upper, mean=float(size.mean()),
        low=float(low), high=float(high),
    )  # fmt: skip


def null_rows(trials: int) -> list[Row]:
    """No effect: every rule, both ratios, a spread that makes the size move."""
    rules = ("fixed", *(rule.value for rule in Subtraction))
    return [Row(ratio, 1.0, LARGER, rule, trials) for ratio in (1, 2) for rule in rules]


def power_rows(trials: int) -> list[Row]:
    """The planned effect, with the spread as planned and larger."""
    rules = ("fixed", *(rule.value for rule in Subtraction))
    return [Row(2, PLANNED_FOLD, cv, rule, trials) for cv in (AS_PLANNED, LARGER) for rule in rules]


def page(rows: list[Row]) -> str:
    """The page of the documentation."""
    lines = [
        "# Level and power of trials whose size is estimated again",
        "",
        "**SIMULATED.** Written by `make validate` (`tests/validate/reestimation_study.py`). "
        f"{SIZE} participants are planned, at most {MOST} can be had; after half of the planned "
        "ones the size is [estimated again](../methods/reestimation.md) for 90 % power to find a "
        f"fold of {PLANNED_FOLD}. Analysis of covariance on the logarithm, nobody lost.",
        "",
    ]
    for title, null in (("Without an effect", True), ("With the planned effect", False)):
        lines += [
            f"## {title}",
            "",
            "| drug : placebo | CV within | rule | trials | rejected | 99.9 % limits | participants "
            "(5th to 95th percentile) |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {row.ratio} : 1 | {100 * row.cv:.0f} % | {_NAMES[row.rule]} | {row.trials:,} | "
            f"{100 * row.rejected:.2f} % | {100 * row.lower:.2f} to {100 * row.upper:.2f} % | "
            f"{row.mean:.1f} ({row.low:.0f} to {row.high:.0f}) |"
            for row in rows
            if (row.fold == 1.0) == null
        ]
        lines += [""]
    return "\n".join(lines)


_NAMES = {
    "fixed": "size as planned",
    "nothing": "estimated again, nothing subtracted",
    "planned-effect": "estimated again, planned effect subtracted",
}
