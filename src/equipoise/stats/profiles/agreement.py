"""How far two ways of putting people into groups agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np


def adjusted_rand(first: np.ndarray, second: np.ndarray) -> float:
    """The Rand index less what chance gives: 1 alike, about 0 by chance.

    1 where both put everybody into one group.

    Raises
    ------
    ArgumentError
        If the lengths differ.

    References
    ----------
    Hubert L, Arabie P (1985) Comparing partitions. J Classif 2:193–218.
    """
    import numpy as np

    if len(first) != len(second):
        raise ArgumentError("as many people as the first", where="second", value=len(second))
    _, a = np.unique(first, return_inverse=True)
    _, b = np.unique(second, return_inverse=True)
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1.0)

    def pairs(counts: np.ndarray) -> float:
        return float((counts * (counts - 1.0)).sum()) / 2.0

    both, rows, columns = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    whole = pairs(np.array([float(len(a))]))
    expected = rows * columns / whole if whole else 0.0
    most = 0.5 * (rows + columns)
    return 1.0 if most == expected else (both - expected) / (most - expected)


def relative_entropy(probabilities: np.ndarray) -> float:
    """How clearly people (n, K) belong: 1 where each is certain, 0 where all is open.

    References
    ----------
    Celeux G, Soromenho G (1996) An entropy criterion for assessing the number of clusters in a
    mixture model. J Classif 13:195–212.
    """
    import numpy as np

    n, profiles = probabilities.shape
    if profiles == 1:
        return 1.0
    safe = np.where(probabilities > 0.0, probabilities, 1.0)
    return 1.0 + float((safe * np.log(safe)).sum()) / (n * float(np.log(profiles)))
