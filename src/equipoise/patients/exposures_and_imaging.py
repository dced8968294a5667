"""Exposures and images of statistical patients, from streams of their own.

The model is stated in ``docs/methods/statistical-patients.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.patients.cohort import Scenario, followed_arms
from equipoise.protocol.endpoint_sources import planned_visits

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.trial_generators import Draws


@dataclass(frozen=True, slots=True)
class ExposureCourse:
    """One exposure.

    Attributes
    ----------
    visits
        Number of planned visits.
    levels
        Of a categorical exposure; empty for a numeric one.
    cumulative
        (levels,) cumulative probabilities of the levels.
    mean
        (arms, visits) mean of a numeric exposure, in its unit.
    between, within
        SD between participants and of one measurement.
    low, high
        Range to which values are cut.
    """

    visits: int
    levels: tuple[str, ...]
    cumulative: np.ndarray
    mean: np.ndarray
    between: float
    within: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ImageCourse:
    """One imaging measure.

    Attributes
    ----------
    regions
        Their names, with the mean at baseline of each and its (arms, visits) mean change.
    between, within
        CV of a region between participants, and of one measurement.
    correlation
        Of two regions of one participant.
    share
        Of the participants who are imaged.
    low, high
        Range to which values are cut.
    """

    regions: Mapping[str, tuple[float, np.ndarray]]
    between: float
    within: float
    correlation: float
    share: float
    low: float | None
    high: float | None


def plan_exposures(protocol: Protocol) -> dict[str, ExposureCourse]:
    """By exposure."""
    import numpy as np

    plan = protocol.assumptions.statistical
    assert plan is not None
    found: dict[str, ExposureCourse] = {}
    for key, exposure in protocol.exposures.items():
        assumed = plan.exposures[key]
        visits = planned_visits(exposure, protocol.visits)
        levels, cumulative, mean = (), np.zeros(0), np.zeros((0, 0))
        if exposure.type == "categorical":
            levels = tuple(exposure.levels)
            cumulative = cumulative_probabilities([assumed.probabilities[x] for x in levels])
        else:
            assert assumed.mean is not None
            mean = assumed.mean + _course(assumed.change, visits, list(protocol.arms))
        found[key] = ExposureCourse(
            visits=len(visits),
            levels=levels,
            cumulative=cumulative,
            mean=mean,
            between=assumed.sd_between or 0.0,
            within=assumed.sd_within,
            low=-np.inf if exposure.minimum is None else exposure.minimum,
            high=np.inf if exposure.maximum is None else exposure.maximum,
        )
    return found


def plan_images(protocol: Protocol) -> dict[str, ImageCourse]:
    """By imaging measure."""
    plan = protocol.assumptions.statistical
    assert plan is not None
    found: dict[str, ImageCourse] = {}
    for key, image in protocol.imaging.items():
        assumed = plan.imaging[key]
        visits = planned_visits(image, protocol.visits)
        regions = {}
        for region in image.regions:
            by_arm = {arm: course[region] for arm, course in assumed.shift.items()}
            change = _course(by_arm, visits, list(protocol.arms))
            regions[region] = (assumed.mean[region], change)
        found[key] = ImageCourse(
            regions=regions,
            between=assumed.cv_between,
            within=assumed.cv_within,
            correlation=assumed.region_correlation,
            share=assumed.share,
            low=image.minimum,
            high=image.maximum,
        )
    return found


def cumulative_probabilities(probabilities: list[float]) -> np.ndarray:
    """(k,) cumulative probabilities, the last exactly 1."""
    import numpy as np

    p = np.array(probabilities, dtype=float)
    cumulative = (p / p.sum()).cumsum()
    return cumulative / cumulative[-1]


def drawn_levels(cumulative: np.ndarray, n: int, generator: Draws) -> np.ndarray:
    """(n,) indices of levels."""
    return cumulative.searchsorted(generator.random(n), side="right")


def exposures_of(
    plan: Mapping[str, ExposureCourse],
    arms: np.ndarray,
    generator: Draws,
) -> dict[str, np.ndarray]:
    """Exposure → (n, planned visits): indices of levels, or numbers in the exposure's unit.

    `arms` are (n,) indices of the arms whose courses people follow.
    """
    import numpy as np

    n = len(arms)
    drawn: dict[str, np.ndarray] = {}
    for key, course in plan.items():
        if course.levels:
            level = drawn_levels(course.cumulative, n, generator)
            drawn[key] = np.repeat(level[:, None], course.visits, axis=1)
            continue
        person = generator.standard_normal((n, 1)) * course.between
        noise = generator.standard_normal((n, course.visits)) * course.within
        drawn[key] = np.clip(course.mean[arms] + person + noise, course.low, course.high)
    return drawn


def images_of(
    plan: Mapping[str, ImageCourse],
    arms: np.ndarray,
    generator: Draws,
) -> dict[tuple[str, str], np.ndarray]:
    """(measure, region) → (n, planned visits), in the measure's unit; NaN: not imaged."""
    import numpy as np

    n = len(arms)
    drawn: dict[tuple[str, str], np.ndarray] = {}
    if not plan:
        return drawn
    place = generator.random((n, 1))
    for key, course in plan.items():
        shared = generator.standard_normal((n, 1))
        r = course.correlation
        for region, (mean, change) in course.regions.items():
            own = generator.standard_normal((n, 1))
            person = (np.sqrt(r) * shared + np.sqrt(1 - r) * own) * course.between
            noise = generator.standard_normal((n, change.shape[1])) * course.within
            values = mean * (1 + person + noise) + change[arms]
            values = np.clip(values, course.low, course.high)
            drawn[key, region] = np.where(place < course.share, values, np.nan)
    return drawn


def draw_exposures(
    protocol: Protocol, arms: np.ndarray, generator: np.random.Generator, *, scenario: Scenario
) -> dict[str, np.ndarray]:
    """Draw every exposure of n participants.

    Parameters
    ----------
    arms
        (n,) keys of arms.

    Returns
    -------
    Exposure → (n, planned visits): levels (text) or numbers in the exposure's unit.
    """
    import numpy as np

    plan = plan_exposures(protocol)
    drawn = exposures_of(plan, _codes(protocol, arms, scenario), generator)
    return {
        key: np.array(plan[key].levels)[values] if plan[key].levels else values
        for key, values in drawn.items()
    }


def draw_images(
    protocol: Protocol, arms: np.ndarray, generator: np.random.Generator, *, scenario: Scenario
) -> dict[tuple[str, str], np.ndarray]:
    """Draw every imaging measure of n participants: (measure, region) → (n, planned visits).

    Those who are not imaged have NaN.
    """
    return images_of(plan_images(protocol), _codes(protocol, arms, scenario), generator)


def _codes(protocol: Protocol, arms: np.ndarray, scenario: Scenario) -> np.ndarray:
    """(n,) indices of the arms whose courses participants follow."""
    import numpy as np

    keys = list(protocol.arms)
    codes = np.array([keys.index(str(arm)) for arm in arms], dtype=np.int64)
    control = -1 if protocol.single_arm else keys.index(protocol.control)
    return followed_arms(codes, control, scenario)


def _course(
    table: Mapping[str, Mapping[str, float]], visits: tuple[str, ...], arms: list[str]
) -> np.ndarray:
    """(arms, visits) mean change from baseline; 0 where none is assumed."""
    import numpy as np

    none: Mapping[str, float] = {}
    rows = [[table.get(arm, none).get(visit, 0.0) for visit in visits] for arm in arms]
    return np.array(rows, dtype=float).reshape(len(arms), len(visits))
