"""The intervention of each arm as TIDieR asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.report.checklists.items import Item, load

if TYPE_CHECKING:
    from equipoise.analysis.results import Flow, Plan, PlannedArm

_NOT_STATED = "not stated in the protocol"


@dataclass(frozen=True, slots=True)
class TidierRow:
    """One item for every arm.

    Attributes
    ----------
    item
        The item.
    texts
        One an arm, in the plan's order; None where the protocol does not say.
    fields
        One an arm: the dotted field that holds, or would hold, the text.
    """

    item: Item
    texts: tuple[str | None, ...]
    fields: tuple[str, ...]


def tidier_rows(plan: Plan, flow: Flow | None = None) -> list[TidierRow]:
    """All items for all arms; with `flow` what only is known after the trial, too."""
    rows = []
    for item in load("tidier").items:
        if item.rule == "afterwards" and flow is None:
            continue
        name = item.fields[0] if item.fields else "label"
        rows.append(
            TidierRow(
                item,
                tuple(_text(item, name, plan, arm, flow) for arm in plan.arms),
                tuple(
                    f"arms.{arm.key}.label" if name == "label"
                    else f"arms.{arm.key}.description.{name}"
                    for arm in plan.arms
                ),
            )
        )  # fmt: skip
    return rows


def _text(item: Item, name: str, plan: Plan, arm: PlannedArm, flow: Flow | None) -> str | None:
    own = arm.description.get(name)
    if item.rule == "label":
        return arm.label
    if item.rule == "schedule":
        parts = [own, arm.treatment if arm.doses else None]
        return "; ".join(part for part in parts if part) or None
    if own is not None:
        return own
    if name == "where":
        return plan.setting
    if name == "adherence_planned":
        return plan.given.get("reporting.treatment.adherence")
    if name == "adherence_actual" and flow is not None:
        return _doses_given(flow, arm.key)
    return None


def _doses_given(flow: Flow, key: str) -> str | None:
    """Doses given of those planned for everybody in the arm."""
    count = next((c for c in flow.counts if c.group == key), None)
    if count is None or count.doses_given is None or count.doses_planned is None:
        return None
    share = 100 * count.doses_given / count.doses_planned
    return f"{count.doses_given} of {count.doses_planned} planned doses given ({share:.0f} %)"


def wanting(plan: Plan) -> tuple[list[str], list[str]]:
    """Fields given and fields missing of what a reader needs to repeat the interventions."""
    if not plan.arms:
        return [], ["arms"]
    needed = {"3", "4", "5", "8"}
    present: list[str] = []
    missing: list[str] = []
    for row in tidier_rows(plan):
        if row.item.number in needed:
            for text, field in zip(row.texts, row.fields, strict=True):
                (missing if text is None else present).append(field)
    return present, missing
