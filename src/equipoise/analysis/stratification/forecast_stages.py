"""Parts of what is reported of a forecast: calibration, learning curve, people needed, terms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from equipoise.analysis.small_cells import too_small
from equipoise.analysis.stratification.forecast_results import (
    CalibrationLine,
    CalibrationPoint,
    ForecastCoefficient,
    ForecastMeasure,
    LearningPoint,
    Measure,
    NeededPeople,
    ResponseCalibration,
    ScoreCalibration,
)
from equipoise.stats.errors import ArgumentError
from equipoise.stats.exact_intervals import clopper_pearson
from equipoise.stats.forecast import (
    calibration_groups,
    drawn_on,
    learning_curve,
    recalibrate,
    riley_binary,
    riley_continuous,
    score_line,
)
from equipoise.stats.forecast.sample_size import largest_cox_snell

if TYPE_CHECKING:
    from equipoise.analysis.stratification.forecast_design import ForecastDesign
    from equipoise.analysis.stratification.forecast_training import TrainingData
    from equipoise.protocol.forecast_plan import ForecastPlan
    from equipoise.stats.forecast import (
        NestedValidation,
        PredictorColumns,
        RidgeForecast,
        SampleSize,
        Target,
    )

#: Shares of the people that train, for the learning curve; the rest tests.
_SHARES = (0.4, 0.5, 0.6, 0.7, 0.8)
#: The curve is drawn on to so many times the people here; beyond it says nothing.
_FURTHER = 4
_CURVES: tuple[Measure, ...] = ("r2", "auc")
#: What Riley et al. suggest where nothing is known: 15 % of what could be explained.
_ASSUMED = 0.15
#: Below this an R2 asks for more people than anybody has.
_LEAST = 0.02


def number(value: object) -> float | None:
    """A finite number, or None."""
    found = math.nan if value is None else float(value)  # type: ignore[arg-type]
    return found if math.isfinite(found) else None


def coefficients(design: ForecastDesign, model: RidgeForecast) -> tuple[ForecastCoefficient, ...]:
    """Every term of the trained forecast, products after the columns."""
    named = [(c.key, c.label, c.penalised) for c in design.columns]
    for first, second in design.products:
        one, two = design.columns[first], design.columns[second]
        named.append(
            (f"{one.key} x {two.key}", f"{one.label} × {two.label} (about its mean)", True)
        )
    return tuple(
        ForecastCoefficient(
            key=key,
            label=label,
            penalised=shrunk,
            estimate=float(estimate),
            per_sd=float(estimate * sd) if math.isfinite(sd) else 0.0,
        )
        for (key, label, shrunk), estimate, sd in zip(
            named, model.coefficients, model.scale, strict=True
        )
    )


def response_calibration(
    run: NestedValidation, target: Target, alpha: float, smallest: int
) -> ResponseCalibration | None:
    """Calibration of the probabilities of left-out people; None without responders and others."""
    if target.response is None or run.probability is None:
        return None
    found = recalibrate(run.probability, target.response)
    reach = _normal(alpha)
    slope_se = math.sqrt(found.covariance[1, 1])
    groups = max(2, min(10, len(target.y) // 12))
    parts = calibration_groups(run.probability, target.response, groups)
    counts = [(int(r), int(n - r)) for r, n in zip(parts.responders, parts.n, strict=True)]
    hidden = any(too_small(pair, smallest) for pair in counts)
    points: list[CalibrationPoint] = []
    for place, (responders, _) in enumerate(counts):
        n = int(parts.n[place])
        lower, upper = clopper_pearson(responders, n, alpha)
        points.append(
            CalibrationPoint(
                n=n,
                forecast=float(parts.forecast[place]),
                responders=None if hidden else responders,
                observed=None if hidden else responders / n,
                lower=None if hidden else lower,
                upper=None if hidden else upper,
            )
        )
    line: list[CalibrationLine] = []
    if math.isfinite(found.slope):
        chance = run.probability.mean(axis=0)
        for p in np.linspace(max(chance.min(), 0.005), min(chance.max(), 0.995), 41):
            basis = np.array([1.0, math.log(p / (1.0 - p))])
            middle = found.intercept + found.slope * basis[1]
            wide = reach * math.sqrt(float(basis @ found.covariance @ basis))
            line.append(
                CalibrationLine(
                    forecast=float(p),
                    observed=_chance(middle),
                    lower=_chance(middle - wide),
                    upper=_chance(middle + wide),
                )
            )
    return ResponseCalibration(
        level=number(found.level),
        level_lower=number(found.level - reach * found.level_se),
        level_upper=number(found.level + reach * found.level_se),
        slope=number(found.slope),
        slope_lower=number(found.slope - reach * slope_se),
        slope_upper=number(found.slope + reach * slope_se),
        repeats=found.repeats,
        points=tuple(points),
        line=tuple(line),
    )


def score_calibration(
    run: NestedValidation, target: Target, alpha: float, corrected: float
) -> ScoreCalibration:
    """Calibration of the expected outcome, and the share inside the predictive interval."""
    from equipoise.stats.distributions import t_quantile

    level, level_se, slope, slope_se = score_line(run.mean, target.y)
    reach = _normal(alpha)
    half = t_quantile(1.0 - alpha / 2.0, run.df) * run.se
    inside = np.abs(target.y - run.mean) <= half
    n = len(target.y)
    share = float(inside.mean())
    lower, upper = clopper_pearson(round(share * n), n, alpha)
    return ScoreCalibration(
        level=level,
        level_lower=level - reach * level_se,
        level_upper=level + reach * level_se,
        slope=number(slope),
        slope_lower=number(slope - reach * slope_se),
        slope_upper=number(slope + reach * slope_se),
        corrected_slope=number(corrected),
        covered=share,
        covered_lower=lower,
        covered_upper=upper,
        width=float(2.0 * half.mean()),
    )


def learning_points(
    columns: PredictorColumns,
    target: Target,
    data: TrainingData,
    plan: ForecastPlan,
    penalties: np.ndarray,
    rng: np.random.Generator,
) -> tuple[LearningPoint, ...]:
    """Measures by the number of people that train, and drawn on a little beyond those here."""
    curve = learning_curve(
        columns, target, blocks=data.blocks, shares=_SHARES, draws=plan.subsamples,
        penalties=penalties, inner_folds=plan.inner_folds, generator=rng,
    )  # fmt: skip
    n = len(data.y)
    further = np.unique(np.geomspace(n, _FURTHER * n, 24).round().astype(int))
    found: list[LearningPoint] = []
    for name in _CURVES:
        if name not in curve.measures:
            continue
        values = curve.measures[name]
        for place, size in enumerate(curve.sizes):
            found.append(
                LearningPoint(
                    measure=name,
                    n=int(size),
                    estimate=number(values[place]),
                    lower=number(curve.low[name][place]),
                    upper=number(curve.high[name][place]),
                    drawn_on=False,
                )
            )
        for size, value in zip(further, drawn_on(curve.sizes, values, further), strict=True):
            if math.isfinite(value):
                found.append(
                    LearningPoint(
                        measure=name, n=int(size), estimate=min(float(value), 1.0),
                        lower=None, upper=None, drawn_on=True,
                    )
                )  # fmt: skip
    return tuple(found)


def people_needed(
    data: TrainingData, parameters: int, measures: tuple[ForecastMeasure, ...]
) -> tuple[NeededPeople, ...]:
    """Riley's criteria at the R2 that left-out people showed, and at the one to assume else."""
    found: list[NeededPeople] = []
    r2 = next((m.estimate for m in measures if m.measure == "r2"), None)
    mean, sd = float(data.y.mean()), float(data.y.std(ddof=1))
    for basis, value in (("found", r2), ("assumed", _ASSUMED)):
        if value is not None and _LEAST <= value < 1.0:
            size = riley_continuous(value, parameters, mean, sd)
            found.append(_needed("score", basis, value, parameters, size))
    rate = None if data.response is None else float(data.response.mean())
    if rate is not None and 0.0 < rate < 1.0:
        value = _ASSUMED * largest_cox_snell(rate)
        try:
            size = riley_binary(value, parameters, rate)
        except ArgumentError:
            return tuple(found)
        found.append(_needed("response", "assumed", value, parameters, size))
    return tuple(found)


def _needed(outcome: str, basis: str, r2: float, parameters: int, size: SampleSize) -> NeededPeople:
    return NeededPeople(
        outcome=outcome,  # type: ignore[arg-type]
        basis=basis,  # type: ignore[arg-type]
        r2=r2,
        parameters=parameters,
        criteria=size.criteria,
        needed=size.needed,
    )


def _normal(alpha: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(1.0 - alpha / 2.0))


def _chance(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(min(logit, 500.0), -500.0)))
