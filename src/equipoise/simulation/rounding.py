"""Rounding as a laboratory reports."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np

K = TypeVar("K")


#: Powers of ten are kept from minus this to this.
_MOST = 308


@lru_cache(maxsize=1)
def _powers() -> np.ndarray:
    """10 to the whole numbers from -`_MOST` to `_MOST`."""
    import numpy as np

    return np.array([10.0**power for power in range(-_MOST, _MOST + 1)])


def significant(values: np.ndarray, digits: int) -> np.ndarray:
    """Round to significant digits."""
    import numpy as np

    power = digits - 1 - np.floor(np.log10(np.maximum(np.abs(values), 1e-300)))
    whole = np.nan_to_num(np.clip(power, -_MOST, _MOST)).astype(np.int64)
    scale = _powers()[whole + _MOST]
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
