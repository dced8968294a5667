"""The analysis of a protocol as many trials need it: models, effects, predictions.

Made once from the protocol; each process of a run makes its own. What the arrays cannot do
(a formula with functions, an estimand with another strategy than treatment policy, response)
is marked for the analysis of records, which is slower and gives the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.design.model_columns import ModelColumns, NotTranslatableError, model_columns
from equipoise.protocol.consistency_of_estimands import EVERYBODY
from equipoise.protocol.intercurrent import Strategy
from equipoise.protocol.questions import Scale

if TYPE_CHECKING:
    from equipoise.protocol import Protocol
    from equipoise.protocol.prediction_plan import PredictionPlan
    from equipoise.protocol.questions import Model

#: An effect: (kind, endpoint or estimand, arm, visit, level of a subgroup).
Effect = tuple[str, str, str, str, str]

_BATCH_DF = frozenset({"kenward-roger", "kenward-roger-firstorder", "satterthwaite", "residual"})


@dataclass(frozen=True, slots=True)
class PlannedFit:
    """One model that is fitted to every trial.

    Attributes
    ----------
    label
        In words.
    columns
        None where the model is fitted record by record, `why` says the reason.
    """

    label: str
    endpoint: str
    model: Model
    subgroup: str | None
    columns: ModelColumns | None
    why: str


@dataclass(frozen=True, slots=True)
class PlannedAnalysis:
    """All that is computed of every trial.

    Attributes
    ----------
    fits
        Models of the endpoints that estimands and families ask about, then those with the
        interaction of arm and subgroup.
    by_records
        Estimands that are estimated from records, with the reason.
    outcomes
        Endpoints of families that are no means (response, …): from records too.
    prediction
        The landmark association, None where none is planned.
    """

    protocol: Protocol
    fits: tuple[PlannedFit, ...]
    by_records: tuple[tuple[str, str], ...]
    outcomes: tuple[str, ...]
    prediction: PredictionPlan | None

    @property
    def needs_records(self) -> bool:
        """Whether every trial has to be made into records."""
        return bool(
            self.by_records or self.outcomes or any(fit.columns is None for fit in self.fits)
        )

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Endpoints whose values are read, each once."""
        found = [fit.endpoint for fit in self.fits if fit.columns is not None]
        if self.prediction is not None:
            found += [self.prediction.outcome, *self.prediction.predictors]
        return tuple(dict.fromkeys(found))

    @property
    def reasons(self) -> tuple[str, ...]:
        """What goes record by record, and why."""
        said = [f"{fit.label}: {fit.why}" for fit in self.fits if fit.columns is None]
        said += [f"{key}: {why}" for key, why in self.by_records]
        said += [
            f"{self.protocol.endpoints[key].label}: no model of means" for key in self.outcomes
        ]
        return tuple(said)


def plan_analysis(protocol: Protocol) -> PlannedAnalysis:
    """What is computed of every trial of a protocol."""
    estimands = protocol.estimands
    by_records = tuple(
        (key, why) for key in estimands if (why := _why_records(protocol, key)) is not None
    )
    slow = {key for key, _ in by_records}
    wanted = [e.endpoint for key, e in estimands.items() if key not in slow]
    grouped = list(wanted)
    families = [name for f in protocol.analysis.families.values() for name in f.endpoints]
    outcomes = tuple(
        dict.fromkeys(n for n in families if not protocol.endpoints[n].scale.continuous)
    )
    wanted += [name for name in families if name not in outcomes]
    grouped += [e.endpoint for e in estimands.values()]
    fits = [_planned_fit(protocol, name, subgroup=False) for name in dict.fromkeys(wanted)]
    for name in dict.fromkeys(grouped):
        model = protocol.analysis.models.get(str(protocol.endpoints[name].model))
        if model is not None and model.subgroup and model.subgroup_formula:
            fits.append(_planned_fit(protocol, name, subgroup=True))
    return PlannedAnalysis(
        protocol, tuple(fits), by_records, outcomes, protocol.analysis.prediction
    )


def effects_of_estimand(plan: PlannedAnalysis, key: str) -> dict[str, Effect]:
    """Arm → the effect that answers an estimand."""
    estimand = plan.protocol.estimands[key]
    slow = key in dict(plan.by_records)
    kind, name = ("estimand", key) if slow else ("endpoint", estimand.endpoint)
    return {arm: (kind, name, arm, estimand.visit, "") for arm in plan.protocol.active_arms}


def _why_records(protocol: Protocol, key: str) -> str | None:
    estimand = protocol.estimands[key]
    if not protocol.endpoints[estimand.endpoint].scale.continuous:
        return "its endpoint is no mean"
    strategies = {item.strategy for item in estimand.intercurrent_events}
    if strategies - {Strategy.TREATMENT_POLICY}:
        return "a strategy changes values after an intercurrent event"
    if estimand.analysis_set != EVERYBODY:
        return "its analysis set is not everybody"
    return None


def _planned_fit(protocol: Protocol, endpoint: str, *, subgroup: bool) -> PlannedFit:
    point = protocol.endpoints[endpoint]
    model = protocol.analysis.models[str(point.model)]
    factor = model.subgroup if subgroup else None
    formula = str(model.subgroup_formula) if subgroup else model.formula
    label = point.label
    if factor is not None:
        label += f" by {protocol.population.covariates[factor].label.lower()}"
    columns: ModelColumns | None = None
    why = ""
    try:
        columns = _translated(protocol, endpoint, model, formula, factor)
    except NotTranslatableError as error:
        why = str(error)
    return PlannedFit(label, endpoint, model, factor, columns, why)


def _translated(
    protocol: Protocol, endpoint: str, model: Model, formula: str, factor: str | None
) -> ModelColumns:
    from equipoise.stats import StatsError

    if model.vcov != "model":
        raise NotTranslatableError(f"standard errors {model.vcov}")
    if model.df not in _BATCH_DF:
        raise NotTranslatableError(f"degrees of freedom {model.df}")
    covariates = protocol.population.covariates
    factors = {k: c.levels for k, c in covariates.items() if c.type == "categorical"}
    numbers = [k for k, c in covariates.items() if c.type != "categorical"]
    log = protocol.endpoints[endpoint].scale is Scale.LOG_FOLD
    try:
        return model_columns(
            formula,
            factors={"arm": protocol.arm_order, **factors},
            numbers=[*numbers, "baseline", *(["log_baseline"] if log else [])],
            visits=protocol.endpoint_visits(endpoint),
            control=protocol.control,
            subgroup=factor,
        )
    except StatsError as error:  # a site or an exposure stands in it
        raise NotTranslatableError(error.what.rstrip(".")) from None
