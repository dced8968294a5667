"""The randomisation list drawn again, many times, for a re-randomisation test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from equipoise.randomisation.allocation_list import draw_arms, stratum_sizes
from equipoise.streams import stream

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol

PURPOSE = "re-randomisation"


def redraw(
    protocol: Protocol, places: Mapping[str, Sequence[int]], draws: int, seed: int
) -> dict[str, np.ndarray]:
    """Arms at the places that were taken in each stratum's list, under lists drawn again.

    A whole list is drawn each time, block sizes and the last block included, and read at the
    places: whoever came third in a stratum has the third place of every list. A stratum that
    took more places than its list has is redrawn with a list that goes on in incomplete blocks.

    Parameters
    ----------
    protocol
        Whose scheme is followed.
    places
        Stratum → places in its list, from 1.
    draws
        Number of lists, B.
    seed
        Of the draws; the first B lists are the same for any larger B.

    Returns
    -------
    dict
        Stratum → (B, places) indices into `protocol.arms`.
    """
    import numpy as np

    planned = stratum_sizes(protocol)
    found: dict[str, np.ndarray] = {}
    for stratum, taken in places.items():
        at = np.asarray(taken, dtype=np.int64) - 1
        generator = stream(seed, f"{PURPOSE}/{stratum}")
        size = planned.get(stratum, 0)
        beyond = int(at.max(initial=-1)) + 1 > size
        if beyond:
            size = int(at.max()) + 1
        rows = np.empty((draws, len(at)), dtype=np.int64)
        for b in range(draws):
            rows[b] = draw_arms(protocol, size, generator, cut=beyond)[at]
        found[stratum] = rows
    return found
