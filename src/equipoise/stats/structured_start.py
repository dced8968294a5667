"""First parameters of a structured covariance matrix: moments of least-squares residuals.

Products of standardised residuals, averaged over the pairs of visits that share a parameter.
They only start the optimiser; the optimum does not depend on them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from .structured_covariance import StructuredCovariance

_LARGEST_CORRELATION = 0.95
_SMALLEST_SHARE = 1e-10
_RANGES = 12


def structured_start(
    model: StructuredCovariance, residuals: np.ndarray, subject: np.ndarray
) -> np.ndarray:
    """Working parameters (K,), of every group, at which all matrices are positive definite.

    Parameters
    ----------
    model : StructuredCovariance
    residuals : float64 (n,)
        From ordinary least squares.
    subject : int64 (n,)
    """
    import numpy as np

    layout = model.layout
    group_of_row = layout.block_group[layout.block][subject]
    parts = []
    for group in range(int(layout.block_group.max()) + 1):
        own = group_of_row == group
        if model.structure.word == "sp_exp":
            variance = max(float(np.mean(residuals[own] ** 2)), _SMALLEST_SHARE)
            parts.append(np.array([0.0, 0.5 * math.log(variance)]))
        else:
            parts.append(_group_start(model, residuals[own], subject[own], layout.position[own]))
    start = np.concatenate(parts)
    return _with_best_range(model, start) if model.structure.word == "sp_exp" else start


def _group_start(
    model: StructuredCovariance, residuals: np.ndarray, subject: np.ndarray, position: np.ndarray
) -> np.ndarray:
    import numpy as np

    size = model.layout.size
    total = max(float(np.mean(residuals**2)), _SMALLEST_SHARE)
    table = np.zeros((int(subject.max()) + 1, size))
    seen = np.zeros_like(table)
    table[subject, position] = residuals
    seen[subject, position] = 1.0
    counts = seen.sum(axis=0)
    variances = np.where(counts > 0, (table**2).sum(axis=0) / np.maximum(counts, 1.0), total)
    variances = np.maximum(variances, _SMALLEST_SHARE * total)
    standard = table / np.sqrt(variances)
    products, together = standard.T @ standard, seen.T @ seen
    lags = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))

    def mean_over(chosen: np.ndarray, otherwise: float) -> float:
        n = float(together[chosen].sum())
        value = float(products[chosen].sum()) / n if n > 0.0 else otherwise
        return min(max(value, -_LARGEST_CORRELATION), _LARGEST_CORRELATION)

    neighbours = mean_over(lags == 1, 0.0)
    word = model.structure.word
    if word in ("cs", "csh"):
        rho = np.array([mean_over(lags > 0, 0.0)])
    elif word in ("ar1", "ar1h"):
        rho = np.array([neighbours])
    elif word in ("toep", "toeph"):
        rho = np.array([mean_over(lags == lag, neighbours**lag) for lag in range(1, size)])
    else:
        rho = np.empty(size - 1)
        for j in range(size - 1):
            pair = np.zeros((size, size), dtype=bool)
            pair[j, j + 1] = True
            rho[j] = mean_over(pair, neighbours)
    if model.structure.heterogeneous:
        scale = 0.5 * np.log(variances)
    else:
        scale = np.array([0.5 * math.log(total)])
    for share in (1.0, 0.8, 0.6, 0.4, 0.2, 0.1, 0.0):
        correlations = np.arctanh(share * rho)
        parts = (scale, correlations) if model.structure.heterogeneous else (correlations, scale)
        start = np.concatenate(parts)
        whole = np.tile(start, int(model.layout.block_group.max()) + 1)
        if np.all(np.isfinite(model.factors(whole))):
            break
    return start


def _with_best_range(model: StructuredCovariance, start: np.ndarray) -> np.ndarray:
    """The range with the largest likelihood of a dozen, the same for all groups."""
    import numpy as np

    distances = model.layout.distances
    apart = distances[(distances > 0.0) & (distances < 1e29)]
    if not len(apart):
        return start
    best, lowest = start, math.inf
    # not the smallest distance: one pair that happens to lie close says nothing about the range
    near, far = np.quantile(apart, 0.05), np.max(apart)
    for log_range in np.linspace(math.log(0.25 * near), math.log(8.0 * far), _RANGES):
        trial = start.copy()
        trial[0::2] = log_range
        value = model.evaluate(trial, derivatives=False).value
        if value < lowest:
            best, lowest = trial, value
    return best
