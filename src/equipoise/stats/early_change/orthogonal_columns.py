"""What is left of values once columns are taken out of them, for many trials at once.

Least squares by orthonormal columns, built one after another and each cleared twice of those
before it. A column that adds nothing to those before it (a stratum without anybody, an arm that
is empty in one of the trials) is dropped there, and only there. Sums run over participants
alone, so that a trial in a batch has the same numbers, to the last bit, as by itself.
Method: docs/methods/early-change.md, "How it is computed".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

#: Of a column that adds nothing no more is left than this part of it; R's `lm` takes 1e-7.
_NOTHING_LEFT = 1e-10


@dataclass(frozen=True, slots=True)
class OrthonormalColumns:
    """Columns that span the same space, orthonormal.

    Attributes
    ----------
    columns : ndarray (K, T, n)
        One a column given, in its order, for each of T trials; zeros where it was dropped.
    rank : ndarray (T,)
        Columns that were not dropped.
    """

    columns: np.ndarray
    rank: np.ndarray

    def residuals(self, values: np.ndarray) -> np.ndarray:
        """What of `values` (T, n) the columns do not hold; shape (T, n)."""
        left = values
        for _ in range(2):
            for column in self.columns:
                left = left - column * (column * left).sum(axis=-1, keepdims=True)
        return left

    def new_residuals(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Residuals (T, n) and their sum of squares (T,): 0 where `values` add nothing."""
        import numpy as np

        left = self.residuals(values)
        squares = (left * left).sum(axis=-1)
        whole = (values * values).sum(axis=-1)
        adds = squares > _NOTHING_LEFT**2 * whole
        return np.where(adds[..., None], left, 0.0), np.where(adds, squares, 0.0)


def orthonormal_columns(columns: Sequence[np.ndarray]) -> OrthonormalColumns:
    """Orthonormal columns for those given, the first given first.

    Parameters
    ----------
    columns : sequence of ndarray (T, n)
        Finite; zero in the rows of participants that a trial leaves out.
    """
    import numpy as np

    first = np.asarray(columns[0], dtype=float)
    found = OrthonormalColumns(np.empty((0, *first.shape)), np.zeros(first.shape[:-1], dtype=int))
    for column in columns:
        left, squares = found.new_residuals(np.asarray(column, dtype=float))
        length = np.sqrt(np.where(squares > 0.0, squares, 1.0))
        found = OrthonormalColumns(
            np.concatenate([found.columns, (left / length[..., None])[None]]),
            found.rank + (squares > 0.0),
        )
    return found
