"""The true values of the quantities, where the assumptions give them in closed form.

Of statistical patients the means are assumed, so that the effects are known: those of the
values that everybody would have had, as they are recorded (scores rounded and cut to the scale;
cell percentages, counts and laboratory values before they are cut to what is possible, which
hardly ever happens). Under ``null`` every arm follows the control's course and every effect is
nil, whatever the patients. Everything else is not known here, and says so.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from equipoise.patients import Scenario
from equipoise.protocol.questions import Scale

if TYPE_CHECKING:
    from equipoise.design.planned_analysis import Effect, PlannedAnalysis
    from equipoise.design.questions import PlannedQuantity
    from equipoise.protocol.assumptions import Statistical


def true_value(
    plan: PlannedAnalysis, quantity: PlannedQuantity, scenario: str, *, statistical: bool
) -> float:
    """The true value of a quantity under a scenario; NaN where it is not known."""
    if quantity.effect is not None:
        return true_effect(plan, quantity.effect, scenario, statistical)
    if quantity.slope is None:  # where a trial ended, how it was allocated
        return math.nan
    among, _, _ = quantity.slope
    # Without a link the early change says nothing more of the outcome once the arm is given.
    no_link = scenario == Scenario.LINK_OFF or _no_link(plan)
    return 0.0 if statistical and among == "within-arms" and no_link else math.nan


def _no_link(plan: PlannedAnalysis) -> bool:
    assumed = plan.protocol.assumptions.statistical
    return assumed is not None and (assumed.link is None or assumed.link.correlation == 0)


def true_effect(plan: PlannedAnalysis, effect: Effect, scenario: str, statistical: bool) -> float:
    """The true value of one effect; NaN where it is not known."""
    kind, name, arm, visit, level = effect
    protocol = plan.protocol
    key = protocol.estimands[name].endpoint if kind == "estimand" else name
    point = protocol.endpoints[key]
    if scenario == Scenario.NULL:
        return 0.5 if point.scale is Scale.ORDINAL else 0.0
    if scenario == Scenario.CELLS_ONLY and point.instrument is not None:
        return 0.5 if point.scale is Scale.ORDINAL else 0.0
    if level and not any(level in c.levels for c in protocol.population.covariates.values()):
        # The difference of two levels: no covariate changes a mean of statistical patients.
        return 0.0 if statistical else math.nan
    assumed = protocol.assumptions.statistical
    if not statistical or kind == "estimand" or assumed is None or not point.scale.continuous:
        return math.nan
    values = [_mean(plan, assumed, key, a, visit) for a in (arm, protocol.control)]
    return math.nan if None in values else float(values[0]) - float(values[1])  # type: ignore[arg-type]


def _mean(
    plan: PlannedAnalysis, assumed: Statistical, key: str, arm: str, visit: str
) -> float | None:
    """Mean of the response of an arm at a visit, up to what all arms share."""
    point = plan.protocol.endpoints[key]
    log = point.scale is Scale.LOG_FOLD
    if point.instrument is not None and point.part is None and not log:
        score = assumed.scores[point.instrument]
        low, high = plan.protocol.scale(point.instrument).total
        mean = score.baseline_mean + score.change[arm].get(visit, 0.0)
        return rounded_mean(mean, score.sd[visit], low, high)
    if point.cells is not None and log:
        fold = assumed.cells[point.cells].fold[arm].get(visit, 1.0)
        if not str(point.cell_unit).startswith("%"):
            parent = plan.protocol.cells[point.cells].parent
            fold *= assumed.parents[parent].fold[arm].get(visit, 1.0)
        return math.log(fold)
    if point.lab is not None and log:
        return math.log(assumed.labs[point.lab].fold[arm].get(visit, 1.0))
    return None


def rounded_mean(mean: float, sd: float, low: int, high: int) -> float:
    """Mean of a normal score that is rounded to whole points and cut to low … high.

    low + Σ P(X > k + 1/2) over k = low, …, high - 1: the sum of the upper tail probabilities.
    """
    tails = (0.5 * math.erfc((k + 0.5 - mean) / (sd * math.sqrt(2.0))) for k in range(low, high))
    return low + sum(tails)
