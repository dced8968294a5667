"""Power by formula where the assumptions of statistical patients have one.

Lu, Luo and Chen (2008): means free for each arm and visit, known covariance, monotone dropout. Of
dropout that depends on scores, degrees of freedom and an estimated covariance it knows nothing: a
limit that simulation is held against at large sizes, and whose gap at small ones is
what a formula hides.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from equipoise.design.planned_analysis import effects_of_estimand
from equipoise.design.truth import true_effect
from equipoise.patients import Scenario
from equipoise.protocol.questions import Scale

if TYPE_CHECKING:
    import numpy as np

    from equipoise.design.chunks import Work
    from equipoise.patients import StatisticalPlan
    from equipoise.patients.statistical import LogNormalCourse
    from equipoise.protocol import Protocol

#: Variance of rounding to whole points.
_ROUNDING = 1.0 / 12.0


def formula_powers(work: Work, *, statistical: bool) -> dict[str, float]:
    """Quantity → power of the two-sided test of its estimand alone, where a formula gives it.

    For statistical patients, one active arm, a change of a total score or the log of a fold
    change, a model with the baseline and the model's own standard errors, a size that is fixed.
    """
    protocol = work.plan.protocol
    fixed = work.size is None and work.sequence is None
    if not statistical or not fixed or len(protocol.active_arms) != 1 or work.own is not None:
        return {}
    fitted = {fit.endpoint: fit for fit in work.plan.fits if fit.subgroup is None}
    found: dict[str, float] = {}
    for key, estimand in protocol.estimands.items():
        fit = fitted.get(estimand.endpoint)
        if fit is None or fit.columns is None or not _adjusted(fit.model.formula):
            continue
        (effect,) = effects_of_estimand(work.plan, key).values()
        truth = true_effect(work.plan, effect, work.scenario, statistical=True)
        visits = _visits(protocol, estimand.endpoint, estimand.visit)
        covariance = assumed_covariance(protocol, estimand.endpoint, visits, work.scenario)
        if math.isnan(truth) or covariance is None:
            continue
        found[f"estimand:{key}:{effect[2]}"] = _power(protocol, truth, covariance, visits)
    return found


def _adjusted(formula: str) -> bool:
    terms = formula.replace("*", " ").replace("+", " ").replace("~", " ").split()
    return bool({"baseline", "log_baseline"} & set(terms))


def _visits(protocol: Protocol, endpoint: str, visit: str) -> tuple[str, ...]:
    """The endpoint's visits up to the estimand's: later ones say nothing under monotone dropout."""
    planned = protocol.endpoint_visits(endpoint)
    return planned[: planned.index(visit) + 1]


def _power(
    protocol: Protocol, effect: float, covariance: np.ndarray, visits: tuple[str, ...]
) -> float:
    from equipoise.stats.power import mmrm_power

    assumed = protocol.assumptions.statistical
    assert assumed is not None
    order = [visit.id for visit in protocol.visits]
    steps = len(order) - 1
    (active,) = protocol.active_arms
    whole = sum(arm.ratio for arm in protocol.arms.values())
    sizes: list[int] = []
    seen: list[list[float]] = []
    for arm in (active, protocol.control):
        sizes.append(round(protocol.population.size * protocol.arms[arm].ratio / whole))
        left = 1.0 - assumed.dropout.probability[arm]
        there = 1.0 - assumed.dropout.missed_visit
        seen.append([there * left ** (order.index(visit) / steps) for visit in visits])
    return mmrm_power(
        effect, covariance, (sizes[0], sizes[1]), (seen[0], seen[1]), protocol.analysis.alpha
    )


def assumed_covariance(
    protocol: Protocol, endpoint: str, visits: tuple[str, ...], scenario: str = Scenario.PLANNED
) -> np.ndarray | None:
    """(visits, visits) covariance of the response given the baseline, of statistical patients.

    None where the assumptions do not give it: a change of a value that is not normal, a part of
    a score, a measurement that has no baseline.
    """
    import numpy as np

    from equipoise.patients import plan_statistical

    point = protocol.endpoints[endpoint]
    if not point.scale.continuous:
        return None
    plan = plan_statistical(protocol)
    link = 0.0 if scenario == Scenario.LINK_OFF else plan.link
    wanted = (protocol.baseline.id, *visits)
    log = point.scale is Scale.LOG_FOLD
    whole: np.ndarray | None = None
    if point.instrument is not None and not log and point.part in (None, "total"):
        there = protocol.instruments[point.instrument].visits
        order = [visit.id for visit in protocol.visits if visit.id in there]
        whole = _of_scores(plan, point.instrument, link)
    elif point.cells is not None and log:
        order = [v.id for v in protocol.visits if v.id in protocol.cells[point.cells].visits]
        course = plan.cells[point.cells]
        whole = _of_logs(course)
        if not str(point.cell_unit).startswith("%"):
            assert course.parent is not None
            whole = whole + _of_logs(plan.parents[course.parent[0]], len(order))
    elif point.lab is not None and log:
        order = [v.id for v in protocol.visits if v.id in protocol.labs[point.lab].visits]
        whole = _of_logs(plan.labs[point.lab])
    else:
        return None
    if not set(wanted) <= set(order):
        return None
    at = [order.index(visit) for visit in wanted]
    part = whole[np.ix_(at, at)]
    return part[1:, 1:] - np.outer(part[1:, 0], part[0, 1:]) / part[0, 0]


def _of_scores(plan: StatisticalPlan, instrument: str, link: float) -> np.ndarray:
    """Covariance of the totals as they are recorded, of all visits of an instrument."""
    import numpy as np

    course = plan.scores[instrument]
    shared = np.where(course.later, link, 0.0)
    own = np.sqrt(1.0 - shared**2)
    correlation = np.outer(own, own) * (course.root @ course.root.T) + np.outer(shared, shared)
    return np.outer(course.sd, course.sd) * correlation + _ROUNDING * np.eye(len(course.sd))


def _of_logs(course: LogNormalCourse, visits: int | None = None) -> np.ndarray:
    """Covariance of the logarithms, of all visits of a quantity."""
    import numpy as np

    size = course.level.shape[1] if visits is None else visits
    after = np.zeros(size) if course.after is None else np.asarray(course.after, dtype=float)
    person = course.between**2 + course.personal**2 * np.outer(after, after)
    return person + course.noise**2 * np.eye(size)
