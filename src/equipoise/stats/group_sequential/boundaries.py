"""Boundaries from error spending, and what a design with looks costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ArgumentError
from .crossing import Walk, check_looks, crossing_probabilities
from .spending import Spending, spent

#: Beyond this nobody gets: a boundary of a look that spends next to nothing.
_FARTHEST = 12.0


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Boundaries of K looks.

    Attributes
    ----------
    information
        (K,) shares or information.
    upper, lower
        (K,) on the scale of Z; `lower` is -infinity where there is none.
    nominal
        (K,) one-sided p at the upper boundary: what a t statistic is held to.
    """

    information: tuple[float, ...]
    upper: tuple[float, ...]
    lower: tuple[float, ...]
    nominal: tuple[float, ...]


def efficacy_boundaries(
    shares: Sequence[float],
    alpha: float,
    function: str = Spending.OBRIEN_FLEMING,
    *,
    parameter: float | None = None,
    two_sided: bool = True,
    last: bool = True,
) -> Boundaries:
    """Boundaries that spend the type-I error.

    Futility is not taken into account: whoever does not follow it keeps the level (non-binding).

    Parameters
    ----------
    shares
        (K,) of the planned information, ascending, above 0; a last one above 1 counts as 1.
    alpha
        Level: two-sided, half of it on each side, or one-sided.
    function, parameter
        Of `spent`, for one side.
    two_sided
        Whether `alpha` is. Each side then spends half of it; the sides are symmetric, and who has
        crossed the other one before is counted there.
    last
        Whether the last look is the trial's last: it then spends all that is left, whatever its
        share.

    Raises
    ------
    ArgumentError
        When shares do not rise or the level is none.
    """
    from scipy.special import ndtr

    check_looks(shares)
    if not 0.0 < alpha < (1.0 if two_sided else 0.5):
        raise ArgumentError("a level", where="alpha", value=alpha)
    error = alpha / 2.0 if two_sided else alpha
    walk = Walk(0.0)
    upper: list[float] = []
    before = 0.0
    for k, share in enumerate(shares):
        ended = last and k == len(shares) - 1
        now = error if ended else spent(function, error, share, parameter=parameter)
        bound = _bound(walk, share, max(now - before, 0.0))
        upper.append(bound)
        before = max(now, before)
        if k < len(shares) - 1:
            walk.go_on(share, -bound if two_sided else -_FARTHEST, bound)
    lower = [-b for b in upper] if two_sided else [-math.inf] * len(upper)
    return Boundaries(
        tuple(shares), tuple(upper), tuple(lower), tuple(float(ndtr(-b)) for b in upper)
    )


def futility_boundaries(
    shares: Sequence[float],
    upper: Sequence[float],
    beta: float,
    drift: float,
    function: str = Spending.HWANG_SHIH_DECANI,
    *,
    parameter: float | None = -2.0,
) -> tuple[float, ...]:
    """Lower boundaries that spend the type-II error under a drift; the last meets the upper one.

    Parameters
    ----------
    shares
        (K,) of the planned information.
    upper
        (K,) boundaries of efficacy.
    beta
        Type-II error in all.
    drift
        θ times the root of the planned information.
    function, parameter
        Of `spent`.

    Raises
    ------
    ArgumentError
        When shapes do not fit.
    """
    check_looks(shares)
    if len(upper) != len(shares):
        raise ArgumentError("a boundary a look", where="upper", value=len(upper))
    walk = Walk(drift)
    found: list[float] = []
    before = 0.0
    for share, bound in zip(shares[:-1], upper, strict=False):
        now = spent(function, beta, share, parameter=parameter)
        low = min(_low(walk, share, now - before), bound)
        found.append(low)
        before = now
        walk.go_on(share, low, bound)
    return (*found, upper[-1])


def inflation(
    shares: Sequence[float],
    upper: Sequence[float],
    power: float,
    alpha: float,
    *,
    lower: Sequence[float] | None = None,
    two_sided: bool = True,
) -> float:
    """Most information of a design with looks, as a multiple of that of one without.

    Both have the same level and power. `lower` are boundaries that end the trial without an
    effect; of a two-sided test the symmetric ones.

    Raises
    ------
    ArgumentError
        When no information reaches the power.
    """
    from scipy.special import ndtri

    fixed = float(ndtri(power)) - float(ndtri(alpha / 2.0 if two_sided else alpha))
    low = list(lower) if lower is not None else [-b for b in upper] if two_sided else None

    def reached(drift: float) -> float:
        return crossing_probabilities(shares, upper, low, drift).power

    small, large = 0.0, 2.0 * fixed
    while reached(large) < power:
        large *= 1.5
        if large > 100.0 * fixed:
            raise ArgumentError("no information reaches it", where="power", value=power)
    for _ in range(80):
        middle = 0.5 * (small + large)
        small, large = (middle, large) if reached(middle) < power else (small, middle)
    return (large / fixed) ** 2


def _bound(walk: Walk, share: float, error: float) -> float:
    """The upper bound that is crossed with this probability."""
    if error <= 0.0:
        return _FARTHEST
    return _solved(lambda z: error - walk.beyond(share, z))


def _low(walk: Walk, share: float, error: float) -> float:
    if error <= 0.0:
        return -_FARTHEST
    return _solved(lambda z: walk.below(share, z) - error)


def _solved(rising: Callable[[float], float]) -> float:
    """Root of a rising function of a bound."""
    from scipy.optimize import brentq

    low, high = -_FARTHEST, _FARTHEST
    if rising(low) >= 0.0:
        return low
    if rising(high) <= 0.0:
        return high
    root: Any = brentq(rising, low, high, xtol=1e-10)
    return float(root)
