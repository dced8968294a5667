"""What a model says of one person under each arm, or why it says nothing.

Nothing is extrapolated: outside the range of the training set, one value at a time or all of them
together, there is no forecast. A missing value is filled in by its mean given the others, and
the interval is widened by what it may be instead. Method: docs/methods/saved-forecast.md.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.analysis.stratification.forecast_model import BANDS
from equipoise.analysis.stratification.forecast_names import ARM
from equipoise.faults import Fault

if TYPE_CHECKING:
    import numpy as np

    from equipoise.analysis.stratification.forecast_design import ForecastColumn, Stage
    from equipoise.analysis.stratification.forecast_model import (
        ForecastModel,
        Predictor,
        TrainedForecast,
    )
    from equipoise.analysis.stratification.forecast_request import Person, Where
    from equipoise.stats.forecast.ridge_forecast import Predicted, RidgeForecast


@dataclass(frozen=True, slots=True)
class Outlook:
    """The forecast of one person under one arm.

    Attributes
    ----------
    stage, arm
        When it is made, and the arm's key.
    expected
        Score at the landmark, in the outcome's unit (its median, where the change is a ratio).
    bands
        (probability, lower, upper) of predictive intervals for this person's own score, cut at the
        ends of the scale; the widest last.
    response
        Probability of response; None where the model has no rule.
    imputed
        Predictors that were missing.
    """

    stage: Stage
    arm: str
    expected: float
    bands: tuple[tuple[float, float, float], ...]
    response: float | None
    imputed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A forecast that is not given.

    Attributes
    ----------
    stage, arm
        Which one; no arm where it is refused under each.
    fault
        Why.
    """

    stage: Stage
    arm: str | None
    fault: Fault


def forecast_person(
    model: ForecastModel, person: Person, where: Where, arms: Sequence[str] | None = None
) -> tuple[list[Outlook], list[Refusal]]:
    """Forecasts from baseline under each arm, and from the early visit under the assigned one.

    Parameters
    ----------
    where
        Where a predictor's value stands, for faults.
    arms
        The arms that are asked for; all of them when left out.
    """
    asked = list(model.arms) if arms is None else list(arms)
    found, refused = _stage(model, person, "baseline", asked, where)
    late = [one for one in model.predictors if one.kind == "early" and one.name in person.values]
    if not late:
        return found, refused
    blocking = [Refusal("early", person.arm, fault) for fault in _of_early(
        model, person, asked, late, where, only=arms is not None)]  # fmt: skip
    if blocking:
        return found, [*refused, *blocking]
    more, besides = _stage(model, person, "early", [str(person.arm)], where)
    # What is refused from baseline already is not said twice.
    known = {one.fault for one in refused}
    besides = [one for one in besides if one.fault not in known]
    if refused and not besides:
        more = []
    return [*found, *more], [*refused, *besides]


def _of_early(
    model: ForecastModel,
    person: Person,
    asked: Sequence[str],
    late: Sequence[Predictor],
    where: Where,
    *,
    only: bool,
) -> list[Fault]:
    """Why there can be no forecast from the early visit, whatever the values are."""
    visit, faults = model.early_visit[1], list[Fault]()
    if "early" not in model.forecasts:
        why = model.untrained.get("early", "it was not trained")
        faults.append(
            Fault(
                "forecast-early-untrained", where(late[0].name), late[0].name, "",
                f"the model has no forecast from {visit}: {why}",
                "take the values of that visit out",
            )
        )  # fmt: skip
    if person.arm is None:
        faults.append(
            Fault(
                "forecast-arm-missing", where(ARM), ARM, "",
                f"after {visit} the forecast is for the arm to which the person was assigned",
                f"add `arm`, or take the values of {visit} out",
            )
        )  # fmt: skip
    elif only and person.arm not in asked:
        faults.append(
            Fault(
                "forecast-other-arm", where(ARM), ARM, f"{person.arm}, asked for {asked[0]}",
                f"after {visit} the outcome under another arm than the assigned `{person.arm}` is "
                "not identified: the values of that visit are already an effect of the arm",
                f"ask for `{person.arm}`, or take the values of {visit} out",
            )
        )  # fmt: skip
    before = {one.source: one for one in model.predictors if one.kind == "baseline"}
    for one in late:
        first = before.get(one.source)
        if first is not None and first.name not in person.named:
            faults.append(
                Fault(
                    "forecast-early-without-baseline", where(one.name), one.name,
                    f"{person.values[one.name]:g}",
                    f"a value of {visit} counts by its change from `{first.name}`",
                    f"add `{first.name}`, or take this one out",
                )
            )  # fmt: skip
    return faults


def _stage(
    model: ForecastModel, person: Person, stage: Stage, arms: Sequence[str], where: Where
) -> tuple[list[Outlook], list[Refusal]]:
    trained = model.forecasts[stage]
    faults, missing = _absent(model, person, stage, where)
    rows = {arm: trained.design.row(person.patient(model, arm)) for arm in arms}
    closed = _closed(model, person, where)
    for row in list(rows.values())[:1]:
        faults += closed
        faults += _outside(model, trained, person, row, where, closed={f.field for f in closed})
    if faults:
        return [], [Refusal(stage, None, fault) for fault in faults]
    found: list[Outlook] = []
    refused: list[Refusal] = []
    for arm, row in rows.items():
        distance, furthest = float(trained.ridge.distance(row)[0]), trained.ridge.furthest
        if distance > furthest * (1 + 1e-9):
            refused.append(Refusal(stage, arm, _too_far(model, stage, arm, distance, furthest)))
            continue
        found.append(outlook_of(model, trained, arm, row, missing))
    return found, refused


def _absent(
    model: ForecastModel, person: Person, stage: Stage, where: Where
) -> tuple[list[Fault], tuple[str, ...]]:
    """Predictors without which there is no forecast, and the others that are missing."""
    asked = model.of_stage(stage)
    absent = [one for one in asked if one.name not in person.named]
    faults = [
        Fault(
            "predictor-missing",
            where(one.name),
            one.name,
            "",
            f"there is no forecast without {one.label}",
            f"add `{one.name}`" + (f" in {one.unit}" if one.unit else ""),
        )
        for one in absent
        if one.required
    ]
    free = [one for one in asked if not one.required]
    filled = tuple(one.name for one in absent if not one.required)
    if 2 * len(filled) > len(free):
        named = ", ".join(filled)
        faults.append(
            Fault(
                "predictors-too-many-missing",
                where(filled[0]),
                "",
                f"{len(filled)} of {len(free)}: {named}",
                "at most half of what may be missing is filled in",
                "measure more of them, or ask nothing of this person",
            )
        )
    return faults, filled


def _closed(model: ForecastModel, person: Person, where: Where) -> list[Fault]:
    """Levels of which the training set had too few people."""
    return [
        Fault(
            "outside-training-range",
            where(one.name),
            one.name,
            f'"{person.values[one.name]}"',
            "too few participants of the training set had this level to speak about another one",
            "the model says nothing about this person",
        )
        for one in model.predictors
        if person.values.get(one.name) in one.closed
    ]


def _outside(
    model: ForecastModel,
    trained: TrainedForecast,
    person: Person,
    row: np.ndarray,
    where: Where,
    closed: set[str],
) -> list[Fault]:
    """Columns outside the range of the training set, said in the units of who asks."""
    found: list[Fault] = []
    outside = trained.ridge.outside(row)[0]
    for place, column in enumerate(trained.design.columns):
        if column.kind == "arm" or not outside[place]:
            continue
        one = _of_column(model, column)
        if one.name in closed:
            continue
        low, high = float(trained.ridge.lower[place]), float(trained.ridge.upper[place])
        if column.level is not None:
            rule = "nobody in the training set had this level"
            value = f'"{person.values[one.name]}"'
        else:
            rule, value = _range_words(one, column, float(row[0, place]), low, high)
        found.append(
            Fault(
                "outside-training-range",
                where(one.name),
                one.name,
                value,
                rule,
                "check value and unit; if they are right, the model says nothing about this person",
            )
        )
    return found


def _range_words(
    one: Predictor, column: ForecastColumn, value: float, low: float, high: float
) -> tuple[str, str]:
    unit = f" {one.unit}" if one.unit else ""
    late = column.kind.startswith("early")
    if column.log:
        value, low, high = math.exp(value), math.exp(low), math.exp(high)
    if not late:
        return f"the training set ranges from {low:.4g} to {high:.4g}{unit}", f"{value:.4g}{unit}"
    what = "ratio to baseline" if column.log else "change from baseline"
    after = "" if column.log else unit
    return (
        f"the {what} in the training set ranges from {low:.3g} to {high:.3g}{after}",
        f"{what} {value:.3g}{after}",
    )


def _too_far(
    model: ForecastModel, stage: Stage, arm: str, distance: float, furthest: float
) -> Fault:
    return Fault(
        "outside-training-range-jointly",
        "",
        "all values together" if stage == "baseline" else "all values and changes together",
        f"distance {distance:.1f} under {model.arms[arm]}",
        f"nobody in the training set was further than {furthest:.1f} standard deviations from "
        "its middle: each value may be usual, and this combination is not",
        "check the values; if they are right, the model says nothing about this person",
    )


def _of_column(model: ForecastModel, column: ForecastColumn) -> Predictor:
    when = {"factor": "factor", "score": "baseline", "marker": "baseline"}.get(column.kind, "early")
    return next(one for one in model.predictors if one.kind == when and one.source == column.source)


def outlook_of(
    model: ForecastModel,
    trained: TrainedForecast,
    arm: str,
    row: np.ndarray,
    missing: tuple[str, ...] = (),
) -> Outlook:
    """What is forecast of the columns (1, p) of one person; the range is not looked at.

    `arm` is said, the columns of the arm count.
    """
    import numpy as np

    place = [column.kind for column in trained.design.columns].index("score")
    before = float(row[0, place])
    found = predicted(trained.ridge, row)
    centre = float(found.mean[0])
    bands: list[tuple[float, float, float]] = []
    for probability in BANDS:
        reach = _reach(found, probability)
        low, high = (
            _score(model, trained, before, change) for change in (centre - reach, centre + reach)
        )
        bands.append((probability, low, high))
    response = None
    if model.response is not None:
        limit = float(model.response.limit(np.array([_natural(trained, before)]))[0])
        below = float(found.probability_below(limit)[0])
        response = below if model.response.falls else 1.0 - below
    expected = _score(model, trained, before, centre)
    return Outlook(trained.design.stage, arm, expected, tuple(bands), response, missing)


def predicted(ridge: RidgeForecast, row: np.ndarray) -> Predicted:
    """The predictive distribution, widened by what missing predictors may be.

    With the others given, a missing predictor varies about its conditional mean; how much of the
    outcome that moves, g'Σg, is added to the predictive variance.
    """
    import numpy as np

    found = ridge.predict(row)
    gaps = np.isnan(row[0])
    if not gaps.any():
        return found
    slope = _slopes(ridge, ridge.fill(row)[0])[gaps]
    extra = float(slope @ _left(ridge.joint_covariance, gaps) @ slope)
    se = np.sqrt(found.se**2 + extra)
    reach = (found.upper - found.mean) * se / found.se
    return dataclasses.replace(found, se=se, lower=found.mean - reach, upper=found.mean + reach)


def _slopes(ridge: RidgeForecast, row: np.ndarray) -> np.ndarray:
    """(p,) what the forecast gains per unit of each column, products included."""
    p = len(ridge.penalised)
    found = ridge.coefficients[:p].copy()
    for number, (first, second) in enumerate(ridge.products):
        weight = ridge.coefficients[p + number]
        found[first] += weight * (row[second] - ridge.centre[second])
        found[second] += weight * row[first]
    return found


def _left(covariance: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """Covariance of the missing columns given the others; what does not vary tells nothing."""
    import numpy as np

    seen = ~gaps & (np.diag(covariance) > 0.0)
    across = covariance[np.ix_(gaps, seen)]
    return covariance[np.ix_(gaps, gaps)] - across @ np.linalg.solve(
        covariance[np.ix_(seen, seen)], across.T
    )


def _reach(found: Predicted, probability: float) -> float:
    from equipoise.stats.distributions import t_quantile

    return float(t_quantile(0.5 + probability / 2.0, found.df)) * float(found.se[0])


def _natural(trained: TrainedForecast, before: float) -> float:
    return math.exp(before) if trained.design.outcome_log else before


def _score(model: ForecastModel, trained: TrainedForecast, before: float, change: float) -> float:
    """The score at the landmark, within its scale."""
    value = _natural(trained, before + change)
    low = -math.inf if model.lowest is None else model.lowest
    high = math.inf if model.highest is None else model.highest
    return min(max(value, low), high)
