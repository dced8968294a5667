"""The results of a trial: frozen values that the report only shows.

A number that could not be had is None, with the reason beside it. In blinded results there
is one group, ``all``, and nothing that the protocol marks as unblinding.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from equipoise.analysis.harm_results import Safety
from equipoise.analysis.result_row import Row
from equipoise.protocol.endpoint_sources import MeasureKind


class Group(Row):
    """A column of the tables: an arm, or everybody while blinded."""

    key: str
    label: str
    n: int


class Provenance(Row):
    """Where the results come from; `seed` is withheld while blinded."""

    protocol_id: str
    protocol_hash: str
    data_hash: str
    origin: Literal["observed", "simulated"]
    scenario: str | None
    seed: int | None
    source: str | None
    command: str | None
    versions: dict[str, str]


class Reason(Row):
    """A reason with its count in a group; None where counts are too small.

    `event` is the word of `disposition` that the reason belongs to.
    """

    group: str
    event: str = "discontinued"
    reason: str
    n: int | None


class FlowCount(Row):
    """Counts of one group along the trial; None where the records do not say.

    Whoever died counts as dead alone. `stopped_drug` are those who stopped study drug, whatever
    became of them in the trial. `doses_planned` are the doses of all randomised.
    """

    group: str
    label: str
    randomised: int
    received_dose: int | None
    doses_given: int | None = None
    doses_planned: int | None = None
    stopped_drug: int | None = None
    completed: int | None
    discontinued: int | None
    lost: int | None = None
    died: int | None = None
    status_unknown: int | None


class Exclusion(Row):
    """People who were screened and did not enter, for one kind of reason.

    `reasons` are (reason, people); none where counts are too small or no reason was recorded.
    """

    outcome: str
    n: int
    reasons: tuple[tuple[str, int], ...]
    reasons_hidden: bool = False


class Screening(Row):
    """Who was assessed for eligibility: assessed = excluded + entered."""

    assessed: int
    excluded: int
    entered: int
    exclusions: tuple[Exclusion, ...]


class AnalysedCount(Row):
    """Who of a group is in the analysis of an endpoint, and why others are not."""

    group: str
    endpoint: str
    label: str
    randomised: int
    no_baseline: int
    no_follow_up: int
    analysed: int


class VisitCount(Row):
    """Participants of a group seen at a visit."""

    group: str
    visit: str
    label: str
    seen: int


class Flow(Row):
    """Participant flow; the counts nest:
    randomised = completed + discontinued + lost + died + unknown.

    `screening` is None where nobody recorded who was assessed for eligibility.
    """

    screening: Screening | None = None
    randomised: int
    counts: tuple[FlowCount, ...]
    reasons: tuple[Reason, ...]
    analysed: tuple[AnalysedCount, ...]
    visits: tuple[VisitCount, ...]
    out_of_window: tuple[str, ...]


class BaselineValue(Row):
    """One characteristic in one group; means in the characteristic's unit."""

    group: str
    n: int
    missing: int
    mean: float | None = None
    sd: float | None = None
    median: float | None = None
    lower_quartile: float | None = None
    upper_quartile: float | None = None
    count: int | None = None
    percent: float | None = None
    suppressed: bool = False


class BaselineRow(Row):
    """A characteristic, or one level of it."""

    variable: str
    label: str
    level: str | None
    unit: str | None
    values: tuple[BaselineValue, ...]
    standardised_difference: float | None


class Baseline(Row):
    """Baseline characteristics. Standardised differences, never p-values."""

    rows: tuple[BaselineRow, ...]


class ModelFit(Row):
    """How a model was fitted; the method behind every estimate that names it."""

    key: str
    formula: str
    covariance: str
    tried: tuple[str, ...]
    likelihood: str
    df_method: str
    participants: int
    observations: int
    missing_responses: int
    minus2_log_likelihood: float
    aic: float
    bic: float
    iterations: int
    gradient: float
    visits: tuple[str, ...]
    covariance_matrix: tuple[tuple[float, ...], ...]
    message: str


class ObservedMean(Row):
    """Mean of what was observed, on the endpoint's own scale."""

    group: str
    visit: str
    n: int
    mean: float | None
    sd: float | None


class Mean(Row):
    """A least-squares mean; on the log scale with its back-transformed ratio."""

    group: str
    visit: str
    subgroup: str | None = None
    estimate: float
    se: float
    df: float
    lower: float
    upper: float
    ratio: float | None = None
    ratio_lower: float | None = None
    ratio_upper: float | None = None


class Contrast(Row):
    """A difference of least-squares means: `arm` minus `reference`.

    In an answer that is not tested `p` is None.
    """

    arm: str
    reference: str
    visit: str
    subgroup: str | None = None
    estimate: float
    se: float
    df: float
    t: float
    p: float | None
    lower: float
    upper: float
    ratio: float | None = None
    ratio_lower: float | None = None
    ratio_upper: float | None = None
    adjusted_p: float | None = None


class Subgroup(Row):
    """Effects by the levels of a factor, from one model with the interaction.

    `interaction` holds, per visit and level after the first, the difference of the effect
    in that level from the effect in the first.
    """

    factor: str
    label: str
    levels: tuple[str, ...]
    fit: ModelFit | None
    failure: str | None
    effects: tuple[Contrast, ...]
    interaction: tuple[Contrast, ...]


class EndpointResult(Row):
    """One endpoint by its mixed model. `failure` says why there is no fit."""

    endpoint: str
    label: str
    kind: MeasureKind
    scale: Literal["change", "log_fold"]
    unit: str
    better: Literal["lower", "higher", "neither"]
    fit: ModelFit | None
    failure: str | None
    observed: tuple[ObservedMean, ...]
    means: tuple[Mean, ...]
    contrasts: tuple[Contrast, ...]
    subgroup: Subgroup | None


class Status(StrEnum):
    """What kind of claim an answer may support."""

    CONFIRMATORY = "confirmatory"
    NOT_PLANNED = "not confirmatory: the analysis was not fixed before the data were known"
    GATE_CLOSED = "not tested: an estimand before it in the order was not significant"
    NOT_ESTIMABLE = "not estimable"
    UNCONTROLLED = "not compared: a single-arm trial has no control"
    BLINDED = "blinded"


class Answer(Row):
    """The answer to one estimand, in the order of testing.

    `means` holds the change in the one arm of a single-arm trial, where nothing is compared.
    """

    estimand: str
    role: Literal["primary", "key-secondary"]
    question: str
    endpoint: str
    visit: str
    status: Status
    significant: bool | None
    contrasts: tuple[Contrast, ...]
    means: tuple[Mean, ...] = ()
    why: str | None = None


class FamilyResult(Row):
    """A family of secondary comparisons with its adjustment."""

    key: str
    label: str
    visit: str
    method: str
    contrasts: dict[str, tuple[Contrast, ...]]


class PlannedArm(Row):
    """An arm as the report describes it."""

    key: str
    label: str
    ratio: int
    treatment: str


class PlannedEstimand(Row):
    """The five attributes of an estimand (ICH E9(R1))."""

    key: str
    role: str
    question: str
    variable: str
    population: str
    treatment: str
    events: tuple[tuple[str, str], ...]
    summary: str


class PlannedVisit(Row):
    """A visit; `day` and `window` count from the first dose."""

    label: str
    day: float
    window: tuple[float, float]
    timing: str | None


class PlannedMeasure(Row):
    """A measurement: a rating scale, a cell population, a laboratory value, …"""

    kind: MeasureKind
    label: str
    definition: str
    visits: tuple[str, ...]


class PlannedSource(Row):
    """Where a value of the protocol comes from."""

    path: str
    source: str | None
    certainty: str | None
    assumed: str | None
    note: str | None


class Plan(Row):
    """What the report says of the protocol; while blinded without arms and estimands' texts."""

    single_arm: bool = False

    about: str
    objective: str
    design: str
    blinding: str
    setting: str | None
    registration: str | None
    hypothetical: bool
    size: int
    population: str
    inclusion: tuple[str, ...]
    exclusion: tuple[str, ...]
    visits: tuple[PlannedVisit, ...]
    measures: tuple[PlannedMeasure, ...]
    randomisation: str
    missing_data: str
    arms: tuple[PlannedArm, ...]
    estimands: tuple[PlannedEstimand, ...]
    sources: tuple[PlannedSource, ...]


class Results(Row):
    """All results of one trial.

    `visits` are (id, label) of the visits after baseline, in order; `confidence` is the
    level of all two-sided intervals.
    """

    format: Literal[1] = 1
    title: str
    short_title: str
    blinded: bool
    confidence: float
    groups: tuple[Group, ...]
    control: str | None
    visits: tuple[tuple[str, str], ...]
    plan: Plan
    provenance: Provenance
    flow: Flow
    baseline: Baseline
    endpoints: dict[str, EndpointResult]
    answers: tuple[Answer, ...]
    families: tuple[FamilyResult, ...]
    safety: Safety
    notes: tuple[str, ...]

    @property
    def compared(self) -> bool:
        """Whether there are groups to compare: neither blinded nor a single arm."""
        return len(self.groups) > 1

    @property
    def simulated(self) -> bool:
        """Whether the records were drawn by a program."""
        return self.provenance.origin == "simulated"

    @property
    def origin_label(self) -> str:
        """``SIMULATED`` or ``observed``: stands with every table and figure."""
        return "SIMULATED" if self.simulated else "observed"
