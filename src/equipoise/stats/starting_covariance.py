"""A first covariance matrix in closed form: sequential regressions on the earlier visits.

With monotone dropout and a design that crosses everything with the visit this is the maximum of
the likelihood itself (Anderson 1957, JASA 52:200–203). It only starts the optimiser; the optimum
does not depend on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_SMALLEST_SHARE = 1e-10


def sequential_start(
    residuals: np.ndarray, design: np.ndarray, subject: np.ndarray, visit: np.ndarray, n_visits: int
) -> np.ndarray:
    """Lower triangular factor of a positive definite first covariance matrix.

    Parameters
    ----------
    residuals : float64 (n,)
        From ordinary least squares.
    design : float64 (n, p)
        A visit's columns stand beside the earlier visits in its regression, as dropout shifts
        the means of those who stay.
    subject, visit : int64 (n,)
    n_visits : int
    """
    import numpy as np

    row = np.full((int(subject.max()) + 1, n_visits), -1, dtype=np.int64)
    row[subject, visit] = np.arange(len(residuals))
    total = float(np.mean(residuals**2))
    prefix = np.ones(len(row), dtype=bool)
    unit = np.eye(n_visits)
    scale = np.ones(n_visits)
    for j in range(n_visits):
        seen = residuals[visit == j]
        marginal = max(float(np.mean(seen**2)), _SMALLEST_SHARE * total)
        prefix &= row[:, j] >= 0
        at = row[prefix, j]
        past, present = residuals[row[prefix, :j]], residuals[at]
        scale[j] = np.sqrt(marginal)
        for regressors in (np.hstack([past, design[at]]), past):
            slopes, _, rank, _ = np.linalg.lstsq(regressors, present, rcond=1e-10)
            if len(present) > rank + 2:
                error = present - regressors @ slopes
                variance = max(
                    float(error @ error) / (len(present) - rank), _SMALLEST_SHARE * marginal
                )
                scale[j] = np.sqrt(variance)
                unit[j, :j] = -slopes[:j]
                break
    return np.linalg.solve(unit, np.diag(scale))
