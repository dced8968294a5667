"""Statistical patients: multivariate normal scores and log-normal cells around mean courses.

The model is stated in ``docs/methods/statistical-patients.md``; all of its numbers are
assumptions of the protocol (`[assumptions.statistical]`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.patients.cohort import Cohort, Scenario, followed_arms

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.protocol.assumptions import Statistical
    from equipoise.trial_generators import Draws


@dataclass(frozen=True, slots=True)
class ScoreCourse:
    """One rating scale.

    Attributes
    ----------
    mean
        (arms, visits) mean total, points.
    sd
        (visits,) standard deviation, points.
    root
        (visits, visits) Cholesky factor of the correlation.
    later
        (visits,) whether the link acts; all False without one.
    """

    mean: np.ndarray
    sd: np.ndarray
    root: np.ndarray
    later: np.ndarray


@dataclass(frozen=True, slots=True)
class LogNormalCourse:
    """A count, a percentage or a laboratory value.

    Attributes
    ----------
    level
        (arms, visits) geometric mean in the quantity's unit.
    between, noise, personal
        SD of the logarithm: between participants, of one measurement, of the personal fold.
    after
        (visits,) 1 after baseline, 0 at it.
    low, high
        Range to which values are cut.
    units
        Of a cell population.
    parent
        Of a cell population: (index of the parent, (visits,) positions among its visits).
    """

    level: np.ndarray
    between: float
    noise: float
    personal: float = 0.0
    after: np.ndarray | None = None
    low: float = 0.0
    high: float = float("inf")
    units: tuple[str, ...] = ()
    parent: tuple[str, np.ndarray] | None = None


@dataclass(frozen=True, slots=True)
class StatisticalPlan:
    """What the courses of statistical patients follow from: the protocol alone.

    Attributes
    ----------
    scores, parents, cells, labs
        By instrument, parent population, cell population and analyte.
    link
        Correlation of the stimulation factor with later deviations of the scores.
    control
        Index of the control arm; -1 in a single-arm trial.
    """

    scores: Mapping[str, ScoreCourse]
    parents: Mapping[str, LogNormalCourse]
    cells: Mapping[str, LogNormalCourse]
    labs: Mapping[str, LogNormalCourse]
    link: float
    control: int


def plan_statistical(protocol: Protocol) -> StatisticalPlan:
    """The plan of a protocol.

    Raises
    ------
    ValueError
        When the protocol has no statistical assumptions.
    """
    plan = protocol.assumptions.statistical
    if plan is None:
        raise ValueError("the protocol has no [assumptions.statistical]")
    arms = list(protocol.arms)
    return StatisticalPlan(
        scores=_scores(protocol, plan),
        parents=_parents(protocol, plan),
        cells=_cells(protocol, plan),
        labs=_labs(protocol, plan),
        link=0.0 if plan.link is None else plan.link.correlation,
        control=-1 if protocol.single_arm else arms.index(protocol.control),
    )


def statistical_patients(
    protocol: Protocol,
    arms: np.ndarray,
    generator: Draws,
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

    keys = list(protocol.arms)
    codes = np.array([keys.index(str(arm)) for arm in arms], dtype=np.int64)
    return draw_statistical(plan_statistical(protocol), codes, generator, scenario=scenario)


def draw_statistical(
    plan: StatisticalPlan,
    arms: np.ndarray,
    generator: Draws,
    *,
    scenario: Scenario = Scenario.PLANNED,
) -> Cohort:
    """`statistical_patients` from a plan, and from indices of arms.

    Parameters
    ----------
    arms
        (n,) indices into `protocol.arms`.
    """
    import numpy as np

    arms = followed_arms(arms, plan.control, scenario)
    rated = np.full_like(arms, plan.control) if scenario is Scenario.CELLS_ONLY else arms
    n = len(arms)
    stimulation = generator.standard_normal(n)[:, None]
    link = 0.0 if scenario is Scenario.LINK_OFF else plan.link
    scores: dict[str, np.ndarray] = {}
    for key, course in plan.scores.items():
        deviation = rooted(course.root, generator.standard_normal((n, len(course.sd))).T).T
        if link and course.later.any():
            linked = np.sqrt(1 - link**2) * deviation + link * stimulation
            deviation = np.where(course.later, linked, deviation)
        scores[key] = course.mean[rated] + deviation * course.sd
    parents = {name: _drawn(course, arms, generator) for name, course in plan.parents.items()}
    cells: dict[tuple[str, str], np.ndarray] = {}
    for key, course in plan.cells.items():
        percent = _drawn(course, arms, generator, stimulation)
        for unit in course.units:
            if unit.startswith("%"):
                cells[key, unit] = percent
            else:
                assert course.parent is not None
                name, at = course.parent
                cells[key, unit] = percent / 100 * parents[name][:, at]
    labs = {name: _drawn(course, arms, generator) for name, course in plan.labs.items()}
    return Cohort(scores=scores, cells=cells, labs=labs)


def rooted(root: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """(k, n) draws times a (k, k) lower triangular root of their correlations.

    Summed in the order of the columns: a product of matrices would round a person's numbers
    otherwise in other company.
    """
    import numpy as np

    found = np.empty_like(draws)
    for i, line in enumerate(root):
        total = line[0] * draws[0]
        for j in np.flatnonzero(line[1 : i + 1]) + 1:
            total = total + line[j] * draws[j]
        found[i] = total
    return found


def _drawn(
    course: LogNormalCourse,
    arms: np.ndarray,
    generator: Draws,
    stimulation: np.ndarray | None = None,
) -> np.ndarray:
    """(n, visits) values in the quantity's unit, noise included, cut to its range."""
    import numpy as np

    n, visits = len(arms), course.level.shape[1]
    own = generator.standard_normal((n, 1)) * course.between
    noise = generator.standard_normal((n, visits)) * course.noise
    if stimulation is None or course.after is None:
        deviation = own + noise
    else:
        deviation = own + course.personal * stimulation * course.after + noise
    values = course.level[arms] * np.exp(deviation)
    return np.minimum(np.maximum(values, course.low), course.high)


def _course(
    table: Mapping[str, Mapping[str, float]],
    visits: tuple[str, ...],
    arms: list[str],
    at_baseline: float,
) -> np.ndarray:
    """(arms, visits) value of each arm at each visit."""
    import numpy as np

    rows = [[table[arm].get(visit, at_baseline) for visit in visits] for arm in arms]
    return np.array(rows, dtype=float).reshape(len(arms), len(visits))


def _scores(protocol: Protocol, plan: Statistical) -> dict[str, ScoreCourse]:
    import numpy as np

    order = [visit.id for visit in protocol.visits]
    found = {}
    for key, use in protocol.instruments.items():
        assumed = plan.scores[key]
        visits = tuple(v for v in order if v in use.visits)
        steps = np.arange(len(visits))
        correlation = assumed.correlation ** np.abs(steps[:, None] - steps[None, :])
        later = np.zeros(len(visits), dtype=bool)
        if plan.link is not None and plan.link.instrument == key:
            later = np.array([order.index(v) > order.index(plan.link.after) for v in visits])
        change = _course(assumed.change, visits, list(protocol.arms), 0.0)
        found[key] = ScoreCourse(
            mean=assumed.baseline_mean + change,
            sd=np.array([assumed.sd[v] for v in visits]),
            root=np.linalg.cholesky(correlation),
            later=later,
        )
    return found


def log_sd(cv: float) -> float:
    """SD of the logarithm of a log-normal quantity with this coefficient of variation."""
    import math

    return math.sqrt(math.log1p(cv**2))


def _sampled(protocol: Protocol) -> tuple[str, ...]:
    """Ids of the visits at which any cell population is measured."""
    every = protocol.cells.values()
    return tuple(v.id for v in protocol.visits if any(v.id in c.visits for c in every))


def _parents(protocol: Protocol, plan: Statistical) -> dict[str, LogNormalCourse]:
    visits = _sampled(protocol)
    return {
        name: LogNormalCourse(
            level=person.count * _course(person.fold, visits, list(protocol.arms), 1.0),
            between=log_sd(person.cv_between),
            noise=log_sd(person.cv_assay),
        )
        for name, person in plan.parents.items()
    }


def _cells(protocol: Protocol, plan: Statistical) -> dict[str, LogNormalCourse]:
    import numpy as np

    sampled = _sampled(protocol)
    found = {}
    for key, population in protocol.cells.items():
        assumed = plan.cells[key]
        visits = tuple(v for v in sampled if v in population.visits)
        units = tuple(str(unit) for unit in population.units)
        counted = any(not unit.startswith("%") for unit in units)
        found[key] = LogNormalCourse(
            level=assumed.percent * _course(assumed.fold, visits, list(protocol.arms), 1.0),
            between=log_sd(assumed.cv_between),
            noise=log_sd(assumed.cv_assay),
            personal=assumed.sd_log_fold,
            after=np.array([not protocol.visit(v).baseline for v in visits]),
            high=99.9,
            units=units,
            parent=(population.parent, np.array([sampled.index(v) for v in visits]))
            if counted
            else None,
        )
    return found


def _labs(protocol: Protocol, plan: Statistical) -> dict[str, LogNormalCourse]:
    found = {}
    for key, lab in protocol.labs.items():
        assumed = plan.labs[key]
        visits = tuple(v.id for v in protocol.visits if v.id in lab.visits)
        found[key] = LogNormalCourse(
            level=assumed.median * _course(assumed.fold, visits, list(protocol.arms), 1.0),
            between=log_sd(assumed.cv_between),
            noise=log_sd(assumed.cv_within),
            low=lab.minimum,
            high=lab.maximum,
        )
    return found
