"""Flow and completeness as the monitoring committee sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.tables.html import Cell, html_table
from equipoise.report.words import MISSING, percent

if TYPE_CHECKING:
    from equipoise.analysis.monitor_results import MonitorResults

_COUNTS = (
    ("randomised", "Randomised"),
    ("received_dose", "Received at least one dose"),
    ("stopped_drug", "Stopped study drug"),
    ("completed", "Completed"),
    ("discontinued", "Discontinued"),
    ("lost", "Lost to follow-up"),
    ("died", "Died"),
    ("status_unknown", "Status unknown"),
)


def monitor_flow_table(results: MonitorResults) -> str:
    """Participants along the trial, with the reasons for leaving and for stopping study drug."""
    columns = [("what", "Participants"), *((g.key, g.label) for g in results.groups)]
    counts = {count.group: count for count in results.flow.counts}
    cells: list[list[Cell]] = []
    for field, label in _COUNTS:
        found = [getattr(counts[g.key], field) for g in results.groups]
        cells.append([label, *(MISSING if n is None else str(n) for n in found)])
        word = {"stopped_drug": "stopped-study-drug", "lost": "lost-to-follow-up"}.get(field, field)
        mine = [reason for reason in results.flow.reasons if reason.event == word]
        for text in dict.fromkeys(reason.reason for reason in mine):
            by_group = {reason.group: reason.n for reason in mine if reason.reason == text}
            cells.append(
                [f"\u2013 {text}", *(str(by_group.get(g.key) or 0) for g in results.groups)]
            )
    return html_table("monitor-flow", columns, cells)


def completeness_table(results: MonitorResults) -> str:
    """Visits with a value, of those at which it was planned, over everybody in a group."""
    columns = [("kind", ""), ("label", "Measurement")]
    columns += [(g.key, g.label) for g in results.groups]
    found = {(row.kind, row.label, row.group): row for row in results.completeness}
    cells: list[list[Cell]] = []
    for kind, label in dict.fromkeys((row.kind, row.label) for row in results.completeness):
        line: list[Cell] = [kind.capitalize(), label]
        for g in results.groups:
            row = found[kind, label, g.key]
            share = percent(row.recorded / row.planned) if row.planned else MISSING
            line.append(f"{row.recorded} of {row.planned} ({share})")
        cells.append(line)
    return html_table("completeness", columns, cells, group=True)
