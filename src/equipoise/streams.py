"""Random streams: one a seed, a purpose and a trial.

Philox is counter-based: the stream of trial 17 is found without drawing those of trials
0-16, so that a result does not depend on how the work was divided.
Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3. SC11 (2011).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: Seeds are non-negative and below this.
SEED_LIMIT = 2**128


def stream(seed: int, purpose: str, trial: int = 0) -> np.random.Generator:
    """The generator of one purpose in one trial.

    Parameters
    ----------
    seed
        0 ≤ seed < 2¹²⁸.
    purpose
        What is drawn: ``"allocation"``, ``"scores"``, … Streams of two purposes share nothing.
    trial
        Index of the simulated trial, 0 ≤ trial < 2⁶⁴.

    Raises
    ------
    ValueError
        When the seed or the trial is outside its range.
    """
    import numpy as np

    if not 0 <= seed < SEED_LIMIT:
        raise ValueError(f"seed = {seed}: a seed lies between 0 and 2**128 - 1")
    if not 0 <= trial < 2**64:
        raise ValueError(f"trial = {trial}: a trial's index lies between 0 and 2**64 - 1")
    digest = hashlib.sha256(f"equipoise/{purpose}/{seed}".encode()).digest()
    key = np.frombuffer(digest[:16], dtype="<u8").astype(np.uint64)
    counter = np.array([0, 0, trial, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
