"""Which allocations are at least as extreme as the one observed, and the p that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: Statistics this close are a tie: fits stop within less of their optimum.
TIE = 1e-6


def at_least_as_extreme(statistics: np.ndarray, t: float) -> np.ndarray:
    """Which statistics lie as far from 0 as t, ties and failed fits (NaN) included."""
    import numpy as np

    with np.errstate(invalid="ignore"):
        return ~(np.abs(statistics) < abs(t) * (1.0 - TIE))


def p_value(extreme: np.ndarray, weights: np.ndarray, draws: int | None) -> float:
    """(b + 1)/(B + 1) of B drawn allocations; the share of the extreme ones where all are given.

    Parameters
    ----------
    extreme : bool (D,)
        Of the distinct allocations.
    weights : float64 (D,)
        Their shares, which sum to 1.
    draws : int or None
        B; None where the allocations are all that there are.
    """
    share = float(weights[extreme].sum())
    if draws is None:
        return min(1.0, share)
    return (round(share * draws) + 1) / (draws + 1)
