"""Adverse events whose probability rises with the dose: one draw a dose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.patients import cumulative_probabilities
from equipoise.simulation.events import joined
from equipoise.simulation.trial_arrays import EventRows
from equipoise.trial_generators import in_columns

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.trial_generators import Draws


@dataclass(frozen=True, slots=True)
class DoseEventPlan:
    """One term.

    Attributes
    ----------
    background, rise, half
        Of the probability after a dose: ``background + rise * amount / (amount + half)``.
    grades, cumulative
        (k,) grades and their cumulative probabilities.
    onset, duration
        Ranges: days after the dose, and days.
    serious, related, stopping
        Probabilities.
    """

    background: float
    rise: float
    half: float
    grades: np.ndarray
    cumulative: np.ndarray
    onset: tuple[float, float]
    duration: tuple[float, float]
    serious: float
    related: float
    stopping: float

    def probability(self, amount: np.ndarray) -> np.ndarray:
        """Of the event after doses of these amounts, of any shape."""
        return self.background + self.rise * amount / (amount + self.half)


def plan_dose_events(protocol: Protocol) -> dict[str, DoseEventPlan]:
    """By term, of a protocol with mechanistic assumptions."""
    import numpy as np

    plan = protocol.assumptions.mechanistic
    assert plan is not None
    return {
        term: DoseEventPlan(
            background=event.background,
            rise=event.rise,
            half=event.half,
            grades=np.array([int(grade) for grade in event.grades]),
            cumulative=cumulative_probabilities(list(event.grades.values())),
            onset=event.onset,
            duration=event.duration,
            serious=event.serious,
            related=event.related,
            stopping=event.stopping,
        )
        for term, event in plan.events.items()
    }


def events_by_dose(
    plan: Mapping[str, DoseEventPlan],
    terms: tuple[str, ...],
    amounts: np.ndarray,
    days: np.ndarray,
    given: np.ndarray,
    generator: Draws,
) -> tuple[EventRows, np.ndarray]:
    """Events after the doses that were given.

    Parameters
    ----------
    terms
        All terms of the trial; `EventRows.term` is an index into them.
    amounts, days, given
        (n, doses) amount in the unit of the model's drug, day, and whether it was given. A dose
        of another drug has the amount NaN and no event.

    Returns
    -------
    EventRows, and the (events,) day of the dose that each follows.
    """
    import numpy as np

    found: list[EventRows] = []
    dosed: list[np.ndarray] = []
    counts = given & np.isfinite(amounts)
    known = np.where(counts, amounts, 0.0)
    for term, event in plan.items():
        u = in_columns(generator, "random", (7, *amounts.shape))
        person, dose = np.nonzero(counts & (u[0] < event.probability(known)))
        u = u[:, person, dose]
        day = days[person, dose]
        (early, late), (shortest, longest) = event.onset, event.duration
        # After the dose, so that who stops for the event has had the dose that it follows.
        start = np.round(day + np.maximum(early + u[1] * (late - early), 0.1), 1)
        found.append(
            EventRows(
                participant=person,
                term=np.full(len(person), terms.index(term)),
                start=start,
                end=np.round(start + shortest + u[2] * (longest - shortest), 1),
                grade=event.grades[event.cumulative.searchsorted(u[3], side="right")],
                serious=u[4] < event.serious,
                related=u[5] < event.related,
                stopping=u[6] < event.stopping,
            )
        )
        dosed.append(day)
    return joined(found), np.concatenate(dosed) if dosed else np.zeros(0)
