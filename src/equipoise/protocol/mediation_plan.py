"""Effects of the treatment through an early change: what is planned."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from equipoise.protocol.base import Flag, Int, Key, Map, Number, Part

_GRID = tuple(round(-0.9 + 0.1 * step, 1) for step in range(19))


class MediationPlan(Part):
    """Natural direct and indirect effects through the early changes of `analysis.prediction`.

    Linear models of the mediator and of the outcome, adjusted for the baselines of both and for
    the strata. Randomisation does not identify these effects, whatever is planned here.
    """

    mediators: tuple[Key, ...] = Field(
        (),
        description="Predictors, labs and composites of `analysis.prediction`, each as the only "
        "mediator; all its predictors when left out",
    )
    joint: tuple[Key, ...] = Field(
        (), description="Mediators taken together: the effect through the whole set is reported"
    )
    early_score: Flag = Field(
        False,
        description="Whether the outcome's change at the early visit is one of those taken "
        "together",
    )
    interaction: Flag = Field(
        True, description="Whether the slope of a single mediator may differ between arms"
    )
    joint_interaction: Flag = Field(
        False, description="The same for the mediators taken together; it costs a term for each"
    )
    bootstrap: Int = Field(
        1999, ge=99, le=100_000, description="Bootstrap samples, drawn within arm and stratum"
    )
    quasi_bayesian: Int = Field(
        2000, ge=99, le=100_000, description="Draws from the normal approximation of both models"
    )
    imputations: Int = Field(
        20,
        ge=2,
        le=1000,
        description="Imputed data sets where a value is missing; the bootstrap samples are shared "
        "among them",
    )
    interval: Literal["bca", "percentile", "quasi-bayesian"] = Field(
        "percentile",
        description="The interval that the report leads with; the others stand beside it",
    )
    rho: tuple[Number, ...] = Field(
        _GRID,
        min_length=2,
        description="Correlations of the errors of both models, for the sensitivity analysis",
    )
    assay_cv: Map[Key, Number] = Field(
        {},
        description="Mediator measured as a ratio → coefficient of variation of one measurement, "
        "independent between visits",
    )
    seed: Int = Field(1, ge=0, description="Of all that is drawn; open, and not that of the list")
