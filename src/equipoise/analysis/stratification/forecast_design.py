"""The columns of a forecast by name: of everybody randomised, and of one new person."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from equipoise.analysis.prediction.marker_table import MarkerTable
    from equipoise.protocol import Protocol
    from equipoise.protocol.forecast_plan import ForecastPlan

#: What is known when the forecast is made.
Stage = Literal["baseline", "early"]

Kind = Literal["arm", "factor", "score", "marker", "early-marker", "early-score"]


@dataclass(frozen=True, slots=True)
class ForecastColumn:
    """One column.

    Attributes
    ----------
    key, label
        Unique in a design, and as printed.
    kind
        ``arm`` and ``factor`` (1 for `level`, else 0; a factor without level is a number),
        ``score`` (the outcome at baseline), ``marker`` (at baseline), ``early-marker`` and
        ``early-score`` (their changes to the early visit).
    source
        Key in the protocol: of the arm, the covariate or exposure, the endpoint or the lab.
    level
        Of a categorical factor.
    log
        Whether the value enters as logarithm; of changes, whether they are logs of ratios.
    unit
        Of the value as measured.
    penalised
        Whether its coefficient is shrunk.
    """

    key: str
    label: str
    kind: Kind
    source: str
    level: str | None
    log: bool
    unit: str
    penalised: bool


@dataclass(frozen=True, slots=True)
class PatientValues:
    """One person's values as they were measured; what is not known is left out.

    Attributes
    ----------
    arm
        Key of the arm, assigned or considered.
    factors
        Covariates and exposures: levels, or numbers.
    baseline, early
        Endpoint or lab -> value at baseline and at the early visit (not its change); the outcome's
        endpoint among them.
    """

    arm: str | None = None
    factors: Mapping[str, str | float] = field(default_factory=dict[str, "str | float"])
    baseline: Mapping[str, float] = field(default_factory=dict[str, float])
    early: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class ForecastDesign:
    """What a forecast is made of.

    Attributes
    ----------
    stage
        ``baseline``, or ``early``: with the changes to the early visit.
    outcome
        Endpoint of the outcome.
    outcome_log
        Whether its change is the log of a ratio.
    columns
        p of them; the unpenalised ones first.
    products
        Pairs of columns, an arm's and a baseline marker's, whose product is penalised besides.
    """

    stage: Stage
    outcome: str
    outcome_log: bool
    columns: tuple[ForecastColumn, ...]
    products: tuple[tuple[int, int], ...]

    @property
    def penalised(self) -> tuple[bool, ...]:
        """(p,) which coefficients are shrunk."""
        return tuple(column.penalised for column in self.columns)

    def matrix(self, table: MarkerTable) -> np.ndarray:
        """(n, p) columns of everybody in the table; NaN where missing."""
        parts = [self._column(column, table) for column in self.columns]
        return np.array(parts).reshape(len(parts), len(table.arm)).T

    def row(self, patient: PatientValues) -> np.ndarray:
        """(1, p) columns of one person; NaN for what is not known, or has no logarithm."""
        return np.array([[self._value(column, patient) for column in self.columns]])

    def _column(self, column: ForecastColumn, table: MarkerTable) -> np.ndarray:
        if column.kind == "arm":
            return (table.arm == table.groups.index(column.source)).astype(float)
        if column.kind == "factor":
            place = [c.key for c in table.characteristics].index(column.source)
            values = table.characteristic_values[:, place]
            if column.level is None:
                return values
            code = float(table.characteristics[place].levels.index(column.level))
            return np.where(np.isnan(values), np.nan, (values == code).astype(float))
        if column.kind == "score":
            return table.outcome_baseline
        if column.kind == "early-score":
            return table.early_outcome
        place = table.place(column.source)
        return (table.baseline if column.kind == "marker" else table.early)[:, place]

    def _value(self, column: ForecastColumn, patient: PatientValues) -> float:
        if column.kind == "arm":
            return math.nan if patient.arm is None else float(patient.arm == column.source)
        if column.kind == "factor":
            given = patient.factors.get(column.source)
            if given is None:
                return math.nan
            return float(given) if column.level is None else float(given == column.level)
        first = _scaled(patient.baseline.get(column.source), log=column.log)
        if column.kind in ("score", "marker"):
            return first
        return _scaled(patient.early.get(column.source), log=column.log) - first


def _scaled(value: float | None, *, log: bool) -> float:
    if value is None or (log and value <= 0.0):
        return math.nan
    return math.log(value) if log else float(value)


def forecast_designs(
    protocol: Protocol, table: MarkerTable, plan: ForecastPlan
) -> tuple[ForecastDesign, ...]:
    """The forecast from baseline, and the one with the early changes.

    Arms, strata and the outcome's baseline are not shrunk. A marker or an early change that
    nobody has, or that does not vary, stays among the columns and gets no coefficient.
    """
    prediction = protocol.analysis.prediction
    assert prediction is not None
    log = protocol.endpoints[prediction.outcome].scale == "log_fold"
    steady = [*_arms(table), *_factors(table, protocol.randomisation.strata, penalised=False)]
    steady.append(_score(protocol, prediction.outcome, log=log, early=False))
    keys = plan.predictors or tuple(m.key for m in table.markers if m.kind != "composite")
    markers = [_marker(table, key, early=False) for key in keys]
    baseline = [*steady, *markers, *_factors(table, plan.characteristics, penalised=True)]
    late = [_marker(table, key, early=True) for key in keys]
    if plan.early_score and prediction.early_visit in protocol.endpoint_visits(prediction.outcome):
        late.append(_score(protocol, prediction.outcome, log=log, early=True))
    arms = [place for place, column in enumerate(steady) if column.kind == "arm"]
    products = tuple(
        (arm, len(steady) + place) for arm in arms for place in range(len(markers))
    ) if plan.interactions else ()  # fmt: skip
    return (
        ForecastDesign("baseline", prediction.outcome, log, tuple(baseline), products),
        ForecastDesign("early", prediction.outcome, log, (*baseline, *late), products),
    )


def _arms(table: MarkerTable) -> list[ForecastColumn]:
    return [
        ForecastColumn(f"arm {key}", label, "arm", key, None, False, "", penalised=False)
        for key, label in zip(table.groups[1:], table.group_labels[1:], strict=True)
    ]


def _factors(table: MarkerTable, keys: tuple[str, ...], *, penalised: bool) -> list[ForecastColumn]:
    """Numbers as they are; of a categorical one a column a level besides the first."""
    found: list[ForecastColumn] = []
    known = {c.key: c for c in table.characteristics}
    for key in keys:
        one = known[key]
        for level in one.levels[1:] or (None,):
            name = key if level is None else f"{key} {level}"
            label = one.label if level is None else f"{one.label}: {level}"
            found.append(
                ForecastColumn(
                    name, label, "factor", key, level, False, one.unit or "", penalised=penalised
                )
            )
    return found


def _score(protocol: Protocol, key: str, *, log: bool, early: bool) -> ForecastColumn:
    label, unit = protocol.endpoints[key].label, protocol.unit_of(key)
    if early:
        name = f"{label}: early change"
        return ForecastColumn(
            f"early {key}", name, "early-score", key, None, log, unit, penalised=True
        )
    return ForecastColumn(
        key, f"{label} at baseline", "score", key, None, log, unit, penalised=False
    )


def _marker(table: MarkerTable, key: str, *, early: bool) -> ForecastColumn:
    one = table.markers[table.place(key)]
    label = f"{one.label}: early change" if early else f"{one.label} at baseline"
    return ForecastColumn(
        f"early {key}" if early else key,
        label,
        "early-marker" if early else "marker",
        key,
        None,
        one.log,
        one.unit,
        penalised=True,
    )
