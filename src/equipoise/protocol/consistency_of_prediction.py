"""The plan of the landmark association: its visits, its endpoints, and their order in time."""

from __future__ import annotations

from collections.abc import Iterator

from equipoise.protocol.consistency import (
    Inconsistency,
    Tables,
    endpoint_visits,
    needs,
    unknown,
)
from equipoise.protocol.endpoint_sources import MEASUREMENT_TABLES, planned_visits
from equipoise.protocol.prediction_plan import PredictionPlan

_PATH = ("analysis", "prediction")


@needs("analysis", "endpoints", "visits", *MEASUREMENT_TABLES)
def _prediction(tables: Tables) -> Iterator[Inconsistency]:
    plan = tables["analysis"].prediction
    if plan is None:
        return
    days = {visit.id: visit.day for visit in tables["visits"]}
    baseline = next((visit.id for visit in tables["visits"] if visit.baseline), None)
    for field in ("early_visit", "landmark"):
        visit = getattr(plan, field)
        if visit not in days:
            yield unknown((*_PATH, field), visit, "visit", days, "visits")
        elif visit == baseline:
            yield Inconsistency(
                (*_PATH, field),
                visit,
                "changes are counted from baseline, and lie after it",
                "name a visit after baseline",
            )
    early, landmark = days.get(plan.early_visit), days.get(plan.landmark)
    if early is not None and landmark is not None and landmark <= early:
        yield Inconsistency(
            (*_PATH, "landmark"),
            plan.landmark,
            f"the outcome lies after the early change: `{plan.early_visit}` is on day {early:g}, "
            f"`{plan.landmark}` on day {landmark:g}",
            "name a later visit, or an earlier `early_visit`",
        )
    yield from _endpoint(tables, ("outcome",), plan.outcome, plan.landmark)
    for place, key in enumerate(plan.predictors):
        path = ("predictors", place)
        if key in plan.predictors[:place]:
            yield Inconsistency(
                (*_PATH, *path), key, "each predictor stands once", "take the second one out"
            )
            continue
        if key == plan.outcome:
            yield Inconsistency(
                (*_PATH, *path),
                key,
                "the outcome is not its own predictor; its value at the early visit is among "
                "the sensitivity analyses",
                "take it out",
            )
            continue
        yield from _endpoint(tables, path, key, plan.early_visit)
    yield from _labs(tables, plan)
    yield from _composites(plan)


def _labs(tables: Tables, plan: PredictionPlan) -> Iterator[Inconsistency]:
    labs = tables["labs"]
    for place, key in enumerate(plan.labs):
        path = (*_PATH, "labs", place)
        if key not in labs:
            yield unknown(path, key, "laboratory value", labs, "labs")
        elif key in plan.labs[:place] or key in plan.predictors:
            yield Inconsistency(path, key, "each marker stands once", "take this one out")
        elif plan.early_visit not in planned_visits(labs[key], tables["visits"]):
            measured = planned_visits(labs[key], tables["visits"])
            yield Inconsistency(
                path,
                key,
                f"`{key}` is not measured at `{plan.early_visit}` (it is at: "
                f"{', '.join(measured)})",
                "choose another visit or take it out",
            )


def _composites(plan: PredictionPlan) -> Iterator[Inconsistency]:
    markers = (*plan.predictors, *plan.labs)
    for key, composite in plan.composites.items():
        path = (*_PATH, "composites", key)
        if key in markers:
            yield Inconsistency(path, key, "a composite has a name of its own", "name it otherwise")
        for member, weight in composite.members.items():
            if member not in markers:
                yield unknown((*path, "members", member), member, "marker", markers, "predictors")
            elif weight == 0:
                yield Inconsistency(
                    (*path, "members", member),
                    "0",
                    "a member of weight 0 is none",
                    "give a weight above or below 0, or take it out",
                )


def _endpoint(
    tables: Tables, field: tuple[str | int, ...], key: str, visit: str
) -> Iterator[Inconsistency]:
    """The endpoint is there, has a change that can be added, and is measured at the visit."""
    endpoints, path = tables["endpoints"], (*_PATH, *field)
    if key not in endpoints:
        yield unknown(path, key, "endpoint", endpoints, "endpoints")
        return
    point = endpoints[key]
    if not point.scale.continuous:
        yield Inconsistency(
            path,
            key,
            f"the association is between changes; this endpoint is on the scale `{point.scale}`",
            "name an endpoint on the scale change or log_fold",
        )
        return
    measured = endpoint_visits(tables, key)
    if visit not in measured and any(v.id == visit and not v.baseline for v in tables["visits"]):
        yield Inconsistency(
            path,
            key,
            f"`{key}` is not measured at `{visit}` (it is at: {', '.join(measured) or 'none'})",
            "choose another visit or another endpoint",
        )
