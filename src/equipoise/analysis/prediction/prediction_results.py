"""What is found of an early change and the later outcome. All of it is exploratory."""

from __future__ import annotations

from typing import Literal

from equipoise.analysis.prediction.mediation_results import Mediation
from equipoise.analysis.prediction.multiplicity_results import MarkersAdjusted
from equipoise.analysis.prediction.multivariate_results import Multivariate
from equipoise.analysis.result_row import Row


class LandmarkCount(Row):
    """Who of a group can be looked at; the counts nest:
    randomised = no_early + no_outcome + used.

    `no_early` have no baseline or no early value of the marker; `no_outcome` are the others
    without a baseline or a value of the outcome at the landmark: lost before it.
    """

    group: str
    randomised: int
    no_early: int
    no_outcome: int
    used: int


class Slope(Row):
    """The outcome on the early change among some of the participants.

    `among` is ``within-arms`` (arms kept apart and pooled), ``all-arms`` (no term for the arm) or
    the key of one arm; `adjusted_for_early_outcome` adds the outcome's change at the early visit.
    `estimate`, `se` and limits are outcome units per unit of the early change (for log folds: per
    natural logarithm), `per_sd` per standard deviation `sd`, `per_doubling` for log folds only.
    Correlations are partial; `rank_…` on ranks. `permutation_p` is Freedman and Lane's, with
    `as_extreme` of the permutations. None where it cannot be had, `failure` says why.
    """

    among: str
    adjusted_for_early_outcome: bool = False
    n: int
    df: float | None = None
    estimate: float | None = None
    se: float | None = None
    lower: float | None = None
    upper: float | None = None
    p: float | None = None
    sd: float | None = None
    per_sd: float | None = None
    per_sd_lower: float | None = None
    per_sd_upper: float | None = None
    per_doubling: float | None = None
    per_doubling_lower: float | None = None
    per_doubling_upper: float | None = None
    correlation: float | None = None
    correlation_lower: float | None = None
    correlation_upper: float | None = None
    rank_correlation: float | None = None
    rank_correlation_lower: float | None = None
    rank_correlation_upper: float | None = None
    permutation_p: float | None = None
    as_extreme: int | None = None
    movable: int | None = None
    failure: str | None = None


class ImputedSlope(Row):
    """The same slope with missing values imputed, pooled by Rubin's rules (Barnard–Rubin df).

    `n` is everybody randomised; of them `imputed_early` lacked the early change and
    `imputed_outcome` the outcome. `per_sd` is per the SD of the complete cases.
    `missing_information` is a fraction.
    """

    among: str
    adjusted_for_early_outcome: bool = False
    n: int
    imputations: int
    imputed_early: int
    imputed_outcome: int
    estimate: float | None = None
    se: float | None = None
    df: float | None = None
    lower: float | None = None
    upper: float | None = None
    p: float | None = None
    per_sd: float | None = None
    per_sd_lower: float | None = None
    per_sd_upper: float | None = None
    missing_information: float | None = None
    failure: str | None = None


class VisitSlope(Row):
    """The slope within arms at one visit of the mixed model; units as in `Slope`."""

    visit: str
    n: int
    estimate: float
    se: float
    df: float
    lower: float
    upper: float
    p: float
    per_sd: float | None = None
    per_sd_lower: float | None = None
    per_sd_upper: float | None = None


class RepeatedAssociation(Row):
    """The association within arms at every visit after the early one, from one mixed model.

    The F test is of all slopes at once. `tried` are the covariance structures in their order,
    the last of which holds where there is a fit.
    """

    participants: int
    observations: int
    formula: str = ""
    tried: tuple[str, ...] = ()
    slopes: tuple[VisitSlope, ...] = ()
    statistic: float | None = None
    df1: float | None = None
    df2: float | None = None
    p: float | None = None
    failure: str | None = None

    def at(self, visit: str) -> VisitSlope | None:
        """The slope at a visit; None where there is none."""
        return next((slope for slope in self.slopes if slope.visit == visit), None)


class AddedTerm(Row):
    """A term beside the slope within arms.

    ``curvature`` is the coefficient of the squared early change, in outcome units per squared SD;
    ``slope-difference`` is the slope in `arm` minus that in the control, per SD (the SD within
    arms in both).
    """

    term: Literal["curvature", "slope-difference"]
    arm: str | None = None
    n: int
    df: float | None = None
    estimate: float | None = None
    se: float | None = None
    lower: float | None = None
    upper: float | None = None
    p: float | None = None
    failure: str | None = None


class ArmCentre(Row):
    """Where the people of an arm lie: means of both, and the spread of the early change."""

    group: str
    n: int
    early_mean: float
    early_sd: float
    outcome_mean: float


class Pair(Row):
    """One person's early change and outcome. Who it is, nothing says."""

    group: str
    early: float
    outcome: float


class DoseCurve(Row):
    """The outcome along the early change as a restricted cubic spline, within arms.

    The F test is of what is not a straight line. `curve`, its pointwise `lower` and `upper`, and
    the straight `line` stand at the early changes `at`, at the mean of all covariates; they are
    there for the marker that is drawn. `marks` are people moved to that mean.
    """

    n: int
    knots: tuple[float, ...] = ()
    statistic: float | None = None
    df1: int | None = None
    df2: float | None = None
    p: float | None = None
    at: tuple[float, ...] = ()
    curve: tuple[float, ...] = ()
    lower: tuple[float, ...] = ()
    upper: tuple[float, ...] = ()
    line: tuple[float, ...] = ()
    marks: tuple[Pair, ...] = ()
    failure: str | None = None


class SurrogacyRow(Row):
    """Effects of an arm against the control on marker and outcome, and how they go together.

    The marker is in SDs within arms. `relative_effect` is outcome units per SD with Fieller's set:
    for ``two rays`` up to the lower limit and from the upper one on, for the ``whole line``
    without limits. `proportion` is Freedman's; None while the interval of the effect on the
    outcome holds 0.
    """

    arm: str
    n: int
    df: float | None = None
    outcome_effect: float | None = None
    outcome_effect_lower: float | None = None
    outcome_effect_upper: float | None = None
    marker_effect: float | None = None
    marker_effect_lower: float | None = None
    marker_effect_upper: float | None = None
    relative_effect: float | None = None
    relative_effect_lower: float | None = None
    relative_effect_upper: float | None = None
    shape: Literal["interval", "two rays", "whole line"] | None = None
    association: float | None = None
    association_lower: float | None = None
    association_upper: float | None = None
    proportion: float | None = None
    proportion_lower: float | None = None
    proportion_upper: float | None = None
    proportion_shape: Literal["interval", "two rays", "whole line"] | None = None
    failure: str | None = None


class EarlyChange(Row):
    """One marker. `pairs` are there for simulated people, or where the protocol allows them.

    `imputed` is empty where nobody lacks a value; `repeated` is None where the outcome has one
    visit after the early one. The change of a composite is in SDs of its members.
    """

    endpoint: str
    label: str
    kind: Literal["endpoint", "lab", "composite"] = "endpoint"
    scale: Literal["change", "log_fold"]
    unit: str
    counts: tuple[LandmarkCount, ...]
    slopes: tuple[Slope, ...]
    added: tuple[AddedTerm, ...]
    centres: tuple[ArmCentre, ...]
    pairs: tuple[Pair, ...] = ()
    imputed: tuple[ImputedSlope, ...] = ()
    repeated: RepeatedAssociation | None = None
    dose: DoseCurve | None = None
    surrogacy: tuple[SurrogacyRow, ...] = ()

    def slope(self, among: str, *, adjusted: bool = False) -> Slope | None:
        """The slope among these participants; None where there is none."""
        return next(
            (
                s
                for s in self.slopes
                if s.among == among and s.adjusted_for_early_outcome == adjusted
            ),
            None,
        )

    @property
    def headline(self) -> Slope:
        """The slope within arms."""
        found = self.slope("within-arms")
        assert found is not None
        return found


class Prediction(Row):
    """The landmark association: outcome at `landmark` on each early change at `early_visit`.

    `markers` stand in the order of the plan, whose first leads. `remarks` say what could not be
    looked at; `multiplicity` adjusts the slopes within arms for the number of markers.
    """

    early_visit: str
    landmark: str
    outcome: str
    outcome_label: str
    outcome_scale: Literal["change", "log_fold"]
    outcome_unit: str
    better: Literal["lower", "higher", "neither"]
    strata: tuple[str, ...]
    permutations: int
    seed: int
    markers: tuple[EarlyChange, ...]
    remarks: tuple[str, ...] = ()
    multiplicity: MarkersAdjusted | None = None
    mediation: Mediation | None = None
    multivariate: Multivariate | None = None
