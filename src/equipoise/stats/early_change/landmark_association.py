"""Whether an early change goes with the later outcome: the landmark association.

The outcome at a later visit on the early change of a marker, in the form of an analysis of
covariance: baseline of both, strata and, unless all arms are thrown together, the arm. One trial,
or many in one call. Derivation: docs/methods/early-change.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..exact_intervals import require_level
from .landmark_arrays import LandmarkData, require_among
from .orthogonal_columns import OrthonormalColumns, orthonormal_columns

if TYPE_CHECKING:
    import numpy as np

    from .landmark_arrays import Among


@dataclass(frozen=True, slots=True)
class Association:
    """A slope of the outcome on the early change; every attribute has the shape of the trials.

    NaN where it cannot be had: too few people, or values that do not vary once the covariates
    are taken out.

    Attributes
    ----------
    n : ndarray of int
        Participants used.
    df : ndarray
        Residual degrees of freedom.
    slope, se, lower, upper : ndarray
        Outcome units per unit of the early change, its standard error and t interval.
    p : ndarray
        Two-sided, of the t statistic.
    sd : ndarray
        Standard deviation of the early change among those used: within arms (pooled) where arms
        are kept apart, over everybody where they are not. Slopes per SD are `slope * sd`; their
        interval takes the SD as given.
    correlation, correlation_lower, correlation_upper : ndarray
        Partial correlation given the covariates, with Fisher's interval.
    """

    n: np.ndarray
    df: np.ndarray
    slope: np.ndarray
    se: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    p: np.ndarray
    sd: np.ndarray
    correlation: np.ndarray
    correlation_lower: np.ndarray
    correlation_upper: np.ndarray


def associate(
    data: LandmarkData, among: Among = "within-arms", *, alpha: float = 0.05
) -> Association:
    """Slope and partial correlation of the outcome on the early change.

    Assumes a linear model with independent errors of one variance, and that whoever is missing
    is so at random given what the model holds (complete cases are used). It says what goes
    together, never what causes what.

    Parameters
    ----------
    data : LandmarkData
    among : {"within-arms", "all-arms"} or int
        ``within-arms`` pools the arms' own slopes through a term for the arm; ``all-arms`` has
        no such term, so that an effect of treatment on both alone produces it; a number is one
        arm by itself.
    alpha : float

    Raises
    ------
    ArgumentError
        If `among` is not one of these.
    """
    require_level(alpha)
    require_among(data, among)
    used = data.used(among)
    basis = orthonormal_columns(data.covariate_columns(among, used))
    return _reshaped(_one_slope(data, data.outcome, data.early, used, basis, among, alpha), data)


def associate_ranks(
    data: LandmarkData, among: Among = "within-arms", *, alpha: float = 0.05
) -> Association:
    """The same on ranks: partial Spearman correlation with Fieller's interval.

    Outcome, early change and covariates are replaced by their average ranks among those used,
    over all arms together; slopes are in ranks. Parameters and errors as in `associate`.

    References
    ----------
    Fieller EC, Hartley HO, Pearson ES (1957) Tests for rank correlation coefficients. I.
    Biometrika 44:470–481.
    """
    require_level(alpha)
    require_among(data, among)
    used = data.used(among)
    ranked = LandmarkData(
        outcome=_ranks(data.outcome, used),
        early=_ranks(data.early, used),
        covariates=tuple(_ranks(covariate, used) for covariate in data.covariates),
        arm=data.arm,
        stratum=data.stratum,
        arms=data.arms,
        strata=data.strata,
        shape=data.shape,
    )
    basis = orthonormal_columns(ranked.covariate_columns(among, used))
    found = _one_slope(ranked, ranked.outcome, ranked.early, used, basis, among, alpha, 1.06)
    return _reshaped(found, data)


def slope_on(
    outcome: np.ndarray,
    term: np.ndarray,
    used: np.ndarray,
    basis: OrthonormalColumns,
    alpha: float,
) -> tuple[np.ndarray, ...]:
    """n, df, slope, standard error, lower, upper, p and partial correlation of one term, each (T,).

    `outcome` and `term` are (T, n), zero outside `used`; `basis` holds the covariates.
    """
    import numpy as np

    from ..distributions import t_quantile, two_sided_t

    n = used.sum(axis=-1)
    x, xx = basis.new_residuals(term)
    y, yy = basis.new_residuals(outcome)
    df = (n - basis.rank - 1).astype(float)
    known = (xx > 0.0) & (df > 0.0)
    df = np.where(df > 0.0, df, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(known, (x * y).sum(axis=-1) / np.where(xx > 0.0, xx, 1.0), np.nan)
        left = y - slope[..., None] * x
        se = np.sqrt((left * left).sum(axis=-1) / df / np.where(xx > 0.0, xx, 1.0))
        reach = t_quantile(1.0 - alpha / 2.0, df) * se
        p = two_sided_t(slope / se, df)
        correlation = np.where(
            known & (yy > 0.0), np.clip(slope * np.sqrt(xx / yy), -1.0, 1.0), np.nan
        )
    return n, df, slope, se, slope - reach, slope + reach, p, correlation


def _one_slope(
    data: LandmarkData,
    outcome: np.ndarray,
    early: np.ndarray,
    used: np.ndarray,
    basis: OrthonormalColumns,
    among: Among,
    alpha: float,
    inflation: float = 1.0,
) -> Association:
    import numpy as np
    from scipy.special import ndtri

    y, x = np.where(used, outcome, 0.0), np.where(used, early, 0.0)
    n, df, slope, se, lower, upper, p, r = slope_on(y, x, used, basis, alpha)
    groups = [(used & (data.arm == a)).astype(float) for a in range(data.arms)]
    means = orthonormal_columns(groups if among == "within-arms" else [used.astype(float)])
    _, squares = means.new_residuals(x)
    spare = (n - means.rank).astype(float)
    # Fisher's z of a partial correlation given k covariates has variance 1/(n - k - 3); with the
    # intercept among the columns that is 1/(df - 1).
    with np.errstate(divide="ignore", invalid="ignore"):
        sd = np.sqrt(squares / np.where(spare > 0.0, spare, np.nan))
        z = np.arctanh(r)
        reach = ndtri(1.0 - alpha / 2.0) * np.sqrt(inflation / np.where(df > 1.0, df - 1.0, np.nan))
    return Association(
        n=n,
        df=df,
        slope=slope,
        se=se,
        lower=lower,
        upper=upper,
        p=p,
        sd=sd,
        correlation=r,
        correlation_lower=np.tanh(z - reach),
        correlation_upper=np.tanh(z + reach),
    )


def _reshaped(found: Association, data: LandmarkData) -> Association:
    return Association(
        **{name: getattr(found, name).reshape(data.shape) for name in Association.__slots__}
    )


def _ranks(values: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Average ranks from 1 among those used, trial by trial; 0 elsewhere."""
    import numpy as np

    ranks = np.zeros_like(values)
    for row, own, chosen in zip(ranks, values, used, strict=True):
        there = own[chosen]
        order = np.sort(there)
        below = np.searchsorted(order, there, "left")
        row[chosen] = 0.5 * (below + np.searchsorted(order, there, "right") + 1)
    return ranks
