"""Statistical patients: multivariate normal scores and log-normal cells around mean courses.

The model is stated in ``docs/methods/statistical-patients.md``; all of its numbers are
assumptions of the protocol (`[assumptions.statistical]`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from equipoise.patients.cohort import Cohort, Scenario

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.protocol.assumptions import CellAssumption, ParentAssumption, Statistical


def statistical_patients(
    protocol: Protocol,
    arms: np.ndarray,
    generator: np.random.Generator,
    *,
    scenario: Scenario = Scenario.PLANNED,
) -> Cohort:
    """Draw the courses of n participants.

    Parameters
    ----------
    protocol
        With `assumptions.statistical`.
    arms
        (n,) keys of arms.
    scenario
        ``null`` gives every arm the control's course; ``link-off`` cuts the link between
        the early cell change and later scores.

    Raises
    ------
    ValueError
        When the protocol has no statistical assumptions.
    """
    import numpy as np

    plan = protocol.assumptions.statistical
    if plan is None:
        raise ValueError("the protocol has no [assumptions.statistical]")
    course_of = {
        arm: protocol.control if scenario is Scenario.NULL else arm for arm in protocol.arms
    }
    courses = np.array([course_of[str(arm)] for arm in arms])
    n = len(arms)
    stimulation = generator.standard_normal(n)
    link = 0.0
    if plan.link is not None and scenario is not Scenario.LINK_OFF:
        link = plan.link.correlation
    return Cohort(
        scores=_scores(protocol, plan, courses, stimulation, link, generator),
        cells=_cells(protocol, plan, courses, stimulation, generator),
        labs=_labs(protocol, plan, courses, generator),
    )


def _course(
    table: Mapping[str, Mapping[str, float]],
    visits: tuple[str, ...],
    courses: np.ndarray,
    at_baseline: float,
) -> np.ndarray:
    """(n, visits) value of each participant's arm at each visit."""
    import numpy as np

    rows = {arm: [by.get(visit, at_baseline) for visit in visits] for arm, by in table.items()}
    return np.array([rows[str(arm)] for arm in courses], dtype=float).reshape(
        len(courses), len(visits)
    )


def _scores(
    protocol: Protocol,
    plan: Statistical,
    courses: np.ndarray,
    stimulation: np.ndarray,
    link: float,
    generator: np.random.Generator,
) -> dict[str, np.ndarray]:
    import numpy as np

    order = [visit.id for visit in protocol.visits]
    scores = {}
    for key, use in protocol.instruments.items():
        assumed = plan.scores[key]
        visits = tuple(v for v in order if v in use.visits)
        steps = np.arange(len(visits))
        correlation = assumed.correlation ** np.abs(steps[:, None] - steps[None, :])
        root = np.linalg.cholesky(correlation)
        deviation = generator.standard_normal((len(courses), len(visits))) @ root.T
        if link and plan.link is not None and plan.link.instrument == key:
            later = np.array([order.index(v) > order.index(plan.link.after) for v in visits])
            linked = np.sqrt(1 - link**2) * deviation + link * stimulation[:, None]
            deviation = np.where(later, linked, deviation)
        mean = assumed.baseline_mean + _course(assumed.change, visits, courses, 0.0)
        scores[key] = mean + deviation * np.array([assumed.sd[v] for v in visits])
    return scores


def log_sd(cv: float) -> float:
    """SD of the logarithm of a log-normal quantity with this coefficient of variation."""
    import math

    return math.sqrt(math.log1p(cv**2))


def _parents(
    plan: Statistical, visits: tuple[str, ...], courses: np.ndarray, generator: np.random.Generator
) -> dict[str, np.ndarray]:
    import numpy as np

    counts = {}
    for name, assumed in plan.parents.items():
        person: ParentAssumption = assumed
        between = generator.standard_normal((len(courses), 1)) * log_sd(person.cv_between)
        noise = generator.standard_normal((len(courses), len(visits))) * log_sd(person.cv_assay)
        fold = _course(person.fold, visits, courses, 1.0)
        counts[name] = person.count * fold * np.exp(between + noise)
    return counts


def _cells(
    protocol: Protocol,
    plan: Statistical,
    courses: np.ndarray,
    stimulation: np.ndarray,
    generator: np.random.Generator,
) -> dict[tuple[str, str], np.ndarray]:
    import numpy as np

    order = [visit.id for visit in protocol.visits]
    sampled = tuple(v for v in order if any(v in c.visits for c in protocol.cells.values()))
    parents = _parents(plan, sampled, courses, generator)
    values: dict[tuple[str, str], np.ndarray] = {}
    for key, population in protocol.cells.items():
        assumed: CellAssumption = plan.cells[key]
        visits = tuple(v for v in sampled if v in population.visits)
        between = generator.standard_normal((len(courses), 1)) * log_sd(assumed.cv_between)
        noise = generator.standard_normal((len(courses), len(visits))) * log_sd(assumed.cv_assay)
        after = np.array([not protocol.visit(v).baseline for v in visits])
        personal = assumed.sd_log_fold * stimulation[:, None] * after
        fold = _course(assumed.fold, visits, courses, 1.0)
        percent = np.minimum(assumed.percent * fold * np.exp(between + personal + noise), 99.9)
        for unit in population.units:
            if unit.startswith("%"):
                values[key, str(unit)] = percent
            else:
                at = [sampled.index(v) for v in visits]
                values[key, str(unit)] = percent / 100 * parents[population.parent][:, at]
    return values


def _labs(
    protocol: Protocol, plan: Statistical, courses: np.ndarray, generator: np.random.Generator
) -> dict[str, np.ndarray]:
    import numpy as np

    values = {}
    for key, lab in protocol.labs.items():
        assumed = plan.labs[key]
        visits = tuple(v.id for v in protocol.visits if v.id in lab.visits)
        between = generator.standard_normal((len(courses), 1)) * log_sd(assumed.cv_between)
        within = generator.standard_normal((len(courses), len(visits))) * log_sd(assumed.cv_within)
        fold = _course(assumed.fold, visits, courses, 1.0)
        drawn = assumed.median * fold * np.exp(between + within)
        values[key] = np.clip(drawn, lab.minimum, lab.maximum)
    return values
