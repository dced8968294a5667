"""Adjusted p-values from the distribution of the maximum: Westfall and Young's max-T.

The numerics of every max-T of the package; who draws, and what a draw is, the callers know.
Derivation: docs/methods/multiple-comparisons.md, "The maximum, by drawing".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

#: Statistics this near (relative) count as equal: a draw that changes nothing ties.
TIE = 1e-9


@dataclass(frozen=True, slots=True)
class MaximumTest:
    """p-values of m members by the same draws; NaN for a member without a statistic.

    Attributes
    ----------
    unadjusted : ndarray (m,)
        Of each member by itself.
    single_step : ndarray (m,)
        Against the largest statistic of all members.
    step_down : ndarray (m,)
        Against the largest of those that are not more extreme; in the order of the statistics
        never smaller than the one before. Never above `single_step`, never below `unadjusted`.
    draws : int
    """

    unadjusted: np.ndarray
    single_step: np.ndarray
    step_down: np.ndarray
    draws: int


def westfall_young(
    observed: ArrayLike, drawn: ArrayLike, *, exact: bool = False, tie: float = TIE
) -> MaximumTest:
    """Single-step and step-down adjusted p-values of the maximum statistic.

    Assumes that draws have the joint distribution that the statistics have where all the
    hypotheses are true; step-down needs besides that the statistics of the true ones are
    distributed alike whichever others are false (subset pivotality).

    Parameters
    ----------
    observed : array_like (m,)
        Statistics, large where they speak against the hypothesis. NaN: a member without one.
    drawn : array_like (B, m)
        The same of each draw. NaN: no statistic in that draw, which counts as extreme.
    exact : bool
        The draws are all that there are, the observed one among them: p is their share. Else
        they are drawn, and p is (b + 1)/(B + 1).
    tie : float
        Statistics that are nearer than this part of what was seen count as equal.

    Raises
    ------
    ArgumentError
        If the shapes do not fit, or there is no draw.

    References
    ----------
    Westfall PH, Young SS (1993) Resampling-based multiple testing. Wiley, algorithm 4.1.
    Ge Y, Dudoit S, Speed TP (2003) Resampling-based multiple testing for microarray data
    analysis. Test 12:1–77, box 2.
    """
    import numpy as np

    seen, draws = np.asarray(observed, dtype=float), np.asarray(drawn, dtype=float)
    if seen.ndim != 1 or draws.ndim != 2 or draws.shape[1] != len(seen) or not len(draws):
        raise ArgumentError(
            "one row of statistics, and at least one draw of as many",
            where="drawn",
            value=[seen.shape, draws.shape],
        )
    tested = np.flatnonzero(~np.isnan(seen))
    order = tested[np.argsort(-seen[tested], kind="stable")]
    against = draws[:, order]
    against = np.where(np.isnan(against), np.inf, against)
    bound = seen[order] - tie * np.abs(seen[order])
    # From the last to the first: the largest of a member and all less extreme ones.
    largest = np.maximum.accumulate(against[:, ::-1], axis=1)[:, ::-1]

    def share(statistics: np.ndarray) -> np.ndarray:
        """Of each member, placed where it was given."""
        extreme = (statistics >= bound).sum(axis=0)
        total = len(draws)
        placed = np.full(len(seen), np.nan)
        placed[order] = extreme / total if exact else (extreme + 1) / (total + 1)
        return placed

    step_down = share(largest)
    step_down[order] = np.maximum.accumulate(step_down[order])
    return MaximumTest(share(against), share(largest[:, :1]), step_down, len(draws))
