"""What is asked of the allocation of simulated trials: foretold, balanced, tested by its scheme."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.design.characteristics import Quantity
from equipoise.design.questions import PlannedQuantity
from equipoise.streams import stream

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.records import Records
    from equipoise.simulation import TrialArrays

#: Stream of the lists that are drawn again for a simulated trial.
PURPOSE = "design/re-randomisation"

#: An allocation is certain beforehand from this probability on.
_CERTAIN = 1.0 - 1e-9


@dataclass(frozen=True, slots=True)
class AllocationAsked:
    """What is asked of the allocation.

    Attributes
    ----------
    estimand
        Key; a mean by a mixed model.
    draws
        Lists drawn again for the test of each trial.
    """

    estimand: str
    draws: int


def allocation_quantities(
    protocol: Protocol, asked: AllocationAsked
) -> tuple[PlannedQuantity, ...]:
    """The measures of every trial."""
    covariates = protocol.population.covariates
    label = protocol.endpoints[protocol.estimands[asked.estimand].endpoint].label
    said = {
        "guessed": ("Allocations foretold rightly by the best guess", "share"),
        "certain": ("Allocations that are certain beforehand", "share"),
        "imbalance": ("Imbalance of the arms", "participants"),
    }
    for name in protocol.randomisation.strata:
        words = f"Imbalance in the worst level of {covariates[name].label.lower()}"
        said[f"imbalance:{name}"] = (words, "participants")
    for arm in protocol.active_arms:
        words = f"Re-randomisation test of {label}, {protocol.arms[arm].label}"
        said[f"redrawn:{arm}"] = (words, "p")
    return tuple(
        PlannedQuantity(Quantity(f"allocation:{key}", words, unit), None, allocation=key)
        for key, (words, unit) in said.items()
    )


def allocation_measures(
    protocol: Protocol,
    asked: AllocationAsked,
    trials: Sequence[TrialArrays],
    records_of: Callable[[int], Records],
    seed: int,
    begin: int,
) -> dict[str, np.ndarray]:
    """The measures of some trials.

    Parameters
    ----------
    trials
        Simulated trials `begin` on.
    records_of
        Place among them → records.

    Returns
    -------
    dict
        Key → float64 (B,), NaN where there is none.
    """
    import numpy as np

    from equipoise.analysis.dataset import make_dataset
    from equipoise.analysis.groups import make_groups
    from equipoise.analysis.rerandomised import rerandomised_p
    from equipoise.randomisation.predictability import foretold, imbalances

    found: dict[str, np.ndarray] = {
        made.allocation: np.full(len(trials), np.nan)
        for made in allocation_quantities(protocol, asked)
        if made.allocation is not None
    }
    estimand = protocol.estimands[asked.estimand]
    for place, trial in enumerate(trials):
        best = foretold(protocol, trial.stratum, trial.arm).max(axis=1)
        found["guessed"][place] = best.mean()
        found["certain"][place] = (best >= _CERTAIN).mean()
        for name, value in imbalances(protocol, trial.stratum, trial.arm).items():
            found["imbalance" if name == "all" else f"imbalance:{name}"][place] = value
        records = records_of(place)
        data = make_dataset(protocol, records, make_groups(protocol, records), estimand.endpoint)
        draws_seed = int(stream(seed, PURPOSE, begin + place).integers(2**62))
        for arm in protocol.active_arms:
            found[f"redrawn:{arm}"][place] = rerandomised_p(
                protocol, records, data, estimand, arm, asked.draws, draws_seed
            )
    return found
