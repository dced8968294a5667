"""Blinded re-estimation of the sample size: when, of what, for which effect, up to how many."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from equipoise.protocol.base import Fraction, Int, Key, Number, Part


class Subtraction(StrEnum):
    """What is taken off a variance that knows no arm."""

    NOTHING = "nothing"
    """As it is: too large by π(1 - π)δ², so that the trial is rather too large."""
    PLANNED_EFFECT = "planned-effect"
    """Less π(1 - π)δ² of the planned effect: right if the effect is the planned one, too small a
    variance if it is not."""


class ReestimationPlan(Part):
    """The size of the trial is estimated again, without looking at arms."""

    estimand: Key = Field(
        description="Whose endpoint and visit; its values must not give arms away"
    )
    share: Fraction = Field(
        gt=0,
        lt=1,
        description="Share of the planned participants whose visit is over when it is done",
    )
    effect: Number = Field(
        description="Difference that is to be found, in the endpoint's unit; a ratio for log_fold"
    )
    power: Number = Field(0.9, gt=0, lt=1, description="Chance to find it")
    maximum: Int = Field(
        ge=1, description="Most participants; fewer than population.size are never recommended"
    )
    subtract: Subtraction = Field(
        Subtraction.NOTHING, description="What is taken off the variance without arm means"
    )
