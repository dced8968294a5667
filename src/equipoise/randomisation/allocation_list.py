"""The randomisation list of a protocol: one sequence of arms a stratum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.faults import single
from equipoise.protocol.plan import AllocationMethod
from equipoise.streams import stream

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from equipoise.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Allocation:
    """A randomisation list.

    Attributes
    ----------
    frame
        Columns stratum, sequence (from 1 within the stratum), arm.
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


def draw_arms(
    protocol: Protocol, size: int, generator: np.random.Generator, *, cut: bool = False
) -> np.ndarray:
    """Arms of one stratum by the protocol's method: (size,) indices into `protocol.arms`.

    With `cut` the last block may end at `size`, whatever the plan says of it.
    """
    import numpy as np

    from equipoise.randomisation.permuted_blocks import permuted_blocks
    from equipoise.randomisation.simple import simple

    plan = protocol.randomisation
    ratio = np.array([arm.ratio for arm in protocol.arms.values()])
    if plan.method is AllocationMethod.SIMPLE:
        return simple(size, ratio, generator)
    planned = bool(plan.stratum_sizes) or not plan.strata
    return permuted_blocks(
        size,
        ratio,
        plan.block_sizes,
        generator,
        complete=planned and not plan.incomplete_blocks and not cut,
    )


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
        When the trial has one arm, or the seed is invalid.
    """
    if protocol.single_arm:
        raise single(
            "No list is drawn",
            code="nothing-to-randomise",
            field="trial.design",
            value="single-arm",
            rule="a list allocates participants to at least two arms",
            remedy='nobody is randomised in this trial; for two arms set trial.design = "parallel"',
        )
    return {
        stratum: draw_arms(protocol, size, stream(seed, f"allocation/{index}", trial))
        for index, (stratum, size) in enumerate(stratum_sizes(protocol).items())
    }
