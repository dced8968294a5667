"""All early changes together: what is planned."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from equipoise.protocol.base import Fraction, Int, Key, Part


class MultivariatePlan(Part):
    """Whether the pattern of all early changes says more than chance about the outcome.

    Partial least squares, and ridge or elastic net beside it, within arms: arm, strata and the
    baselines are taken out in every training set.
    """

    predictors: tuple[Key, ...] = Field(
        (),
        description="Predictors and labs of `analysis.prediction` that are looked at together; "
        "all of them when left out. Composites are sums of these, and are not among them",
    )
    components: Int = Field(
        4, ge=1, le=20, description="Most components of partial least squares to choose from"
    )
    rule: Literal["best", "one-standard-error"] = Field(
        "best",
        description="How components and penalty are chosen: the smallest cross-validated error, "
        "or the plainest model within one standard error of it",
    )
    folds: Int = Field(5, ge=2, le=100, description="Folds, stratified by arm and stratum")
    repeats: Int = Field(5, ge=1, le=1000, description="Repeats of the cross-validation")
    mixing: tuple[Fraction, ...] = Field(
        (0.0, 0.5),
        min_length=1,
        description="Mixing to choose from: 0 is ridge, 1 the lasso, the elastic net between",
    )
    bootstrap: Int = Field(
        999, ge=99, le=100_000, description="Bootstrap samples within arm and stratum"
    )
    permutations: Int = Field(
        499, ge=19, le=100_000, description="Permutations of the whole procedure"
    )
    seed: Int = Field(1, ge=0, description="Of all that is drawn; open, and not that of the list")
