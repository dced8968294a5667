"""Power of the comparison of two means: t-test, and ANCOVA averaged over the covariates."""

from __future__ import annotations

from math import sqrt
from typing import Any

from ..distributions import t_quantile
from .arguments import (
    check_alpha,
    check_finite,
    check_positive,
    check_sizes,
)

#: Nodes of the quadrature over the covariates.
NODES = 64


def two_sample_t_power(
    effect: float, sd: float, sizes: tuple[int, int], alpha: float = 0.05
) -> float:
    """Power of the two-sided two-sample t-test.

    Assumes normal outcomes of one standard deviation. Rejection on the wrong side counts.
    Source: non-central t with df = n₁ + n₂ - 2 and ncp = effect / (sd √(1/n₁ + 1/n₂)).

    Parameters
    ----------
    effect
        Difference of the two means, in units of the outcome.
    sd
        Of the outcome in each arm, above 0.
    sizes
        Participants of the two arms, in any ratio.
    alpha
        Two-sided level.

    Raises
    ------
    ValueError
    """
    check_finite("effect", effect)
    check_positive("sd", sd)
    check_sizes(sizes, 3)
    check_alpha(alpha)
    ncp = effect / (sd * sqrt(1.0 / sizes[0] + 1.0 / sizes[1]))
    return float(_two_sided(sum(sizes) - 2, ncp, alpha))


def ancova_power(
    effect: float,
    sd: float,
    sizes: tuple[int, int],
    alpha: float = 0.05,
    *,
    correlation: float,
    covariates: int = 1,
) -> float:
    """Power of the arm in an analysis of covariance, averaged over the covariates.

    Assumes that outcome and covariates are jointly normal, with one covariance in both arms, and
    that assignment does not depend on the covariates. Then the share of information that chance
    imbalance leaves is Beta((N - 1 - q)/2, q/2), exact at any size (Shieh, Psychometrika 85
    (2020) 101-120, for a general ANCOVA); Gauss-Jacobi quadrature averages over it.

    Parameters
    ----------
    effect, sizes, alpha
        As for `two_sample_t_power`.
    sd
        Of the outcome before adjustment.
    correlation
        (Multiple) correlation of outcome and covariates within arm, in (-1, 1).
    covariates
        How many (q), at least 1; they cost one degree of freedom each.

    Raises
    ------
    ValueError
    """
    from scipy.special import roots_jacobi

    check_finite("effect", effect)
    check_positive("sd", sd)
    check_alpha(alpha)
    if covariates < 1:
        raise ValueError(f"covariates = {covariates}: at least 1; without any it is the t-test")
    if not -1.0 < correlation < 1.0:
        raise ValueError(f"correlation = {correlation}: a correlation lies between -1 and 1")
    check_sizes(sizes, covariates + 3)
    total = sum(sizes)
    first, second = 0.5 * (total - 1 - covariates), 0.5 * covariates
    nodes, weights = roots_jacobi(NODES, second - 1.0, first - 1.0)
    left = 0.5 * (nodes + 1.0)
    residual = sd * sqrt(1.0 - correlation * correlation)
    ncp = effect / (residual * sqrt(1.0 / sizes[0] + 1.0 / sizes[1])) * left**0.5
    power = _two_sided(total - 2 - covariates, ncp, alpha)
    return float((weights * power).sum() / weights.sum())


def _two_sided(df: int, ncp: Any, alpha: float) -> Any:
    """P(\\|T\\| > t) for non-central T; both tails as lower tails, where they are accurate."""
    import numpy as np
    from scipy.special import nctdtr

    critical = float(t_quantile(1.0 - 0.5 * alpha, df))
    far = np.abs(ncp)
    # scipy gives NaN for some ncp above 8, where the tail on the wrong side is nothing.
    wrong = np.nan_to_num(nctdtr(df, far, -critical), nan=0.0)
    return wrong + nctdtr(df, -far, -critical)
