"""Exact unconditional interval for the difference of two proportions, and Fisher's test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import ArgumentError
from .exact_intervals import require_counts, require_level

if TYPE_CHECKING:
    import numpy as np

LARGEST = 200
_STEP = 0.02
_TIED = 1e-9


@dataclass(frozen=True, slots=True)
class ExactRiskDifference:
    """Difference of two proportions, first minus second, without an approximation.

    Attributes
    ----------
    estimate, lower, upper : float
        Proportions, between −1 and 1.
    p : float
        Two-sided p-value of a difference of 0: twice the smaller unconditional tail.
    fisher_p : float
        Fisher's exact two-sided p-value, conditional on both margins.
    """

    estimate: float
    lower: float
    upper: float
    p: float
    fisher_p: float


def exact_risk_difference(
    e1: int, n1: int, e0: int, n0: int, alpha: float = 0.05
) -> ExactRiskDifference:
    """Chan and Zhang's interval for p1 − p0: two one-sided exact tests, inverted.

    Assumes independent participants, one probability an arm, no strata. Tables are ordered by
    the score statistic of the difference tested; the tail probability is the largest over the
    unknown p0. The interval covers at least at its level. Derivation:
    docs/methods/exact-risk-difference.md.

    Parameters
    ----------
    e1, n1, e0, n0 : int
        Events and participants in the first and in the second arm; at most 200 an arm. The cost
        grows with n1 n0: about 0.1 s at 24 : 12 and 4 s at 200 : 200, on one core.
    alpha : float

    Raises
    ------
    ArgumentError
        If the counts are not whole numbers with 0 <= events <= n and n >= 1, or an arm has
        more than 200 participants.

    References
    ----------
    Chan ISF, Zhang Z (1999) Test-based exact confidence intervals for the difference of two
    binomial proportions. Biometrics 55:1202–1209.
    """
    require_counts(e1, n1, "e1, n1")
    require_counts(e0, n0, "e0, n0")
    require_level(alpha)
    if max(n1, n0) > LARGEST:
        raise ArgumentError(
            f"the exact interval is computed for at most {LARGEST} participants an arm",
            where="n1, n0",
            value=(n1, n0),
            remedy="Use the score interval (miettinen_nurminen): at this size they agree closely",
        )
    estimate = e1 / n1 - e0 / n0
    lower = _lower_limit(e1, n1, e0, n0, alpha / 2.0)
    upper = -_lower_limit(e0, n0, e1, n1, alpha / 2.0)
    tails = upper_tail(e1, n1, e0, n0, 0.0), upper_tail(e0, n0, e1, n1, 0.0)
    return ExactRiskDifference(
        estimate=estimate,
        lower=lower,
        upper=upper,
        p=min(1.0, 2.0 * min(tails)),
        fisher_p=fisher_exact(e1, n1, e0, n0),
    )


def upper_tail(
    e1: int, n1: int, e0: int, n0: int, delta: float, level: float | None = None
) -> float:
    """Largest probability, over p0, of a score statistic for p1 − p0 = delta at or above ours.

    With `level` the search ends as soon as it is plain on which side of it the tail lies.
    """
    import numpy as np

    scores = _scores(n1, n0, delta)
    region = (scores >= scores[e1, e0] - _TIED * max(1.0, abs(scores[e1, e0]))).astype(float)
    low, high = max(0.0, -delta), min(1.0, 1.0 - delta)

    def probabilities(p0: np.ndarray) -> np.ndarray:
        first = _binomial(n1, np.clip(p0 + delta, 0.0, 1.0))
        second = _binomial(n0, p0)
        return np.einsum("gi,gi->g", first @ region, second)

    # four points a standard deviation of a proportion of n1 + n0, on the scale that evens it
    points = 33 + int(13.0 * np.sqrt(n1 + n0))
    grid = low + (high - low) * np.sin(np.linspace(0.0, np.pi / 2.0, points)) ** 2
    values = probabilities(grid)
    best = float(values.max())
    if level is not None and (best > level or best < 0.7 * level):
        return best
    for start in np.argsort(values)[-3:]:
        left, right = grid[max(start - 1, 0)], grid[min(start + 1, points - 1)]
        for _ in range(4):
            fine = np.linspace(left, right, 11)
            found = probabilities(fine)
            place = int(found.argmax())
            best = max(best, float(found[place]))
            left, right = fine[max(place - 1, 0)], fine[min(place + 1, 10)]
    return min(best, 1.0)


def fisher_exact(e1: int, n1: int, e0: int, n0: int) -> float:
    """Fisher's exact two-sided p: the sum over tables no likelier than the one seen."""
    import numpy as np
    from scipy.special import gammaln

    def log_choose(n: float, k: np.ndarray) -> np.ndarray:
        return gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)

    require_counts(e1, n1, "e1, n1")
    require_counts(e0, n0, "e0, n0")
    events = e1 + e0
    x = np.arange(max(0, events - n0), min(events, n1) + 1.0)
    log = log_choose(n1, x) + log_choose(n0, events - x) - log_choose(n1 + n0, np.array(events))
    probability = np.exp(log)
    seen = probability[int(e1 - x[0])]
    return min(1.0, float(probability[probability <= seen * (1.0 + 1e-7)].sum()))


def _lower_limit(e1: int, n1: int, e0: int, n0: int, level: float) -> float:
    """Smallest difference that the upper-tail test at `level` does not reject.

    The tail need not rise evenly with the difference: the first crossing from −1 upwards is
    looked for in steps and then halved down, so that the interval contains every difference
    not rejected at a step.
    """
    estimate = e1 / n1 - e0 / n0

    def kept(delta: float) -> bool:
        return upper_tail(e1, n1, e0, n0, delta, level) > level

    if kept(-1.0):
        return -1.0
    below, above = -1.0, estimate
    steps = int((estimate + 1.0) / _STEP)
    for k in range(1, steps + 1):
        delta = -1.0 + k * _STEP
        if kept(delta):
            above = delta
            break
        below = delta
    while above - below > 1e-10:
        middle = 0.5 * (below + above)
        below, above = (below, middle) if kept(middle) else (middle, above)
    return below


def _scores(n1: int, n0: int, delta: float) -> np.ndarray:
    """(n1 + 1, n0 + 1) score statistics of every table for p1 − p0 = delta.

    Miettinen and Nurminen's restricted estimates, as `restricted_p2`, for all tables at once.
    """
    import numpy as np

    e1, e0 = np.arange(n1 + 1.0)[:, None], np.arange(n0 + 1.0)[None, :]
    n, events = float(n1 + n0), e1 + e0
    l0 = e0 * delta * (1.0 - delta)
    l1 = (n0 * delta - n - 2.0 * e0) * delta + events
    l2 = (n1 + 2.0 * n0) * delta - n - events
    third = l2 / (3.0 * n)
    q = third * third * third - l1 * l2 / (6.0 * n * n) + l0 / (2.0 * n)
    p = np.copysign(np.sqrt(np.maximum(third * third - l1 / (3.0 * n), 0.0)), q)
    cubed = np.where(p == 0.0, 1.0, p * p * p)
    ratio = np.where(p == 0.0, 1.0, np.clip(q / np.where(cubed == 0.0, 1.0, cubed), -1.0, 1.0))
    root = 2.0 * p * np.cos((np.pi + np.arccos(ratio)) / 3.0) - third
    p0 = np.clip(root, max(0.0, -delta), min(1.0, 1.0 - delta))
    p1 = np.clip(p0 + delta, 0.0, 1.0)
    variance = p1 * (1.0 - p1) / n1 + p0 * (1.0 - p0) / n0
    distance = e1 / n1 - e0 / n0 - delta
    known = variance > 1e-16
    scores = np.where(np.abs(distance) < 1e-12, 0.0, np.copysign(1e12, distance))
    np.divide(distance, np.sqrt(np.where(known, variance, 1.0)), out=scores, where=known)
    return scores


def _binomial(n: int, p: np.ndarray) -> np.ndarray:
    """(G, n + 1) binomial probabilities at each p."""
    import numpy as np
    from scipy.special import gammaln

    k = np.arange(n + 1.0)
    choose = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    yes, no = np.log(np.maximum(p, 1e-300)), np.log(np.maximum(1.0 - p, 1e-300))
    # below e^-300 nothing counts, and numbers too small for the machine are slow
    return np.exp(np.maximum(choose + np.outer(yes, k) + np.outer(no, n - k), -300.0))
