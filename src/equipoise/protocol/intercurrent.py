"""Intercurrent events (ICH E9(R1)): how each is found in the records, and how it is handled."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from equipoise.protocol.base import Int, Key, Number, Part, Text


class Strategy(StrEnum):
    """Strategies for intercurrent events, ICH E9(R1) section A.3.2, that are carried out.

    A protocol that names another one is refused, never analysed as if it had named one of these.
    """

    TREATMENT_POLICY = "treatment-policy"
    """Whatever happens: all values count."""
    HYPOTHETICAL = "hypothetical"
    """As if it had not happened: values after the event are left out, missing at random."""
    COMPOSITE = "composite"
    """The event is itself an outcome: failure, or a change that the protocol states."""
    WHILE_ON_TREATMENT = "while-on-treatment"
    """Until it happened: the last value before the event stands for all later ones."""


class MedicationChange(StrEnum):
    """Which change of a medication is the event."""

    STARTED = "started"
    STOPPED = "stopped"
    EITHER = "either"


class ScoreReached(Part):
    """A score that makes an event."""

    instrument: Key = Field(description="Instrument of the protocol")
    item: Int | None = Field(None, description="Item; the total when left out")
    threshold: Number = Field(description="Reached when a score after baseline is at least this")


class RecordedEvent(Part):
    """An intercurrent event and the one place in the records that shows it."""

    label: Text = Field(description="Name as printed")
    medications: tuple[Text, ...] = Field(
        (), description="Classes of table `medications`: started or stopped after the first dose"
    )
    change: MedicationChange = Field(
        MedicationChange.EITHER, description="Of `medications`: started, stopped or either"
    )
    disposition: tuple[Literal["stopped-study-drug", "discontinued", "death"], ...] = Field(
        (), description="Events of table `disposition`"
    )
    score: ScoreReached | None = Field(None, description="A score that reaches a threshold")
    missed_doses: Int | None = Field(
        None, ge=1, description="Planned doses missed: the event is on the day of this many"
    )

    @property
    def table(self) -> str:
        """The table of the records that shows the event."""
        if self.medications:
            return "medications"
        if self.disposition:
            return "disposition"
        return "scores" if self.score is not None else "doses"


class IntercurrentEvent(Part):
    """An event after randomisation that affects the outcome or its meaning."""

    event: Key = Field(description="Key of a table in `intercurrent_events`")
    strategy: Strategy = Field(description="How it is handled")
    composite_change: Number | None = Field(
        None,
        description="composite of a continuous endpoint: the change from baseline (or the log "
        "fold) that stands for the event, for example 0 for no improvement",
    )
