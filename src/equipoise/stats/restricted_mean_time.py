"""Restricted mean time to an event, and its difference between two arms, over strata."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

from .errors import ArgumentError
from .exact_intervals import require_level
from .participant_arrays import finite_row, flag_row, require_both_arms, stratum_masks
from .survival import life_table, product_limit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """Mean time without the event up to a horizon.

    Attributes
    ----------
    estimate, se : float
        In the unit of the times. The standard error is 0 where no event was seen before the
        horizon: the data then say nothing about the spread.
    tau : float
        The horizon.
    n, events : int
        Participants, and events up to the horizon.
    """

    estimate: float
    se: float
    tau: float
    n: int
    events: int


@dataclass(frozen=True, slots=True)
class RestrictedMeanDifference:
    """Difference of two restricted means, treated minus control.

    Attributes
    ----------
    estimate, se : float
        In the unit of the times.
    lower, upper, p : float
        Normal limits and two-sided p-value; NaN where the standard error is 0.
    treated, control : float
        Restricted mean of each arm, weighted over the strata used.
    tau : float
    strata_used, strata_left_out : int
        Strata with participants in both arms, and those without.
    participants_left_out : int
    """

    estimate: float
    se: float
    lower: float
    upper: float
    p: float
    treated: float
    control: float
    tau: float
    strata_used: int
    strata_left_out: int
    participants_left_out: int


def restricted_mean(time: ArrayLike, event: ArrayLike, tau: float) -> RestrictedMean:
    """Area under the Kaplan–Meier curve from 0 to tau.

    Assumes non-informative censoring; no model of the hazard. Standard error by Greenwood's
    formula. Derivation: docs/methods/time-to-event.md.

    Parameters
    ----------
    time : array_like (n,)
        Time to the event or to the end of follow-up, not negative.
    event : array_like of bool (n,)
    tau : float
        Horizon, positive, in the unit of the times; fixed in advance.

    Raises
    ------
    ArgumentError
        If tau lies beyond the last follow-up while the curve is not at 0: what happens there is
        not known, and nothing is put in its place.

    References
    ----------
    Uno H et al. (2014) Moving beyond the hazard ratio in quantifying the between-group
    difference in survival analysis. J Clin Oncol 32:2380–2385.
    """
    import numpy as np

    horizon = _require_tau(tau)
    times, at_risk, events, _ = life_table(time, event)
    survival, _ = product_limit(at_risk, events)
    if horizon > times[-1] and survival[-1] > 0.0:
        raise ArgumentError(
            f"the last follow-up is at {times[-1]:g} and the curve has not reached 0",
            where="tau",
            value=horizon,
            rule="The curve is not known beyond the last follow-up",
            remedy=f"Choose a tau of at most {times[-1]:g}, fixed before the data are seen",
        )
    within = times <= horizon
    t, n, d = times[within], at_risk[within], events[within]
    edges = np.concatenate([[0.0], t, [horizon]])
    heights = np.concatenate([[1.0], survival[within]])
    areas = heights * np.diff(edges)
    remaining = np.cumsum(areas[::-1])[::-1][1:]
    weight = np.zeros(len(t))
    np.divide(d, n * (n - d), out=weight, where=n > d)
    return RestrictedMean(
        estimate=float(areas.sum()),
        se=math.sqrt(float(remaining * remaining @ weight)),
        tau=horizon,
        n=int(at_risk[0]),
        events=int(d.sum()),
    )


def restricted_mean_difference(
    time: ArrayLike,
    event: ArrayLike,
    treated: ArrayLike,
    tau: float,
    strata: ArrayLike | None = None,
    alpha: float = 0.05,
) -> RestrictedMeanDifference:
    """Difference of restricted means, averaged over strata by their size.

    Assumptions as for `restricted_mean`, in each arm of each stratum. The weight of a stratum is
    its share of the participants in strata that have both arms; variances add. Derivation:
    docs/methods/time-to-event.md.

    Parameters
    ----------
    time, event : array_like (n,)
        As for `restricted_mean`.
    treated : array_like of bool (n,)
        True in the first arm of the difference.
    tau : float
    strata : array_like (n,), optional
        One label a participant. A stratum in which an arm is empty is left out and counted.
    alpha : float

    Raises
    ------
    ArgumentError
        If an arm is empty in every stratum, or tau lies beyond the last follow-up of an arm in
        a stratum whose curve is not at 0.

    References
    ----------
    Tian L, Zhao L, Wei LJ (2014) Predicting the restricted mean event time with the subject's
    baseline covariates in survival analysis. Biostatistics 15:222–233.
    """
    from scipy.special import ndtr, ndtri

    require_level(alpha)
    times = finite_row(time, "time", least=0.0)
    events = flag_row(event, "event", len(times))
    arm = flag_row(treated, "treated", len(times))
    require_both_arms(arm)
    parts: list[tuple[int, RestrictedMean, RestrictedMean]] = []
    strata_left_out = participants_left_out = 0
    for label, mask in stratum_masks(strata, len(times)):
        first, second = mask & arm, mask & ~arm
        if not (first.any() and second.any()):
            strata_left_out += 1
            participants_left_out += int(mask.sum())
            continue
        means = [_mean_of(times[m], events[m], tau, label) for m in (first, second)]
        parts.append((int(mask.sum()), means[0], means[1]))
    if not parts:
        raise ArgumentError("no stratum has participants in both arms", where="strata, treated")
    total = sum(size for size, _, _ in parts)
    mean1 = sum(size / total * one.estimate for size, one, _ in parts)
    mean0 = sum(size / total * zero.estimate for size, _, zero in parts)
    variance = sum((size / total) ** 2 * (a.se**2 + b.se**2) for size, a, b in parts)
    se = math.sqrt(variance)
    estimate = mean1 - mean0
    half_width = float(ndtri(1.0 - alpha / 2.0)) * se if se > 0.0 else math.nan
    return RestrictedMeanDifference(
        estimate=estimate,
        se=se,
        lower=estimate - half_width,
        upper=estimate + half_width,
        p=float(2.0 * ndtr(-abs(estimate / se))) if se > 0.0 else math.nan,
        treated=mean1,
        control=mean0,
        tau=parts[0][1].tau,
        strata_used=len(parts),
        strata_left_out=strata_left_out,
        participants_left_out=participants_left_out,
    )


def _mean_of(time: np.ndarray, event: np.ndarray, tau: float, label: Any) -> RestrictedMean:
    """`restricted_mean`, the stratum named in the error."""
    try:
        return restricted_mean(time, event, tau)
    except ArgumentError as error:
        if label is None:
            raise
        raise ArgumentError(
            error.what,
            where=f"{error.where} in stratum {label!r}",
            value=error.value,
            rule=error.rule,
            remedy=error.remedy,
        ) from None


def _require_tau(tau: float) -> float:
    if not isinstance(tau, Real) or not 0.0 < tau < math.inf:
        raise ArgumentError("the horizon is a positive number", where="tau", value=tau)
    return float(tau)
