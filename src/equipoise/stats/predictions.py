"""Predictions at the visits of participants, conditional on what they showed or marginal.

The conditional mean is the best linear unbiased predictor at the fitted covariance (Goldberger
1962, JASA 57:369–375), the error of its slopes first-order (Kackar and Harville 1984, JASA
79:853–862). Derivation: docs/methods/after-the-fit.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .distributions import t_quantile
from .marginal_covariance import covariance_at, slopes_at
from .small_samples import linear_combinations
from .vocabulary import DegreesOfFreedom, PredictionInterval

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import polars as pl

    from .mmrm_fit import MMRMFit
    from .new_rows import NewRows


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """One entry a row of `NewRows`.

    Attributes
    ----------
    estimate : (m,)
        Conditional on the responses in the rows of the participant; the response itself where
        there is one.
    weight : (m, p)
        Rows D: the estimate depends on beta through D beta.
    variance : (m,)
        Of a new response given those, at known beta and covariance.
    variance_of_variance : (m,)
        Of the estimate of `variance`, to first order in the covariance parameters.
    slope_variance : (m,)
        What the error of the covariance parameters adds to that of the estimate, to first order:
        the regression on the participant's responses is itself estimated.
    """

    estimate: np.ndarray
    weight: np.ndarray
    variance: np.ndarray
    variance_of_variance: np.ndarray
    slope_variance: np.ndarray


def predictions(fit: MMRMFit, rows: NewRows, *, conditional: bool) -> Predictions:
    """Means, what they take from beta, and the variance that is left."""
    import numpy as np

    beta = fit.effects.estimate
    estimate = rows.design @ beta
    weight = rows.design.copy()
    variance, spread, extra = (np.zeros(len(estimate)) for _ in range(3))
    observed = np.isfinite(rows.response) if conditional else np.zeros(len(estimate), dtype=bool)
    residual = np.where(observed, rows.response - estimate, 0.0)
    for members, first in _alike(rows, observed):
        seen = observed[first]
        old, new = members[:, seen], members[:, ~seen]
        estimate[old] = rows.response[old]
        weight[old] = 0.0
        if not new.size:
            continue
        scale = np.ones((len(members), len(first)))
        if rows.weights is not None:
            scale = 1.0 / np.sqrt(rows.weights[members])
        scale_old, scale_new = scale[:, seen], scale[:, ~seen]
        part = _regression(fit, rows, first, seen)
        variance[new] = part.variance * scale_new**2
        spread[new] = part.variance_of_variance * scale_new**4
        shown = residual[old] / scale_old
        own = part.slopes * scale_new[:, :, None] / scale_old[:, None, :]
        estimate[new] += (own @ residual[old][:, :, None])[:, :, 0]
        weight[new] -= own @ rows.design[old]
        moved = np.einsum("kuo,io->iuk", part.derivatives, shown, optimize=True)
        added = np.einsum("iuk,kl,iul->iu", moved, part.covariance, moved, optimize=True)
        extra[new] = added * scale_new**2
    return Predictions(estimate, weight, variance, spread, extra)


@dataclass(frozen=True, slots=True, eq=False)
class _Regression:
    """Of the unobserved visits u of a participant on the observed o, at weight 1.

    Attributes
    ----------
    slopes : (u, o)
    variance, variance_of_variance : (u,)
    derivatives : (k, u, o)
        Of the slopes by the covariance parameters.
    covariance : (k, k)
        Of the estimates of these.
    """

    slopes: np.ndarray
    variance: np.ndarray
    variance_of_variance: np.ndarray
    derivatives: np.ndarray
    covariance: np.ndarray


def _regression(fit: MMRMFit, rows: NewRows, own: np.ndarray, seen: np.ndarray) -> _Regression:
    import numpy as np

    v = covariance_at(fit, rows, own)
    first, covariance = slopes_at(fit, rows, own)
    o, u = np.flatnonzero(seen), np.flatnonzero(~seen)
    inverse = np.linalg.inv(v[np.ix_(o, o)])
    slopes = v[np.ix_(u, o)] @ inverse
    left = v[np.ix_(u, u)] - slopes @ v[np.ix_(o, u)]
    across = first[:, u[:, None], o[None, :]] - slopes @ first[:, o[:, None], o[None, :]]
    # the variance left is least over the slopes, so that it changes through V alone
    contrast = np.zeros((len(u), len(own)))
    contrast[:, o] = -slopes
    contrast[np.arange(len(u)), u] = 1.0
    moved = np.einsum("ua,kab,ub->uk", contrast, first, contrast, optimize=True)
    return _Regression(
        slopes=slopes,
        variance=np.diagonal(left),
        variance_of_variance=np.einsum("uk,kl,ul->u", moved, covariance, moved),
        derivatives=across @ inverse,
        covariance=covariance,
    )


def _alike(rows: NewRows, observed: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(N_b, k) rows of participants with the same visits, observed at the same, in one group.

    The second is the first participant's rows, for the covariance at weight 1.
    """
    import numpy as np

    order = np.lexsort((rows.visit, rows.subject))
    starts = np.flatnonzero(np.diff(rows.subject[order], prepend=-1))
    ends = np.append(starts[1:], len(order))
    together: dict[tuple[object, ...], list[np.ndarray]] = {}
    for participant, (start, end) in enumerate(zip(starts, ends, strict=True)):
        own = order[start:end]
        key: tuple[object, ...] = (
            rows.visit[own].tobytes(),
            observed[own].tobytes(),
            None if rows.group is None else int(rows.group[participant]),
            None if rows.coordinates is None else rows.coordinates[own].tobytes(),
        )
        together.setdefault(key, []).append(own)
    for members in together.values():
        yield np.stack(members), members[0]


def prediction_frame(
    fit: MMRMFit, rows: NewRows, *, conditional: bool, interval: PredictionInterval, alpha: float
) -> pl.DataFrame:
    """participant, visit, row, response, estimate, se and, with an interval, df, lower, upper."""
    import numpy as np
    import polars as pl

    found = predictions(fit, rows, conditional=conditional)
    covariance = fit.effects.covariance()
    of_beta = np.einsum("ip,pq,iq->i", found.weight, covariance, found.weight, optimize=True)
    variance = of_beta + found.slope_variance
    if interval is PredictionInterval.PREDICTION:
        variance = variance + found.variance
    se = np.sqrt(np.maximum(variance, 0.0))
    frame = pl.DataFrame(
        {
            "participant": pl.Series(list(rows.participants)).gather(rows.subject),
            "visit": pl.Series([fit.visits[v] for v in rows.visit]).cast(pl.Enum(fit.visits)),
            "row": pl.Series([None if r < 0 else int(r) for r in rows.row], dtype=pl.Int64),
            "response": pl.Series(rows.response).fill_nan(None),
            "estimate": found.estimate,
            "se": se,
        }
    )
    if interval is PredictionInterval.NONE:
        return frame
    df = np.full(len(se), np.nan)
    dependent = np.any(found.weight != 0.0, axis=1)
    if dependent.any():
        different, inverse = np.unique(found.weight[dependent], axis=0, return_inverse=True)
        df[dependent] = linear_combinations(fit.effects, different)[2][inverse.ravel()]
    counted = fit.df_method in (DegreesOfFreedom.RESIDUAL, DegreesOfFreedom.BETWEEN_WITHIN)
    if interval is PredictionInterval.PREDICTION and not counted:
        df = _prediction_df(found, of_beta, df)
    half = np.where(se > 0.0, t_quantile(1.0 - alpha / 2.0, df) * se, 0.0)
    return frame.with_columns(
        df=pl.Series(df).fill_nan(None), lower=found.estimate - half, upper=found.estimate + half
    )


def _prediction_df(found: Predictions, of_beta: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Satterthwaite's, of the variance left plus that of the mean.

    The two estimates are taken as fully correlated, as they are in one sample, where the result
    is exact; otherwise that errs to fewer degrees of freedom.
    """
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        sd_of_beta = np.where(of_beta > 0.0, of_beta * np.sqrt(2.0 / df), 0.0)
        spread = np.sqrt(found.variance_of_variance) + sd_of_beta
        return 2.0 * (found.variance + of_beta) ** 2 / spread**2
