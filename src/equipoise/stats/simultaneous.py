"""p-values and limits of several comparisons at once.

Every method takes each comparison's own degrees of freedom, as R's emmeans and SAS's ADJDFE=ROW
do; the multivariate t has one scale, so that a comparison's adjusted p and limits come from the
distribution with that comparison's degrees of freedom. Derivations and references:
docs/methods/multiple-comparisons.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .distributions import f_tail, t_quantile, two_sided_t
from .multiplicity import hochberg, holm
from .multivariate_t import maximum_t
from .studentised_range import studentised_range_quantile, studentised_range_tail
from .vocabulary import Adjustment

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Adjusted:
    """One family of m comparisons after adjustment.

    Attributes
    ----------
    p : (m,) array
        Adjusted p-values.
    critical : (m,) array or None
        Simultaneous limits are estimate ± critical · se; None where the method has none.
    error : (m,) array
        Estimated absolute error of p: 0 where it is exact to rounding.
    """

    p: np.ndarray
    critical: np.ndarray | None
    error: np.ndarray


def adjust_family(
    adjustment: Adjustment,
    t: np.ndarray,
    df: np.ndarray,
    *,
    alpha: float,
    covariance: np.ndarray,
    n_levels: int,
    seed: int,
) -> Adjusted:
    """Adjust one family.

    Parameters
    ----------
    adjustment : Adjustment
    t, df : (m,) arrays
        Statistics and degrees of freedom of the comparisons.
    alpha : float
        Of the simultaneous limits.
    covariance : (m, m) array
        Of the estimated comparisons.
    n_levels : int
        Number of means compared, for Tukey.
    seed : int
        For the lattice of the multivariate t.
    """
    import numpy as np

    m = len(t)
    p = two_sided_t(t, df)
    exact = np.zeros(m)
    if not np.all(np.isfinite(p)):
        return Adjusted(np.full(m, np.nan), None, np.full(m, np.nan))
    if adjustment is Adjustment.HOLM:
        return Adjusted(holm(p), None, exact)
    if adjustment is Adjustment.HOCHBERG:
        return Adjusted(hochberg(p), None, exact)
    if adjustment is Adjustment.BONFERRONI:
        return Adjusted(np.minimum(m * p, 1.0), t_quantile(1.0 - 0.5 * alpha / m, df), exact)
    if adjustment is Adjustment.SIDAK:
        share = -math.expm1(math.log1p(-alpha) / m)
        return Adjusted(-np.expm1(m * np.log1p(-p)), t_quantile(1.0 - 0.5 * share, df), exact)
    if adjustment is Adjustment.SCHEFFE:
        return _scheffe(t, df, alpha, int(np.linalg.matrix_rank(covariance, hermitian=True)))
    if adjustment is Adjustment.TUKEY:
        root = math.sqrt(2.0)
        tails = [
            studentised_range_tail(root * abs(a), n_levels, d) for a, d in zip(t, df, strict=True)
        ]
        limits = {d: studentised_range_quantile(alpha, n_levels, d) / root for d in np.unique(df)}
        return Adjusted(np.array(tails), np.array([limits[d] for d in df]), exact)
    return _multivariate_t(t, df, alpha, covariance, seed)


def _scheffe(t: np.ndarray, df: np.ndarray, alpha: float, rank: int) -> Adjusted:
    """All linear combinations of the family at once (Scheffé 1953)."""
    import numpy as np
    from scipy.special import fdtri

    tails = [f_tail(float(a) ** 2 / rank, rank, float(d)) for a, d in zip(t, df, strict=True)]
    critical = np.sqrt(rank * fdtri(float(rank), df, 1.0 - alpha))
    return Adjusted(np.array(tails), critical, np.zeros(len(t)))


def _multivariate_t(
    t: np.ndarray, df: np.ndarray, alpha: float, covariance: np.ndarray, seed: int
) -> Adjusted:
    import numpy as np

    sd = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(sd, sd)
    correlation = np.clip(0.5 * (correlation + correlation.T), -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    largest = maximum_t(correlation, seed)
    tails = np.array([largest.tail(float(a), float(d)) for a, d in zip(t, df, strict=True)])
    limits = {d: largest.quantile(alpha, float(d)) for d in np.unique(df)}
    return Adjusted(tails[:, 0], np.array([limits[d] for d in df]), tails[:, 1])
