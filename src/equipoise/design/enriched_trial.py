"""One simulated trial under a rule: who is screened, who is enrolled, who goes on.

The people of a pool stand in the order in which they come. Within a stratum they are alike but for
chance, and their arm was drawn at random: so the next kept person of the stratum and arm that the
list asks for is a person as the enriched trial would have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from equipoise.analysis.prediction.marker_table import MarkerTable
    from equipoise.protocol import Protocol
    from equipoise.simulation import TrialArrays


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """What is kept of one trial under one rule.

    Attributes
    ----------
    outcome, baseline, arm, stratum
        (N,) change to the landmark and baseline, NaN where missing or where a place stayed
        empty; arm in `Protocol.arm_order`, stratum in `Protocol.strata`.
    kept
        (N,) who went on; everybody enrolled, under a rule at baseline.
    left_out
        (outcome, baseline, arm, stratum) of those in the pool who were not kept, each (n,).
    screened, share, filled
        People screened until the planned number was enrolled (or all), the share of the pool that
        is kept, and whether the places were filled.
    doses
        Of study drug on active arms.
    """

    outcome: np.ndarray
    baseline: np.ndarray
    arm: np.ndarray
    stratum: np.ndarray
    kept: np.ndarray
    left_out: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    screened: int
    share: float
    filled: bool
    doses: int


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Who of a pool entered: (N,) places in the pool, -1 for a place that stayed empty."""

    chosen: np.ndarray
    screened: int

    @property
    def filled(self) -> bool:
        """Whether every planned place was taken."""
        return bool((self.chosen >= 0).all())


def enlarged(protocol: Protocol, factor: int) -> Protocol:
    """The protocol with `factor` times as many participants, strata alike."""
    sizes = {name: factor * n for name, n in protocol.randomisation.stratum_sizes.items()}
    population = protocol.population.model_copy(update={"size": factor * protocol.population.size})
    randomisation = protocol.randomisation.model_copy(update={"stratum_sizes": sizes})
    return protocol.model_copy(update={"population": population, "randomisation": randomisation})


def enrol_kept(
    protocol: Protocol, pool: TrialArrays, kept: np.ndarray, seed: int, trial: int
) -> Enrolled:
    """Enrol the kept in their order until the protocol's places are full.

    Where the protocol plans the size of each stratum, a full stratum screens nobody any more.
    """
    import numpy as np

    size = protocol.population.size
    planned = protocol.randomisation.stratum_sizes
    entered = np.zeros(len(kept), dtype=bool)
    screened = 0
    if planned:
        for code, label in enumerate(pool.plan.strata):
            mine = np.flatnonzero(pool.stratum == code)
            place = _place_of(kept[mine], planned[label])
            screened += place
            entered[mine[:place]] = kept[mine[:place]]
    else:
        screened = _place_of(kept, size)
        entered[:screened] = kept[:screened]
    given = _arms_of(protocol, pool.stratum[entered], seed, trial)
    chosen: list[int] = []
    for code in range(len(pool.plan.strata)):
        arms = given[pool.stratum[entered] == code]
        for arm in range(len(pool.plan.arms)):
            queue = np.flatnonzero(kept & (pool.stratum == code) & (pool.arm == arm))
            chosen += queue[: int((arms == arm).sum())].tolist()
    found = np.full(size, -1, dtype=np.int64)
    found[: len(chosen)] = sorted(chosen)
    return Enrolled(found, screened)


def _arms_of(protocol: Protocol, stratum: np.ndarray, seed: int, trial: int) -> np.ndarray:
    """(n,) arms of people in their order, by the protocol's method."""
    import numpy as np

    from equipoise.protocol.plan import AllocationMethod
    from equipoise.randomisation import (
        draw_lists,
        minimisation_numbers,
        minimised_arms,
        stratum_levels,
    )

    if protocol.randomisation.method is AllocationMethod.MINIMISATION:
        numbers = minimisation_numbers(protocol, seed, trial=trial)[: len(stratum)]
        return minimised_arms(protocol, stratum_levels(protocol)[stratum], numbers)
    arms = np.zeros(len(stratum), dtype=np.int64)
    lists = draw_lists(protocol, seed, trial=trial)
    for code, label in enumerate(protocol.strata):
        mine = stratum == code
        arms[mine] = lists[label][: int(mine.sum())]
    return arms


def _place_of(kept: np.ndarray, count: int) -> int:
    """How many were looked at until `count` were kept; all, where they do not suffice."""
    import numpy as np

    places = np.flatnonzero(kept)
    return int(places[count - 1]) + 1 if len(places) >= count else len(kept)


def outcome_of(
    pool: TrialArrays,
    table: MarkerTable,
    kept: np.ndarray,
    entered: Enrolled,
    *,
    early: bool,
) -> TrialOutcome:
    """What is kept of a trial; `table` and `pool` are as it went on."""
    import numpy as np

    there = entered.chosen >= 0
    at = np.maximum(entered.chosen, 0)
    active = table.arm[at] > 0
    given = 0
    if pool.doses is not None:
        count = np.bincount(pool.doses.participant, minlength=pool.size)
        given = int(count[at][there & active].sum())
    out = np.zeros(0, dtype=bool) if early else ~kept
    left = np.flatnonzero(out)
    return TrialOutcome(
        outcome=np.where(there, table.outcome[at], np.nan),
        baseline=np.where(there, table.outcome_baseline[at], np.nan),
        arm=table.arm[at],
        # Whoever has no stratum is in one beyond.
        stratum=table.stratum[at],
        kept=there & kept[at],
        left_out=(
            table.outcome[left],
            table.outcome_baseline[left],
            table.arm[left],
            table.stratum[left],
        ),
        screened=entered.screened,
        share=float(kept[at][there].mean()) if early else float(kept.mean()),
        filled=entered.filled,
        doses=given,
    )
