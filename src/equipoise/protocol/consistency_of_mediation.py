"""The plan of the mediation analysis: mediators that are there, and numbers that make sense."""

from __future__ import annotations

from collections.abc import Iterator

from equipoise.protocol.consistency import (
    Inconsistency,
    Tables,
    endpoint_visits,
    needs,
    unknown,
)
from equipoise.protocol.endpoint_sources import MEASUREMENT_TABLES
from equipoise.protocol.mediation_plan import MediationPlan
from equipoise.protocol.prediction_plan import PredictionPlan
from equipoise.protocol.questions import Scale

_PATH = ("analysis", "prediction", "mediation")


@needs("analysis", "endpoints", "visits", *MEASUREMENT_TABLES)
def _mediation(tables: Tables) -> Iterator[Inconsistency]:
    prediction = tables["analysis"].prediction
    if prediction is None or prediction.mediation is None:
        return
    plan = prediction.mediation
    known = (*prediction.predictors, *prediction.labs, *prediction.composites)
    for field in ("mediators", "joint"):
        keys = getattr(plan, field)
        for place, key in enumerate(keys):
            path = (*_PATH, field, place)
            if key == prediction.outcome:
                yield Inconsistency(
                    path,
                    key,
                    "the outcome is not its own mediator; its value at the early visit is one of "
                    "the joint mediators with `early_score`",
                    "take it out",
                )
            elif key not in known:
                yield unknown(path, key, "marker", known, "analysis.prediction")
            elif key in keys[:place]:
                yield Inconsistency(path, key, "each mediator stands once", "take it out")
    yield from _joint(tables, prediction, plan)
    for place, rho in enumerate(plan.rho):
        before = plan.rho[place - 1] if place else -1.0
        if not (-1.0 < rho < 1.0 and rho > before):
            yield Inconsistency(
                (*_PATH, "rho", place),
                f"{rho:g}",
                "correlations lie between -1 and 1, without these, and ascend",
                "write them in ascending order",
            )
    yield from _assay(tables, prediction, plan)


def _joint(
    tables: Tables, prediction: PredictionPlan, plan: MediationPlan
) -> Iterator[Inconsistency]:
    if len(plan.joint) + plan.early_score == 1:
        yield Inconsistency(
            (*_PATH, "joint"),
            ", ".join(plan.joint),
            "together are two mediators or more, of which the early score may be one",
            "name another, or leave `joint` and `early_score` out",
        )
    known = prediction.outcome in tables["endpoints"]
    measured = endpoint_visits(tables, prediction.outcome) if known else []
    if plan.early_score and known and prediction.early_visit not in measured:
        yield Inconsistency(
            (*_PATH, "early_score"),
            "true",
            f"`{prediction.outcome}` is not measured at `{prediction.early_visit}` (it is at: "
            f"{', '.join(measured) or 'none'})",
            "leave it out",
        )


def _assay(
    tables: Tables, prediction: PredictionPlan, plan: MediationPlan
) -> Iterator[Inconsistency]:
    endpoints = tables["endpoints"]
    mediators = plan.mediators or prediction.predictors
    for key, cv in plan.assay_cv.items():
        path = (*_PATH, "assay_cv", key)
        if key not in mediators:
            yield unknown(path, key, "mediator", mediators, "analysis.prediction.mediation")
        elif key in prediction.composites or (
            key in endpoints and endpoints[key].scale is not Scale.LOG_FOLD
        ):
            yield Inconsistency(
                path,
                key,
                "a coefficient of variation is the error of a ratio; this mediator is none",
                "take it out",
            )
        elif not 0.0 <= cv <= 2.0:
            yield Inconsistency(
                path, f"{cv:g}", "it lies between 0 and 2", "give a part of the value, as 0.05"
            )
