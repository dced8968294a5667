"""Kaplan–Meier curve of the time to an event, with its limits and its median."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .exact_intervals import require_level
from .participant_arrays import finite_row, flag_row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

_TIED = 1e-8


@dataclass(frozen=True, slots=True)
class KaplanMeier:
    """Kaplan–Meier estimate; one entry a distinct time, with or without an event.

    Attributes
    ----------
    time : (K,) array
        Distinct observed times, rising, in the unit given.
    at_risk, events, censored : (K,) array of int
        Participants under observation just before each time, events and ends of follow-up at it.
    survival : (K,) array
        Probability of no event up to and including each time.
    se : (K,) array
        Greenwood's standard error of `survival`; NaN once the curve is at 0.
    lower, upper : (K,) array
        Pointwise limits on the log(−log) scale; 1 before the first event, NaN once at 0.
    median : float or None
        First time at which the curve is at or below one half (the middle of the step where the
        curve runs at exactly one half); None if it is not reached.
    median_lower, median_upper : float or None
        Times at which the lower and the upper limit cross one half; None if not reached.
    """

    time: np.ndarray
    at_risk: np.ndarray
    events: np.ndarray
    censored: np.ndarray
    survival: np.ndarray
    se: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    median: float | None
    median_lower: float | None
    median_upper: float | None


def kaplan_meier(time: ArrayLike, event: ArrayLike, alpha: float = 0.05) -> KaplanMeier:
    """Kaplan–Meier curve.

    Assumes independent participants whose end of follow-up says nothing about the event
    (non-informative censoring). A participant whose follow-up ends at the time of an event
    counts as at risk of it. Derivation: docs/methods/time-to-event.md.

    Parameters
    ----------
    time : array_like (n,)
        Time to the event or to the end of follow-up, not negative.
    event : array_like of bool (n,)
        Whether the time ends with the event.
    alpha : float
        The limits are pointwise two-sided 100(1 − alpha) %.

    Raises
    ------
    ArgumentError
        If a time is missing or negative, or the arrays differ in length.

    References
    ----------
    Kaplan EL, Meier P (1958) J Am Stat Assoc 53:457–481. Limits and median: Brookmeyer R,
    Crowley J (1982) Biometrics 38:29–41; Kalbfleisch JD, Prentice RL (2002) The statistical
    analysis of failure time data, 2nd ed, section 1.4.
    """
    import numpy as np
    from scipy.special import ndtri

    require_level(alpha)
    times, at_risk, events, censored = life_table(time, event)
    survival, greenwood = product_limit(at_risk, events)
    z = float(ndtri(1.0 - alpha / 2.0))
    lower, upper = np.ones_like(survival), np.ones_like(survival)
    inner = (survival > 0.0) & (survival < 1.0)
    log = np.log(survival[inner])
    half_width = z * np.sqrt(greenwood[inner]) / -log
    lower[inner] = np.exp(log * np.exp(half_width))
    upper[inner] = np.exp(log * np.exp(-half_width))
    gone = survival <= 0.0
    lower[gone] = upper[gone] = np.nan
    return KaplanMeier(
        time=times,
        at_risk=at_risk,
        events=events,
        censored=censored,
        survival=survival,
        se=np.where(gone, np.nan, survival * np.sqrt(np.where(gone, 0.0, greenwood))),
        lower=lower,
        upper=upper,
        median=_crossing(times, survival),
        median_lower=_crossing(times, lower),
        median_upper=_crossing(times, upper),
    )


def life_table(
    time: ArrayLike, event: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Distinct times, numbers at risk, events and ends of follow-up, (K,) each."""
    import numpy as np

    durations = finite_row(time, "time", least=0.0)
    flags = flag_row(event, "event", len(durations))
    times, place = np.unique(durations, return_inverse=True)
    events = np.bincount(place[flags], minlength=len(times))
    leaving = np.bincount(place, minlength=len(times))
    at_risk = np.cumsum(leaving[::-1])[::-1]
    return times, at_risk, events, leaving - events


def product_limit(at_risk: np.ndarray, events: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Survival after each time, and Greenwood's sum (infinite once the curve is at 0)."""
    import numpy as np

    left = at_risk - events
    survival = np.cumprod(left / at_risk)
    terms = np.full(len(events), np.inf)
    np.divide(events, at_risk * left, out=terms, where=left > 0)
    return survival, np.cumsum(terms)


def _crossing(times: np.ndarray, curve: np.ndarray) -> float | None:
    """First time with `curve` at or below one half, the middle of a step at one half."""
    import numpy as np

    known = np.isfinite(curve)
    times, curve = times[known], curve[known]
    reached = np.flatnonzero(curve < 0.5 + _TIED)
    if not reached.size:
        return None
    first = int(reached[0])
    if abs(curve[first] - 0.5) < _TIED:
        below = np.flatnonzero(curve < curve[first] - _TIED)
        if below.size:
            return float(times[first] + times[below[0]]) / 2.0
    return float(times[first])
