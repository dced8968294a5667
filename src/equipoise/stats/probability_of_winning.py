"""Probability that a treated participant does better than a control (Mann–Whitney)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .errors import ArgumentError
from .exact_intervals import require_level
from .participant_arrays import finite_row, flag_row, require_both_arms, stratum_masks
from .score_intervals import last_inside

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

Method = Literal["brunner-munzel-logit", "newcombe-score"]


@dataclass(frozen=True, slots=True)
class WinProbability:
    """P(X1 > X0) + P(X1 = X0)/2 for a treated X1 and a control X0, over strata.

    Attributes
    ----------
    estimate, lower, upper : float
        Between 0 and 1; one half where neither arm is better.
    se, df : float
        Standard error of the estimate and its degrees of freedom; NaN with "newcombe-score",
        which has neither.
    p : float
        Two-sided p-value of one half, by the inversion of the same interval.
    method : {"brunner-munzel-logit", "newcombe-score"}
        Which interval it is: the second where no stratum has a variance that can be estimated
        (complete separation, all values equal, one participant in an arm).
    strata_used, strata_left_out : int
        Strata with participants in both arms, and those without.
    strata_modelled : int
        Strata used whose variance could not be estimated, and was taken from Newcombe's formula.
    participants_left_out : int
    """

    estimate: float
    lower: float
    upper: float
    se: float
    df: float
    p: float
    method: Method
    strata_used: int
    strata_left_out: int
    strata_modelled: int
    participants_left_out: int


@dataclass(frozen=True, slots=True)
class _Stratum:
    """One stratum: the estimate, and the variance that each arm gives (None: not estimable)."""

    n1: int
    n0: int
    estimate: float
    parts: tuple[float, float] | None


def win_probability(
    values: ArrayLike,
    treated: ArrayLike,
    strata: ArrayLike | None = None,
    alpha: float = 0.05,
) -> WinProbability:
    """Mann–Whitney probability with an interval, over strata with weights n1 n0/(n1 + n0).

    Assumes independent participants and an order of the values, nothing else: neither a shift
    nor equal variances. Larger values win; turn the sign where smaller is better. Variance by
    Brunner and Munzel, Satterthwaite's degrees of freedom, limits by t on the logit scale. A
    stratum whose variance cannot be estimated takes Newcombe's at the common estimate; where
    none can, the limits are Newcombe's (his method 5), never of width zero. Derivation:
    docs/methods/win-probability.md.

    Parameters
    ----------
    values : array_like (n,)
        Ordered outcome of each participant; ties count one half.
    treated : array_like of bool (n,)
    strata : array_like (n,), optional
        One label a participant. A stratum in which an arm is empty is left out and counted.
    alpha : float

    Raises
    ------
    ArgumentError
        If a value is missing, an arm is empty, or in no stratum both arms have participants.

    References
    ----------
    Brunner E, Munzel U (2000) Biom J 42:17–25. Newcombe RG (2006) Stat Med 25:559–573.
    Kawaguchi A, Koch GG, Wang X (2011) Stat Biopharm Res 3:217–231.
    """
    require_level(alpha)
    row = finite_row(values, "values")
    arm = flag_row(treated, "treated", len(row))
    require_both_arms(arm)
    used: list[_Stratum] = []
    left_out = participants_left_out = 0
    for _, mask in stratum_masks(strata, len(row)):
        first, second = row[mask & arm], row[mask & ~arm]
        if first.size and second.size:
            used.append(_compare(first, second))
        else:
            left_out += 1
            participants_left_out += int(mask.sum())
    if not used:
        raise ArgumentError("no stratum has participants in both arms", where="strata, treated")
    sizes = [s.n1 * s.n0 / (s.n1 + s.n0) for s in used]
    weights = [size / sum(sizes) for size in sizes]
    estimate = min(sum(w * s.estimate for w, s in zip(weights, used, strict=True)), 1.0)
    modelled = sum(s.parts is None for s in used)
    if modelled == len(used):
        lower, upper, p = _newcombe(used, weights, estimate, alpha)
        se = df = math.nan
    else:
        lower, upper, p, se, df = _brunner_munzel(used, weights, estimate, alpha)
    return WinProbability(
        estimate=estimate,
        lower=lower,
        upper=upper,
        se=se,
        df=df,
        p=p,
        method="newcombe-score" if modelled == len(used) else "brunner-munzel-logit",
        strata_used=len(used),
        strata_left_out=left_out,
        strata_modelled=modelled,
        participants_left_out=participants_left_out,
    )


def _compare(first: np.ndarray, second: np.ndarray) -> _Stratum:
    """Estimate and variance of one stratum, from the placements of each value in the other arm."""
    import numpy as np

    def placements(x: np.ndarray, others: np.ndarray) -> np.ndarray:
        ordered = np.sort(others)
        below = np.searchsorted(ordered, x, side="left")
        up_to = np.searchsorted(ordered, x, side="right")
        return (below + up_to) / (2.0 * len(others))

    wins, losses = placements(first, second), placements(second, first)
    n1, n0 = len(first), len(second)
    parts = None
    if n1 > 1 and n0 > 1:
        found = float(np.var(wins, ddof=1)) / n1, float(np.var(losses, ddof=1)) / n0
        if sum(found) > 1e-20:
            parts = found
    return _Stratum(n1, n0, float(wins.mean()), parts)


def _brunner_munzel(
    strata: list[_Stratum], weights: list[float], estimate: float, alpha: float
) -> tuple[float, float, float, float, float]:
    """Limits, p, standard error and degrees of freedom; `estimate` lies inside (0, 1)."""
    from scipy.special import expit, logit, stdtr, stdtrit

    variance = below = 0.0
    for w, s in zip(weights, strata, strict=True):
        if s.parts is None:
            variance += w * w * _newcombe_variance(estimate, s.n1, s.n0)
            continue
        for part, n in zip(s.parts, (s.n1, s.n0), strict=True):
            variance += w * w * part
            below += (w * w * part) ** 2 / (n - 1)
    df = variance * variance / below
    se = math.sqrt(variance)
    centre = float(logit(estimate))
    scale = se / (estimate * (1.0 - estimate))
    half_width = float(stdtrit(df, 1.0 - alpha / 2.0)) * scale
    p = float(2.0 * stdtr(df, -abs(centre) / scale))
    return float(expit(centre - half_width)), float(expit(centre + half_width)), p, se, df


def _newcombe(
    strata: list[_Stratum], weights: list[float], estimate: float, alpha: float
) -> tuple[float, float, float]:
    """Limits and p by the score-type method that takes the variance at the value tested."""
    from scipy.special import ndtr, ndtri

    def statistic(theta: float) -> float:
        variance = sum(
            w * w * _newcombe_variance(theta, s.n1, s.n0)
            for w, s in zip(weights, strata, strict=True)
        )
        distance = estimate - theta
        if abs(distance) < 1e-15:
            return 0.0
        return distance / math.sqrt(variance) if variance > 0.0 else math.inf

    z = float(ndtri(1.0 - alpha / 2.0))

    def inside(theta: float) -> bool:
        return abs(statistic(theta)) <= z

    p = float(2.0 * ndtr(-abs(statistic(0.5))))
    return last_inside(inside, estimate, 0.0), last_inside(inside, estimate, 1.0), p


def _newcombe_variance(theta: float, n1: int, n0: int) -> float:
    """Newcombe (2006), method 5: Hanley and McNeil's variance with both sizes at their mean."""
    less = (n1 + n0) / 2.0 - 1.0
    inner = 1.0 + less * ((1.0 - theta) / (2.0 - theta) + theta / (1.0 + theta))
    return theta * (1.0 - theta) * inner / (n1 * n0)
