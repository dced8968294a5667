"""Rules by which a later trial could go on with some people only: what is planned."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from equipoise.protocol.base import Int, Key, Map, Number, Part, Text


class EnrichmentRulePlan(Part):
    """A rule on a marker or on the forecast, at one threshold or at several."""

    label: Text = Field(description="Name as printed")
    marker: Key | None = Field(
        None, description="Predictor or lab of `analysis.prediction` that the rule looks at"
    )
    forecast: Literal["response", "improvement", "benefit"] | None = Field(
        None,
        description="In place of a marker: the forecast probability of response, improvement, or "
        "improvement beyond that on the control (from baseline)",
    )
    when: Literal["baseline", "early"] = Field(
        "baseline",
        description="baseline: others are not enrolled; early: others stop study drug at the early "
        "visit. A marker counts by its value, and early by its change (the ratio for log folds)",
    )
    at_least: tuple[Number, ...] = Field((), description="Who reaches a threshold is kept")
    at_most: tuple[Number, ...] = Field((), description="Who stays at or below it is kept")


class EnrichmentPlan(Part):
    """What a trial says of rules of enrichment; forecasts are of people not trained on."""

    rules: Map[Key, EnrichmentRulePlan] = Field(min_length=1, description="The rules by name")
    folds: Int = Field(5, ge=2, le=100, description="Folds of the cross-validated forecast")
    repeats: Int = Field(10, ge=1, le=1000, description="Repeats, over which it is averaged")
    seed: Int = Field(1, ge=0, description="Of the folds; open, and not that of the list")
