"""Adverse events of simulated participants, by the arm's probability of each term."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.patients import cumulative_probabilities
from equipoise.simulation.trial_arrays import EventRows

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.trial_generators import Draws


@dataclass(frozen=True, slots=True)
class EventPlan:
    """One term.

    Attributes
    ----------
    probability
        (arms,) of at least one.
    grades, cumulative
        (k,) grades and their cumulative probabilities.
    first_day, duration
        Ranges (days).
    serious, related, stopping
        Probabilities.
    """

    probability: np.ndarray
    grades: np.ndarray
    cumulative: np.ndarray
    first_day: tuple[float, float]
    duration: tuple[float, float]
    serious: float
    related: float
    stopping: float


def plan_events(protocol: Protocol) -> dict[str, EventPlan]:
    """By term, of a protocol with statistical assumptions."""
    import numpy as np

    plan = protocol.assumptions.statistical
    assert plan is not None
    return {
        term: EventPlan(
            probability=np.array([event.probability[arm] for arm in protocol.arms]),
            grades=np.array([int(grade) for grade in event.grades]),
            cumulative=cumulative_probabilities(list(event.grades.values())),
            first_day=event.first_day,
            duration=event.duration,
            serious=event.serious,
            related=event.related,
            stopping=event.stopping,
        )
        for term, event in plan.events.items()
    }


def events_by_arm(
    plan: Mapping[str, EventPlan],
    terms: tuple[str, ...],
    arms: np.ndarray,
    generator: Draws,
    stopping: Draws,
) -> EventRows:
    """At most one of each term a participant, whenever it would begin.

    Whether an event leads to stopping study drug is drawn from a stream of its own, `stopping`.

    Parameters
    ----------
    terms
        All terms of the trial; `EventRows.term` is an index into them.
    arms
        (n,) indices of the arms that people follow.
    """
    import numpy as np

    n = len(arms)
    found: list[EventRows] = []
    for term, event in plan.items():
        u = generator.random((n, 5))
        stops = stopping.random(n) < event.stopping
        grade = event.grades[event.cumulative.searchsorted(generator.random(n), side="right")]
        at = np.flatnonzero(u[:, 0] < event.probability[arms])
        u = u[at]
        (low, high), (shortest, longest) = event.first_day, event.duration
        start = np.round(low + u[:, 1] * (high - low), 1)
        found.append(
            EventRows(
                participant=at,
                term=np.full(len(at), terms.index(term)),
                start=start,
                end=np.round(start + shortest + u[:, 2] * (longest - shortest), 1),
                grade=grade[at],
                serious=u[:, 3] < event.serious,
                related=u[:, 4] < event.related,
                stopping=stops[at],
            )
        )
    return joined(found)


def joined(parts: list[EventRows]) -> EventRows:
    """Several as one."""
    import numpy as np

    names = EventRows.__slots__
    if not parts:
        whole, number, flag = np.zeros(0, np.int64), np.zeros(0), np.zeros(0, bool)
        return EventRows(whole, whole, number, number, whole, flag, flag, flag)
    if len(parts) == 1:
        return parts[0]
    return EventRows(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))


def kept(events: EventRows, which: np.ndarray) -> EventRows:
    """Those of a mask, or in an order."""
    return EventRows(*(getattr(events, name)[which] for name in EventRows.__slots__))


def in_order(events: EventRows, terms: tuple[str, ...]) -> EventRows:
    """By participant, first day and term, as the table has them."""
    import numpy as np

    rank = np.argsort(np.argsort(np.array(terms))) if terms else np.zeros(0, np.int64)
    keys = (rank[events.term], events.start, events.participant)
    return kept(events, np.lexsort(keys))


def first_stopping_day(events: EventRows, n: int) -> np.ndarray:
    """(n,) first day of an event that led to stopping study drug; infinite without one."""
    import numpy as np

    day = np.full(n, np.inf)
    led = events.stopping
    if led.any():
        np.minimum.at(day, events.participant[led], events.start[led])
    return day
