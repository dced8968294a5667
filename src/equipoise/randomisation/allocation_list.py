"""The randomisation list of a protocol: one sequence of arms a stratum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.faults import single
from equipoise.protocol.plan import AllocationMethod
from equipoise.streams import stream

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from equipoise.protocol import Protocol
    from equipoise.streams import TrialStreams


@dataclass(frozen=True, slots=True)
class Allocation:
    """A randomisation list.

    Attributes
    ----------
    frame
        Columns stratum, sequence (from 1 within the stratum), arm. For minimisation sequence
        (from 1 within the trial), tie, coin: the random numbers that `allocate_in_turn` uses.
    seed
        The seed; secret for a real trial.
    protocol_hash
        Hash of the protocol it was drawn for.
    """

    frame: pl.DataFrame
    seed: int
    protocol_hash: str

    def __repr__(self) -> str:  # the seed would give the list away
        return f"Allocation({self.frame.height} places, protocol {self.protocol_hash[:12]})"


def stratum_sizes(protocol: Protocol) -> dict[str, int]:
    """Places in the list of each stratum.

    Without planned sizes every stratum gets a list as long as the whole trial, filled up to
    whole blocks, since nobody knows how many it will enrol.
    """
    planned = protocol.randomisation.stratum_sizes
    if planned:
        return dict(planned)
    size = protocol.population.size
    blocks = protocol.randomisation.block_sizes
    if blocks and len(protocol.strata) > 1:
        size += -size % max(blocks)
    return dict.fromkeys(protocol.strata, size)


def ratio_of(protocol: Protocol) -> np.ndarray:
    """(arms,) shares in the allocation ratio."""
    import numpy as np

    return np.array([arm.ratio for arm in protocol.arms.values()])


def coin_of(protocol: Protocol) -> float:
    """Probability of the favoured arm, under a method that has one."""
    coin = protocol.randomisation.coin_probability
    assert coin is not None  # a protocol that exists is consistent
    return coin


def urn_of(protocol: Protocol) -> tuple[int, int]:
    """Balls of each arm at the start, and balls added of every other."""
    plan = protocol.randomisation
    assert plan.urn_start is not None
    assert plan.urn_added is not None
    return plan.urn_start, plan.urn_added


def draw_arms(protocol: Protocol, size: int, generator: np.random.Generator) -> np.ndarray:
    """Arms of one stratum by the protocol's method: (size,) indices into `protocol.arms`."""
    return draw_many(protocol, size, 1, generator)[0]


def draw_many(
    protocol: Protocol,
    size: int,
    lists: int,
    generator: np.random.Generator,
    *,
    cut: bool = False,
) -> np.ndarray:
    """Many lists of one stratum, one after the other: (lists, size) indices of arms.

    With `cut` the last block may end at `size`, whatever the plan says of it. The first lists are
    the same for any larger number of them.
    """
    import numpy as np

    from equipoise.randomisation.biased_coin import biased_coin
    from equipoise.randomisation.permuted_blocks import permuted_blocks
    from equipoise.randomisation.simple import simple
    from equipoise.randomisation.urn import urn

    plan = protocol.randomisation
    ratio = ratio_of(protocol)
    if plan.method is AllocationMethod.BIASED_COIN:
        return biased_coin(size, ratio, coin_of(protocol), generator, lists)
    if plan.method is AllocationMethod.URN:
        return urn(size, ratio, *urn_of(protocol), generator, lists)
    planned = bool(plan.stratum_sizes) or not plan.strata
    complete = planned and not plan.incomplete_blocks and not cut
    found = np.empty((lists, size), dtype=np.int64)
    for each in range(lists):
        if plan.method is AllocationMethod.SIMPLE:
            found[each] = simple(size, ratio, generator)
        else:
            blocks = plan.block_sizes
            found[each] = permuted_blocks(size, ratio, blocks, generator, complete=complete)
    return found


def randomise(protocol: Protocol, seed: int, *, trial: int = 0) -> Allocation:
    """Draw the randomisation list of a protocol.

    Parameters
    ----------
    seed
        0 ≤ seed < 2¹²⁸. For a real trial draw it with `secrets.randbits(128)` and keep it
        secret: protocol and seed give the list.
    trial
        Index of a simulated trial.

    Returns
    -------
    Allocation

    Raises
    ------
    EquipoiseError
        When the trial has one arm, or the seed is invalid.
    """
    import polars as pl

    _refuse_single_arm(protocol)
    if protocol.randomisation.method is AllocationMethod.MINIMISATION:
        numbers = minimisation_numbers(protocol, seed, trial=trial)
        sequence = range(1, len(numbers) + 1)
        frame = pl.DataFrame({"sequence": sequence, "tie": numbers[:, 0], "coin": numbers[:, 1]})
        return Allocation(frame, seed, protocol.hash)
    keys = list(protocol.arms)
    lists = draw_lists(protocol, seed, trial=trial)
    frames = [
        pl.DataFrame(
            {
                "stratum": [stratum] * len(arms),
                "sequence": range(1, len(arms) + 1),
                "arm": [keys[i] for i in arms],
            },
            schema={"stratum": pl.String, "sequence": pl.Int64, "arm": pl.String},
        )
        for stratum, arms in lists.items()
    ]
    return Allocation(pl.concat(frames), seed, protocol.hash)


def draw_lists(protocol: Protocol, seed: int, *, trial: int = 0) -> dict[str, np.ndarray]:
    """The list of `randomise` as arrays, without the frame.

    Returns
    -------
    dict
        Stratum → (places,) indices into `protocol.arms`.

    Raises
    ------
    EquipoiseError
        When the trial has one arm or is allocated by minimisation, or the seed is invalid.
    """
    return {stratum: lists[0] for stratum, lists in draw_lists_of(protocol, seed, (trial,)).items()}


def draw_lists_of(
    protocol: Protocol, seed: int, trials: Sequence[int], streams: TrialStreams | None = None
) -> dict[str, np.ndarray]:
    """The lists of several simulated trials.

    Returns
    -------
    dict
        Stratum → (trials, places) indices into `protocol.arms`.

    Raises
    ------
    EquipoiseError
        As `draw_lists`.
    """
    import numpy as np

    _refuse_single_arm(protocol)
    _refuse_minimisation(protocol)
    of = stream if streams is None else streams.stream
    return {
        stratum: np.stack(
            [draw_arms(protocol, size, of(seed, f"allocation/{index}", trial)) for trial in trials]
        )
        for index, (stratum, size) in enumerate(stratum_sizes(protocol).items())
    }


def minimisation_numbers(protocol: Protocol, seed: int, *, trial: int = 0) -> np.ndarray:
    """(size, 2) random numbers of a minimisation: that break ties, and the coin's."""
    size = protocol.population.size
    return stream(seed, "allocation/minimisation", trial).random((size, 2))


def _refuse_single_arm(protocol: Protocol) -> None:
    if protocol.single_arm:
        raise single(
            "No list is drawn",
            code="nothing-to-randomise",
            field="trial.design",
            value="single-arm",
            rule="a list allocates participants to at least two arms",
            remedy='nobody is randomised in this trial; for two arms set trial.design = "parallel"',
        )


def _refuse_minimisation(protocol: Protocol) -> None:
    if protocol.randomisation.method is AllocationMethod.MINIMISATION:
        raise single(
            "No list is drawn",
            code="minimisation-without-list",
            field="randomisation.method",
            value="minimisation",
            rule="under minimisation an arm depends on who enrolled before: there is no list",
            remedy="draw its random numbers with `randomise`, and allocate people in turn",
        )
