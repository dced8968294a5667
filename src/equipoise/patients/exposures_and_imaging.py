"""Exposures and images of statistical patients, from streams of their own.

The model is stated in ``docs/methods/statistical-patients.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from equipoise.patients.cohort import Scenario
from equipoise.protocol.endpoint_sources import planned_visits

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol


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

    plan = protocol.assumptions.statistical
    assert plan is not None
    courses = _courses(protocol, arms, scenario)
    drawn: dict[str, np.ndarray] = {}
    for key, exposure in protocol.exposures.items():
        assumed = plan.exposures[key]
        visits = planned_visits(exposure, protocol.visits)
        if exposure.type == "categorical":
            p = np.array([assumed.probabilities[level] for level in exposure.levels])
            level = generator.choice(np.array(exposure.levels), size=len(arms), p=p / p.sum())
            drawn[key] = np.repeat(level[:, None], len(visits), axis=1)
            continue
        assert assumed.mean is not None
        assert assumed.sd_between is not None
        person = generator.standard_normal((len(arms), 1)) * assumed.sd_between
        noise = generator.standard_normal((len(arms), len(visits))) * assumed.sd_within
        change = _course(assumed.change, visits, courses)
        values = assumed.mean + change + person + noise
        low = -np.inf if exposure.minimum is None else exposure.minimum
        high = np.inf if exposure.maximum is None else exposure.maximum
        drawn[key] = np.clip(values, low, high)
    return drawn


def draw_images(
    protocol: Protocol, arms: np.ndarray, generator: np.random.Generator, *, scenario: Scenario
) -> dict[tuple[str, str], np.ndarray]:
    """Draw every imaging measure of n participants: (measure, region) → (n, planned visits).

    Those who are not imaged have NaN.
    """
    import numpy as np

    plan = protocol.assumptions.statistical
    assert plan is not None
    courses = _courses(protocol, arms, scenario)
    drawn: dict[tuple[str, str], np.ndarray] = {}
    place = generator.random((len(arms), 1))
    for key, image in protocol.imaging.items():
        assumed = plan.imaging[key]
        visits = planned_visits(image, protocol.visits)
        shared = generator.standard_normal((len(arms), 1))
        for region in image.regions:
            own = generator.standard_normal((len(arms), 1))
            r = assumed.region_correlation
            person = (np.sqrt(r) * shared + np.sqrt(1 - r) * own) * assumed.cv_between
            noise = generator.standard_normal((len(arms), len(visits))) * assumed.cv_within
            by_arm = {arm: course[region] for arm, course in assumed.shift.items()}
            values = assumed.mean[region] * (1 + person + noise) + _course(by_arm, visits, courses)
            values = np.clip(values, image.minimum, image.maximum)
            drawn[key, region] = np.where(place < assumed.share, values, np.nan)
    return drawn


def _courses(protocol: Protocol, arms: np.ndarray, scenario: Scenario) -> list[str]:
    """The arm whose course each participant follows."""
    null = protocol.control if scenario is Scenario.NULL else None
    return [null or str(arm) for arm in arms]


def _course(
    table: Mapping[str, Mapping[str, float]], visits: tuple[str, ...], courses: list[str]
) -> np.ndarray:
    """(n, visits) mean change from baseline; 0 where none is assumed."""
    import numpy as np

    rows = {arm: [by.get(visit, 0.0) for visit in visits] for arm, by in table.items()}
    none = [0.0] * len(visits)
    return np.array([rows.get(arm, none) for arm in courses], dtype=float)
