"""A small trained forecast for tests: two markers, age, an early score; and a person for it."""

from __future__ import annotations

import dataclasses
import functools

import equipoise as eq
from equipoise.analysis.stratification.patient_file import typical_values
from equipoise.protocol.forecast_plan import ForecastPlan
from equipoise.protocol.stratification_plan import StratificationPlan
from equipoise.records.manifest import Origin

PLAN = ForecastPlan(
    response="hdrs_response",
    predictors=("treg_percent", "th2_percent"),
    characteristics=("age",),
    penalties=(0.1, 1.0),
    repeats=1,
)


def with_plan(protocol: eq.Protocol, plan: ForecastPlan | None = PLAN) -> eq.Protocol:
    """A protocol that plans the small forecast, or none."""
    stratification = None if plan is None else StratificationPlan(forecast=plan)
    analysis = protocol.analysis.model_copy(update={"stratification": stratification})
    return protocol.model_copy(update={"analysis": analysis})


@functools.cache
def planned(*, interactions: bool = False) -> eq.Protocol:
    """The twin with the small forecast."""
    plan = PLAN.model_copy(update={"interactions": interactions})
    return with_plan(eq.load_protocol("il2-depression"), plan)


@functools.cache
def simulated() -> eq.Records:
    """A trial of the twin."""
    return eq.simulate(planned(), seed=1, patients="statistical")


@functools.cache
def trained(*, interactions: bool = False) -> eq.ForecastModel:
    """Trained on simulated people."""
    return eq.train_forecast(planned(interactions=interactions), simulated())


@functools.cache
def observed() -> eq.ForecastModel:
    """The same numbers, called observed: as if trained on people."""
    return dataclasses.replace(trained(), origin="observed", scenario=None)


def called_observed(records: eq.Records) -> eq.Records:
    """Records that call themselves observed."""
    manifest = records.manifest.model_copy(
        update={"origin": Origin.OBSERVED, "scenario": None, "seed": None}
    )
    return dataclasses.replace(records, manifest=manifest)


def person(**changes: object) -> dict[str, object]:
    """Somebody in the middle of the training set; None takes a value out."""
    values: dict[str, object] = {**typical_values(trained()), **changes}
    return {name: value for name, value in values.items() if value is not None}


def patient_toml(**changes: object) -> str:
    """The same as a file."""
    return "".join(f"{name} = {_toml(value)}\n" for name, value in person(**changes).items())


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
