"""Intervals for what repeated cross-validation finds: training sets overlap, and are no new data.

The variance over folds is multiplied by 1/J + (share left out)/(share kept), J the number of folds
of all repeats (Nadeau and Bengio 2003), with J - 1 degrees of freedom. Approximate: no unbiased
estimate of this variance exists (Bengio and Grandvalet 2004).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..distributions import t_quantile, two_sided_t

if TYPE_CHECKING:
    import numpy as np

    from .performance import FoldSums


@dataclass(frozen=True, slots=True)
class Resampled:
    """An estimate over folds; `lower`, `upper` and `p` (of 0) are NaN from fewer than two folds."""

    estimate: float
    lower: float
    upper: float
    p: float


def resampled(
    over: np.ndarray, under: np.ndarray, *, folds: int, alpha: float, offset: float = 0.0
) -> Resampled:
    """A ratio of sums over folds, less `offset`, with its interval.

    Parameters
    ----------
    over, under
        (j,) sums of each fold; folds whose `under` is 0 have nothing to say and are left out.
    folds
        Folds of one repeat.
    """
    import numpy as np

    used = under > 0.0
    count = int(used.sum())
    nan = float("nan")
    if count == 0:
        return Resampled(nan, nan, nan, nan)
    ratio = float(over[used].sum() / under[used].sum())
    estimate = ratio - offset
    if count < 2:
        return Resampled(estimate, nan, nan, nan)
    # Each fold's part in the ratio, to first order.
    parts = (over[used] - ratio * under[used]) / under[used].mean()
    # A fold of 1/k is left out of the n that train: left out to kept is 1/(k - 1).
    variance = float(parts.var(ddof=1)) * (1.0 / count + 1.0 / (folds - 1.0))
    se = float(np.sqrt(variance))
    reach = float(t_quantile(1.0 - alpha / 2.0, count - 1.0)) * se
    p = float(two_sided_t(estimate / se, count - 1.0)) if se > 0.0 else nan
    return Resampled(estimate, estimate - reach, estimate + reach, p)


def measure_intervals(sums: FoldSums, *, folds: int, alpha: float) -> dict[str, Resampled]:
    """Every measure of the outcome as it was, with its interval."""
    found = {
        "r2": _turned(
            resampled(sums.squares[:, 0], sums.squares_known[:, 0], folds=folds, alpha=alpha)
        ),
        "mae": resampled(sums.absolute[:, 0], sums.people[:, 0], folds=folds, alpha=alpha),
    }
    if sums.brier is not None:
        assert sums.concordant is not None
        assert sums.pairs is not None
        assert sums.brier_known is not None
        auc = resampled(sums.concordant[:, 0], sums.pairs[:, 0], folds=folds, alpha=alpha)
        found["auc"] = Resampled(auc.estimate, max(auc.lower, 0.0), min(auc.upper, 1.0), auc.p)
        found["brier"] = resampled(sums.brier[:, 0], sums.people[:, 0], folds=folds, alpha=alpha)
        found["scaled_brier"] = _turned(
            resampled(sums.brier[:, 0], sums.brier_known[:, 0], folds=folds, alpha=alpha)
        )
    return found


def _turned(ratio: Resampled) -> Resampled:
    """1 less a ratio."""
    return Resampled(1.0 - ratio.estimate, 1.0 - ratio.upper, 1.0 - ratio.lower, float("nan"))


def gains(more: FoldSums, less: FoldSums, *, folds: int, alpha: float) -> dict[str, Resampled]:
    """What one forecast has over another on the same folds; above 0 the first is better.

    ``r2``: share of the spread about the training mean that is explained besides. ``auc``: pairs
    that are ordered right besides. ``brier`` and ``mae``: by how much the error is smaller.
    """
    found = {
        "r2": resampled(
            (less.squares - more.squares)[:, 0], more.squares_known[:, 0], folds=folds, alpha=alpha
        ),
        "mae": resampled(
            (less.absolute - more.absolute)[:, 0], more.people[:, 0], folds=folds, alpha=alpha
        ),
    }  # fmt: skip
    if more.brier is not None and less.brier is not None:
        assert more.concordant is not None
        assert less.concordant is not None
        assert more.pairs is not None
        found["auc"] = resampled(
            (more.concordant - less.concordant)[:, 0], more.pairs[:, 0], folds=folds, alpha=alpha
        )
        found["brier"] = resampled(
            (less.brier - more.brier)[:, 0], more.people[:, 0], folds=folds, alpha=alpha
        )
    return found
