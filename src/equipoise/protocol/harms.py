"""What the plan says on harms beyond single terms: liver tests and stopping rules."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from equipoise.protocol.base import Fraction, Key, Part, Text

#: Kinds of adverse events that a stopping rule can count; anything else is a term.
STOPPING_EVENTS = ("any", "serious", "related", "serious-related", "severe", "fatal")


class LiverTests(Part):
    """The laboratory values that the liver flags read, each with `normal_high`."""

    alt: Key | None = Field(None, description="Alanine aminotransferase: key of `labs`")
    ast: Key | None = Field(None, description="Aspartate aminotransferase: key of `labs`")
    bilirubin: Key | None = Field(None, description="Total bilirubin: key of `labs`")
    alkaline_phosphatase: Key | None = Field(
        None, description="Alkaline phosphatase: key of `labs`"
    )


class StoppingRule(Part):
    """A rule that stops the trial when too many of those treated had an event.

    At each look it stops when so many had the event that at the accepted rate the exact
    binomial probability of as many or more is at most `alpha`.
    """

    label: Text = Field(description="Name as printed")
    event: Text = Field(
        description="any, serious, related, serious-related, severe (grade 3 or higher), fatal, "
        "or a term"
    )
    arms: tuple[Key, ...] = Field((), description="Arms counted together; default: all active arms")
    accepted_rate: Annotated[float, Field(gt=0, lt=1)] = Field(
        description="Share of participants with the event that is still accepted"
    )
    alpha: Annotated[float, Field(gt=0, lt=1)] = Field(
        description="Highest probability, at one look, to cross the boundary at the accepted rate"
    )
    looks: tuple[Annotated[int, Field(ge=1, le=100_000)], ...] = Field(
        min_length=1, description="Numbers treated at which the rule looks, in order"
    )
    rates: tuple[Fraction, ...] = Field(
        (), description="True rates for which the operating characteristics are printed"
    )
    reason: Text | None = Field(None, description="Why this rule")
