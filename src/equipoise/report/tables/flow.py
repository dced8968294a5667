"""Who is in each analysis, and who was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.tables.html import Cell, html_table

if TYPE_CHECKING:
    from equipoise.analysis.monitor_results import MonitorResults
    from equipoise.analysis.results import Results


def analysed_table(results: Results) -> str:
    """Who is in the analysis of each endpoint, and why others are not."""
    columns = [("endpoint", "Endpoint")]
    spanners = []
    for g in results.groups:
        keys = [f"{g.key}_baseline", f"{g.key}_follow", f"{g.key}_analysed"]
        headings = ["No baseline value", "No value afterwards", "Analysed"]
        columns += list(zip(keys, headings, strict=True))
        spanners.append((f"{g.label} (n = {g.n})", keys))
    found = {(row.endpoint, row.group): row for row in results.flow.analysed}
    rows: list[list[Cell]] = []
    for key, label in dict.fromkeys((row.endpoint, row.label) for row in results.flow.analysed):
        line: list[Cell] = [label]
        for g in results.groups:
            row = found[key, g.key]
            line += [str(row.no_baseline), str(row.no_follow_up), str(row.analysed)]
        rows.append(line)
    return html_table("analysed", columns, rows, spanners=spanners)


def seen_table(results: Results | MonitorResults) -> str:
    """Participants seen at each visit."""
    visits = dict.fromkeys((row.visit, row.label) for row in results.flow.visits)
    seen = {(row.visit, row.group): row.seen for row in results.flow.visits}
    rows: list[list[Cell]] = [
        [label, *(str(seen[visit, g.key]) for g in results.groups)] for visit, label in visits
    ]
    columns = [("visit", "Visit"), *((g.key, f"{g.label} (n = {g.n})") for g in results.groups)]
    return html_table("seen", columns, rows)


def concomitant_table(results: Results) -> str:
    """Participants of each group with each class of other medication."""
    assert results.concomitant is not None
    rows: list[list[Cell]] = [
        [row.label, *map(str, row.counts)] for row in results.concomitant.rows
    ]
    columns = [("class", "Class"), *((g.key, f"{g.label} (n = {g.n})") for g in results.groups)]
    return html_table("concomitant", columns, rows)
