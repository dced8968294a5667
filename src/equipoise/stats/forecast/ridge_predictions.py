"""Predictive distributions of chosen rows, by many training sets and for many outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from .ridge_system import RidgeSystem


@dataclass(frozen=True, slots=True)
class SetPredictions:
    """Predictive t distributions.

    Attributes
    ----------
    mean, se
        (t, m, b) centres and scales.
    df
        (t,) degrees of freedom.
    """

    mean: np.ndarray
    se: np.ndarray
    df: np.ndarray

    def probability(self, limit: np.ndarray, *, falls: bool) -> np.ndarray:
        """(t, m, b) that the outcome is at or beyond `limit` (t, m): below it where it `falls`."""
        from scipy.special import stdtr

        distance = (limit[:, :, None] - self.mean) / self.se
        return stdtr(self.df[:, None, None], distance if falls else -distance)


def predict_rows(
    system: RidgeSystem, y: np.ndarray, penalty: np.ndarray, rows: np.ndarray
) -> SetPredictions:
    """Forecasts of rows by each training set.

    Parameters
    ----------
    y
        (n, b) outcomes.
    penalty
        (t, b) of each training set and outcome.
    rows
        (t, m) places of the rows.
    """
    import numpy as np

    known = np.take_along_axis(system.known, rows[:, :, None], axis=1)
    axes = np.take_along_axis(system.axes, rows[:, :, None], axis=1)
    scores = system.scores(y)
    share = 1.0 / system.divisors(penalty)
    mean = known @ scores.known + axes @ (scores.axes * share)
    df = system.size - system.rank
    left = scores.left - (scores.axes * scores.axes * share).sum(axis=1)
    variance = np.maximum(left, 0.0) / np.maximum(df, 1e-12)[:, None]
    reach = 1.0 + (known * known).sum(axis=2)[:, :, None] + (axes * axes) @ share
    # A training set whose people are all alike has no spread: its forecasts are certain, not NaN.
    tiny = 1e-12 * np.maximum(1.0, np.abs(mean))
    return SetPredictions(mean, np.maximum(np.sqrt(variance[:, None, :] * reach), tiny), df)
