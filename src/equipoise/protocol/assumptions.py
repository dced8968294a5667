"""What simulation has to assume: the statistical participants.

A score at visit *v* is ``mean[arm, v] + sd[v] · Z[v]`` with Z multivariate normal,
``corr(Z[v], Z[w]) = correlation ** |v - w|`` over the order of the visits, then rounded
and cut to the scale. A cell population is log-normal around its mean; its log fold change
has a personal part that follows one stimulation factor W per participant. `link` is the
correlation of W with the score's deviations after the early visit.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from equipoise.protocol.assumptions_of_exposures import ExposureAssumption, ImagingAssumption
from equipoise.protocol.assumptions_of_mechanism import Mechanistic
from equipoise.protocol.base import Fraction, Int, Key, Map, Number, Part, Text
from equipoise.protocol.prior_plan import PriorAssumption
from equipoise.protocol.scenario_plan import ScenarioAssumption

Correlation = Annotated[float, Field(gt=-1, lt=1)]


class CovariateAssumption(Part):
    """Distribution of one baseline characteristic."""

    mean: Number | None = Field(None, description="Mean of a numeric covariate")
    sd: Number | None = Field(None, ge=0, description="Standard deviation")
    probabilities: Map[str, Fraction] = Field(
        {}, description="Probability of each level of a categorical covariate; they sum to 1"
    )


class ScoreAssumption(Part):
    """Course of one rating scale."""

    baseline_mean: Number = Field(
        description="Mean at baseline (points); for a rating of change, the rating that means none"
    )
    sd: Map[Key, Annotated[float, Field(gt=0)]] = Field(
        description="Standard deviation at each visit, baseline included (points)"
    )
    change: Map[Key, Map[Key, Number]] = Field(
        description="Arm → visit → mean change from baseline (points)"
    )
    correlation: Correlation = Field(description="Correlation of neighbouring visits")
    item_weight: Fraction = Field(
        1.0,
        description="Some items recorded: their mean as a share of the total's proportion; "
        "all items recorded score to the total instead",
    )
    item_weights: Map[Text, Fraction] = Field(
        {},
        description="Number of a recorded item → its own share, where it differs; where all items "
        "are recorded the others make up the total",
    )


class CellAssumption(Part):
    """Course of one cell population, as a percentage of its parent."""

    percent: Number = Field(gt=0, lt=100, description="Geometric mean at baseline (%)")
    cv_between: Number = Field(ge=0, description="Between-participant CV at baseline")
    cv_assay: Number = Field(ge=0, description="CV of one measurement")
    fold: Map[Key, Map[Key, Annotated[float, Field(gt=0)]]] = Field(
        description="Arm → visit → geometric mean fold of baseline"
    )
    sd_log_fold: Number = Field(ge=0, description="Personal SD of the log fold change")


class ParentAssumption(Part):
    """Cell count of a parent population."""

    count: Number = Field(gt=0, description="Geometric mean at baseline (cells/uL)")
    cv_between: Number = Field(ge=0, description="Between-participant CV")
    cv_assay: Number = Field(ge=0, description="CV of one measurement")
    fold: Map[Key, Map[Key, Annotated[float, Field(gt=0)]]] = Field(
        description="Arm → visit → geometric mean fold of baseline"
    )


class LabAssumption(Part):
    """Course of one laboratory value, log-normal."""

    median: Number = Field(gt=0, description="Median at baseline, in the value's unit")
    cv_between: Number = Field(ge=0, description="Between-participant CV")
    cv_within: Number = Field(ge=0, description="Within-participant CV")
    fold: Map[Key, Map[Key, Annotated[float, Field(gt=0)]]] = Field(
        description="Arm → visit → geometric mean fold of baseline"
    )


class VitalAssumption(Part):
    """Course of one vital sign, normal."""

    mean: Number = Field(description="Mean at baseline, in the sign's unit")
    sd_between: Number = Field(ge=0, description="Between-participant SD")
    sd_within: Number = Field(ge=0, description="Within-participant SD")
    shift: Map[Key, Map[Key, Number]] = Field(
        {}, description="Arm → visit → mean change from baseline; 0 where left out"
    )


class Link(Part):
    """The link between the early cell change and the later scores."""

    instrument: Key = Field(description="Rating scale that follows the stimulation factor")
    after: Key = Field(description="The early visit; later visits carry the link")
    correlation: Correlation = Field(
        description="Correlation of the stimulation factor with later deviations of the score"
    )


class Dropout(Part):
    """Leaving the trial."""

    probability: Map[Key, Fraction] = Field(description="Arm → probability to leave before the end")
    slope: Number = Field(
        0.0, description="Added to the logit of leaving per SD of a worse last score (MAR)"
    )
    slope_unseen: Number = Field(
        0.0,
        description="Added to the logit of leaving per SD of a worse next score, which is then "
        "not seen (MNAR)",
    )
    missed_visit: Fraction = Field(0.0, description="Probability to miss a single visit")
    reasons: Map[Text, Fraction] = Field(description="Reason → probability; they sum to 1")


class Stopping(Part):
    """Stopping study drug while staying in the trial."""

    probability: Map[Key, Fraction] = Field(description="Arm → probability to stop study drug")
    reasons: Map[Text, Fraction] = Field(description="Reason → probability; they sum to 1")


class ScreeningAssumption(Part):
    """People who are assessed for eligibility and do not enter."""

    assessed_per_participant: Number = Field(
        ge=1, description="Mean number assessed for each who enters"
    )
    excluded: Map[Literal["not-eligible", "declined", "other"], Map[Text, Fraction]] = Field(
        {}, description="Kind → reason → probability among the excluded; all together sum to 1"
    )


class MedicationAssumption(Part):
    """Concomitant medication of one class."""

    drug: Text = Field(description="Drug taken at the start")
    dose: Number | None = Field(None, ge=0, description="Its daily dose, in `unit`")
    unit: Text | None = Field(None, description="Unit of the dose")
    share: Fraction = Field(0.0, description="Share that takes it at the start")
    started: Map[Key, Fraction] = Field(
        {}, description="Arm → probability to start another drug of this class during the trial"
    )
    among: Map[Key, Text] = Field(
        {}, description="Covariate → level: only these participants; everybody when left out"
    )


class EventAssumption(Part):
    """One adverse event."""

    probability: Map[Key, Fraction] = Field(description="Arm → probability of at least one")
    grades: Map[Text, Fraction] = Field(description="Grade (1-5) → probability; they sum to 1")
    first_day: tuple[Number, Number] = Field(description="Range of the day of onset")
    duration: tuple[Number, Number] = Field(description="Range of the duration (days)")
    serious: Fraction = Field(0.0, description="Probability to be serious")
    related: Fraction = Field(0.0, description="Probability to be judged related")
    stopping: Fraction = Field(0.0, description="Probability to lead to stopping study drug")


class Statistical(Part):
    """All that the statistical participants need."""

    sites: Int = Field(1, ge=1, le=999, description="Number of sites")
    covariates: Map[Key, CovariateAssumption] = Field({}, description="By covariate")
    scores: Map[Key, ScoreAssumption] = Field({}, description="By instrument")
    cells: Map[Key, CellAssumption] = Field({}, description="By cell population")
    parents: Map[Text, ParentAssumption] = Field({}, description="By parent population")
    labs: Map[Key, LabAssumption] = Field({}, description="By laboratory value")
    vitals: Map[Key, VitalAssumption] = Field({}, description="By vital sign")
    exposures: Map[Key, ExposureAssumption] = Field({}, description="By exposure")
    imaging: Map[Key, ImagingAssumption] = Field({}, description="By imaging measure")
    link: Link | None = Field(None, description="Early cell change and later improvement")
    dropout: Dropout = Field(description="Leaving the trial")
    stopping: Stopping | None = Field(None, description="Stopping study drug; left out: nobody")
    screening: ScreeningAssumption | None = Field(
        None, description="Who is assessed and does not enter; left out: not simulated"
    )
    missed_dose: Fraction = Field(0.0, description="Probability to miss a single dose")
    visit_jitter: Number = Field(
        0.0, ge=0, description="SD of the actual day around the planned day, cut to the window"
    )
    medications: Map[Text, MedicationAssumption] = Field(
        {}, description="By class of concomitant medication, as `medications.class` names it"
    )
    events: Map[Text, EventAssumption] = Field({}, description="By adverse-event term")


class Assumptions(Part):
    """What simulation needs and nobody has measured in this trial."""

    statistical: Statistical | None = Field(
        None, description="Multivariate normal trajectories, dropout and events"
    )
    mechanistic: Mechanistic | None = Field(
        None,
        description="Virtual patients whose cells and mood follow from the doses; with it "
        "simulation uses them, and the statistical assumptions for the rest",
    )
    scenarios: Map[Key, ScenarioAssumption] = Field(
        {}, description="Worlds that the design stage simulates besides its own, by name"
    )
    priors: Map[Key, PriorAssumption] = Field(
        {}, description="How sure the planner is of assumptions; assurance averages power over them"
    )
