"""Interim looks at the primary estimand: when, how the error is spent, when it is futile."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from equipoise.protocol.base import Number, Part

#: The words of `equipoise.stats.group_sequential.Spending`; a test holds both lists equal.
SpendingFunction = Literal["obrien-fleming", "pocock", "power", "hwang-shih-decani"]

#: Functions with a parameter.
WITH_PARAMETER = ("power", "hwang-shih-decani")


class InterimPlan(Part):
    """Interim looks at the primary estimand."""

    shares: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        min_length=1,
        description="Shares of the participants at which it is looked, ascending; the whole trial "
        "is the last look",
    )
    information: Number = Field(
        gt=0,
        description="Planned 1/SE² of the primary estimate at the end; `equipoise design --look` "
        "prints it",
    )
    spending: SpendingFunction = Field(
        "obrien-fleming", description="How the type-I error is spent, half on each side"
    )
    parameter: Number | None = Field(
        None, description="Of power (above 0) and hwang-shih-decani (any number)"
    )
    futility: SpendingFunction | None = Field(
        None, description="How the type-II error is spent; never binding; left out: no futility"
    )
    futility_parameter: Number | None = Field(None, description="The same of futility")
    power: Number = Field(0.9, gt=0, lt=1, description="Whose type-II error futility spends")
