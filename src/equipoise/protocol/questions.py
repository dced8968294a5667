"""What is asked: endpoints, estimands and the models that answer them."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from equipoise.protocol.base import Flag, Key, Map, Number, Part, Text
from equipoise.protocol.measurements import CellUnit


class Scale(StrEnum):
    """The scale on which an endpoint is analysed."""

    CHANGE = "change"
    LOG_FOLD = "log_fold"


class Endpoint(Part):
    """A measurement and the scale of its change from baseline; names exactly one source."""

    label: Text = Field(description="Name as printed")
    instrument: Key | None = Field(None, description="Rating scale of the protocol")
    cells: Key | None = Field(None, description="Cell population of the protocol")
    cell_unit: CellUnit | None = Field(None, description="Unit of the cell population")
    lab: Key | None = Field(None, description="Laboratory value of the protocol")
    vital: Key | None = Field(None, description="Vital sign of the protocol")
    exposure: Key | None = Field(None, description="Numeric exposure of the protocol")
    imaging: Key | None = Field(None, description="Imaging measure of the protocol")
    region: Text | None = Field(None, description="Region of the imaging measure")
    scale: Scale = Field(description="change (difference) or log_fold (log of the ratio)")
    better: Literal["lower", "higher", "neither"] = Field(description="Which direction is better")
    model: Key = Field(description="Key of a model in `analysis.models`")


class EstimandRole(StrEnum):
    """Place of an estimand in the order of testing."""

    PRIMARY = "primary"
    KEY_SECONDARY = "key-secondary"


class Strategy(StrEnum):
    """Strategies for intercurrent events, ICH E9(R1) section A.3.2, that are carried out.

    A protocol that names another one is refused, never analysed as if it had named this.
    """

    TREATMENT_POLICY = "treatment-policy"


class IntercurrentEvent(Part):
    """An event after randomisation that affects the outcome or its meaning."""

    event: Text = Field(description="The event")
    strategy: Strategy = Field(description="How it is handled")


class Estimand(Part):
    """What is estimated: the five attributes of ICH E9(R1)."""

    role: EstimandRole = Field(description="primary (exactly one) or key-secondary (in order)")
    endpoint: Key = Field(description="Variable: key of an endpoint")
    visit: Key = Field(description="Visit of the variable")
    population: Text = Field(description="Population")
    treatment: Text = Field(description="Treatment condition and its alternative")
    intercurrent_events: tuple[IntercurrentEvent, ...] = Field(
        (), description="Intercurrent events, each with its strategy"
    )
    summary: Text = Field(description="Population-level summary")
    question: Text = Field(description="The question in a plain sentence")


class Model(Part):
    """A mixed model for repeated measures."""

    formula: Text = Field(description="Fixed effects; response `change` or `log_fold`")
    subgroup: Key | None = Field(None, description="Factor whose levels get their own effect")
    subgroup_formula: Text | None = Field(
        None, description="The formula with the interaction, for effects by subgroup"
    )
    covariance: tuple[Literal["us"], ...] = Field(
        ("us",), min_length=1, description="Covariance structures, tried in this order"
    )
    method: Literal["reml"] = Field("reml", description="Likelihood")
    df: Literal["kenward-roger", "satterthwaite"] = Field(
        "kenward-roger", description="Degrees of freedom"
    )


class Family(Part):
    """Endpoints tested together at one visit."""

    label: Text = Field(description="Name as printed")
    endpoints: tuple[Key, ...] = Field(min_length=1, description="Members")
    visit: Key = Field(description="Visit of the comparison")
    method: Literal["holm"] = Field("holm", description="Adjustment for multiplicity")


class Analysis(Part):
    """The analysis that is fixed beforehand."""

    fixed_beforehand: Flag = Field(
        True, description="False for a plan that was written after the data were known"
    )
    alpha: Number = Field(0.05, gt=0, lt=0.5, description="Two-sided significance level")
    models: Map[Key, Model] = Field(min_length=1, description="Models by name")
    families: Map[Key, Family] = Field({}, description="Families of secondary comparisons")
    missing_data: Text = Field(description="Assumption about missing data and its sensitivity")
