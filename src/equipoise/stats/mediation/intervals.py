"""Intervals of mediated effects: bootstrap within blocks, quasi-Bayesian draws, delta method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from ..exact_intervals import require_level
from .linear_mediation import Effects, MediationData, effects_of, estimate, fit_models

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval and its p.

    Attributes
    ----------
    lower, upper : float
        NaN where too many draws had no solution.
    p : float
        Two-sided: twice the smaller share of draws on one side of 0.
    failed : int
        Draws without a solution (a sample in which a column does not vary); they are left out.
    """

    lower: float
    upper: float
    p: float
    failed: int


#: With a larger share of draws without a solution there is no interval.
MOST_FAILED = 0.05


def resampled_counts(block: np.ndarray, draws: int, generator: np.random.Generator) -> np.ndarray:
    """(draws, n) counts of people resampled with replacement within their block."""
    import numpy as np

    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 1:
        raise ArgumentError("a whole number of at least 1", where="draws", value=draws)
    counts = np.empty((draws, len(block)))
    for number in np.unique(block):
        own = np.flatnonzero(block == number)
        counts[:, own] = generator.multinomial(len(own), [1.0 / len(own)] * len(own), size=draws)
    return counts


def bootstrap(data: MediationData, draws: int, generator: np.random.Generator) -> Effects:
    """The effects in `draws` bootstrap samples, resampled within arm x stratum."""
    return estimate(data, resampled_counts(data.block, draws, generator))


def left_out(data: MediationData) -> Effects:
    """The effects with each person left out in turn: B = n."""
    import numpy as np

    return estimate(data, 1.0 - np.eye(data.n))


def quasi_bayesian(data: MediationData, draws: int, generator: np.random.Generator) -> Effects:
    """The effects under coefficients drawn from their normal approximations.

    Coefficients of the mediators' models and of the outcome's model are drawn apart, with
    residual variances taken as given.

    Source: Imai, Keele and Tingley (2010), algorithm 1.
    """
    import numpy as np

    fit = fit_models(data, np.ones((1, data.n)))
    spare_m = data.n - len(data.mediator_columns)
    spare_y = data.n - len(data.outcome_columns)
    root_m = np.linalg.cholesky(fit.mediator_inverse[0])
    root_k = np.linalg.cholesky(fit.mediator_residual[0] / spare_m)
    root_y = np.linalg.cholesky(fit.outcome_inverse[0] * fit.outcome_residual[0] / spare_y)
    normal = generator.standard_normal((draws, root_m.shape[0], data.mediators))
    alpha = fit.mediator + root_m @ normal @ root_k.T
    beta = fit.outcome + generator.standard_normal((draws, len(root_y))) @ root_y.T
    return effects_of(data, alpha, beta, np.broadcast_to(fit.mean, (draws, fit.mean.shape[1])))


def percentile_interval(draws: np.ndarray, *, alpha: float = 0.05) -> Interval:
    """The middle 1 - alpha of the draws (B,)."""
    import numpy as np

    require_level(alpha)
    fine = draws[np.isfinite(draws)]
    failed = len(draws) - len(fine)
    if failed > MOST_FAILED * len(draws) or not len(fine):
        return Interval(float("nan"), float("nan"), float("nan"), failed)
    lower, upper = np.quantile(fine, [alpha / 2.0, 1.0 - alpha / 2.0])
    return Interval(float(lower), float(upper), _two_sided(fine), failed)


def bca_interval(
    draws: np.ndarray,
    seen: float,
    without: np.ndarray,
    block: np.ndarray,
    *,
    alpha: float = 0.05,
) -> Interval:
    """Bias-corrected and accelerated interval of a resampling within blocks.

    Parameters
    ----------
    draws : ndarray (B,)
        Bootstrap values.
    seen : float
        The estimate.
    without : ndarray (n,)
        The estimate with each person left out.
    block : ndarray (n,)
        Acceleration takes (size of the block - 1) x (seen - without) of each person.

    Raises
    ------
    ArgumentError
        If `without` and `block` differ in length.

    References
    ----------
    Efron B (1987) Better bootstrap confidence intervals. J Am Stat Assoc 82:171–185.
    Davison AC, Hinkley DV (1997) Bootstrap Methods and their Application, section 5.3.2.
    """
    import numpy as np
    from scipy.special import ndtr, ndtri

    require_level(alpha)
    if len(without) != len(block):
        raise ArgumentError("one value a person", where="without", value=len(without))
    fine = draws[np.isfinite(draws)]
    failed = len(draws) - len(fine)
    influence = (_sizes(block) - 1.0) * (seen - without)
    if failed > MOST_FAILED * len(draws) or not np.isfinite(influence).all() or len(fine) < 2:
        return Interval(float("nan"), float("nan"), float("nan"), failed)
    below = (fine < seen).mean() + 0.5 * (fine == seen).mean()
    square = (influence**2).sum()
    if not 0.0 < below < 1.0 or not square > 0.0:
        return Interval(float("nan"), float("nan"), float("nan"), failed)
    bias = ndtri(below)
    acceleration = (influence**3).sum() / (6.0 * square**1.5)
    z = bias + ndtri(np.array([alpha / 2.0, 1.0 - alpha / 2.0]))
    lower, upper = np.quantile(fine, ndtr(bias + z / (1.0 - acceleration * z)))
    return Interval(float(lower), float(upper), _two_sided(fine), failed)


@dataclass(frozen=True, slots=True)
class ProductOfSlopes:
    """Indirect effect a·b of one mediator without interaction, in outcome units.

    Attributes
    ----------
    estimate : float
    se : float
        First order: sqrt(a²·V(b) + b²·V(a)).
    se_second_order : float
        With V(a)·V(b) added: the standard error of a product of independent normals.
    """

    estimate: float
    se: float
    se_second_order: float


def product_of_slopes(data: MediationData) -> ProductOfSlopes:
    """The delta method for one mediator without interaction.

    Raises
    ------
    ArgumentError
        With interaction, or with several mediators.

    References
    ----------
    Sobel ME (1982) Asymptotic confidence intervals for indirect effects in structural equation
    models. Sociol Methodol 13:290–312.
    Goodman LA (1960) On the exact variance of products. J Am Stat Assoc 55:708–713.
    """
    import numpy as np

    if data.interaction or data.mediators != 1:
        raise ArgumentError("one mediator without interaction", where="data")
    fit = fit_models(data, np.ones((1, data.n)))
    spare_m = data.n - len(data.mediator_columns)
    spare_y = data.n - len(data.outcome_columns)
    place = data.first_mediator
    a, b = float(fit.mediator[0, 1, 0]), float(fit.outcome[0, place])
    var_a = float(fit.mediator_inverse[0, 1, 1] * fit.mediator_residual[0, 0, 0] / spare_m)
    var_b = float(fit.outcome_inverse[0, place, place] * fit.outcome_residual[0] / spare_y)
    first = a * a * var_b + b * b * var_a
    scale = data.outcome_scale
    return ProductOfSlopes(
        a * b * scale, float(np.sqrt(first)) * scale, float(np.sqrt(first + var_a * var_b)) * scale
    )


def _sizes(block: np.ndarray) -> np.ndarray:
    import numpy as np

    _, inverse, sizes = np.unique(block, return_inverse=True, return_counts=True)
    return sizes[inverse].astype(float)


def _two_sided(draws: np.ndarray) -> float:
    return min(1.0, 2.0 * float(min((draws <= 0.0).mean(), (draws >= 0.0).mean())))
