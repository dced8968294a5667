"""Laboratory shifts, vital signs and stopping rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.tables.html import SMALL, Cell, html_table
from equipoise.report.words import MISSING, number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from equipoise.analysis.harm_results import LabShift, StoppingResult, VitalMean, VitalSummary
    from equipoise.analysis.results import VisitCount
    from equipoise.report.tables.harms import HarmPage


def shift_table(page: HarmPage, shifts: Sequence[LabShift]) -> str:
    """Participants by their value at baseline (rows) and the worst one afterwards (columns)."""
    levels = ("low", "normal", "high", "low and high", "missing")
    columns = [("analyte", ""), ("baseline", "At baseline")]
    columns += [(f"after_{i}", level) for i, level in enumerate(levels)]
    keys = [key for key, _ in columns[2:]]
    cells: list[list[Cell]] = []
    for shift in shifts:
        head = f"{shift.label} ({shift.unit}), {_limits(shift)}"
        if shift.suppressed:
            cells.append([head, SMALL, *([""] * len(levels))])
        for g in page.groups:
            mine = [count for count in shift.counts if count.group == g.key]
            for start in dict.fromkeys(count.baseline for count in mine):
                numbers = [count.n for count in mine if count.baseline == start]
                if any(numbers):
                    cells.append([head, f"{g.label}, {start}", *(str(n) for n in numbers)])
    spanner = [("Worst afterwards", keys)]
    return html_table("lab-shifts", columns, cells, group=True, spanners=spanner)


def _limits(shift: LabShift) -> str:
    if shift.low is None:
        return f"normal to {shift.high:g}"
    if shift.high is None:
        return f"normal from {shift.low:g}"
    return f"normal {shift.low:g} to {shift.high:g}"


def vital_table(page: HarmPage, signs: Sequence[VitalSummary], visits: Sequence[VisitCount]) -> str:
    """Means of vital signs by visit, and of their change from baseline; `visits` names all."""
    names = {row.visit: row.label for row in visits}
    columns = [("sign", ""), ("visit", "Visit")]
    spanners = []
    for g in page.groups:
        keys = [f"{g.key}_n", f"{g.key}_mean", f"{g.key}_change"]
        columns += list(zip(keys, ["n", "Mean (SD)", "Change (SD)"], strict=True))
        spanners.append((g.label, keys))
    cells: list[list[Cell]] = []
    for sign in signs:
        found = {(mean.visit, mean.group): mean for mean in sign.means}
        for visit in dict.fromkeys(mean.visit for mean in sign.means):
            line: list[Cell] = [f"{sign.label} ({sign.unit})", names[visit]]
            for g in page.groups:
                mean = found[visit, g.key]
                line += [str(mean.n), _moments(mean), _change(mean)]
            cells.append(line)
    return html_table("vital-signs", columns, cells, group=True, spanners=spanners)


def _moments(mean: VitalMean) -> str:
    if mean.mean is None:
        return SMALL if mean.n else MISSING
    return f"{number(mean.mean, 1)} ({number(mean.sd, 1)})"


def _change(mean: VitalMean) -> str:
    if mean.change_mean is None:
        return SMALL if mean.n_change else ""
    return f"{number(mean.change_mean, 1)} ({number(mean.change_sd, 1)})"


def stopping_table(rules: Sequence[StoppingResult]) -> str:
    """Every look of every rule: boundary, events, whether it was crossed."""
    columns = [("rule", ""), ("n", "Look after"), ("boundary", "Stops at"), ("events", "Events")]
    columns.append(("crossed", "Boundary"))
    cells: list[list[Cell]] = []
    for rule in rules:
        head = f"{rule.label}: {rule.arms}, {rule.treated} treated"
        head += "" if rule.events is None else f", {rule.events} with the event"
        for look in rule.looks:
            stops = "no number" if look.boundary is None else f"{look.boundary} or more"
            crossed = "not reached yet"
            if look.crossed is not None:
                crossed = "crossed" if look.crossed else "not crossed"
            events = None if look.events is None else str(look.events)
            cells.append([head, f"{look.n} treated", stops, events, crossed])
    return html_table("stopping", columns, cells, group=True)


def characteristics_table(rules: Sequence[StoppingResult]) -> str:
    """What each rule does at true rates, exactly."""
    columns = [("rule", ""), ("rate", "True rate"), ("stop", "Probability to stop")]
    columns.append(("n", "Expected number treated"))
    cells: list[list[Cell]] = []
    seen: set[str] = set()
    for rule in rules:
        if rule.key in seen:
            continue
        seen.add(rule.key)
        for row in rule.characteristics:
            stop, n = percent(row.stop, 1), number(row.expected_n, 1)
            cells.append([rule.label, percent(row.rate), stop, n])
    return html_table("stopping-characteristics", columns, cells, group=True)
