"""A trained forecast that can be saved: what it asks for, where it may be used, what made it.

It holds sums over people and never a person: means, coefficients, covariances and ranges. The
ranges of observed data are widened to a coarse grid, so that no limit is anybody's value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from equipoise.analysis.stratification.forecast_design import ForecastDesign, Stage
    from equipoise.analysis.stratification.response_rule import ResponseRule
    from equipoise.protocol import Protocol
    from equipoise.stats.forecast.ridge_forecast import RidgeForecast

#: Stands in every file, table and page.
LABEL = "research use only, not for clinical decisions"

#: Stands beside it where the training data were simulated and one person is asked about.
DEMONSTRATION = "SIMULATED: a demonstration, not a forecast of anybody"

#: Predictive probability of the intervals, the one of the table last.
BANDS = (0.5, 0.8, 0.95)


@dataclass(frozen=True, slots=True)
class Predictor:
    """Something that is asked of a person.

    Attributes
    ----------
    name
        Column of a table, and field of ``patient.toml``.
    label, unit
        As printed; the unit is empty for levels and for scores without one.
    kind
        ``factor``, or ``baseline`` and ``early`` for measurements at these visits.
    source
        Key in the protocol.
    levels
        Of a categorical factor that may be given; empty for a number.
    closed
        Levels for which there were too few people in training.
    log
        Whether it enters as a logarithm, and so lies above 0.
    required
        Whether there is no forecast without it. What is not required may be missing: it is filled
        in by its mean given the others, and the interval is widened by what it may be instead.
    """

    name: str
    label: str
    unit: str
    kind: Literal["factor", "baseline", "early"]
    source: str
    levels: tuple[str, ...]
    closed: tuple[str, ...]
    log: bool
    required: bool


@dataclass(frozen=True, slots=True, eq=False)
class TrainedForecast:
    """The forecast of one stage.

    Attributes
    ----------
    design
        Its columns.
    ridge
        Its coefficients, with the range and distance in which they may be used.
    responders
        How many of the training set responded; None without a rule, or where so few may not be
        shown.
    """

    design: ForecastDesign
    ridge: RidgeForecast
    responders: int | None


@dataclass(frozen=True, slots=True, eq=False)
class ForecastModel:
    """Forecasts of one trial: from baseline for either arm, with the early visit for the own arm.

    Attributes
    ----------
    study, title, protocol_hash
        The trial and its plan.
    data_hash, origin, scenario, software
        SHA-256 over the records that it was trained on, whether people were ``observed`` or
        ``simulated``, under which scenario, and by what.
    arms
        Key → label, the control first.
    outcome_label, unit, better
        The outcome's measurement.
    lowest, highest
        Ends of its scale; None where it has none.
    landmark, early_visit, baseline_visit
        (id, label, day) of the visits.
    response
        When a change is a response; None where none is forecast.
    predictors
        All that may be asked of a person, in the order of the template.
    forecasts
        Stage → forecast: ``baseline``, and ``early`` where it could be trained.
    untrained
        Stage → why there is none.
    validation
        Stage → what the trial says of how well it does in new people, each a number or None;
        empty where it was not validated.
    """

    study: str
    title: str
    protocol_hash: str
    data_hash: str
    origin: Literal["observed", "simulated"]
    scenario: str | None
    software: str
    arms: Mapping[str, str]
    outcome_label: str
    unit: str
    better: Literal["lower", "higher", "neither"]
    lowest: float | None
    highest: float | None
    baseline_visit: tuple[str, str, float]
    early_visit: tuple[str, str, float]
    landmark: tuple[str, str, float]
    response: ResponseRule | None
    predictors: tuple[Predictor, ...]
    forecasts: Mapping[Stage, TrainedForecast]
    untrained: Mapping[Stage, str]
    validation: Mapping[Stage, Mapping[str, float | None]]

    @property
    def simulated(self) -> bool:
        """Whether it was trained on simulated people."""
        return self.origin == "simulated"

    @property
    def participants(self) -> int:
        """How many it was trained on."""
        return self.forecasts["baseline"].ridge.n

    @property
    def label(self) -> str:
        """What must stand beside every number of it."""
        return f"{DEMONSTRATION}; {LABEL}" if self.simulated else LABEL

    def predictor(self, name: str) -> Predictor:
        """One by its name."""
        return next(one for one in self.predictors if one.name == name)

    def of_stage(self, stage: Stage) -> tuple[Predictor, ...]:
        """What a forecast of this stage knows."""
        return tuple(one for one in self.predictors if stage == "early" or one.kind != "early")

    def note_on(self, protocol: Protocol) -> str | None:
        """What must be said where it is used for people of another plan; None of the same."""
        if protocol.hash == self.protocol_hash:
            return None
        return (
            f"the model was trained under the protocol {self.protocol_hash[:12]} of {self.study}, "
            f"and this is {protocol.hash[:12]} of {protocol.trial.id}: whether it holds for other "
            "people, measurements or treatments is not known"
        )
