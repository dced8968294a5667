"""The marker table of a simulated trial, straight from its arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.analysis.prediction.marker_table import (
    Characteristic,
    Marker,
    MarkerTable,
    later_visits,
    spread_within,
)
from equipoise.design.trial_values import endpoint_values
from equipoise.protocol.endpoint_sources import planned_visits
from equipoise.protocol.questions import Scale

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.protocol.prediction_plan import PredictionPlan
    from equipoise.simulation import TrialArrays


def markers_of_trial(protocol: Protocol, trial: TrialArrays, plan: PredictionPlan) -> MarkerTable:
    """What `make_marker_table` makes of the trial's records, without records.

    Rows are in the order of enrolment, so that what is found of a row can be said of the arrays.
    """
    import numpy as np

    markers: list[Marker] = []
    early: list[np.ndarray] = []
    first: list[np.ndarray] = []

    def add(marker: Marker, baseline: np.ndarray, later: np.ndarray) -> None:
        markers.append(marker)
        if marker.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                baseline, later = (
                    np.where(values > 0, np.log(values), np.nan) for values in (baseline, later)
                )
        first.append(baseline)
        early.append(later - baseline)

    for key in plan.predictors:
        point = protocol.endpoints[key]
        log = point.scale is Scale.LOG_FOLD
        marker = Marker(key, point.label, "endpoint", log, protocol.unit_of(key))
        add(marker, *_values(protocol, trial, key, plan.early_visit))
    for key in plan.labs:
        lab = protocol.labs[key]
        there = planned_visits(lab, protocol.visits)
        order = [visit.id for visit in protocol.visits if visit.id in there]
        values = trial.labs[key]
        before, after = (
            values[:, order.index(visit)] if visit in order else np.full(trial.size, np.nan)
            for visit in (protocol.baseline.id, plan.early_visit)
        )
        add(Marker(key, lab.label, "lab", True, str(lab.unit)), before, after)
    arms = np.array([protocol.arm_order.index(arm) for arm in trial.plan.arms])
    arm = arms[trial.arm].astype(np.int64)
    for key, composite in plan.composites.items():
        places = [[m.key for m in markers].index(member) for member in composite.members]
        weights = np.array(list(composite.members.values()), dtype=float)
        weights = weights / spread_within(np.array([early[p] for p in places]).T, arm)
        early.append(np.array([early[p] for p in places]).T @ weights)
        first.append(np.array([first[p] for p in places]).T @ weights)
        markers.append(Marker(key, composite.label, "composite", False, "SD"))
    log = protocol.endpoints[plan.outcome].scale is Scale.LOG_FOLD
    baseline, landmark = _values(protocol, trial, plan.outcome, plan.landmark)
    _, soon = _values(protocol, trial, plan.outcome, plan.early_visit)
    if log:
        with np.errstate(divide="ignore", invalid="ignore"):
            baseline, landmark, soon = (
                np.where(values > 0, np.log(values), np.nan)
                for values in (baseline, landmark, soon)
            )
    visits = later_visits(protocol, plan)
    courses = [_values(protocol, trial, plan.outcome, visit)[1] for visit in visits]
    if log:
        with np.errstate(divide="ignore", invalid="ignore"):
            courses = [np.where(values > 0, np.log(values), np.nan) for values in courses]
    strata = np.array([protocol.strata.index(label) for label in trial.plan.strata])
    characteristics, values = _characteristics(protocol, trial)
    return MarkerTable(
        markers=tuple(markers),
        groups=tuple(protocol.arm_order),
        group_labels=tuple(protocol.arms[key].label for key in protocol.arm_order),
        strata=len(protocol.strata),
        arm=arm,
        stratum=strata[trial.stratum].astype(np.int64),
        early=np.array(early).reshape(-1, trial.size).T,
        baseline=np.array(first).reshape(-1, trial.size).T,
        outcome=landmark - baseline,
        outcome_baseline=baseline,
        early_outcome=soon - baseline,
        visits=visits,
        outcomes=np.array([values - baseline for values in courses]).reshape(-1, trial.size).T,
        characteristics=characteristics,
        characteristic_values=values,
    )


def _values(
    protocol: Protocol, trial: TrialArrays, key: str, visit: str
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) value of an endpoint's measurement at baseline, and at a visit after it."""
    import numpy as np

    visits = protocol.endpoint_visits(key)
    values = endpoint_values(protocol, [trial], key)[0]
    if visit not in visits:
        return values[:, 0], np.full(trial.size, np.nan)
    return values[:, 0], values[:, 1 + list(visits).index(visit)]


def _characteristics(
    protocol: Protocol, trial: TrialArrays
) -> tuple[tuple[Characteristic, ...], np.ndarray]:
    """Covariates, then exposures at baseline; (n, q) numbers, those of levels from 0."""
    import numpy as np

    found: list[Characteristic] = []
    columns: list[np.ndarray] = []
    for key, covariate in protocol.population.covariates.items():
        found.append(Characteristic(key, covariate.label, covariate.levels, covariate.unit))
        columns.append(trial.covariates[key].astype(float))
    for key, exposure in protocol.exposures.items():
        found.append(Characteristic(key, exposure.label, exposure.levels, exposure.unit))
        there = planned_visits(exposure, protocol.visits)
        order = [visit.id for visit in protocol.visits if visit.id in there]
        value = np.full(trial.size, np.nan)
        if protocol.baseline.id in order:
            value = trial.exposures[key][:, order.index(protocol.baseline.id)].astype(float)
        columns.append(np.where(value < 0, np.nan, value) if exposure.levels else value)
    return tuple(found), np.array(columns).reshape(-1, trial.size).T
