"""Baseline characteristics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.tables.html import SMALL, Cell, html_table
from equipoise.report.words import MISSING, number, significant

if TYPE_CHECKING:
    from equipoise.analysis.monitor_results import MonitorResults
    from equipoise.analysis.results import BaselineValue, Results


def baseline_table(results: Results | MonitorResults) -> str:
    """Baseline characteristics."""
    columns = [("variable", ""), ("label", "Characteristic")]
    columns += [(g.key, f"{g.label} (n = {g.n})") for g in results.groups]
    if results.compared:
        columns.append(("smd", "Standardised difference"))
    rows: list[list[Cell]] = []
    for row in results.baseline.rows:
        unit = f" ({row.unit})" if row.unit else ""
        if row.level is None:
            head, label = f"{row.label}{unit}", "Mean (SD)"
            cells: list[Cell] = [SMALL if v.suppressed else _mean_sd(v) for v in row.values]
        else:
            head, label = row.label, row.level
            cells = [_count(v) for v in row.values]
        difference = [] if not results.compared else [number(row.standardised_difference)]
        if results.compared and row.level is not None and row.standardised_difference is None:
            difference = [""]
        rows.append([head, label, *cells, *difference])
        if row.level is None:
            quartiles: list[Cell] = [SMALL if v.suppressed else _quartiles(v) for v in row.values]
            rows.append(
                [head, "Median [quartiles]", *quartiles, *([] if not results.compared else [""])]
            )
    return html_table("baseline", columns, rows, group=True)


def _quartiles(value: BaselineValue) -> str:
    if value.median is None:
        return MISSING
    low, high = significant(value.lower_quartile), significant(value.upper_quartile)
    missing = f"; {value.missing} missing" if value.missing else ""
    return f"{significant(value.median)} [{low}, {high}]{missing}"


def _mean_sd(value: BaselineValue) -> str:
    return f"{significant(value.mean)} ({significant(value.sd)})"


def _count(value: BaselineValue) -> str:
    if value.suppressed:
        return SMALL
    share = MISSING if value.percent is None else f"{number(value.percent, 0)} %"
    return f"{value.count} ({share})"
