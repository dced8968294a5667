"""Whether profiles go with something else about the people, with uncertain membership."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np


def profile_means(probabilities: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(K, v) means of values (n, v) in each profile, everybody counted by his probabilities."""
    import numpy as np

    size = probabilities.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (probabilities.T @ values) / size[:, None]


def permute_relation(
    probabilities: np.ndarray, values: np.ndarray, draws: int, generator: np.random.Generator
) -> float:
    """Permutation p of no relation between profile and values: (b + 1)/(draws + 1).

    The statistic is the sum of squares between profiles of the standardised values, people
    counted by their probabilities; people's values are exchanged against their probabilities.

    Parameters
    ----------
    probabilities : ndarray (n, K)
    values : ndarray (n, v)
        A number, or the indicators of a factor's levels; complete.

    Raises
    ------
    ArgumentError
        If a value is missing or nothing varies.
    """
    import numpy as np

    if not np.isfinite(values).all():
        raise ArgumentError("every value is known", where="values")
    spread = values.std(axis=0)
    if not (spread > 0.0).any():
        raise ArgumentError("something varies", where="values")
    z = (values - values.mean(axis=0))[:, spread > 0.0] / spread[spread > 0.0]
    size = np.maximum(probabilities.sum(axis=0), 1e-12)

    def between(order: np.ndarray) -> np.ndarray:
        sums = np.einsum("nk,bnv->bkv", probabilities, z[order])
        return (sums**2 / size[:, None]).sum(axis=(1, 2))

    seen = float(between(np.arange(len(z))[None])[0])
    orders = generator.random((draws, len(z))).argsort(axis=1)
    extreme = int((between(orders) >= seen * (1.0 - 1e-9)).sum())
    return (extreme + 1) / (draws + 1)
