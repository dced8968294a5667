"""Score interval for the difference of two proportions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .exact_intervals import require_counts, require_level

if TYPE_CHECKING:
    from collections.abc import Callable


_RESOLUTION = 1e-15


@dataclass(frozen=True, slots=True)
class RiskDifference:
    """Difference of two proportions, first minus second.

    Attributes
    ----------
    estimate, lower, upper : float
        Proportions, between −1 and 1.
    """

    estimate: float
    lower: float
    upper: float


def miettinen_nurminen(e1: int, n1: int, e2: int, n2: int, alpha: float = 0.05) -> RiskDifference:
    """Asymptotic score interval for p1 − p2 (unstratified).

    All differences whose score test does not reject at two-sided level alpha, the variance taken
    at the maximum-likelihood estimates under that difference and multiplied by N/(N − 1).
    Derivation: docs/methods/exact-and-score-intervals.md.

    Parameters
    ----------
    e1, n1, e2, n2 : int
        Events and participants in the first and in the second group.
    alpha : float

    Raises
    ------
    ArgumentError
        If the counts are not whole numbers with 0 <= events <= n and n >= 1.

    References
    ----------
    Miettinen O, Nurminen M (1985) Comparative analysis of two rates. Stat Med 4:213–226.
    """
    from scipy.special import ndtri

    require_counts(e1, n1, "e1, n1")
    require_counts(e2, n2, "e2, n2")
    require_level(alpha)
    estimate = e1 / n1 - e2 / n2
    z = float(ndtri(1.0 - alpha / 2.0))

    def inside(delta: float) -> bool:
        return abs(_score(e1, n1, e2, n2, delta)) <= z

    return RiskDifference(
        estimate, last_inside(inside, estimate, -1.0), last_inside(inside, estimate, 1.0)
    )


def last_inside(inside: Callable[[float], bool], start: float, end: float) -> float:
    """Last point on the way from `start` (inside) to `end` that is inside, by bisection."""
    if inside(end):
        return end
    good, bad = start, end
    while abs(bad - good) > _RESOLUTION:
        middle = 0.5 * (good + bad)
        if inside(middle):
            good = middle
        else:
            bad = middle
    return good


def _score(e1: int, n1: int, e2: int, n2: int, delta: float) -> float:
    """Signed root of the score statistic for p1 − p2 = delta."""
    distance = e1 / n1 - e2 / n2 - delta
    if abs(distance) < 1e-15:
        return 0.0
    p2 = restricted_p2(e1, n1, e2, n2, delta)
    p1 = min(max(p2 + delta, 0.0), 1.0)
    n = n1 + n2
    variance = (p1 * (1.0 - p1) / n1 + p2 * (1.0 - p2) / n2) * n / (n - 1.0)
    return math.copysign(math.inf, distance) if variance <= 0.0 else distance / math.sqrt(variance)


def restricted_p2(e1: int, n1: int, e2: int, n2: int, delta: float) -> float:
    """Maximum-likelihood p2 under p1 = p2 + delta: a root of a cubic, in closed form."""
    n, events = n1 + n2, e1 + e2
    l0 = e2 * delta * (1.0 - delta)
    l1 = (n2 * delta - n - 2.0 * e2) * delta + events
    l2 = (n1 + 2.0 * n2) * delta - n - events
    third = l2 / (3.0 * n)
    q = third**3 - l1 * l2 / (6.0 * n * n) + l0 / (2.0 * n)
    p = math.copysign(math.sqrt(max(third * third - l1 / (3.0 * n), 0.0)), q)
    ratio = 1.0 if p == 0.0 else min(max(q / p**3, -1.0), 1.0)
    root = 2.0 * p * math.cos((math.pi + math.acos(ratio)) / 3.0) - third
    return min(max(root, 0.0, -delta), 1.0, 1.0 - delta)
