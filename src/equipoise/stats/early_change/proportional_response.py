"""Whether the outcome follows an early change in proportion: curvature, and slopes by arm.

Derivation: docs/methods/early-change.md, "In proportion".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..exact_intervals import require_level
from .landmark_association import slope_on
from .orthogonal_columns import orthonormal_columns

if TYPE_CHECKING:
    import numpy as np

    from .landmark_arrays import LandmarkData


@dataclass(frozen=True, slots=True)
class AddedTerm:
    """A term added to the association within arms; attributes have the shape of the trials.

    Attributes
    ----------
    n : ndarray of int
        Participants used.
    df : ndarray
        Residual degrees of freedom.
    estimate, se, lower, upper : ndarray
        Coefficient, its standard error and t interval.
    p : ndarray
        Two-sided, of the t statistic.
    """

    n: np.ndarray
    df: np.ndarray
    estimate: np.ndarray
    se: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    p: np.ndarray


def curvature(data: LandmarkData, *, alpha: float = 0.05) -> AddedTerm:
    """The coefficient of the squared early change beside the early change itself.

    In outcome units per squared unit of the early change; 0 is a straight line. The slope at a
    point x differs from that at the mean by twice the coefficient times the distance. Model and
    assumptions as in `associate` within arms.
    """
    import numpy as np

    require_level(alpha)
    used = data.used("within-arms")
    x = np.where(used, data.early, 0.0)
    middle = x.sum(axis=-1, keepdims=True) / np.maximum(used.sum(axis=-1, keepdims=True), 1)
    centred = np.where(used, data.early - middle, 0.0)
    return _added(data, used, [centred], centred * centred, alpha)


def slope_difference(data: LandmarkData, arm: int, *, alpha: float = 0.05) -> AddedTerm:
    """By how much the slope in one arm differs from that in arm 0, every arm with its own slope.

    Outcome units per unit of the early change. Model and assumptions as in `associate` within
    arms. NaN for arm 0 itself, and where an arm has too few people.
    """
    import numpy as np

    require_level(alpha)
    used = data.used("within-arms")
    x = np.where(used, data.early, 0.0)
    others = [np.where(data.arm == a, x, 0.0) for a in range(1, data.arms) if a != arm]
    return _added(data, used, [x, *others], np.where(data.arm == arm, x, 0.0), alpha)


def _added(
    data: LandmarkData,
    used: np.ndarray,
    before: list[np.ndarray],
    term: np.ndarray,
    alpha: float,
) -> AddedTerm:
    """`term` after the covariates and the terms `before` it."""
    import numpy as np

    basis = orthonormal_columns([*data.covariate_columns("within-arms", used), *before])
    y = np.where(used, data.outcome, 0.0)
    values = slope_on(y, term, used, basis, alpha)[:7]
    return AddedTerm(*(value.reshape(data.shape) for value in values))
