"""Predictions at the visits of participants, conditional on what they showed or marginal.

The conditional mean is the best linear unbiased predictor at the fitted covariance (Goldberger
1962, JASA 57:369–375). Derivation: docs/methods/after-the-fit.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .distributions import t_quantile
from .marginal_covariance import covariance_at
from .small_samples import linear_combinations
from .vocabulary import PredictionInterval

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
        Of a new response given those, at known beta.
    """

    estimate: np.ndarray
    weight: np.ndarray
    variance: np.ndarray


def predictions(fit: MMRMFit, rows: NewRows, *, conditional: bool) -> Predictions:
    """Means, what they take from beta, and the variance that is left."""
    import numpy as np

    beta = fit.effects.estimate
    estimate = rows.design @ beta
    weight = rows.design.copy()
    variance = np.empty(len(estimate))
    observed = np.isfinite(rows.response) if conditional else np.zeros(len(estimate), dtype=bool)
    residual = np.where(observed, rows.response - estimate, 0.0)
    for members, first in _alike(rows, observed):
        seen = observed[first]
        v = covariance_at(fit, rows, first)
        scale = np.ones((len(members), len(first)))
        if rows.weights is not None:
            scale = 1.0 / np.sqrt(rows.weights[members])
        variance[members] = np.diagonal(v) * scale**2
        if not seen.any():
            continue
        old, new = members[:, seen], members[:, ~seen]
        slopes = np.linalg.solve(v[np.ix_(seen, seen)], v[np.ix_(seen, ~seen)]).T
        left = np.diagonal(v[np.ix_(~seen, ~seen)] - slopes @ v[np.ix_(seen, ~seen)])
        own = slopes * scale[:, ~seen][:, :, None] / scale[:, seen][:, None, :]
        estimate[new] += (own @ residual[old][:, :, None])[:, :, 0]
        weight[new] -= own @ rows.design[old]
        variance[new] = left * scale[:, ~seen] ** 2
        estimate[old] = rows.response[old]
        weight[old] = 0.0
        variance[old] = 0.0
    return Predictions(estimate, weight, variance)


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
    dependent = np.any(found.weight != 0.0, axis=1)
    covariance = fit.effects.covariance()
    variance = np.einsum("ip,pq,iq->i", found.weight, covariance, found.weight, optimize=True)
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
    if dependent.any():
        different, inverse = np.unique(found.weight[dependent], axis=0, return_inverse=True)
        df[dependent] = linear_combinations(fit.effects, different)[2][inverse.ravel()]
    half = np.where(se > 0.0, t_quantile(1.0 - alpha / 2.0, df) * se, 0.0)
    return frame.with_columns(
        df=pl.Series(df).fill_nan(None), lower=found.estimate - half, upper=found.estimate + half
    )
