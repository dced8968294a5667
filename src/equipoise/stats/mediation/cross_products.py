"""Weighted sums of squares and products of one trial, for thousands of weightings at once.

A bootstrap sample of a trial is the trial with counts as weights. Every linear model of it needs
nothing but the sums of products under these weights: one matrix product for all samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: A column of which no more than this part is left after those before it adds nothing.
_NOTHING_LEFT = 1e-10
#: Sums of products held in memory at a time, in numbers.
_AT_ONCE = 4_000_000


def cross_products(columns: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(B, p, p) sums over people of counts x column x column.

    Parameters
    ----------
    columns : ndarray (n, p)
    counts : ndarray (B, n)
        Weights, 0 or more.
    """
    import numpy as np

    p = columns.shape[1]
    rows, places = np.triu_indices(p)
    pairs = columns[:, rows] * columns[:, places]
    found = np.empty((len(counts), p, p))
    step = max(1, _AT_ONCE // max(1, p * p))
    for start in range(0, len(counts), step):
        sums = counts[start : start + step] @ pairs
        found[start : start + step, rows, places] = sums
        found[start : start + step, places, rows] = sums
    return found


def solve(matrix: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solutions of positive definite systems, one a leading index, and the inverses.

    By Cholesky, all systems together. Where a column adds nothing to those before it the
    solution and the inverse are NaN: nothing is dropped quietly.

    Parameters
    ----------
    matrix : ndarray (B, p, p)
    right : ndarray (B, p, r)

    Returns
    -------
    ndarray (B, p, r), ndarray (B, p, p)
    """
    import numpy as np

    size = matrix.shape[-1]
    lower = np.zeros_like(matrix)
    good = np.ones(len(matrix), dtype=bool)
    for j in range(size):
        done = lower[:, j, :j]
        pivot = matrix[:, j, j] - (done * done).sum(axis=-1)
        fine = pivot > _NOTHING_LEFT * np.abs(matrix[:, j, j])
        good &= fine
        lower[:, j, j] = np.sqrt(np.where(fine, pivot, 1.0))
        if j + 1 < size:
            rest = matrix[:, j + 1 :, j] - (lower[:, j + 1 :, :j] @ done[..., None])[..., 0]
            lower[:, j + 1 :, j] = rest / lower[:, j, j][:, None]
    identity = np.broadcast_to(np.eye(size), matrix.shape)
    forward = np.empty_like(matrix)
    for j in range(size):
        known = (lower[:, j : j + 1, :j] @ forward[:, :j])[:, 0]
        forward[:, j] = (identity[:, j] - known) / lower[:, j, j][:, None]
    inverse = np.swapaxes(forward, -1, -2) @ forward
    inverse = np.where(good[:, None, None], inverse, np.nan)
    return inverse @ right, inverse
