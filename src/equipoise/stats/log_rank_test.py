"""Log-rank test of two arms, over strata."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import ArgumentError
from .participant_arrays import finite_row, flag_row, require_both_arms, stratum_masks
from .survival import life_table

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class LogRank:
    """Log-rank test of equal hazards.

    Attributes
    ----------
    z : float
        Signed root of the statistic; positive where the treated have more events than expected.
    chi_square, p : float
        On one degree of freedom; two-sided. NaN where no event tells the arms apart.
    observed, expected : float
        Events of the treated, seen and expected under equal hazards, summed over strata.
    strata_used, strata_left_out : int
        Strata with participants in both arms, and those without.
    participants_left_out : int
    """

    z: float
    chi_square: float
    p: float
    observed: int
    expected: float
    strata_used: int
    strata_left_out: int
    participants_left_out: int


def log_rank(
    time: ArrayLike, event: ArrayLike, treated: ArrayLike, strata: ArrayLike | None = None
) -> LogRank:
    """Stratified log-rank (Mantel–Haenszel) test.

    Assumes non-informative censoring. It is most powerful where hazards are proportional;
    crossing curves can hide a difference. Derivation: docs/methods/time-to-event.md.

    Parameters
    ----------
    time : array_like (n,)
        Time to the event or to the end of follow-up, not negative.
    event, treated : array_like of bool (n,)
    strata : array_like (n,), optional
        One label a participant. A stratum in which an arm is empty is left out and counted.

    Raises
    ------
    ArgumentError
        If an arm is empty, or in no stratum both arms have participants.

    References
    ----------
    Mantel N (1966) Evaluation of survival data and two new rank order statistics arising in its
    consideration. Cancer Chemother Rep 50:163–170.
    """
    import numpy as np
    from scipy.special import ndtr

    times = finite_row(time, "time", least=0.0)
    events = flag_row(event, "event", len(times))
    arm = flag_row(treated, "treated", len(times))
    require_both_arms(arm)
    observed, expected, variance = 0, 0.0, 0.0
    used = left_out = participants_left_out = 0
    for _, mask in stratum_masks(strata, len(times)):
        first = mask & arm
        if not (first.any() and (mask & ~arm).any()):
            left_out += 1
            participants_left_out += int(mask.sum())
            continue
        used += 1
        grid, n, d, _ = life_table(times[mask], events[mask])
        n1 = first.sum() - np.searchsorted(np.sort(times[first]), grid, side="left")
        observed += int(events[first].sum())
        expected += float((d * n1 / n).sum())
        spread = d * n1 * (n - n1) * (n - d)
        scale = n * n * np.maximum(n - 1, 1)
        variance += float((spread / scale).sum())
    if not used:
        raise ArgumentError("no stratum has participants in both arms", where="strata, treated")
    z = (observed - expected) / math.sqrt(variance) if variance > 0.0 else math.nan
    return LogRank(
        z=z,
        chi_square=z * z,
        p=float(2.0 * ndtr(-abs(z))),
        observed=observed,
        expected=expected,
        strata_used=used,
        strata_left_out=left_out,
        participants_left_out=participants_left_out,
    )
