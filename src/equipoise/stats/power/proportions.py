"""Exact power of tests of two proportions, by summing over all outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import check_alpha, check_sizes

if TYPE_CHECKING:
    import numpy as np

#: Outcomes that are as probable as the observed one, but for rounding: as R's fisher.test.
SAME = 1.0 + 1e-7

#: Tests whose power is summed.
TESTS = ("fisher", "score")


def two_proportions_power(
    first: float,
    second: float,
    sizes: tuple[int, int],
    alpha: float = 0.05,
    *,
    test: str = "fisher",
) -> float:
    """Exact power of a two-sided test of two independent proportions.

    Exact is the power, given binomial numbers; of the tests only Fisher's holds its level.

    Parameters
    ----------
    first, second
        True proportions of the arms.
    sizes
        Participants of the arms.
    test
        ``fisher``, two-sided by the probability of the table; ``score``, the chi-squared test
        with pooled variance and no correction.

    Raises
    ------
    ValueError
    """
    for name, value in (("first", first), ("second", second)):
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"{name} = {value}: a proportion lies from 0 to 1")
    chances = _binomial(sizes[0], first), _binomial(sizes[1], second)
    return float(chances[0] @ rejected(sizes, alpha, test) @ chances[1])


def rejected(sizes: tuple[int, int], alpha: float, test: str) -> np.ndarray:
    """(n₁ + 1, n₂ + 1) whether each pair of numbers of responders is rejected.

    Raises
    ------
    ValueError
    """
    import numpy as np
    from scipy.special import ndtri

    check_sizes(sizes, 2)
    check_alpha(alpha)
    if test not in TESTS:
        raise ValueError(f"test = {test!r}: one of {', '.join(TESTS)}")
    n, m = sizes
    x, y = np.arange(n + 1)[:, None], np.arange(m + 1)[None, :]
    if test == "score":
        pooled = (x + y) / (n + m)
        spread = pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)
        return (x / n - y / m) ** 2 > ndtri(0.5 * alpha) ** 2 * spread
    found = np.zeros((n + 1, m + 1), dtype=bool)
    ways = _log_ways(n), _log_ways(m)
    for total in range(n + m + 1):
        seen = np.arange(max(0, total - m), min(n, total) + 1)
        logs = ways[0][seen] + ways[1][total - seen]
        chance = np.exp(logs - logs.max())
        chance /= chance.sum()
        tail = (chance * (chance <= chance[:, None] * SAME)).sum(axis=1)
        found[seen, total - seen] = tail <= alpha
    return found


def _log_ways(size: int) -> np.ndarray:
    """(size + 1,) logarithm of the binomial coefficients."""
    import numpy as np
    from scipy.special import gammaln

    number = np.arange(size + 1)
    return gammaln(size + 1) - gammaln(number + 1) - gammaln(size - number + 1)


def _binomial(size: int, chance: float) -> np.ndarray:
    """(size + 1,) binomial probabilities, 0 and 1 as `chance` too."""
    import numpy as np
    from scipy.special import xlog1py, xlogy

    number = np.arange(size + 1)
    return np.exp(_log_ways(size) + xlogy(number, chance) + xlog1py(size - number, -chance))
