"""Partial least squares of one outcome, for many training sets and outcomes at once.

By the Krylov sequence of the correlations of the predictors and their covariances with the
outcome: each component costs one product of a matrix and a vector, however many people there are.
Derivation: docs/methods/multivariate.md, "Partial least squares".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np

#: What is left of the covariances when a component more says nothing, as part of the first.
_NOTHING_LEFT = 1e-9


@dataclass(frozen=True, slots=True)
class PartialLeastSquares:
    """Fits with 1 to A components, of B outcomes in each of T training sets.

    Components beyond those that the data have are zero, and add nothing.

    Attributes
    ----------
    coefficients : ndarray (T, B, A, p)
        Of the model with 1, 2, ... components, in outcome units per unit of the predictors.
    weights, rotations, loadings : ndarray (T, B, A, p)
        w of length 1, r with scores t = X r, and loadings of the predictors, a row a component.
    outcome_loadings : ndarray (T, B, A)
        Of the outcome on each score.
    score_squares : ndarray (T, B, A)
        t't per person.
    """

    coefficients: np.ndarray
    weights: np.ndarray
    rotations: np.ndarray
    loadings: np.ndarray
    outcome_loadings: np.ndarray
    score_squares: np.ndarray

    @property
    def outcome_explained(self) -> np.ndarray:
        """(T, B, A) variance of the outcome that each component explains."""
        return self.outcome_loadings**2 * self.score_squares

    @property
    def predictors_explained(self) -> np.ndarray:
        """(T, B, A) variance of all predictors that each component explains."""
        return (self.loadings**2).sum(axis=-1) * self.score_squares

    @property
    def importance(self) -> np.ndarray:
        """(T, B, A, p) variable importance in projection with 1, 2, ... components.

        sqrt(p * sum_a SS_a w_a^2 / sum_a SS_a), SS_a what component a explains of the outcome;
        its mean square over predictors is 1. 0 where nothing is explained.
        """
        import numpy as np

        explained = self.outcome_explained[..., None]
        over = np.cumsum(explained * self.weights**2, axis=-2)
        under = np.cumsum(explained, axis=-2)
        p = (np.abs(self.weights).max(axis=-2) > 0.0).sum(axis=-1)[..., None, None]
        return np.sqrt(p * over / np.where(under > 0.0, under, np.inf))


def fit_partial_least_squares(
    gram: np.ndarray, covariances: np.ndarray, components: int
) -> PartialLeastSquares:
    """Partial least squares from the cross products of centred predictors.

    Parameters
    ----------
    gram : ndarray (T, p, p)
        Cross products of the predictors, per person.
    covariances : ndarray (T, B, p)
        Cross products with each outcome, per person.
    components : int
        At most so many.

    Raises
    ------
    ArgumentError
        If shapes do not fit, or there are fewer than one component.

    References
    ----------
    Dayal BS, MacGregor JF (1997) Improved PLS algorithms. J Chemometrics 11:73–85, algorithm 2.
    """
    import numpy as np

    if gram.ndim != 3 or covariances.ndim != 3 or covariances.shape[2] != gram.shape[2]:
        raise ArgumentError(
            "sets, outcomes and predictors", where="covariances",
            value=(gram.shape, covariances.shape),
        )  # fmt: skip
    if components < 1:
        raise ArgumentError("at least 1", where="components", value=components)
    sets = np.broadcast_shapes(gram.shape[:1], covariances.shape[:1])[0]
    shape = (sets, covariances.shape[1], components, covariances.shape[2])
    weights, rotations, loadings = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    coefficients = np.zeros(shape)
    q, squares = np.zeros(shape[:3]), np.zeros(shape[:3])
    left = np.broadcast_to(covariances, (*shape[:2], shape[3]))
    first = np.sqrt((left * left).sum(axis=-1))
    alive = first > 0.0
    total = np.zeros((*shape[:2], shape[3]))
    for a in range(components):
        length = np.sqrt((left * left).sum(axis=-1))
        alive = alive & (length > _NOTHING_LEFT * first)
        if not alive.any():
            coefficients[:, :, a:] = total[:, :, None]
            break
        w = left / np.where(alive, length, np.inf)[..., None]
        r = w.copy()
        for b in range(a):
            r -= (loadings[:, :, b] * w).sum(axis=-1, keepdims=True) * rotations[:, :, b]
        product = r @ gram
        tt = (r * product).sum(axis=-1)
        alive = alive & (tt > 0.0)
        per = np.where(alive, tt, np.inf)
        weights[:, :, a] = np.where(alive[..., None], w, 0.0)
        rotations[:, :, a] = r = np.where(alive[..., None], r, 0.0)
        loadings[:, :, a] = product / per[..., None]
        q[:, :, a] = (r * left).sum(axis=-1) / per
        squares[:, :, a] = np.where(alive, tt, 0.0)
        left = left - loadings[:, :, a] * (q[:, :, a] * squares[:, :, a])[..., None]
        total = total + r * q[:, :, a, None]
        coefficients[:, :, a] = total
    return PartialLeastSquares(coefficients, weights, rotations, loadings, q, squares)
