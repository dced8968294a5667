"""The results of a trial: frozen values that the report only shows.

A number that could not be had is None, with the reason beside it. In blinded results there
is one group, ``all``, and nothing that the protocol marks as unblinding.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from equipoise.analysis.allocation_counts import AllocationCounts
from equipoise.analysis.estimand_results import (
    EstimandResult,
    EventCount,
    SetCount,
)
from equipoise.analysis.family_results import FamilyMaximum
from equipoise.analysis.harm_results import Safety
from equipoise.analysis.interim_results import InterimResult
from equipoise.analysis.model_results import (
    Contrast,
    Course,
    EndpointResult,
    Mean,
    ModelFit,
    ObservedMean,
    Subgroup,
)
from equipoise.analysis.outcome_results import GroupOutcome, OutcomeResult
from equipoise.analysis.prediction.prediction_results import Prediction
from equipoise.analysis.result_row import Row
from equipoise.analysis.stratification.benefit_results import Stratification
from equipoise.analysis.stratification.enrichment_results import EnrichmentResults
from equipoise.analysis.stratification.forecast_results import ForecastResults
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


class LockedPlan(Row):
    """One locking of the plan: hash, time (UTC), reason of an amendment, fields it changed."""

    hash: str
    time: str
    reason: str
    changes: tuple[str, ...]
    seal: str


class LockRecord(Row):
    """The lock of the study; `in_force` where the plan analysed is the one last locked."""

    in_force: bool
    entries: tuple[LockedPlan, ...]


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

    `adjusted_p` is the p on which the decision was made where it is not that of the contrasts:
    the graphical procedure's. `rejected` are the arms whose own p, adjusted over the arms, is
    below the level; a graph decides on the estimand and names none. `means`, or `outcome`, holds
    what was seen in the one arm of a single-arm trial, where nothing is compared.
    """

    estimand: str
    role: Literal["primary", "key-secondary"]
    question: str
    endpoint: str
    visit: str
    status: Status
    significant: bool | None
    adjusted_p: float | None = None
    rejected: tuple[str, ...] = ()
    contrasts: tuple[Contrast, ...]
    means: tuple[Mean, ...] = ()
    outcome: tuple[GroupOutcome, ...] = ()
    why: str | None = None


class FamilyResult(Row):
    """A family of secondary comparisons with its adjustment.

    `closed_by` names the estimand that was not significant and behind which the family stands:
    its p-values are then None. With max-T the adjusted p are those of `maximum`; with several
    arms a fixed sequence or a graph decides on the endpoint, and its arms share one adjusted p.
    """

    key: str
    label: str
    visit: str
    method: str
    contrasts: dict[str, tuple[Contrast, ...]]
    closed_by: str | None = None
    maximum: FamilyMaximum | None = None


class ConcomitantRow(Row):
    """A class of medication, with the participants of each group who received it."""

    label: str
    counts: tuple[int, ...]


class Concomitant(Row):
    """Other treatment during the trial; `hidden` classes had too few people to be shown."""

    rows: tuple[ConcomitantRow, ...]
    hidden: int


class PlannedDoses(Row):
    """One drug of an arm; `days` count from the first dose."""

    drug: str
    days: tuple[float, ...]


class PlannedArm(Row):
    """An arm as the report describes it; `description` is what the protocol says for TIDieR."""

    key: str
    label: str
    ratio: int
    treatment: str
    doses: tuple[PlannedDoses, ...] = ()
    description: dict[str, str] = Field(default_factory=dict[str, str])


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
    """What the report says of the protocol; while blinded without arms and estimands' texts.

    `allocation` is how arms are assigned as sites may read it, without block sizes. `given`
    holds what people wrote for the checklists, by dotted path in the protocol; what of it names
    an arm or a drug is left out while blinded, and its path stands in `given_withheld`.
    """

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
    testing: str = "fixed-sequence"
    arms: tuple[PlannedArm, ...]
    estimands: tuple[PlannedEstimand, ...]
    sources: tuple[PlannedSource, ...]
    title: str = ""
    allocation: str = ""
    models: tuple[str, ...] = ()
    further_analyses: tuple[str, ...] = ()
    expected_harms: int = 0
    ending: str = ""
    given: dict[str, str] = Field(default_factory=dict[str, str])
    given_withheld: tuple[str, ...] = ()


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
    lock: LockRecord = LockRecord(in_force=False, entries=())
    provenance: Provenance
    flow: Flow
    allocation: AllocationCounts | None = None
    baseline: Baseline
    endpoints: dict[str, EndpointResult]
    outcomes: dict[str, OutcomeResult]
    events: tuple[EventCount, ...]
    sets: tuple[SetCount, ...]
    estimands: dict[str, EstimandResult]
    answers: tuple[Answer, ...]
    interim: InterimResult | None = None
    families: tuple[FamilyResult, ...]
    prediction: Prediction | None = None
    stratification: Stratification | None = None
    forecast: ForecastResults | None = None
    enrichment: EnrichmentResults | None = None
    safety: Safety
    concomitant: Concomitant | None = None
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


__all__ = [
    "Contrast",
    "Course",
    "EndpointResult",
    "EstimandResult",
    "EventCount",
    "GroupOutcome",
    "Mean",
    "ModelFit",
    "ObservedMean",
    "OutcomeResult",
    "Prediction",
    "Results",
    "Row",
    "SetCount",
    "Subgroup",
]
