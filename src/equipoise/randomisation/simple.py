"""Simple randomisation: each allocation is drawn on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def simple(size: int, ratio: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Arms of one stratum, drawn independently in the allocation ratio.

    Parameters
    ----------
    size
        Number of allocations.
    ratio
        (arms,) whole numbers.

    Returns
    -------
    (size,) indices of arms.
    """
    import numpy as np

    bounds = np.cumsum(ratio)
    draws = generator.integers(0, int(bounds[-1]), size=size)
    return np.searchsorted(bounds, draws, side="right")
