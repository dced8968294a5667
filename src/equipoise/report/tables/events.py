"""Adverse events beyond the counts of participants: events, grades, time of the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.tables.html import Cell, html_table
from equipoise.report.words import MISSING, day, number, significant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from equipoise.analysis.harm_results import EventRate, GradeRow, HarmRow, OnsetRow, RateRatio
    from equipoise.report.tables.harms import HarmPage


#: What the rows of the summary are called where events are counted, not participants.
_KINDS = {
    "any": "All adverse events",
    "serious": "Serious",
    "severe": "Grade 3 or higher",
    "related": "Judged related",
    "serious-related": "Serious and judged related",
    "stopping": "Led to stopping study drug",
    "fatal": "Fatal (grade 5)",
}


def event_rate_table(name: str, page: HarmPage, rows: Sequence[HarmRow]) -> str:
    """Events and their rate by participant-year, with the ratio of each arm to the first."""
    columns = [("event", "Events")]
    columns += [(g.key, g.label) for g in page.groups]
    others = page.groups[1:] if any(row.ratios for row in rows) else ()
    columns += [(f"{g.key}_ratio", f"Ratio, {g.label}") for g in others]
    cells: list[list[Cell]] = []
    for row in rows:
        if not row.event_rates:
            continue
        ratios = {ratio.arm: ratio for ratio in row.ratios}
        line: list[Cell] = [
            _KINDS.get(row.key, row.label),
            *(_events(rate) for rate in row.event_rates),
        ]
        line += [_ratio(ratios.get(g.key)) for g in others]
        cells.append(line)
    return html_table(name, columns, cells)


def _events(rate: EventRate) -> str:
    if rate.per_year is None:
        return str(rate.events)
    low, high = significant(rate.lower, 2), significant(rate.upper, 2)
    return f"{rate.events}; {significant(rate.per_year, 2)} ({low} to {high})"


def _ratio(ratio: RateRatio | None) -> str | None:
    if ratio is None:
        return None
    upper = "no limit" if ratio.upper is None else number(ratio.upper)
    return f"{number(ratio.estimate)} ({number(ratio.lower)} to {upper})"


def grade_table(page: HarmPage, rows: Sequence[GradeRow]) -> str:
    """Participants by their worst grade of a term."""
    columns = [("event", "Worst grade of")]
    spanners = []
    for g in page.groups:
        keys = [f"{g.key}_{grade}" for grade in range(1, 6)]
        columns += list(zip(keys, "12345", strict=True))
        spanners.append((f"{g.label} (n = {g.n})", keys))
    cells: list[list[Cell]] = [
        [row.label, *(str(count.n) for g in page.groups for count in row.counts
                      if count.group == g.key)]
        for row in rows
    ]  # fmt: skip
    return html_table("grades", columns, cells, spanners=spanners)


def onset_table(page: HarmPage, rows: Sequence[OnsetRow]) -> str:
    """First adverse events between visits."""
    columns = [("days", "Days")]
    spanners = []
    for g in page.groups:
        keys = [f"{g.key}_risk", f"{g.key}_first", f"{g.key}_events"]
        columns += list(zip(keys, ["At risk", "First event", "Events"], strict=True))
        spanners.append((g.label, keys))
    found = {(row.start, row.group): row for row in rows}
    cells: list[list[Cell]] = []
    for start, end in dict.fromkeys((row.start, row.end) for row in rows):
        line: list[Cell] = [
            f"{day(start)} and later" if end is None else f"{day(start)} to before {day(end)}"
        ]
        for g in page.groups:
            row = found[start, g.key]
            at_risk = MISSING if row.at_risk is None else str(row.at_risk)
            line += [at_risk, str(row.first), str(row.events)]
        cells.append(line)
    return html_table("onset", columns, cells, spanners=spanners)
