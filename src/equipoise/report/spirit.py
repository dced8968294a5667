"""The SPIRIT 2025 page: what a protocol says of itself, item by item, with the schedule."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from equipoise.report.checklist_pages import by_section, counted
from equipoise.report.checklists import evaluate, load, tidier_rows
from equipoise.report.page import environment, style
from equipoise.staging import write_files

if TYPE_CHECKING:
    from equipoise.analysis.results import Plan

FILE = "spirit.html"


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A row of the schedule: what is done, and a mark for every column."""

    part: str
    label: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Enrolment, interventions and assessments against the visits (the SPIRIT figure)."""

    columns: tuple[str, ...]
    rows: tuple[ScheduleRow, ...]


def write_spirit(plan: Plan, folder: str | Path, *, protocol_hash: str) -> Path:
    """Write ``spirit.html``: one page that needs nothing else.

    Raises
    ------
    EquipoiseError
        When the folder cannot be written; an older page there is then untouched.
    """
    folder = Path(folder)
    write_files(folder, {"spirit": {FILE: render_spirit(plan, protocol_hash)}}, last=FILE)
    return folder / FILE


def render_spirit(plan: Plan, protocol_hash: str) -> bytes:
    """The page as HTML. Block sizes stand nowhere: sites read it."""
    from equipoise._version import __version__

    lines = evaluate("spirit2025", plan)
    return (
        environment()
        .get_template("spirit.html.j2")
        .render(
            plan=plan,
            lines=lines,
            counts=counted(lines),
            checklist=load("spirit2025"),
            schedule=schedule(plan),
            tidier=tidier_rows(plan),
            by_section=by_section,
            style=style(),
            protocol_hash=protocol_hash,
            version=__version__,
        )
        .encode()
    )


def schedule(plan: Plan) -> Schedule:
    """What is done at each visit; a dose stands under the last visit that is not after it."""
    days = [visit.day for visit in plan.visits]
    columns = ("Enrolment", *(f"{visit.label} (day {visit.day:g})" for visit in plan.visits))
    empty = [""] * len(days)
    mark = "\u00d7"
    before = (mark, *empty)
    rows = [
        ScheduleRow("Enrolment", "Eligibility and consent", before),
        ScheduleRow("Enrolment", "Entry" if plan.single_arm else "Allocation", before),
    ]
    for arm in plan.arms:
        for doses in arm.doses:
            cells = [""] * len(days)
            for i, _ in enumerate(days):
                end = days[i + 1] if i + 1 < len(days) else float("inf")
                start = days[i] if i else float("-inf")
                due = [f"{day:g}" for day in doses.days if start <= day < end]
                cells[i] = f"day{'s' if len(due) > 1 else ''} {', '.join(due)}" if due else ""
            label = f"{arm.label}: {doses.drug}"
            rows.append(ScheduleRow("Interventions", label, ("", *cells)))
    for measure in plan.measures:
        marks = [mark if visit.label in measure.visits else "" for visit in plan.visits]
        rows.append(ScheduleRow("Assessments", measure.label, ("", *marks)))
    return Schedule(columns, tuple(rows))
