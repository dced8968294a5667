"""Re-randomisation tests of an estimand beside what the model gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.tables.html import Cell, html_table
from equipoise.report.words import (
    MISSING,
    PLUS_MINUS,
    clause,
    decimals,
    group_label,
    interval,
    number,
    p_value,
)

if TYPE_CHECKING:
    from equipoise.analysis.estimand_results import EstimandResult, Rerandomised
    from equipoise.analysis.results import Results


def rerandomisation_table(results: Results, estimand: EstimandResult) -> str | None:
    """One row a test; None where none was made."""
    done = [s for s in estimand.sensitivity if s.rerandomised]
    if not done:
        return None
    rows: list[list[Cell]] = []
    for item in done:
        for row in item.rerandomised:
            arms = f"{group_label(results, row.arm)} against {group_label(results, row.reference)}"
            rows.append(
                [
                    item.label,
                    arms,
                    number(row.t),
                    p_text(row),
                    design_effect(row),
                    limit_errors(row),
                    _count(row),
                    _steps(row),
                ]
            )
    columns = [
        ("analysis", "Analysis"),
        ("arms", "Comparison"),
        ("t", "t"),
        ("p", "p (error)"),
        ("effect", "Effect (shifts)"),
        ("error", "Error of the limits"),
        ("extreme", "As extreme"),
        ("steps", "Fitted by"),
    ]
    return html_table(f"rerandomisation-{estimand.estimand}", columns, rows, group=True)


def _count(row: Rerandomised) -> str:
    """How many of the allocations drawn are as extreme; fits that failed are among them."""
    failed = f", {row.failed:,} unfitted" if row.failed else ""
    return f"{MISSING if row.extreme is None else f'{row.extreme:,}'} of {row.draws:,}{failed}"


def p_text(row: Rerandomised) -> str:
    """p and its Monte-Carlo standard error."""
    if row.p is None:
        return MISSING
    return f"{p_value(row.p)} ({PLUS_MINUS}{number(row.p_error, 4)})"


def design_effect(row: Rerandomised) -> str:
    """Estimate and the shifts that are not rejected; a ratio on the log scale."""
    log = row.ratio is not None
    digits = 2 if log else decimals(row.se)
    estimate = number(row.ratio if log else row.estimate, digits)
    if row.interval == "none":
        return f"{estimate} (no interval with more than two arms)"
    if row.interval == "unbounded":
        return f"{estimate} (unbounded: too few allocations)"
    low, high = (row.ratio_lower, row.ratio_upper) if log else (row.lower, row.upper)
    return f"{estimate} ({interval(low, high, digits)})"


def limit_errors(row: Rerandomised) -> str:
    """Monte-Carlo standard errors of the limits, in the unit of the model."""
    if row.interval != "bounded":
        return MISSING
    digits = decimals(row.se) + 1
    scale = " (log)" if row.ratio is not None else ""
    return f"{number(row.lower_error, digits)} and {number(row.upper_error, digits)}{scale}"


def _steps(row: Rerandomised) -> str:
    return ", ".join(f"{word}: {count:,}" for word, count in row.steps if count)


def design_row(label: str, results: Results, row: Rerandomised, several: bool) -> list[Cell]:
    """The test among the other sensitivity analyses of its estimand."""
    name = f"{label}, {group_label(results, row.arm)}" if several else label
    return [name, design_effect(row), p_value(row.p)]


def failures(estimand: EstimandResult) -> list[str]:
    """Why re-randomisation tests were not made, each as a sentence."""
    return [
        f"{item.label}: not computed: {clause(item.failure)}."
        for item in estimand.sensitivity
        if item.method == "re-randomisation" and not item.rerandomised
    ]
