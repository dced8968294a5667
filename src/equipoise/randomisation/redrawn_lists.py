"""The randomisation list drawn again, many times, for a re-randomisation test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from equipoise.protocol.plan import AllocationMethod
from equipoise.randomisation.allocation_in_turn import minimised_arms, stratum_levels
from equipoise.randomisation.allocation_list import draw_many, stratum_sizes
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
        Stratum → places in its list, from 1. Under minimisation places in the trial's order of
        enrolment, which together are 1 to the number of people.
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

    if protocol.randomisation.method is AllocationMethod.MINIMISATION:
        return _minimised(protocol, places, draws, seed)
    planned = stratum_sizes(protocol)
    found: dict[str, np.ndarray] = {}
    for stratum, taken in places.items():
        at = np.asarray(taken, dtype=np.int64) - 1
        generator = stream(seed, f"{PURPOSE}/{stratum}")
        size = planned.get(stratum, 0)
        beyond = int(at.max(initial=-1)) + 1 > size
        if beyond:
            size = int(at.max()) + 1
        found[stratum] = draw_many(protocol, size, draws, generator, cut=beyond)[:, at]
    return found


def _minimised(
    protocol: Protocol, places: Mapping[str, Sequence[int]], draws: int, seed: int
) -> dict[str, np.ndarray]:
    """The same people in the same order, under random numbers drawn again."""
    import numpy as np

    of_stratum = dict(zip(protocol.strata, stratum_levels(protocol), strict=True))
    turn = np.concatenate([np.asarray(taken, dtype=np.int64) for taken in places.values()])
    levels = np.concatenate(
        [np.tile(of_stratum[stratum], (len(taken), 1)) for stratum, taken in places.items()]
    )
    order = np.argsort(turn)
    numbers = stream(seed, f"{PURPOSE}/minimisation").random((draws, len(turn), 2))
    arms = np.empty((draws, len(turn)), dtype=np.int64)
    arms[:, order] = minimised_arms(protocol, levels[order], numbers)
    ends = np.cumsum([len(taken) for taken in places.values()])
    return dict(zip(places, np.split(arms, ends[:-1], axis=1), strict=True))
