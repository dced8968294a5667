"""What is asked: endpoints, estimands and the models that answer them."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from equipoise.protocol.base import Flag, Fraction, Int, Key, Map, Number, Part, Text
from equipoise.protocol.imputation_plan import ImputationPlan
from equipoise.protocol.intercurrent import IntercurrentEvent, Strategy
from equipoise.protocol.interim_plan import InterimPlan
from equipoise.protocol.measurements import CellUnit
from equipoise.protocol.multiplicity_plan import Adjustment, Graph, method_field
from equipoise.protocol.prediction_plan import PredictionPlan
from equipoise.protocol.reestimation_plan import ReestimationPlan
from equipoise.protocol.stratification_plan import StratificationPlan


class Scale(StrEnum):
    """The scale on which an endpoint is analysed."""

    CHANGE = "change"
    LOG_FOLD = "log_fold"
    RESPONSE = "response"
    REMISSION = "remission"
    TIME_TO_RESPONSE = "time-to-response"
    ORDINAL = "ordinal"

    @property
    def continuous(self) -> bool:
        """Whether a mixed model answers it."""
        return self in (Scale.CHANGE, Scale.LOG_FOLD)


class Endpoint(Part):
    """A measurement and the scale of its change from baseline; names exactly one source."""

    label: Text = Field(description="Name as printed")
    instrument: Key | None = Field(None, description="Rating scale of the protocol")
    part: Text | None = Field(
        None, description="Of the instrument: number of an item or a subscale; else the total"
    )
    cells: Key | None = Field(None, description="Cell population of the protocol")
    cell_unit: CellUnit | None = Field(None, description="Unit of the cell population")
    lab: Key | None = Field(None, description="Laboratory value of the protocol")
    vital: Key | None = Field(None, description="Vital sign of the protocol")
    exposure: Key | None = Field(None, description="Numeric exposure of the protocol")
    imaging: Key | None = Field(None, description="Imaging measure of the protocol")
    region: Text | None = Field(None, description="Region of the imaging measure")
    scale: Scale = Field(
        description="change (difference), log_fold (log of the ratio), response, remission, "
        "time-to-response, or ordinal (categories in order)"
    )
    better: Literal["lower", "higher", "neither"] = Field(description="Which direction is better")
    model: Key | None = Field(
        None, description="change and log_fold: key of a model in `analysis.models`"
    )
    reduction: Fraction | None = Field(
        None, description="response: reduction from baseline; the scale's own rule when left out"
    )
    below: Number | None = Field(
        None, description="remission: a score below this; the scale's own rule when left out"
    )
    missing: Literal["failure", "observed"] = Field(
        "failure",
        description="response and remission: whoever has no value counts as failure, or is left "
        "out; the other rule is shown as sensitivity",
    )


class EstimandRole(StrEnum):
    """Place of an estimand in the order of testing."""

    PRIMARY = "primary"
    KEY_SECONDARY = "key-secondary"


class Estimand(Part):
    """What is estimated: the five attributes of ICH E9(R1)."""

    role: EstimandRole = Field(description="primary (exactly one) or key-secondary (in order)")
    endpoint: Key = Field(description="Variable: key of an endpoint")
    visit: Key = Field(description="Visit of the variable")
    population: Text = Field(description="Population")
    treatment: Text = Field(description="Treatment condition and its alternative")
    analysis_set: Key = Field(
        "randomised", description="randomised (everybody), or a key of `analysis.sets`"
    )
    intercurrent_events: tuple[IntercurrentEvent, ...] = Field(
        (), description="Intercurrent events, each with its strategy"
    )
    summary: Text = Field(description="Population-level summary")
    question: Text = Field(description="The question in a plain sentence")


class AnalysisSet(Part):
    """Who is analysed: everybody randomised who meets all rules; reasons are counted in order."""

    label: Text = Field(description="Name as printed")
    minimum_doses: Int = Field(0, ge=0, description="Doses received, at least")
    without: tuple[Key, ...] = Field(
        (), description="Intercurrent events that must not have happened"
    )


#: The words of `equipoise.stats` that a protocol may use; a test holds both lists equal. Spatial
#: structures are left out: they need coordinates, which visits have not.
Structure = Literal["us", "cs", "csh", "ar1", "ar1h", "toep", "toeph", "ad", "adh"]
Empirical = Literal["cr0", "cr2", "cr2-root", "cr3"]
DfMethod = Literal[
    "kenward-roger", "kenward-roger-firstorder", "satterthwaite", "between-within", "residual"
]


class SensitivityMethod(StrEnum):
    """Sensitivity analyses of an estimand."""

    ANALYSIS_SET = "analysis-set"
    STRATEGY = "strategy"
    RE_RANDOMISATION = "re-randomisation"
    UNEQUAL_VARIANCES = "unequal-variances"
    EMPIRICAL = "empirical"
    REFERENCE_BASED = "reference-based"
    TIPPING_POINT = "tipping-point"


#: Method → (fields that it needs, fields that it may have); no other field goes with it.
SENSITIVITY_FIELDS: dict[SensitivityMethod, tuple[tuple[str, ...], tuple[str, ...]]] = {
    SensitivityMethod.ANALYSIS_SET: (("analysis_set",), ()),
    SensitivityMethod.STRATEGY: (("strategy",), ()),
    SensitivityMethod.RE_RANDOMISATION: (("draws",), ("seed",)),
    SensitivityMethod.UNEQUAL_VARIANCES: ((), ()),
    SensitivityMethod.EMPIRICAL: ((), ("vcov",)),
    SensitivityMethod.REFERENCE_BASED: (("imputation",), ()),
    SensitivityMethod.TIPPING_POINT: (("imputation",), ()),
}


#: Methods that ask the mixed model of the endpoint again.
MODEL_METHODS = frozenset(
    {
        SensitivityMethod.RE_RANDOMISATION,
        SensitivityMethod.UNEQUAL_VARIANCES,
        SensitivityMethod.EMPIRICAL,
    }
)


#: Methods that impute missing values.
IMPUTATION_METHODS = frozenset({SensitivityMethod.REFERENCE_BASED, SensitivityMethod.TIPPING_POINT})


class Sensitivity(Part):
    """One estimand again under another assumption, beside the main result."""

    label: Text = Field(description="Name as printed")
    estimand: Key = Field(description="Key of the estimand")
    method: SensitivityMethod = Field(
        description="analysis-set (in another set), strategy (other strategy for all events), "
        "re-randomisation (test by redrawn allocations), unequal-variances (a covariance matrix "
        "for each arm), empirical (sandwich standard errors), reference-based (missing values "
        "imputed) or tipping-point (imputed and shifted until the conclusion changes)"
    )
    analysis_set: Key | None = Field(None, description="analysis-set: key of the other set")
    strategy: Strategy | None = Field(None, description="strategy: the other strategy")
    draws: Int | None = Field(
        None, ge=19, le=1_000_000, description="re-randomisation: allocations that are drawn"
    )
    seed: Int | None = Field(
        None,
        ge=0,
        description="re-randomisation: seed of the draws, open and not that of the list; 1 when "
        "left out",
    )
    vcov: Empirical | None = Field(
        None, description="empirical: kind of covariance of the coefficients; cr2 when left out"
    )
    imputation: ImputationPlan | None = Field(
        None, description="reference-based and tipping-point: how missing values are imputed"
    )


class TestingOrder(StrEnum):
    """How the estimands share the level."""

    FIXED_SEQUENCE = "fixed-sequence"
    GRAPHICAL = "graphical"


class Model(Part):
    """A mixed model for repeated measures."""

    formula: Text = Field(description="Fixed effects; response `change` or `log_fold`")
    subgroup: Key | None = Field(None, description="Factor whose levels get their own effect")
    subgroup_formula: Text | None = Field(
        None, description="The formula with the interaction, for effects by subgroup"
    )
    covariance: tuple[Structure, ...] = Field(
        ("us",),
        min_length=1,
        description="Covariance structures, tried in this order; the next only where the one "
        "before has no valid fit",
    )
    method: Literal["reml", "ml"] = Field("reml", description="Likelihood")
    df: DfMethod = Field("kenward-roger", description="Degrees of freedom")
    group: Literal["arm"] | None = Field(
        None, description="arm: a covariance matrix for each arm; one for all when left out"
    )
    vcov: Literal["model", "cr0", "cr2", "cr2-root", "cr3"] = Field(
        "model", description="Covariance of the coefficients: model-based, or empirical (sandwich)"
    )


class Family(Part):
    """Endpoints tested together at one visit."""

    label: Text = Field(description="Name as printed")
    endpoints: tuple[Key, ...] = Field(min_length=1, description="Members")
    visit: Key = Field(description="Visit of the comparison")
    method: Adjustment = Field(
        Adjustment.HOLM,
        description=method_field("the largest statistic under lists drawn again by the scheme"),
    )
    draws: Int | None = Field(
        None, ge=19, le=100_000, description="max-t: lists that are drawn, the same for all members"
    )
    seed: Int | None = Field(
        None,
        ge=0,
        description="max-t: seed of the draws, open and not that of the list; 1 when left out",
    )
    graph: Graph | None = Field(None, description="graphical: the procedure over the endpoints")
    after: Key | None = Field(
        None, description="Estimand that must be significant before the family is tested"
    )


class Analysis(Part):
    """The analysis that is fixed beforehand."""

    fixed_beforehand: Flag = Field(
        True, description="False for a plan that was written after the data were known"
    )
    alpha: Number = Field(0.05, gt=0, lt=0.5, description="Two-sided significance level")
    models: Map[Key, Model] = Field({}, description="Models by name")
    sets: Map[Key, AnalysisSet] = Field({}, description="Analysis sets beside `randomised`")
    testing: TestingOrder = Field(
        TestingOrder.FIXED_SEQUENCE, description="How the estimands share the level"
    )
    graph: Graph | None = Field(None, description="graphical: the procedure")
    sensitivity: Map[Key, Sensitivity] = Field({}, description="Sensitivity analyses by name")
    families: Map[Key, Family] = Field({}, description="Families of secondary comparisons")
    interim: InterimPlan | None = Field(None, description="Interim looks at the primary estimand")
    reestimation: ReestimationPlan | None = Field(
        None, description="The size estimated again, without looking at arms"
    )
    prediction: PredictionPlan | None = Field(
        None, description="Whether an early change goes with the later outcome"
    )
    stratification: StratificationPlan | None = Field(
        None, description="Who benefits: differences between people, and forecasts"
    )
    missing_data: Text = Field(description="Assumption about missing data and its sensitivity")
