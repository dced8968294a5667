"""Whether an early change goes with the later outcome: what is planned."""

from __future__ import annotations

from pydantic import Field

from equipoise.protocol.base import Int, Key, Map, Number, Part, Text
from equipoise.protocol.mediation_plan import MediationPlan
from equipoise.protocol.multiplicity_plan import MarkerMultiplicity
from equipoise.protocol.multivariate_plan import MultivariatePlan


class Composite(Part):
    """Several markers as one: the weighted sum of their early changes, each per its SD.

    The SD is that of the early change within arms; the composite's own baseline is made with the
    same weights and SDs, so that its early value less its baseline is its early change.
    """

    label: Text = Field(description="Name as printed")
    members: Map[Key, Number] = Field(
        min_length=2, description="Predictor or lab → its weight; negative where a fall counts"
    )


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
    labs: tuple[Key, ...] = Field(
        (),
        description="Laboratory values (keys of `labs`) whose early change is looked at besides, "
        "as the logarithm of the ratio to baseline, without an endpoint of their own",
    )
    composites: Map[Key, Composite] = Field(
        {}, description="Named composites of predictors and labs"
    )
    outcome: Key = Field(description="Endpoint (change or log_fold) of the outcome")
    landmark: Key = Field(description="Visit of the outcome; it lies after the early visit")
    permutations: Int = Field(
        4999, ge=19, le=1_000_000, description="Permutations of residuals within arm and stratum"
    )
    imputations: Int = Field(
        50,
        ge=2,
        le=10_000,
        description="Imputations of missing early values and outcomes, shown beside the complete "
        "cases",
    )
    seed: Int = Field(
        1, ge=0, description="Of permutations and imputations; open, and not that of the list"
    )
    multiplicity: MarkerMultiplicity | None = Field(
        None, description="Adjustment for the number of markers; none when left out"
    )
    mediation: MediationPlan | None = Field(
        None, description="Effects of the treatment through the early change"
    )
    multivariate: MultivariatePlan | None = Field(
        None, description="All early changes together: partial least squares and elastic net"
    )
