"""Minimisation with a random element: each is given, with high probability, what balances best.

References
----------
Pocock SJ, Simon R (1975) Sequential treatment assignment with balancing for prognostic factors in
the controlled clinical trial. Biometrics 31:103-115. Unequal ratios: see `equal_parts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.randomisation.equal_parts import equal_parts

if TYPE_CHECKING:
    import numpy as np

#: Imbalances closer than this are equal: weights need not be whole numbers.
_EQUAL = 1e-9


def minimise(
    levels: np.ndarray,
    ratio: np.ndarray,
    coin: float,
    numbers: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    variance: bool = False,
) -> np.ndarray:
    """Arms of participants in their order of enrolment.

    For every part (`equal_parts`) the imbalance that it would leave is summed over the factors,
    among those enrolled before at the participant's own level: the range of the parts' counts, or
    their variance. The part with the least is preferred, a tie is broken at random; the preferred
    part is given with probability `coin`, each other with an equal share of the rest.

    Parameters
    ----------
    levels
        (N, F) level of each participant in each factor, from 0. A single factor with one level
        balances the arms' sizes alone: Efron's biased coin.
    ratio
        (arms,) whole numbers.
    coin
        Above 1 / parts, at most 1.
    numbers
        (..., N, 2) random numbers in [0, 1): the first breaks ties, the second is the coin. Each
        of the leading axes is a sequence of its own.
    weights
        (F,) of the factors; equal when left out.
    variance
        Whether imbalance is the variance of the counts and not their range.

    Returns
    -------
    (..., N) indices of arms.
    """
    import numpy as np

    part_arm = equal_parts(ratio)
    parts = len(part_arm)
    n, factors = levels.shape
    lead = numbers.shape[:-2]
    drawn = numbers.reshape(-1, n, 2)
    sequences = len(drawn)
    weight = np.ones(factors) if weights is None else weights
    if sequences == 1:  # a simulated trial: arrays of one would cost more than they do
        one = _in_turn(levels.tolist(), parts, coin, drawn[0].tolist(), weight.tolist(), variance)
        return part_arm[one].reshape(*lead, n)
    given = np.empty((sequences, n), dtype=np.int64)
    sizes = levels.max(axis=0, initial=0) + 1
    at = np.cumsum(sizes) - sizes  # levels of all factors in one row
    counts = np.zeros((sequences, int(sizes.sum()), parts), dtype=np.int64)
    every = np.arange(sequences)
    for i in range(n):
        mine = at + levels[i]
        best = best_parts(counts[:, mine], weight, variance=variance)
        preferred = _nth(best, drawn[:, i, 0])
        others = np.ones((sequences, parts), dtype=bool)
        others[every, preferred] = False
        tossed = drawn[:, i, 1]
        beyond = (tossed - coin) / (1.0 - coin) if coin < 1.0 else np.zeros(sequences)
        part = np.where(tossed < coin, preferred, _nth(others, beyond))
        given[:, i] = part
        counts[every[:, None], mine[None, :], part[:, None]] += 1
    return part_arm[given].reshape(*lead, n)


def best_parts(counts: np.ndarray, weights: np.ndarray, *, variance: bool) -> np.ndarray:
    """Which parts would leave the least imbalance.

    Parameters
    ----------
    counts
        (S, F, parts) of those enrolled before, at the next participant's levels.
    weights
        (F,).

    Returns
    -------
    bool (S, parts)
    """
    import numpy as np

    # The variance after one more in a part grows with the part's count, and with nothing else.
    left = counts.astype(float) if variance else _ranges(counts)
    score = np.einsum("sfp,f->sp", left, weights)
    found: np.ndarray = score <= score.min(axis=1, keepdims=True) + _EQUAL
    return found


def part_probabilities(best: np.ndarray, coin: float) -> np.ndarray:
    """(S, parts) probability of each part, given which are best: (S, parts)."""
    parts = best.shape[1]
    ties = best.sum(axis=1, keepdims=True)
    other = (1.0 - coin) / (parts - 1)
    found: np.ndarray = best * (coin - other) / ties + other
    return found


def _in_turn(
    levels: list[list[int]],
    parts: int,
    coin: float,
    numbers: list[list[float]],
    weights: list[float],
    variance: bool,
) -> list[int]:
    """The part of each participant of one sequence."""
    counts: dict[tuple[int, int], list[int]] = {}
    given: list[int] = []
    for own, (tie, tossed) in zip(levels, numbers, strict=True):
        mine = [counts.setdefault((f, level), [0] * parts) for f, level in enumerate(own)]
        scores = [0.0] * parts
        for row, weight in zip(mine, weights, strict=True):
            low, high = min(row), max(row)
            # Only the part that is alone at the bottom raises it.
            alone = row.count(low) == 1
            for part, count in enumerate(row):
                if variance:
                    left = count
                else:
                    bottom = low + 1 if alone and count == low else low
                    left = max(high, count + 1) - bottom
                scores[part] += weight * left
        least = min(scores) + _EQUAL
        best = [part for part in range(parts) if scores[part] <= least]
        part = best[min(int(tie * len(best)), len(best) - 1)]
        if tossed >= coin:
            others = [other for other in range(parts) if other != part]
            share = (tossed - coin) / (1.0 - coin)
            part = others[min(int(share * len(others)), len(others) - 1)]
        for row in mine:
            row[part] += 1
        given.append(part)
    return given


def _ranges(counts: np.ndarray) -> np.ndarray:
    """(S, F, parts) range of the counts after one more in each part."""
    import numpy as np

    parts = counts.shape[2]
    more = counts[:, :, None, :] + np.eye(parts, dtype=np.int64)
    found: np.ndarray = (more.max(axis=3) - more.min(axis=3)).astype(float)
    return found


def _nth(among: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(S,) the column at `share` of the way through those that are true in each row."""
    import numpy as np

    order = np.cumsum(among, axis=1)
    total = order[:, -1]
    wanted = np.clip((share * total).astype(np.int64), 0, total - 1) + 1
    found: np.ndarray = np.argmax((order == wanted[:, None]) & among, axis=1)
    return found
