"""Power of a mixed model for repeated measures with known covariance and monotone dropout."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING

from .arguments import (
    check_alpha,
    check_finite,
    check_positive,
    check_sizes,
)

if TYPE_CHECKING:
    import numpy as np


def variance_inflation(covariance: np.ndarray, seen: Sequence[float]) -> float:
    """By how much dropout multiplies the variance of an arm's mean at the last visit.

    Parameters
    ----------
    covariance
        (visits, visits), positive definite, of the outcomes given the covariates.
    seen
        (visits,) share of the arm that is still seen at each visit: never rising, above 0 at the
        last. Who is missing, is missing at random.

    Notes
    -----
    Lu, Luo and Chen, Int J Biostat 4 (2008) article 9: the inverse of the information
    Σⱼ (rⱼ - rⱼ₊₁) [Σ₍ⱼ₎]⁻¹, at the last visit, over the variance there.

    Raises
    ------
    ValueError
    """
    import numpy as np

    sigma = np.asarray(covariance, dtype=float)
    shares = np.asarray(seen, dtype=float)
    visits = len(shares)
    if sigma.shape != (visits, visits):
        raise ValueError(
            f"covariance is {sigma.shape}, seen has {visits} visits: one row for each visit"
        )
    if not np.allclose(sigma, sigma.T, rtol=1e-10) or np.linalg.eigvalsh(sigma).min() <= 0.0:
        raise ValueError("covariance is not symmetric and positive definite")
    last_seen = -np.diff(np.append(shares, 0.0))
    if not (shares[0] <= 1.0 and shares[-1] > 0.0 and last_seen.min() >= 0.0):
        raise ValueError(
            f"seen = {shares.tolist()}: shares from 1 at most, never rising, above 0 at the last"
        )
    information = np.zeros_like(sigma)
    for j, share in enumerate(last_seen, start=1):
        information[:j, :j] += share * np.linalg.inv(sigma[:j, :j])
    return float(np.linalg.inv(information)[-1, -1] / sigma[-1, -1])


def estimate_variance(
    covariance: np.ndarray,
    sizes: tuple[int, int],
    seen: tuple[Sequence[float], Sequence[float]],
) -> float:
    """Variance of the difference of two arms at the last visit: Σ φ σ²/n over the arms.

    Parameters
    ----------
    covariance
        As for `variance_inflation`, one for both arms.
    sizes
        Participants randomised to each arm.
    seen
        Shares still seen at each visit, for each arm.

    Raises
    ------
    ValueError
    """
    import numpy as np

    check_sizes(sizes, 2)
    last = float(np.asarray(covariance, dtype=float)[-1, -1])
    pairs = zip(sizes, seen, strict=True)
    return sum(variance_inflation(covariance, shares) * last / size for size, shares in pairs)


def mmrm_power(
    effect: float,
    covariance: np.ndarray,
    sizes: tuple[int, int],
    seen: tuple[Sequence[float], Sequence[float]],
    alpha: float = 0.05,
) -> float:
    """Power of the comparison at the last visit, with means free for each arm and visit.

    Assumes a known covariance and normal outcomes: a limit for large trials. It says nothing of
    degrees of freedom and is too high in small ones.

    Raises
    ------
    ValueError
    """
    check_finite("effect", effect)
    check_alpha(alpha)
    return normal_test_power(effect, sqrt(estimate_variance(covariance, sizes, seen)), alpha)


def normal_test_power(effect: float, se: float, alpha: float = 0.05) -> float:
    """Power of the two-sided test of a normal estimate of known standard error."""
    from scipy.special import ndtr, ndtri

    check_positive("se", se)
    critical = -ndtri(0.5 * alpha)
    return float(ndtr(effect / se - critical) + ndtr(-effect / se - critical))
