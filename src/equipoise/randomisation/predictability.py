"""How well the next arm can be foretold by somebody who knows the scheme and every arm before.

That is the worst case: an open trial at one site, read by who knows the protocol's secret part.
Blackwell and Hodges' (1957) measure, with the best guess in the place of the guess by counts,
which is none at unequal ratios.

References
----------
Blackwell D, Hodges JL (1957) Design for the control of selection bias. Annals of Mathematical
Statistics 28:449-460.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from equipoise.protocol.plan import AllocationMethod, Imbalance
from equipoise.randomisation.allocation_in_turn import stratum_levels
from equipoise.randomisation.allocation_list import coin_of, ratio_of, stratum_sizes, urn_of
from equipoise.randomisation.equal_parts import equal_parts
from equipoise.randomisation.minimisation import best_parts, part_probabilities
from equipoise.randomisation.permuted_blocks import open_block_sizes
from equipoise.randomisation.urn import balls_of
from equipoise.streams import stream

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol

#: States of the parts that are followed where an arm has several: its part is not seen.
PARTICLES = 128


def foretold(protocol: Protocol, stratum: np.ndarray, arm: np.ndarray, seed: int = 1) -> np.ndarray:
    """Probability of each arm for everybody, given the arms before and the scheme.

    Where the ratio is unequal the parts of an arm (`equal_parts`) are not seen; their states are
    followed by a particle filter, which is exact at equal ratios.

    Parameters
    ----------
    stratum
        (N,) index into `protocol.strata`, in the order of enrolment.
    arm
        (N,) index into `protocol.arms`; arms that the scheme can give.
    seed
        Of the filter.

    Returns
    -------
    float64 (N, arms)
    """
    import numpy as np

    method = protocol.randomisation.method
    ratio = ratio_of(protocol)
    found = np.empty((len(arm), len(ratio)))
    if method is AllocationMethod.SIMPLE:
        found[:] = ratio / ratio.sum()
    elif method is AllocationMethod.MINIMISATION:
        levels = stratum_levels(protocol)[stratum]
        found[:] = _by_parts(protocol, levels, arm, ratio, seed)
    else:
        sizes = stratum_sizes(protocol)
        for code, label in enumerate(protocol.strata):
            mine = np.flatnonzero(stratum == code)
            if method is AllocationMethod.PERMUTED_BLOCKS:
                found[mine] = _by_blocks(protocol, arm[mine].tolist(), sizes[label])
            else:
                alone = np.zeros((len(mine), 1), dtype=np.int64)
                found[mine] = _by_parts(protocol, alone, arm[mine], ratio, seed)
    return found


def _by_blocks(protocol: Protocol, arms: Sequence[int], size: int) -> np.ndarray:
    """Over every block that may be open: its size and where it began."""
    import numpy as np

    plan = protocol.randomisation
    ratio = ratio_of(protocol)
    planned = bool(plan.stratum_sizes) or not plan.strata
    complete = planned and not plan.incomplete_blocks
    found = np.zeros((len(arms), len(ratio)))
    # (size of the block, place where it ends) → (weight, what is left in it)
    states: dict[tuple[int, int], tuple[float, np.ndarray]] = {}
    for place, arm in enumerate(arms):
        ended = sum(weight for (_, end), (weight, _) in states.items() if end == place)
        if place == 0:
            ended = 1.0
        states = {key: state for key, state in states.items() if key[1] != place}
        sizes = open_block_sizes(size - place, plan.block_sizes, complete=complete)
        for block in sizes if ended else ():
            inside = ratio * (block // int(ratio.sum()))
            states[block, place + block] = (ended / len(sizes), inside)
        after: dict[tuple[int, int], tuple[float, np.ndarray]] = {}
        for key, (weight, inside) in states.items():
            share = inside / (key[1] - place)
            found[place] += weight * share
            if inside[arm]:
                left = inside.copy()
                left[arm] -= 1
                after[key] = (weight * float(share[arm]), left)
        total = sum(weight for weight, _ in after.values())
        states = {key: (weight / total, left) for key, (weight, left) in after.items()}
    return found


def _by_parts(
    protocol: Protocol, levels: np.ndarray, arm: np.ndarray, ratio: np.ndarray, seed: int
) -> np.ndarray:
    """Over states of the parts that give the arms that are seen."""
    import numpy as np

    plan = protocol.randomisation
    part_arm = equal_parts(ratio)
    parts = len(part_arm)
    particles = 1 if parts == len(ratio) else PARTICLES
    generator = stream(seed, "predictability")
    weights = np.array([plan.factor_weights.get(name, 1.0) for name in plan.strata])
    variance = plan.imbalance is Imbalance.VARIANCE
    if plan.method is AllocationMethod.BIASED_COIN:
        weights, variance = np.ones(1), True
    sizes = levels.max(axis=0, initial=0) + 1
    at = np.cumsum(sizes) - sizes
    counts = np.zeros((particles, int(sizes.sum()), parts), dtype=np.int64)
    found = np.empty((len(arm), len(ratio)))
    every = np.arange(particles)
    for i, given in enumerate(arm):
        mine = at + levels[i]
        here = counts[:, mine]
        if plan.method is AllocationMethod.URN:
            balls = balls_of(here[:, 0], *urn_of(protocol)).astype(float)
            shares = balls / balls.sum(axis=1, keepdims=True)
        else:
            best = best_parts(here, weights, variance=variance)
            shares = part_probabilities(best, coin_of(protocol))
        for k in range(len(ratio)):
            found[i, k] = shares[:, part_arm == k].sum(axis=1).mean()
        seen = shares * (part_arm == given)
        likely = seen.sum(axis=1)
        if particles > 1:  # who agrees with what is seen goes on, in proportion
            keep = np.searchsorted(
                np.cumsum(likely) / likely.sum(), (generator.random() + every) / particles
            )
            counts, seen = counts[keep], seen[keep]
        reached = np.cumsum(seen, axis=1)
        drawn = generator.random((particles, 1)) * reached[:, -1:]
        part = (drawn >= reached).sum(axis=1)
        counts[every[:, None], mine[None, :], part[:, None]] += 1
    return found


def imbalances(protocol: Protocol, stratum: np.ndarray, arm: np.ndarray) -> dict[str, float]:
    """How far the arms are from their ratio, in participants.

    Parameters
    ----------
    stratum, arm
        As of `foretold`.

    Returns
    -------
    dict
        ``all`` → the largest distance of an arm's count from its share; each covariate of the
        strata → the same for its worst level.
    """
    import numpy as np

    ratio = ratio_of(protocol)
    share = ratio / ratio.sum()

    def worst(of: np.ndarray) -> float:
        counts = np.bincount(arm[of], minlength=len(share))
        return float(np.abs(counts - share * counts.sum()).max())

    found = {"all": worst(np.ones(len(arm), dtype=bool))}
    if not protocol.randomisation.strata:
        return found
    levels = stratum_levels(protocol)[stratum]
    for position, name in enumerate(protocol.randomisation.strata):
        mine = levels[:, position]
        found[name] = max(worst(mine == level) for level in np.unique(mine))
    return found
