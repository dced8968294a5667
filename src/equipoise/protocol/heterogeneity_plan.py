"""Whether the effect of treatment differs between people: what is planned."""

from __future__ import annotations

from pydantic import Field

from equipoise.protocol.base import Key, Number, Part


class HeterogeneityPlan(Part):
    """Interactions of treatment with baseline, on the outcome of `analysis.prediction`."""

    modifiers: tuple[Key, ...] = Field(
        min_length=1,
        description="Effect modifiers: covariates, exposures at baseline, or predictors and labs "
        "of `analysis.prediction` by their value at baseline",
    )
    prior_scale: Number = Field(
        0.5,
        gt=0,
        le=100,
        description="Scale (median) of the half-Cauchy prior of the spread of all interactions, in "
        "residual standard deviations; half and twice of it are shown beside it",
    )
