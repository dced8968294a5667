"""The columns of a forecast: what is penalised, what is multiplied, what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from .conditional_means import JointMoments, joint_moments
from .ridge_system import RidgeSystem, decompose

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


@dataclass(frozen=True, slots=True)
class PredictorColumns:
    """Predictors of n people.

    Attributes
    ----------
    x
        (n, p) columns without intercept; NaN where a penalised one is missing.
    penalised
        (p,) whether a column's coefficient is shrunk.
    products
        (k, 2) pairs of columns whose product, the second less its mean in the training set, is a
        penalised column besides.
    """

    x: np.ndarray
    penalised: np.ndarray
    products: np.ndarray

    @property
    def incomplete(self) -> np.ndarray:
        """(n,) who lacks a predictor."""
        import numpy as np

        return np.asarray(np.isnan(self.x).any(axis=1))

    @property
    def parameters(self) -> int:
        """Coefficients besides the intercept."""
        return self.x.shape[1] + len(self.products)

    def take(self, rows: np.ndarray) -> PredictorColumns:
        """The same columns of some people."""
        return PredictorColumns(self.x[rows], self.penalised, self.products)

    def moments(self, weights: np.ndarray) -> JointMoments:
        """Means and covariances of the columns in training sets (t, n)."""
        return joint_moments(self.x, weights)

    def filled(self, weights: np.ndarray) -> np.ndarray:
        """(1, n, p) columns; (t, n, p) filled in for each training set where values are missing."""
        if not self.incomplete.any():
            return self.x[None]
        return self.moments(weights).fill(self.x)

    def system(self, weights: np.ndarray, filled: np.ndarray | None = None) -> RidgeSystem:
        """Training sets decomposed.

        Parameters
        ----------
        weights
            (t, n).
        filled
            (t, n, p) or (1, n, p) columns without gaps; those of `filled` when left out.
        """
        import numpy as np

        whole = self.filled(weights) if filled is None else filled
        n = len(self.x)
        unpenalised = np.column_stack([np.ones(n), self.x[:, ~self.penalised]])
        penalised = whole[:, :, self.penalised]
        if len(self.products):
            share = weights / np.maximum(weights.sum(axis=1), 1.0)[:, None]
            mean = np.einsum(
                "tn,tnp->tp", share, np.broadcast_to(whole, (len(weights), n, whole.shape[2]))
            )
            first, second = self.products.T
            times = whole[:, :, first] * (whole[:, :, second] - mean[:, None, second])
            penalised = np.concatenate(
                [np.broadcast_to(penalised, (*times.shape[:2], penalised.shape[2])), times], axis=2
            )
        return decompose(unpenalised, penalised, weights)


def predictor_columns(
    x: np.ndarray,
    penalised: Sequence[bool] | np.ndarray,
    products: Sequence[tuple[int, int]] | np.ndarray = (),
) -> PredictorColumns:
    """Columns that are checked.

    Raises
    ------
    ArgumentError
        Where shapes do not fit, an unpenalised column is missing a value, or a value is infinite.
    """
    import numpy as np

    x = np.asarray(x, dtype=float)
    mask = np.asarray(penalised, dtype=bool)
    if x.ndim != 2 or mask.shape != (x.shape[1],):
        raise ArgumentError(
            "one entry a column", where="penalised", value=(x.shape, mask.shape),
            rule="x is (n, p) and penalised (p,)",
        )  # fmt: skip
    if np.isinf(x).any():
        raise ArgumentError("values are finite, or NaN where missing", where="x")
    if np.isnan(x[:, ~mask]).any():
        raise ArgumentError(
            "unpenalised columns are complete", where="x",
            remedy="leave out whoever lacks one, or penalise the column",
        )  # fmt: skip
    pairs = np.asarray(list(products), dtype=np.int64).reshape(-1, 2)
    if pairs.size and not (pairs.min() >= 0 and pairs.max() < x.shape[1]):
        raise ArgumentError("places of columns", where="products", value=pairs.tolist())
    return PredictorColumns(x, mask, pairs)
