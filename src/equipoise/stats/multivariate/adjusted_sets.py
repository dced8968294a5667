"""Training sets in which covariates are taken out of predictors and outcome, and of nothing else.

What is taken out is estimated in the training set alone and applied to everybody: whoever is left
out tells nothing. Derivation: docs/methods/multivariate.md, "What is taken out".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np

#: A column of whose sum of squares no more than this is left varies no more.
_NOTHING_LEFT = 1e-10


@dataclass(frozen=True, slots=True)
class AdjustedSets:
    """T training sets of n people with p predictors.

    Attributes
    ----------
    weights : ndarray (T, n)
        How often each person is in the training set.
    x : ndarray (T, n, p)
        Predictors of everybody less what covariates say, per standard deviation, both by the
        training set; 0 throughout where nothing varies.
    spread : ndarray (T, p)
        That standard deviation (divisor: people of the set).
    gram : ndarray (T, p, p)
        Correlations of the adjusted predictors in the training set.
    common : ndarray (n, q)
        Covariates of the outcome, with the intercept.
    solver : ndarray (T, q, n)
        Gives their coefficients in the training set from an outcome.
    """

    weights: np.ndarray
    x: np.ndarray
    spread: np.ndarray
    gram: np.ndarray
    common: np.ndarray
    solver: np.ndarray

    @property
    def size(self) -> np.ndarray:
        """(T,) people of each set, each as often as it is in."""
        return self.weights.sum(axis=1)

    def residuals(self, y: np.ndarray) -> np.ndarray:
        """(T, B, n) outcomes less what their covariates say by the training set.

        Parameters
        ----------
        y
            (B, n) outcomes, each looked at in every set, or (T, 1, n), one a set.
        """
        fitted = (y @ self.solver.swapaxes(1, 2)) @ self.common.T
        return y - fitted

    def covariances(self, left: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """(T, B, p) sums of predictor times residual (T, B, n), per person of the training set."""
        used = self.weights if weights is None else weights
        return (left * used[:, None]) @ self.x / self.size[:, None, None]


def adjust_sets(
    x: np.ndarray, own: np.ndarray, common: np.ndarray, weights: np.ndarray
) -> AdjustedSets:
    """Take covariates out of predictors within training sets.

    Assumes that covariates act linearly.

    Parameters
    ----------
    x : ndarray (n, p)
        Predictors, complete.
    own : ndarray (n, p)
        Of each predictor a covariate of its own: its baseline.
    common : ndarray (n, q)
        Covariates of all, with the intercept.
    weights : ndarray (T, n)
        How often each person is in each training set.

    Raises
    ------
    ArgumentError
        If shapes do not fit, or a value is missing or infinite.
    """
    import numpy as np

    x, own, common = (np.asarray(v, dtype=float) for v in (x, own, common))
    weights = np.asarray(weights, dtype=float)
    n = len(x)
    if x.ndim != 2 or own.shape != x.shape or common.ndim != 2 or len(common) != n:
        raise ArgumentError(
            "one row a person, one covariate a predictor", where="own",
            value=(x.shape, own.shape, common.shape),
        )  # fmt: skip
    if weights.ndim != 2 or weights.shape[1] != n:
        raise ArgumentError("one weight a person", where="weights", value=weights.shape)
    for name, values in (("x", x), ("own", own), ("common", common)):
        if not np.isfinite(values).all():
            raise ArgumentError("values are there, and finite", where=name)
    # One scale for all columns, so that what counts as nothing does not hang on units.
    common = common / _or_one(np.sqrt((common**2).mean(axis=0)))
    own = (own - own.mean(axis=0)) / _or_one(own.std(axis=0))
    centre, scale = x.mean(axis=0), _or_one(x.std(axis=0))
    x = (x - centre) / scale
    times = weights[:, :, None] * common
    inverse = np.linalg.pinv(common.T @ times, rcond=1e-10, hermitian=True)
    solver = inverse @ times.swapaxes(1, 2)
    p = x.shape[1]
    both = np.concatenate([x, own], axis=1)
    left = both - common @ (solver @ both)
    moved, first = left[:, :, :p], left[:, :, p:]
    known = np.einsum("tn,tnp->tp", weights, first * first)
    slope = np.einsum("tn,tnp->tp", weights, first * moved) / np.where(
        known > _NOTHING_LEFT * weights.sum(axis=1)[:, None], known, np.inf
    )
    moved = moved - slope[:, None] * first
    size = weights.sum(axis=1)
    variance = np.einsum("tn,tnp->tp", weights, moved * moved) / size[:, None]
    varies = variance > _NOTHING_LEFT
    spread = np.sqrt(np.where(varies, variance, 0.0))
    moved = moved / np.where(varies, spread, np.inf)[:, None]
    gram = (moved * weights[:, :, None]).swapaxes(1, 2) @ moved / size[:, None, None]
    return AdjustedSets(weights, moved, spread * scale, gram, common, solver)


def _or_one(values: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.where(values > 0.0, values, 1.0)
