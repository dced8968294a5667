"""Random streams of the imputation: one a seed, a purpose and a replicate.

Philox is counter-based, so that imputation 17 is the same whatever the number of imputations.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ..errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np


def require_seed(seed: object) -> int:
    """The seed, or a refusal: nothing is drawn without one."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**128:
        raise ArgumentError(
            "a seed is a whole number from 0 to 2**128 - 1",
            where="seed",
            value=seed,
            rule="What is drawn must be drawn again by whoever checks it",
            remedy="Give for example seed=1, and record it",
        )
    return seed


def stream(seed: int, purpose: str, replicate: int = 0) -> np.random.Generator:
    """The generator of one replicate of one purpose."""
    import numpy as np

    digest = hashlib.sha256(f"equipoise.stats.imputation/{purpose}/{seed}".encode()).digest()
    key = np.frombuffer(digest[:16], dtype="<u8").astype(np.uint64)
    counter = np.array([0, 0, replicate, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
