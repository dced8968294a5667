"""Biased coin: the arm that is behind is given with a probability above its share.

References
----------
Efron B (1971) Forcing a sequential experiment to be balanced. Biometrika 58:403-417. More than two
arms: a tie for the one furthest behind is broken at random, the others share the rest equally, as
Pocock and Simon (1975) do. Unequal ratios: see `equal_parts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.randomisation.minimisation import minimise

if TYPE_CHECKING:
    import numpy as np


def biased_coin(
    size: int, ratio: np.ndarray, coin: float, generator: np.random.Generator, lists: int = 1
) -> np.ndarray:
    """Arms of one stratum by a biased coin.

    Parameters
    ----------
    size
        Number of allocations.
    ratio
        (arms,) whole numbers.
    coin
        Probability of the part that is furthest behind; above 1 / parts, at most 1.
    lists
        Number of lists, drawn one after the other.

    Returns
    -------
    (lists, size) indices of arms.
    """
    import numpy as np

    alone = np.zeros((size, 1), dtype=np.int64)
    # With one factor the part that is least filled leaves the smallest variance.
    return minimise(alone, ratio, coin, generator.random((lists, size, 2)), variance=True)
