"""Whether of people with a forecast probability of 30 % about 30 % respond, and the like of scores.

Recalibration by logistic regression of the response on the logit of its probability (Cox 1958): the
slope is 1 and the level 0 where forecasts are calibrated; a slope below 1 is overfitting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: Beyond this a slope says that the responders are parted from the others, and not how steeply.
_STEEPEST = 30.0
_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Recalibration:
    """Line of the logit of response on the logit of the forecast, over repeats.

    Attributes
    ----------
    level, level_se
        Log odds by which more respond than was forecast (calibration in the large, slope 1).
    intercept, slope
        Of the line, and (2, 2) the `covariance` of both.
    repeats
        In how many repeats there was a line; where responders and others are parted by the
        forecast there is none.
    """

    level: float
    level_se: float
    intercept: float
    slope: float
    covariance: np.ndarray
    repeats: int


def recalibrate(probability: np.ndarray, response: np.ndarray) -> Recalibration:
    """Line through forecasts of left-out people: estimates and covariances averaged over repeats.

    Parameters
    ----------
    probability
        (r, n) of response, each by a model that had not seen the person.
    response
        (n,)
    """
    import numpy as np

    chance = np.clip(probability, _EDGE, 1.0 - _EDGE)
    logit = np.log(chance / (1.0 - chance))
    seen = np.broadcast_to(response.astype(float), logit.shape)
    nan = float("nan")
    none = np.full((2, 2), nan)
    if not 0.0 < response.mean() < 1.0:
        return Recalibration(nan, nan, nan, nan, none, 0)
    level, level_se = _level(logit, seen)
    line, covariance, fine = _line(logit, seen)
    if not fine.any():
        return Recalibration(float(level.mean()), float(level_se.mean()), nan, nan, none, 0)
    return Recalibration(
        level=float(level.mean()),
        level_se=float(np.sqrt((level_se**2).mean())),
        intercept=float(line[fine, 0].mean()),
        slope=float(line[fine, 1].mean()),
        covariance=covariance[fine].mean(axis=0),
        repeats=int(fine.sum()),
    )


def _level(logit: np.ndarray, response: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(r,) level with the logit as offset, by Newton's method, and its standard error."""
    import numpy as np

    level, information = np.zeros(len(logit)), np.ones(len(logit))
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-(logit + level[:, None])))
        information = (p * (1.0 - p)).sum(axis=1)
        level = level + np.clip((response - p).sum(axis=1) / information, -2.0, 2.0)
    return level, 1.0 / np.sqrt(information)


def _line(logit: np.ndarray, response: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(r, 2) intercept and slope, (r, 2, 2) covariances, and (r,) where there is a line."""
    import numpy as np

    design = np.stack([np.ones_like(logit), logit], axis=2)
    found = np.tile([0.0, 1.0], (len(logit), 1))
    step = np.full(found.shape, np.inf)
    information = np.tile(np.eye(2), (len(logit), 1, 1))
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-np.clip((design @ found[:, :, None])[:, :, 0], -500, 500)))
        weight = p * (1.0 - p)
        information = design.swapaxes(1, 2) @ (weight[:, :, None] * design)
        information += 1e-12 * np.eye(2)
        score = design.swapaxes(1, 2) @ (response - p)[:, :, None]
        step = np.clip(np.linalg.solve(information, score)[:, :, 0], -2.0, 2.0)
        found = found + step
    fine = (np.abs(step).max(axis=1) < 1e-6) & (np.abs(found[:, 1]) < _STEEPEST)
    return found, np.linalg.inv(information), fine


def score_line(mean: np.ndarray, y: np.ndarray) -> tuple[float, float, float, float]:
    """Level and slope of the outcome on its forecast, with standard errors, over repeats.

    Level is the mean of outcome less forecast. Both as of least squares, averaged over repeats.

    Parameters
    ----------
    mean
        (r, n) forecasts of left-out people.
    y
        (n,)
    """
    import numpy as np

    n = len(y)
    away = y - mean
    about = mean - mean.mean(axis=1, keepdims=True)
    squares = (about * about).sum(axis=1)
    if n < 3 or not (squares > 1e-12 * max(1.0, float((y * y).sum()))).all():
        slope = slope_se = float("nan")
    else:
        steep = (about * (y - y.mean())).sum(axis=1) / squares
        left = (y - y.mean()) - steep[:, None] * about
        slope = float(steep.mean())
        slope_se = float(np.sqrt(((left * left).sum(axis=1) / (n - 2) / squares).mean()))
    level_se = float(np.sqrt((away.var(axis=1, ddof=1) / n).mean())) if n > 1 else float("nan")
    return float(away.mean()), level_se, slope, slope_se


@dataclass(frozen=True, slots=True)
class CalibrationGroups:
    """People in order of their forecast, in groups of nearly equal size, (g,).

    Attributes
    ----------
    n, responders
        Counts.
    forecast
        Mean probability.
    """

    n: np.ndarray
    responders: np.ndarray
    forecast: np.ndarray


def calibration_groups(
    probability: np.ndarray, response: np.ndarray, groups: int
) -> CalibrationGroups:
    """Groups by the probability that is the mean over repeats.

    Parameters
    ----------
    probability
        (r, n)
    response
        (n,)
    """
    import numpy as np

    chance = probability.mean(axis=0)
    parts = np.array_split(np.argsort(chance, kind="stable"), groups)
    return CalibrationGroups(
        n=np.array([part.size for part in parts]),
        responders=np.array([int(response[part].sum()) for part in parts]),
        forecast=np.array([chance[part].mean() for part in parts]),
    )
