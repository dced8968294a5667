"""Safety stopping by counts: the boundary of each look, and what the rule does at true rates."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

from .errors import ArgumentError
from .exact_intervals import require_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import ArrayLike

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class StoppingBoundary:
    """Stop at a look when at least so many of the participants treated had the event.

    Attributes
    ----------
    looks : tuple of int
        Participants treated at each look, rising.
    events : tuple of (int or None)
        Smallest count that stops; None where no count can (too few are treated).
    tail : tuple of float
        P(X >= events | look, p0), at most alpha; NaN where no count stops.
    p0, alpha : float
        The acceptable probability of the event and the level of one look.
    """

    looks: tuple[int, ...]
    events: tuple[int | None, ...]
    tail: tuple[float, ...]
    p0: float
    alpha: float


@dataclass(frozen=True, slots=True)
class StoppingCharacteristics:
    """What a stopping rule does, exactly, at each of R true event probabilities.

    Attributes
    ----------
    rates : (R,) array
    first_crossing : (R, K) array
        Probability that the rule stops at look k and not before.
    stop : (R,) array
        Probability that it stops at any look.
    expected_participants, expected_events : (R,) array
        Treated, and with the event, when the rule stops or the last look is passed.
    """

    rates: np.ndarray
    first_crossing: np.ndarray
    stop: np.ndarray
    expected_participants: np.ndarray
    expected_events: np.ndarray


def stopping_boundary(looks: Sequence[int], p0: float, alpha: float) -> StoppingBoundary:
    """Smallest count at each look whose one-sided exact binomial p-value is at most alpha.

    Assumes independent participants with one probability of the event. Each look is judged by
    itself: over several looks the rule stops more often than alpha, which
    `stopping_characteristics` tells. Derivation: docs/methods/stopping-rules.md.

    Parameters
    ----------
    looks : sequence of int (K,)
        Numbers treated at the looks, rising; range(1, N + 1) looks after every participant.
    p0 : float
        Probability of the event that is still acceptable, between 0 and 1.
    alpha : float
        Level of one look.

    Raises
    ------
    ArgumentError
        If the looks do not rise, or p0 or alpha lies outside (0, 1).
    """
    from scipy.special import bdtrc

    numbers = _require_looks(looks)
    require_level(alpha)
    if not isinstance(p0, Real) or not 0.0 < p0 < 1.0:
        raise ArgumentError("the acceptable probability lies between 0 and 1", where="p0", value=p0)
    events: list[int | None] = []
    tails: list[float] = []
    count = 1
    for n in numbers:
        while count <= n and bdtrc(count - 1, n, p0) > alpha * (1.0 + _ROUNDING):
            count += 1
        events.append(count if count <= n else None)
        tails.append(float(bdtrc(count - 1, n, p0)) if count <= n else math.nan)
    return StoppingBoundary(numbers, tuple(events), tuple(tails), float(p0), float(alpha))


def stopping_characteristics(
    looks: Sequence[int], events: Sequence[int | None], rates: ArrayLike
) -> StoppingCharacteristics:
    """Exact operating characteristics of a stopping rule, by recursion over the looks.

    Assumes independent participants with one true probability, each of whom is assessed before
    the look. Derivation: docs/methods/stopping-rules.md.

    Parameters
    ----------
    looks : sequence of int (K,)
        Numbers treated at the looks, rising; the last is the number if the rule never stops.
    events : sequence of (int or None) (K,)
        The rule stops at look k with at least events[k] events; None: it cannot stop there.
    rates : array_like (R,)
        True probabilities of the event.

    Raises
    ------
    ArgumentError
        If the looks do not rise, the two differ in length, a count is below 1, or a rate lies
        outside [0, 1].

    References
    ----------
    Schultz JR, Nichol FR, Elfring GL, Weed SD (1973) Multiple-stage procedures for drug
    screening. Biometrics 29:293–300.
    """
    import numpy as np

    numbers = _require_looks(looks)
    bounds = _require_bounds(events, numbers)
    p = np.atleast_1d(np.asarray(rates, dtype=float))
    if p.ndim != 1 or not np.all((p >= 0.0) & (p <= 1.0)):
        raise ArgumentError("rates lie between 0 and 1", where="rates", value=p.tolist())
    going = np.zeros((len(p), numbers[-1] + 1))
    going[:, 0] = 1.0
    crossing = np.zeros((len(p), len(numbers)))
    treated, expected_events = np.zeros(len(p)), np.zeros(len(p))
    counts = np.arange(numbers[-1] + 1.0)
    before = 0
    for k, (n, bound) in enumerate(zip(numbers, bounds, strict=True)):
        for _ in range(n - before):
            with_event = going[:, :-1] * p[:, None]
            going *= 1.0 - p[:, None]
            going[:, 1:] += with_event
        before = n
        if bound is not None:
            stopped = going[:, bound:]
            crossing[:, k] = stopped.sum(axis=1)
            expected_events += stopped @ counts[bound:]
            treated += crossing[:, k] * n
            going[:, bound:] = 0.0
    left = going.sum(axis=1)
    return StoppingCharacteristics(
        rates=p,
        first_crossing=crossing,
        stop=crossing.sum(axis=1),
        expected_participants=treated + left * numbers[-1],
        expected_events=expected_events + going @ counts,
    )


def _require_looks(looks: Sequence[int]) -> tuple[int, ...]:
    try:
        numbers = tuple(operator.index(n) for n in looks)
    except TypeError:
        raise ArgumentError(
            "looks are whole numbers of participants", where="looks", value=list(looks)
        ) from None
    if not numbers or numbers[0] < 1 or list(numbers) != sorted(set(numbers)):
        raise ArgumentError(
            "looks are at least 1 and rise, and there is at least one",
            where="looks",
            value=list(numbers),
        )
    return numbers


def _require_bounds(events: Sequence[int | None], looks: tuple[int, ...]) -> tuple[int | None, ...]:
    """One count from 1 to n a look; a count above n can never be reached and reads as None."""
    if len(events) != len(looks):
        raise ArgumentError(
            f"one count a look, {len(looks)} in all", where="events", value=list(events)
        )
    bounds: list[int | None] = []
    for n, count in zip(looks, events, strict=True):
        if count is None:
            bounds.append(None)
            continue
        try:
            whole = operator.index(count)
        except TypeError:
            whole = 0
        if whole < 1:
            raise ArgumentError(
                "a stopping count is a whole number of at least 1",
                where=f"events at look {n}",
                value=count,
            )
        bounds.append(whole if whole <= n else None)
    return tuple(bounds)
