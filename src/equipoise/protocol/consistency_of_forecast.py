"""The plan of the forecast: what it forecasts, from what, and that its words mean something."""

from __future__ import annotations

from collections.abc import Iterator

from equipoise.protocol.consistency import Inconsistency, Tables, needs, unknown
from equipoise.protocol.endpoint_sources import MEASUREMENT_TABLES
from equipoise.protocol.forecast_plan import ForecastPlan
from equipoise.protocol.questions import Scale
from equipoise.protocol.scales import scale_of

_PATH = ("analysis", "stratification", "forecast")


@needs("analysis", "endpoints", "population", "randomisation", "visits", *MEASUREMENT_TABLES)
def _forecast(tables: Tables) -> Iterator[Inconsistency]:
    stratification = tables["analysis"].stratification
    plan = None if stratification is None else stratification.forecast
    if plan is None:
        return
    prediction = tables["analysis"].prediction
    if prediction is None:
        yield Inconsistency(
            _PATH,
            "",
            "the forecast takes its outcome, landmark and early visit from `analysis.prediction`",
            "add `analysis.prediction`, or take the forecast out",
        )
        return
    known = (*prediction.predictors, *prediction.labs, *prediction.composites)
    for place, key in enumerate(plan.predictors):
        if key not in known:
            yield unknown((*_PATH, "predictors", place), key, "marker", known, "prediction")
        elif key in plan.predictors[:place]:
            yield Inconsistency(
                (*_PATH, "predictors", place), key, "each predictor stands once", "take it out"
            )
    for place, penalty in enumerate(plan.penalties):
        if not penalty > 0.0:
            yield Inconsistency(
                (*_PATH, "penalties", place),
                f"{penalty:g}",
                "a penalty is above 0",
                "give a number above 0",
            )
    yield from _characteristics(tables, plan)
    if plan.response is not None and prediction.outcome in tables["endpoints"]:
        yield from _response(tables, plan.response, prediction.outcome)


def _characteristics(tables: Tables, plan: ForecastPlan) -> Iterator[Inconsistency]:
    covariates = tables["population"].covariates
    for place, key in enumerate(plan.characteristics):
        path = (*_PATH, "characteristics", place)
        if key not in covariates:
            yield unknown(path, key, "covariate", covariates, "population.covariates")
        elif key in tables["randomisation"].strata:
            yield Inconsistency(
                path,
                key,
                "the factors of the randomisation are in the forecast already",
                "take it out",
            )
        elif key in plan.characteristics[:place]:
            yield Inconsistency(path, key, "each covariate stands once", "take it out")


def _response(tables: Tables, key: str, outcome: str) -> Iterator[Inconsistency]:
    endpoints, path = tables["endpoints"], (*_PATH, "response")
    if key not in endpoints:
        yield unknown(path, key, "endpoint", endpoints, "endpoints")
        return
    point, score = endpoints[key], endpoints[outcome]
    if point.scale is not Scale.RESPONSE:
        yield Inconsistency(
            path,
            key,
            f"the probability is that of a response; this endpoint is on the scale `{point.scale}`",
            "name an endpoint on the scale response",
        )
        return
    same = (point.instrument, point.part) == (score.instrument, score.part)
    if not same or score.scale is not Scale.CHANGE or point.better != score.better:
        yield Inconsistency(
            path,
            key,
            "whether there is a response follows from the change of the outcome: both are of one "
            f"scale, and agree in what is better; the outcome is `{outcome}`",
            "name the response of the outcome's own instrument, whose change is a difference",
        )
        return
    use = tables["instruments"].get(point.instrument)
    rating = None if use is None else scale_of(tables.get("scales"), use.scale)
    if rating is not None and not rating.baseline:
        yield Inconsistency(
            path,
            key,
            f"{rating.label} rates change itself: it has no baseline from which to count",
            "choose the response of a scale that is rated at baseline as well",
        )
