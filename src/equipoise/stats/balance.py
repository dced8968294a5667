"""Standardised differences between groups at baseline: how unlike they are, not a test."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def standardised_difference_mean(m1: float, sd1: float, m2: float, sd2: float) -> float:
    """(m1 − m2) / sqrt((sd1² + sd2²)/2).

    Parameters
    ----------
    m1, sd1, m2, sd2 : float
        Means and standard deviations, in one unit.

    Returns
    -------
    float
        Without unit; 0 where both groups are constant and equal, NaN where both are constant
        and differ (there is no scale).

    References
    ----------
    Austin PC (2009) Stat Med 28:3083–3107, section 2.
    """
    values = (m1, sd1, m2, sd2)
    if any(math.isinf(v) for v in values) or sd1 < 0.0 or sd2 < 0.0:
        raise ArgumentError(
            "means are finite and standard deviations not negative", where="m, sd", value=values
        )
    pooled = math.sqrt((sd1 * sd1 + sd2 * sd2) / 2.0)
    if pooled == 0.0:
        return 0.0 if m1 == m2 else math.nan
    return (m1 - m2) / pooled


def standardised_difference_proportions(p1: ArrayLike, p2: ArrayLike) -> float:
    """Mahalanobis distance between two vectors of proportions over the same categories.

    For two categories it is \\|p − q\\| / sqrt((p(1 − p) + q(1 − q))/2).

    Parameters
    ----------
    p1, p2 : array_like (K,)
        Proportions of each group, summing to 1.

    Returns
    -------
    float
        Not negative, without unit; infinite where the groups share no category.

    Raises
    ------
    ArgumentError
        If the vectors differ in length, or one is not a set of proportions.

    References
    ----------
    Yang D, Dalton JE (2012) A unified approach to measuring the effect size between two groups
    using SAS. SAS Global Forum 2012, paper 335.
    """
    import numpy as np

    first = np.asarray(p1, dtype=float)
    second = np.asarray(p2, dtype=float)
    for name, values in (("p1", first), ("p2", second)):
        if values.ndim != 1 or len(values) < 1 or len(values) != first.size:
            raise ArgumentError("two vectors of one length", where=name, value=values.tolist())
        if not np.all((values >= 0.0) & (values <= 1.0)) or abs(values.sum() - 1.0) > 1e-6:
            raise ArgumentError(
                "proportions lie between 0 and 1 and sum to 1", where=name, value=values.tolist()
            )
    used = (first > 0.0) | (second > 0.0)
    a, b = first[used][1:], second[used][1:]
    if not len(a):
        return 0.0
    spread = 0.5 * (np.diag(a) - np.outer(a, a) + np.diag(b) - np.outer(b, b))
    difference = a - b
    if not np.any(difference):
        return 0.0
    values, vectors = np.linalg.eigh(spread)
    along = vectors.T @ difference
    null = values <= 1e-12 * max(float(values[-1]), 1e-300)
    if np.any(np.abs(along[null]) > 1e-9):
        return math.inf
    return float(np.sqrt(np.sum(along[~null] ** 2 / values[~null])))
