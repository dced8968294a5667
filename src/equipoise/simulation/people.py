"""Who is screened without entering, and who stops study drug: streams of their own, so that
nothing else of a simulated trial changes with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.patients import cumulative_probabilities, drawn_levels

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.simulation.doses import DosePlan
    from equipoise.trial_generators import Draws

#: First of `StoppingPlan.reasons`.
BY_EVENT = "Adverse event"


@dataclass(frozen=True, slots=True)
class ScreeningPlan:
    """Who is assessed and does not enter.

    Attributes
    ----------
    assessed
        Mean number assessed for each who enters.
    kinds
        (kind, reason) of exclusion, with (kinds,) cumulative probabilities.
    """

    assessed: float
    kinds: tuple[tuple[str, str], ...]
    cumulative: np.ndarray


@dataclass(frozen=True, slots=True)
class StoppingPlan:
    """Stopping study drug while staying in the trial.

    Attributes
    ----------
    reasons
        `BY_EVENT`, then those of the assumptions, with their (reasons,) cumulative
        probabilities; None where nobody stops but for an event.
    probability
        (arms,) to stop for one of them.
    """

    reasons: tuple[str, ...]
    cumulative: np.ndarray | None
    probability: np.ndarray


def plan_screening(protocol: Protocol) -> ScreeningPlan | None:
    """The plan of a protocol with statistical assumptions; None: screening is not simulated."""
    plan = protocol.assumptions.statistical
    assert plan is not None
    assumed = plan.screening
    if assumed is None:
        return None
    kinds = {(kind, reason): p for kind, of in assumed.excluded.items() for reason, p in of.items()}
    return ScreeningPlan(
        assessed=assumed.assessed_per_participant,
        kinds=tuple(kinds),
        cumulative=cumulative_probabilities(list(kinds.values()) or [1.0]),
    )


def plan_stopping(protocol: Protocol) -> StoppingPlan:
    """The plan of a protocol with statistical assumptions."""
    import numpy as np

    plan = protocol.assumptions.statistical
    assert plan is not None
    assumed = plan.stopping
    if assumed is None:
        return StoppingPlan((BY_EVENT,), None, np.zeros(len(protocol.arms)))
    return StoppingPlan(
        reasons=(BY_EVENT, *assumed.reasons),
        cumulative=cumulative_probabilities(list(assumed.reasons.values())),
        probability=np.array([assumed.probability[arm] for arm in protocol.arms]),
    )


def screening(
    plan: ScreeningPlan | None, size: int, generator: np.random.Generator
) -> np.ndarray | None:
    """People come until the planned number has entered: (screened,) as in `TrialArrays`.

    Each who comes enters with probability 1 / `assessed`, so that the number excluded before
    the last one enters is negative binomial.
    """
    import numpy as np

    if plan is None:
        return None
    outcomes = np.full(size, -1)
    if plan.assessed > 1:
        excluded = int(generator.negative_binomial(size, 1 / plan.assessed))
        if excluded:
            drawn = drawn_levels(plan.cumulative, excluded, generator)
            outcomes = np.concatenate([outcomes, drawn])
    # The last who comes is the last who enters.
    order = np.append(generator.permutation(np.arange(1, len(outcomes))), 0)
    return outcomes[order]


def stopping(
    plan: StoppingPlan,
    doses: DosePlan,
    arms: np.ndarray,
    followed: np.ndarray,
    by_event: np.ndarray,
    leaving: np.ndarray,
    generator: Draws,
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) day on which study drug is stopped (infinite: never), and index of the reason.

    An adverse event that led to stopping comes first; for the others the day is uniform over
    the arm's days of treatment after the first dose. Who leaves the trial before has not
    stopped the drug.

    Parameters
    ----------
    arms, followed
        (n,) indices of the arm, and of the arm whose course it follows.
    by_event
        (n,) first day of an event that led to stopping.
    leaving
        (n,) day of leaving.
    """
    import numpy as np

    days = np.where(by_event < leaving, by_event, np.inf)
    reasons = np.zeros(len(arms), dtype=np.int64)
    if plan.cumulative is None:
        return days, reasons
    u = generator.random((len(arms), 2))
    drawn = drawn_levels(plan.cumulative, len(arms), generator)
    treated = doses.count[arms] > 0
    first = np.where(treated, doses.first[arms], 0.0)
    last = np.where(treated, doses.last[arms], 0.0)
    day = np.round(first + (1 - u[:, 1]) * (last - first), 1)
    stops = treated & np.isinf(days) & (u[:, 0] < plan.probability[followed])
    stops &= (first < day) & (day < leaving)
    return np.where(stops, day, days), np.where(stops, drawn + 1, reasons)
