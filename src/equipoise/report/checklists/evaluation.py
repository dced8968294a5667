"""A checklist held against a plan, and against results where there are any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.report.checklists.items import Finding, Item, State, load

if TYPE_CHECKING:
    from equipoise.analysis.results import Plan, Results

BLINDED = "reporting.assignment.blinded"


@dataclass(frozen=True, slots=True)
class Line:
    """An item with what was found about it."""

    item: Item
    finding: Finding


def evaluate(checklist: str, plan: Plan, results: Results | None = None) -> list[Line]:
    """Every item of a checklist with its finding.

    Parameters
    ----------
    checklist
        ``consort2025`` or ``consort_harms`` (with results), ``tripod_ai`` (with results that hold
        forecasts), ``spirit2025`` (without).
    plan
        What the protocol plans and says of itself.
    results
        Results whose report is judged; the rules look at them, not at headings.
    """
    return [Line(item, _finding(item, plan, results)) for item in load(checklist).items]


def _finding(item: Item, plan: Plan, results: Results | None) -> Finding:
    if item.randomised and plan.single_arm:
        return Finding(State.NOT_APPLICABLE, note="Nobody is randomised in a single-arm trial")
    if item.blinding and plan.given.get(BLINDED) == "nobody":
        return Finding(
            State.NOT_APPLICABLE,
            anchors=(field_anchor(BLINDED),),
            note="Everybody knows the treatment",
        )
    if item.rule == "given":
        return given(item.fields, plan)
    if results is None:
        from equipoise.report.checklists.plan_rules import RULES as OF_PLANS

        return OF_PLANS[item.rule](item, plan)
    from equipoise.report.checklists.forecast_rules import RULES as OF_FORECASTS
    from equipoise.report.checklists.results_rules import RULES as OF_RESULTS

    if item.rule in OF_FORECASTS:
        return OF_FORECASTS[item.rule](results)
    return OF_RESULTS[item.rule](results)


def given(fields: tuple[str, ...], plan: Plan) -> Finding:
    """Whether people wrote what these fields of the protocol hold."""
    present = tuple(path for path in fields if path in plan.given)
    withheld = tuple(path for path in fields if path in plan.given_withheld)
    missing = tuple(path for path in fields if path not in present and path not in withheld)
    says = tuple((words(path), plan.given[path]) for path in present)
    anchors = tuple(field_anchor(path) for path in present)
    if missing:
        state = State.PARTLY if present or withheld else State.MISSING
        return Finding(state, anchors=anchors, fields=missing, says=says)
    if withheld:
        return Finding(
            State.WITHHELD, anchors=anchors, note="The text names an arm or a drug", says=says
        )
    return Finding(State.ANSWERED, anchors=anchors, says=says)


def field_anchor(path: str) -> str:
    """Id of a protocol text in the report."""
    return "field-" + path.replace(".", "-").replace("_", "-")


def words(path: str) -> str:
    """The last part of a dotted path as words."""
    text = path.rsplit(".", 1)[-1].replace("_", " ")
    return text[0].upper() + text[1:]
