"""Whether an early change goes with the later outcome: what is planned."""

from __future__ import annotations

from pydantic import Field

from equipoise.protocol.base import Int, Key, Part


class PredictionPlan(Part):
    """The landmark association: which early changes, which outcome, and when.

    Whatever is planned here stays exploratory: the early change is not randomised. The analysis
    adjusts for the baseline of both and for the strata.
    """

    early_visit: Key = Field(description="Visit at which the early change is measured")
    predictors: tuple[Key, ...] = Field(
        min_length=1,
        description="Endpoints (change or log_fold) whose early change is looked at; the report "
        "leads with the first",
    )
    outcome: Key = Field(description="Endpoint (change or log_fold) of the outcome")
    landmark: Key = Field(description="Visit of the outcome; it lies after the early visit")
    permutations: Int = Field(
        4999, ge=19, le=1_000_000, description="Permutations of residuals within arm and stratum"
    )
    seed: Int = Field(1, ge=0, description="Of the permutations; open, and not that of the list")
