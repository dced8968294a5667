"""Assurance: power averaged over a prior of the effect and of the standard deviation."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf, sqrt

from .arguments import check_alpha, check_finite, check_positive

#: Nodes over the effect and over the logarithm of the SD.
EFFECT_NODES = 160
SD_NODES = 24

#: Standard deviations of the prior beyond which nothing is summed: 1e-15 of it.
REACH = 8.0


def assurance(
    power_of: Callable[[float, float], float],
    *,
    mean: float,
    prior_sd: float,
    sd: float,
    sd_log_sd: float = 0.0,
    lower: float = -inf,
    upper: float = inf,
) -> float:
    """Average of the power over independent priors of effect and standard deviation.

    The effect is normal, truncated to `lower` to `upper`; the SD log-normal. Gauss-Legendre over
    the one, Gauss-Hermite over the other. Source: O'Hagan, Stevens and Campbell, Pharmaceutical
    Statistics 4 (2005) 187-201. A significant result in either direction counts as the power
    function counts it.

    Parameters
    ----------
    power_of
        Power at an effect and an SD.
    mean, prior_sd
        Of the effect before truncation.
    sd
        Median of the prior of the SD.
    sd_log_sd
        Standard deviation of the logarithm of the SD; 0: the SD is known.
    lower, upper
        What the effect is truncated to.

    Raises
    ------
    ValueError
        Also where the prior has less than 1e-12 of its weight between the limits.
    """
    import numpy as np
    from scipy.special import ndtr, roots_hermitenorm, roots_legendre

    check_finite("mean", mean)
    check_positive("prior_sd", prior_sd)
    check_positive("sd", sd)
    if not 0.0 <= sd_log_sd < inf:
        raise ValueError(f"sd_log_sd = {sd_log_sd}: 0 or above")
    low, high = (max(lower, mean - REACH * prior_sd), min(upper, mean + REACH * prior_sd))
    if not (low < high and ndtr((high - mean) / prior_sd) - ndtr((low - mean) / prior_sd) > 1e-12):
        raise ValueError(
            f"lower = {lower}, upper = {upper}: the prior has no weight between the limits"
        )
    nodes, weights = roots_legendre(EFFECT_NODES)
    effects = low + 0.5 * (high - low) * (nodes + 1.0)
    weights = weights * np.exp(-0.5 * ((effects - mean) / prior_sd) ** 2)
    weights = weights / weights.sum()
    places, shares = roots_hermitenorm(SD_NODES) if sd_log_sd else (np.zeros(1), np.ones(1))
    found = 0.0
    for place, share in zip(places.tolist(), (shares / shares.sum()).tolist(), strict=True):
        drawn = sd * exp(sd_log_sd * place)
        powers = np.array([power_of(effect, drawn) for effect in effects.tolist()])
        found += share * float(weights @ powers)
    return found


def assurance_of_normal_test(mean: float, prior_sd: float, se: float, alpha: float = 0.05) -> float:
    """Assurance of the two-sided test of a normal estimate of known standard error, in closed form.

    The estimate is normal with variance prior_sd² + se².

    Raises
    ------
    ValueError
    """
    from scipy.special import ndtr, ndtri

    check_finite("mean", mean)
    check_positive("prior_sd", prior_sd)
    check_positive("se", se)
    check_alpha(alpha)
    critical, spread = -ndtri(0.5 * alpha) * se, sqrt(prior_sd**2 + se**2)
    return float(ndtr((mean - critical) / spread) + ndtr((-mean - critical) / spread))
