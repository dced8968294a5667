"""What is found of the forecasts: how good they are for people whom they have not seen."""

from __future__ import annotations

from typing import Literal

from equipoise.analysis.result_row import Row
from equipoise.analysis.stratification.forecast_fans import ForecastFan

#: ``known`` has arm, strata and the outcome's baseline alone; the others as in the plan.
StageName = Literal["known", "baseline", "early"]

#: r2 (share of the spread of the outcome that is forecast), mae (mean absolute error), auc, brier
#: (mean squared error of the probability of response), scaled_brier (1 less its ratio to that of
#: the response rate alone).
Measure = Literal["r2", "mae", "auc", "brier", "scaled_brier"]


class Histogram(Row):
    """A distribution: `counts` between neighbouring `edges`."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


class ForecastMeasure(Row):
    """One measure of one forecast.

    `estimate` and limits are of left-out people (nested repeated cross-validation; corrected
    resampled t). `apparent` is of the people who trained it, `corrected` less the bootstrap
    optimism. `permutation_p` is one-sided, of the whole procedure with outcomes permuted within
    arm and stratum; `null_mean`, `null_lower` and `null_upper` describe what these show, 95 % of
    them between the limits. `complete` leaves out whoever lacks a predictor. None where it
    cannot be had.
    """

    measure: Measure
    estimate: float | None
    lower: float | None
    upper: float | None
    apparent: float | None = None
    optimism: float | None = None
    corrected: float | None = None
    corrected_lower: float | None = None
    corrected_upper: float | None = None
    permutation_p: float | None = None
    null_mean: float | None = None
    null_lower: float | None = None
    null_upper: float | None = None
    null: Histogram | None = None
    complete: float | None = None


class CalibrationPoint(Row):
    """People with like forecasts: mean probability, and the share that responded, exact limits.

    `responders`, the share and its limits are None where counts are too small to be shown.
    """

    n: int
    forecast: float
    responders: int | None
    observed: float | None
    lower: float | None
    upper: float | None


class CalibrationLine(Row):
    """Share of responders that the recalibration gives at a forecast probability, with limits."""

    forecast: float
    observed: float
    lower: float
    upper: float


class ResponseCalibration(Row):
    """Left-out people: logistic regression of response on the logit of its forecast.

    `level` is the log odds by which more responded than was forecast (0 where calibrated),
    `slope` 1 where calibrated and below 1 where forecasts are too extreme.
    """

    level: float | None
    level_lower: float | None
    level_upper: float | None
    slope: float | None
    slope_lower: float | None
    slope_upper: float | None
    repeats: int
    points: tuple[CalibrationPoint, ...]
    line: tuple[CalibrationLine, ...]


class ScoreCalibration(Row):
    """Left-out people: outcome less forecast (`level`), slope of outcome on forecast, and the
    share of people inside their predictive interval, with exact limits.

    `corrected_slope` is the slope in the people who trained the forecast less its bootstrap
    optimism.
    """

    level: float
    level_lower: float
    level_upper: float
    slope: float | None
    slope_lower: float | None
    slope_upper: float | None
    corrected_slope: float | None
    covered: float
    covered_lower: float
    covered_upper: float
    width: float


class LearningPoint(Row):
    """A measure at a size of the training set; `lower` and `upper` hold the middle half of the
    subsamples, and are None where the size was not tried and the line only drawn on."""

    measure: Measure
    n: int
    estimate: float | None
    lower: float | None
    upper: float | None
    drawn_on: bool


class NeededPeople(Row):
    """Riley's criteria: people needed at an expected R² (`found`: that of left-out people, or
    ``assumed``), for the score or for response (Cox and Snell's R² then)."""

    outcome: Literal["score", "response"]
    basis: Literal["found", "assumed"]
    r2: float
    parameters: int
    criteria: tuple[tuple[str, int], ...]
    needed: int


class ForecastCoefficient(Row):
    """One term: `estimate` per unit of the column, `per_sd` per SD in the training set."""

    key: str
    label: str
    penalised: bool
    estimate: float
    per_sd: float


class ForecastGain(Row):
    """What one forecast has over another in the same left-out people; above 0 it is better."""

    stage: StageName
    over: StageName
    measure: Measure
    estimate: float | None
    lower: float | None
    upper: float | None
    p: float | None


class PersonForecast(Row):
    """A person's forecast by models trained without that person, and what came. Who it is, nothing
    says."""

    group: str
    probability: float | None
    response: bool | None
    mean: float
    outcome: float


class ForecastStage(Row):
    """One forecast.

    `n` people trained it, `incomplete` of them with predictors filled in; `parameters`
    coefficients besides the intercept; `penalty` as chosen in everybody, `penalties_chosen` the
    middle half over training sets. `pair_auc` leaves out both people of a pair.
    """

    stage: StageName
    n: int
    responders: int | None
    incomplete: int
    parameters: int
    measures: tuple[ForecastMeasure, ...] = ()
    penalty: float | None = None
    penalties_chosen: tuple[float, float] | None = None
    residual_sd: float | None = None
    df: float | None = None
    intercept: float | None = None
    coefficients: tuple[ForecastCoefficient, ...] = ()
    pair_auc: float | None = None
    pairs: int = 0
    response_calibration: ResponseCalibration | None = None
    score_calibration: ScoreCalibration | None = None
    learning: tuple[LearningPoint, ...] = ()
    needed: tuple[NeededPeople, ...] = ()
    people: tuple[PersonForecast, ...] = ()

    def measure(self, name: Measure) -> ForecastMeasure | None:
        """A measure by its name; None where there is none."""
        return next((m for m in self.measures if m.measure == name), None)


class ForecastCount(Row):
    """Who of an arm is in; randomised = no_outcome + no_factor + used."""

    group: str
    randomised: int
    no_outcome: int
    no_factor: int
    used: int
    responders: int | None


class ForecastResults(Row):
    """The forecasts of the outcome at `landmark`, and their honest test.

    `failure` says why there is none; `remarks` what could not be said. `fans` are of constructed
    people.
    """

    outcome: str
    outcome_label: str
    outcome_unit: str
    better: Literal["lower", "higher", "neither"]
    landmark: str
    early_visit: str
    response: str | None
    response_label: str | None
    response_rule: str | None
    folds: int
    repeats: int
    inner_folds: int
    penalties: tuple[float, ...]
    permutations: int
    bootstrap: int
    subsamples: int
    seed: int
    counts: tuple[ForecastCount, ...]
    stages: tuple[ForecastStage, ...] = ()
    gains: tuple[ForecastGain, ...] = ()
    fans: tuple[ForecastFan, ...] = ()
    remarks: tuple[str, ...] = ()
    failure: str | None = None

    def stage(self, name: StageName) -> ForecastStage | None:
        """A forecast by its stage; None where there is none."""
        return next((s for s in self.stages if s.stage == name), None)

    def gain(self, stage: StageName, over: StageName, measure: Measure) -> ForecastGain | None:
        """A gain; None where there is none."""
        return next(
            (g for g in self.gains if (g.stage, g.over, g.measure) == (stage, over, measure)),
            None,
        )
