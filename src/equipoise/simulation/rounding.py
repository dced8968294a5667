"""Rounding as a laboratory reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np

K = TypeVar("K")


def significant(values: np.ndarray, digits: int) -> np.ndarray:
    """Round to significant digits."""
    import numpy as np

    scale = 10.0 ** (digits - 1 - np.floor(np.log10(np.maximum(np.abs(values), 1e-300))))
    return np.where(values == 0, 0.0, np.round(values * scale) / scale)


def all_significant(values: Mapping[K, np.ndarray], digits: int) -> dict[K, np.ndarray]:
    """Every array of a mapping rounded, in one go."""
    import numpy as np

    if not values:
        return {}
    flat = significant(np.concatenate([array.ravel() for array in values.values()]), digits)
    found: dict[K, np.ndarray] = {}
    begin = 0
    for key, array in values.items():
        found[key] = flat[begin : begin + array.size].reshape(array.shape)
        begin += array.size
    return found
