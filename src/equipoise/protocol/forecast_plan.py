"""The forecast of each person's outcome, and how honestly it is tested: what is planned."""

from __future__ import annotations

from pydantic import Field

from equipoise.protocol.base import Flag, Int, Key, Number, Part


class ForecastPlan(Part):
    """One linear model that forecasts the outcome at the landmark of `analysis.prediction`.

    Arm, strata and the outcome's baseline are in it as they are; markers and characteristics are
    shrunk by ridge regression. It is given twice: from baseline alone, and with the early changes.
    """

    response: Key | None = Field(
        None,
        description="Endpoint on the scale `response`, of the outcome's own instrument: its "
        "probability is forecast as well",
    )
    predictors: tuple[Key, ...] = Field(
        (),
        description="Predictors and labs of `analysis.prediction` that the forecast uses; all of "
        "them when left out",
    )
    characteristics: tuple[Key, ...] = Field(
        (), description="Covariates that it uses beside the factors of the randomisation"
    )
    early_score: Flag = Field(
        True, description="Whether the second forecast knows the outcome at the early visit"
    )
    interactions: Flag = Field(
        False, description="Whether each baseline marker may count differently in each arm"
    )
    folds: Int = Field(5, ge=2, le=100, description="Folds, stratified by arm and stratum")
    repeats: Int = Field(10, ge=1, le=1000, description="Repeats of the cross-validation")
    inner_folds: Int = Field(
        5, ge=2, le=100, description="Folds within a training set, by which the penalty is chosen"
    )
    penalties: tuple[Number, ...] = Field(
        (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0),
        min_length=1,
        description="Penalties to choose from, per participant, on coefficients per SD",
    )
    permutations: Int = Field(
        999, ge=19, le=100_000, description="Permutations of the outcome within arm and stratum"
    )
    bootstrap: Int = Field(
        200, ge=20, le=10_000, description="Bootstrap samples for the optimism of the whole"
    )
    subsamples: Int = Field(
        50, ge=5, le=10_000, description="Subsamples of each size for the learning curve"
    )
    seed: Int = Field(1, ge=0, description="Of all that is drawn; open, and not that of the list")
