"""Ridge regression of many training sets at once: one decomposition each, then every penalty.

A training set is a column of weights over the same rows: 0 and 1 for folds and subsamples, counts
for bootstrap samples. Derivation: docs/methods/forecast.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: What is left of an unpenalised column, of its share 1, below which it adds nothing.
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class RidgeSystem:
    """Training sets decomposed: what is the same for every outcome and every penalty.

    Attributes
    ----------
    weights
        (t, n) weights of the rows in each training set.
    size
        (t,) sums of the weights.
    rank
        (t,) rank of the unpenalised columns.
    known
        (t, n, u) unpenalised columns, orthonormal under the weights; zero where there is none.
    axes
        (t, n, q) penalised columns without what they share with the unpenalised ones, per SD, in
        the axes of their cross-products.
    spread
        (t, q) sums of squares along these axes.
    turn
        (t, q, q) from the axes to the penalised columns per SD.
    centre, scale
        (t, q) weighted mean and SD of the penalised columns; a column that does not vary in a
        training set has scale infinite, and no coefficient.
    """

    weights: np.ndarray
    size: np.ndarray
    rank: np.ndarray
    known: np.ndarray
    axes: np.ndarray
    spread: np.ndarray
    turn: np.ndarray
    centre: np.ndarray
    scale: np.ndarray

    def scores(self, y: np.ndarray) -> RidgeScores:
        """What outcomes say along the axes.

        Parameters
        ----------
        y
            (n, b) outcomes, or (t, n, b) where each training set has its own.
        """
        import numpy as np

        wy = self.weights[:, :, None] * y
        known = self.known.swapaxes(1, 2) @ wy
        axes = self.axes.swapaxes(1, 2) @ wy
        total = np.einsum("tnb,...nb->tb", wy, y) if y.ndim == 2 else (wy * y).sum(axis=1)
        return RidgeScores(known, axes, np.maximum(total - (known * known).sum(axis=1), 0.0))

    def divisors(self, penalty: np.ndarray | float) -> np.ndarray:
        """(t, q) or (t, q, b): spread and penalty, which is per participant.

        Parameters
        ----------
        penalty
            One, or (t, b) of each training set and outcome.
        """
        import numpy as np

        chosen = np.asarray(penalty, dtype=float)
        if chosen.ndim == 2:
            return self.spread[:, :, None] + self.size[:, None, None] * chosen[:, None, :]
        return self.spread + self.size[:, None] * chosen


@dataclass(frozen=True, slots=True)
class RidgeScores:
    """Outcomes along the axes of a `RidgeSystem`.

    Attributes
    ----------
    known, axes
        (t, u, b) and (t, q, b) products with the outcomes.
    left
        (t, b) sum of squares of the outcomes beyond the unpenalised columns.
    """

    known: np.ndarray
    axes: np.ndarray
    left: np.ndarray


def decompose(unpenalised: np.ndarray, penalised: np.ndarray, weights: np.ndarray) -> RidgeSystem:
    """Decompose training sets.

    Parameters
    ----------
    unpenalised
        (n, u) columns, complete, the intercept among them.
    penalised
        (n, q), or (t, n, q) where values were filled in for each training set; complete.
    weights
        (t, n).
    """
    import numpy as np

    sets, n = weights.shape
    x = np.broadcast_to(penalised, (sets, n, penalised.shape[-1]))
    known, rank = _orthonormal(unpenalised, weights)
    size = weights.sum(axis=1)
    share = weights / np.maximum(size, 1.0)[:, None]
    centre = np.einsum("tn,tnq->tq", share, x)
    x = x - centre[:, None, :]
    spread = np.sqrt(np.einsum("tn,tnq->tq", share, x * x))
    largest = np.abs(penalised).max(axis=tuple(range(penalised.ndim - 1)), initial=0.0)
    scale = np.where(spread > 1e-10 * np.maximum(largest, 1e-300), spread, np.inf)
    x = x / scale[:, None, :]
    wx = weights[:, :, None] * x
    x = x - known @ (known.swapaxes(1, 2) @ wx)
    gram = x.swapaxes(1, 2) @ (weights[:, :, None] * x)
    values, vectors = np.linalg.eigh(gram)
    return RidgeSystem(
        weights=weights,
        size=size,
        rank=rank,
        known=known,
        axes=x @ vectors,
        spread=np.maximum(values, 0.0),
        turn=vectors,
        centre=centre,
        scale=scale,
    )


def _orthonormal(columns: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(t, n, u) columns orthonormal under each row of weights, and (t,) their rank.

    Gram–Schmidt, each cleared twice; what adds nothing in a training set is zero there.
    """
    import numpy as np

    sets, n = weights.shape
    found = np.zeros((sets, n, columns.shape[1]))
    rank = np.zeros(sets, dtype=np.int64)
    for place in range(columns.shape[1]):
        column = np.broadcast_to(columns[:, place], (sets, n))
        whole = np.sqrt((weights * column * column).sum(axis=1))
        left, before = column, found[:, :, :place]
        for _ in range(2):
            shared = (before.swapaxes(1, 2) @ (weights * left)[:, :, None])[:, :, 0]
            left = left - (before @ shared[:, :, None])[:, :, 0]
        size = np.sqrt((weights * left * left).sum(axis=1))
        kept = size > _NOTHING * whole
        found[:, :, place] = np.where(kept[:, None], left / np.where(kept, size, 1.0)[:, None], 0.0)
        rank += kept
    return found, rank
