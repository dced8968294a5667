"""Rules for items of a protocol: what the plan itself says, as text for the SPIRIT page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from equipoise.report.checklists.evaluation import given
from equipoise.report.checklists.items import Finding, Item, State
from equipoise.report.checklists.tidier import wanting

if TYPE_CHECKING:
    from equipoise.analysis.results import Plan

FRAMEWORK = "reporting.rationale.framework"


def _title(_: Item, plan: Plan) -> Finding:
    says = (("Title", plan.title),)
    if plan.single_arm or "randomi" in plan.title.lower():
        return Finding(State.ANSWERED, says=says)
    return Finding(
        State.PARTLY,
        fields=("trial.title",),
        note="The title does not say that the trial is randomised",
        says=says,
    )


def _design(_: Item, plan: Plan) -> Finding:
    says = [("Design", plan.design)]
    if not plan.single_arm:
        says.append(("Allocation", plan.allocation))
    framework = plan.given.get(FRAMEWORK)
    if framework is None:
        return Finding(State.PARTLY, fields=(FRAMEWORK,), says=tuple(says))
    return Finding(State.ANSWERED, says=(*says, ("Framework", framework)))


def _interventions(_: Item, plan: Plan) -> Finding:
    present, missing = wanting(plan)
    says = tuple((arm.label, arm.treatment) for arm in plan.arms)
    anchors = ("tidier",)
    if not missing:
        return Finding(State.ANSWERED, anchors=anchors, says=says)
    state = State.PARTLY if present else State.MISSING
    return Finding(state, anchors=anchors, fields=tuple(missing), says=says)


def _outcomes(_: Item, plan: Plan) -> Finding:
    says = tuple(
        (e.role.replace("-", " "), f"{e.variable}: {e.summary}. {e.question}")
        for e in plan.estimands
    )
    if not says:
        return Finding(State.MISSING, fields=("estimands",))
    return Finding(State.ANSWERED, says=says)


def _schedule(_: Item, plan: Plan) -> Finding:
    if not plan.measures:
        return Finding(State.MISSING, fields=("instruments",))
    text = f"{len(plan.visits)} visits, {len(plan.measures)} measurements"
    return Finding(State.ANSWERED, anchors=("schedule",), says=(("Schedule", text),))


def _allocation(_: Item, plan: Plan) -> Finding:
    if not plan.allocation:
        return Finding(State.MISSING, fields=("randomisation.method",))
    return Finding(State.ANSWERED, says=(("Allocation", plan.allocation),))


def _collection(item: Item, plan: Plan) -> Finding:
    written = given(item.fields, plan)
    says = tuple((m.label, m.definition) for m in plan.measures)
    if written.state is State.ANSWERED:
        return Finding(State.ANSWERED, says=(*written.says, *says))
    state = State.PARTLY if says else State.MISSING
    return Finding(state, fields=written.fields, says=says)


def _methods(_: Item, plan: Plan) -> Finding:
    if not plan.models:
        return Finding(State.MISSING, fields=("analysis.models",))
    harms = ("Harms", "Participants with each kind of harm by arm, exact intervals of the rates")
    return Finding(State.ANSWERED, says=(*(("Model", text) for text in plan.models), harms))


def _analysis_sets(_: Item, plan: Plan) -> Finding:
    says = dict.fromkeys(e.population for e in plan.estimands)
    if not says:
        return Finding(State.MISSING, fields=("estimands",))
    return Finding(State.ANSWERED, says=tuple(("Analysed", text) for text in says))


def _missing_data(_: Item, plan: Plan) -> Finding:
    if not plan.missing_data:
        return Finding(State.MISSING, fields=("analysis.missing_data",))
    return Finding(State.ANSWERED, says=(("Missing data", plan.missing_data),))


def _further(_: Item, plan: Plan) -> Finding:
    if not plan.further_analyses:
        return Finding(State.NOT_APPLICABLE, note="The protocol plans no further analysis")
    return Finding(
        State.ANSWERED, says=tuple(("Further analysis", text) for text in plan.further_analyses)
    )


RULES: dict[str, Callable[[Item, Plan], Finding]] = {
    "title": _title,
    "design": _design,
    "interventions": _interventions,
    "outcomes": _outcomes,
    "schedule": _schedule,
    "allocation": _allocation,
    "collection": _collection,
    "methods": _methods,
    "analysis_sets": _analysis_sets,
    "missing_data": _missing_data,
    "further_methods": _further,
}
