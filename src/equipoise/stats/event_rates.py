"""Events per time under observation, with exact limits, and the ratio of two such rates."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from numbers import Real

from .errors import ArgumentError
from .exact_intervals import clopper_pearson, require_level


@dataclass(frozen=True, slots=True)
class EventRate:
    """Events per unit of exposure.

    Attributes
    ----------
    estimate, lower, upper : float
        Per unit of the exposure given.
    """

    estimate: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class RateRatio:
    """Rate of the first group divided by that of the second.

    Attributes
    ----------
    estimate, lower, upper : float
        Without unit. Infinite where the second group has no event; the estimate is NaN where
        neither has one.
    p : float
        Two-sided p-value of a ratio of 1: twice the smaller tail, so that it agrees with the
        limits.
    """

    estimate: float
    lower: float
    upper: float
    p: float


def event_rate(events: int, exposure: float, alpha: float = 0.05) -> EventRate:
    """Rate with Garwood's exact Poisson limits.

    Assumes that events come independently at a constant rate: it is not exact for events that
    recur in the same participant more often than chance would have it. With no event the upper
    limit is −log(alpha/2)/exposure. Derivation: docs/methods/event-rates.md.

    Parameters
    ----------
    events : int
    exposure : float
        Time under observation, summed over participants; positive.
    alpha : float

    Raises
    ------
    ArgumentError
        If events is not a whole number of at least 0, or the exposure not positive.

    References
    ----------
    Garwood F (1936) Fiducial limits for the Poisson distribution. Biometrika 28:437–442.
    """
    from scipy.special import gammainccinv, gammaincinv

    count = _require_events(events, "events")
    time = _require_exposure(exposure, "exposure")
    require_level(alpha)
    lower = float(gammaincinv(count, alpha / 2.0)) if count else 0.0
    upper = float(gammainccinv(count + 1, alpha / 2.0))
    return EventRate(count / time, lower / time, upper / time)


def rate_ratio(
    events1: int, exposure1: float, events0: int, exposure0: float, alpha: float = 0.05
) -> RateRatio:
    """Ratio of two Poisson rates with exact conditional limits.

    Assumes as `event_rate`. Given the total number of events, those of the first group are
    binomial; the Clopper–Pearson limits of their share are turned into limits of the ratio.
    Derivation: docs/methods/event-rates.md.

    Parameters
    ----------
    events1, events0 : int
    exposure1, exposure0 : float
        Time under observation of each group, positive, in one unit.
    alpha : float

    Raises
    ------
    ArgumentError
        As `event_rate`.

    References
    ----------
    Przyborowski J, Wilenski H (1940) Homogeneity of results in testing samples from Poisson
    series. Biometrika 31:313–323.
    """
    from scipy.special import bdtr, bdtrc

    first, second = _require_events(events1, "events1"), _require_events(events0, "events0")
    time1 = _require_exposure(exposure1, "exposure1")
    time0 = _require_exposure(exposure0, "exposure0")
    require_level(alpha)
    total = first + second
    if not total:
        return RateRatio(math.nan, 0.0, math.inf, 1.0)
    low, high = clopper_pearson(first, total, alpha)
    share = time1 / (time1 + time0)
    above = float(bdtrc(first - 1, total, share)) if first else 1.0
    below = float(bdtr(first, total, share))
    scale = time0 / time1
    return RateRatio(
        estimate=scale * first / second if second else math.inf,
        lower=scale * low / (1.0 - low),
        upper=scale * high / (1.0 - high) if second else math.inf,
        p=min(1.0, 2.0 * min(above, below)),
    )


def _require_events(events: int, where: str) -> int:
    try:
        count = operator.index(events)
    except TypeError:
        count = -1
    if count < 0:
        raise ArgumentError("events are a whole number of at least 0", where=where, value=events)
    return count


def _require_exposure(exposure: float, where: str) -> float:
    if not isinstance(exposure, Real) or not 0.0 < exposure < math.inf:
        raise ArgumentError("time under observation is positive", where=where, value=exposure)
    return float(exposure)
