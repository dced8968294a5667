"""Training the forecasts of a trial on all of its people.

Method: docs/methods/forecast.md. What is trained on everybody is validated on people that it has
not seen elsewhere (`results.forecast`): how well it fits its own training set is not said.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from equipoise._version import __version__
from equipoise.analysis.dataset import make_dataset
from equipoise.analysis.groups import make_groups
from equipoise.analysis.prediction.marker_table import make_marker_table
from equipoise.analysis.small_cells import smallest_shown
from equipoise.analysis.stratification.forecast_design import forecast_designs
from equipoise.analysis.stratification.forecast_fans import example_fans
from equipoise.analysis.stratification.forecast_model import (
    ForecastModel,
    Predictor,
    TrainedForecast,
)
from equipoise.analysis.stratification.forecast_names import predictor_names
from equipoise.analysis.stratification.forecast_training import FEWEST, training_data
from equipoise.analysis.stratification.forecast_training import train_forecast as fit
from equipoise.analysis.stratification.response_rule import response_rule
from equipoise.faults import EquipoiseError, single
from equipoise.protocol.lock import require_lock
from equipoise.stats.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from equipoise.analysis.prediction.marker_table import MarkerTable
    from equipoise.analysis.stratification.forecast_design import (
        ForecastColumn,
        ForecastDesign,
        Stage,
    )
    from equipoise.analysis.stratification.forecast_fans import ForecastFan
    from equipoise.analysis.stratification.response_rule import ResponseRule
    from equipoise.protocol import Protocol
    from equipoise.protocol.forecast_plan import ForecastPlan
    from equipoise.records import Records
    from equipoise.stats.forecast.ridge_forecast import RidgeForecast

_HEADING = "No forecast is trained"


def train_forecast(
    protocol: Protocol,
    records: Records,
    *,
    validation: Mapping[Stage, Mapping[str, float | None]] | None = None,
) -> ForecastModel:
    """Train the forecasts that a protocol plans on the people of its trial.

    Parameters
    ----------
    protocol, records
        As for `analyse`; the records hold the allocation.
    validation
        What is to be saved of how well it does in new people; nothing when left out.

    Returns
    -------
    ForecastModel

    Raises
    ------
    EquipoiseError
        When none is planned, the records are blinded, the plan of observed data is not locked, or
        too few people have the outcome.
    """
    from equipoise.analysis.analyse import data_hash  # which may itself ask for a forecast

    plan = _plan(protocol)
    groups = make_groups(protocol, records)
    if groups.closed:
        raise single(
            _HEADING,
            code="forecast-blinded",
            field="records",
            rule="a forecast is trained on an unblinded trial: its coefficients tell of the arms",
            remedy="wait for the allocation",
        )
    if not records.manifest.simulated:
        require_lock(protocol)
    prediction = protocol.analysis.prediction
    assert prediction is not None
    keys = [k for k, point in protocol.endpoints.items() if point.scale.continuous]
    datasets = {key: make_dataset(protocol, records, groups, key) for key in keys}
    table = make_marker_table(protocol, records, groups, datasets, prediction)
    rule = None if plan.response is None else response_rule(protocol, plan.response)
    smallest = smallest_shown(protocol, records)
    forecasts: dict[Stage, TrainedForecast] = {}
    untrained: dict[Stage, str] = {}
    designs = forecast_designs(protocol, table, plan)
    _refuse_composites(protocol, designs[0])
    kept = tuple(_what_somebody_has(design, table, rule) for design in designs)
    for design in kept:
        if design.stage == "early" and len(design.columns) == len(kept[0].columns):
            untrained["early"] = "nobody has a value at the early visit"
            continue
        try:
            forecasts[design.stage] = train_stage(design, table, plan, rule, smallest)
        except ArgumentError:
            untrained[design.stage] = "too few people have the outcome and what is not shrunk"
    if "baseline" not in forecasts:
        raise single(
            _HEADING,
            code="forecast-too-few",
            field="records",
            value=f"{int(np.isfinite(table.outcome).sum())} people with the outcome",
            rule=f"at least {FEWEST} people, and two more than arms, strata and baseline have "
            "coefficients",
            remedy="wait for more people",
        )
    outcome = protocol.endpoints[prediction.outcome]
    lowest, highest = _ends(protocol, prediction.outcome)
    manifest = records.manifest
    return ForecastModel(
        study=protocol.trial.id,
        title=protocol.trial.short_title,
        protocol_hash=protocol.hash,
        data_hash=data_hash(records),
        origin="simulated" if manifest.simulated else "observed",
        scenario=manifest.scenario,
        software=f"equipoise {__version__}",
        arms=dict(zip(table.groups, table.group_labels, strict=True)),
        outcome_label=outcome.label,
        unit=protocol.unit_of(prediction.outcome),
        better=outcome.better,
        lowest=lowest,
        highest=highest,
        baseline_visit=_visit(protocol, protocol.baseline.id),
        early_visit=_visit(protocol, prediction.early_visit),
        landmark=_visit(protocol, prediction.landmark),
        response=rule,
        predictors=_predictors(protocol, table, kept[-1], smallest),
        forecasts=forecasts,
        untrained=untrained,
        validation=validation or {},
    )


def fans_of_trial(protocol: Protocol, records: Records) -> tuple[ForecastFan, ...]:
    """Constructed people and what the trial's own forecast says of them; none where it has none."""
    try:
        return example_fans(train_forecast(protocol, records))
    except EquipoiseError:
        return ()


def train_stage(
    design: ForecastDesign,
    table: MarkerTable,
    plan: ForecastPlan,
    rule: ResponseRule | None,
    smallest: int,
) -> TrainedForecast:
    """Train one stage on everybody who has the outcome and what is not shrunk.

    Raises
    ------
    ArgumentError
        When these are too few.
    """
    data = training_data(table, design, rule)
    if len(data.y) < FEWEST:
        raise ArgumentError("too few people", where="y", value=len(data.y))
    ridge = fit(data, plan)
    responders = None
    if data.response is not None:
        responders = int(data.response.sum())
        few = min(responders, len(data.y) - responders)
        responders = None if 0 < few < smallest else responders
    return TrainedForecast(design, ridge if smallest == 1 else without_people(ridge), responders)


def without_people(ridge: RidgeForecast) -> RidgeForecast:
    """The same forecast with limits that are nobody's own value.

    Each limit goes outward to a grid of about half a standard deviation (1, 2 or 5 times a power
    of ten) on the column's scale, the largest distance up to the next half.
    """
    sd = np.sqrt(np.diag(ridge.joint_covariance))
    step = np.array([_nice(0.5 * value) for value in sd])
    return dataclasses.replace(
        ridge,
        lower=np.floor(ridge.lower / step) * step,
        upper=np.ceil(ridge.upper / step) * step,
        furthest=math.ceil(2.0 * ridge.furthest) / 2.0,
    )


def _nice(value: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above; 1 of nothing."""
    if value <= 0.0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next((m * power for m in (5.0, 2.0) if m * power <= value), power)


def _plan(protocol: Protocol) -> ForecastPlan:
    stratification = protocol.analysis.stratification
    plan = None if stratification is None else stratification.forecast
    if plan is None:
        raise single(
            _HEADING,
            code="forecast-not-planned",
            field="analysis.stratification.forecast",
            rule="a forecast is trained as the protocol plans it, and this one plans none",
            remedy="add [analysis.stratification.forecast]; `il2-depression` is an example",
        )
    return plan


def _refuse_composites(protocol: Protocol, design: ForecastDesign) -> None:
    """A composite is made of values per SD of this trial: nobody can be asked for one."""
    prediction = protocol.analysis.prediction
    assert prediction is not None
    found = [c.source for c in design.columns if c.kind == "marker"]
    found = [key for key in found if key in prediction.composites]
    if found:
        raise single(
            _HEADING,
            code="forecast-of-composite",
            field="analysis.stratification.forecast.predictors",
            value=", ".join(found),
            rule="a saved forecast asks a person for what is measured, and not for composites",
            remedy="name their members instead",
        )


def _what_somebody_has(
    design: ForecastDesign, table: MarkerTable, rule: ResponseRule | None
) -> ForecastDesign:
    """The design without shrunk columns of which nobody has a value.

    They would have no range in which the forecast may be used: a person is not asked for them.
    """
    known = np.logical_or.reduce(np.isfinite(training_data(table, design, rule).x), axis=0)
    kept = [i for i, c in enumerate(design.columns) if known[i] or not c.penalised]
    place = {old: new for new, old in enumerate(kept)}
    return dataclasses.replace(
        design,
        columns=tuple(design.columns[i] for i in kept),
        products=tuple((place[a], place[b]) for a, b in design.products if {a, b} <= place.keys()),
    )


def _visit(protocol: Protocol, key: str) -> tuple[str, str, float]:
    visit = protocol.visit(key)
    return visit.id, visit.label, float(visit.day)


def _ends(protocol: Protocol, key: str) -> tuple[float | None, float | None]:
    """Lowest and highest score of a rating scale."""
    point = protocol.endpoints[key]
    if point.instrument is None:
        return None, None
    low, high = protocol.scale(point.instrument).range_of(point.part)
    return float(low), float(high)


def _predictors(
    protocol: Protocol, table: MarkerTable, design: ForecastDesign, smallest: int
) -> tuple[Predictor, ...]:
    """What a person is asked for the columns of the later stage, which has all of them."""
    assert protocol.analysis.prediction is not None
    early = protocol.analysis.prediction.early_visit
    names = predictor_names(protocol, design.columns, protocol.baseline.id, early)
    found: dict[str, Predictor] = {}
    for column in design.columns:
        if column.kind == "arm":
            continue
        name = names[column.key]
        if column.kind == "factor":
            if name not in found:
                found[name] = _factor(table, column, name, smallest)
            continue
        late = column.kind in ("early-marker", "early-score")
        visit = protocol.visit(early if late else protocol.baseline.id).label
        found[name] = Predictor(
            name=name,
            label=f"{column.label.split(': early change')[0].split(' at baseline')[0]}, {visit}",
            unit=column.unit,
            kind="early" if late else "baseline",
            source=column.source,
            levels=(),
            closed=(),
            log=column.log,
            required=not column.penalised,
        )
    order = ("factor", "baseline", "early")
    return tuple(sorted(found.values(), key=lambda one: order.index(one.kind)))


def _factor(table: MarkerTable, column: ForecastColumn, name: str, smallest: int) -> Predictor:
    place = [one.key for one in table.characteristics].index(column.source)
    one = table.characteristics[place]
    values = table.characteristic_values[:, place]
    counts = [int((values == code).sum()) for code in range(len(one.levels))]
    return Predictor(
        name=name,
        label=one.label,
        unit=one.unit or "",
        kind="factor",
        source=one.key,
        levels=one.levels,
        closed=_closed(one.levels, counts, smallest),
        log=False,
        required=not column.penalised,
    )


def _closed(levels: Sequence[str], counts: Sequence[int], smallest: int) -> tuple[str, ...]:
    """Levels of which too few people were seen to speak about another one."""
    return tuple(level for level, n in zip(levels, counts, strict=True) if n < max(1, smallest))
