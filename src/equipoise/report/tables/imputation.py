"""Imputed sensitivity analyses: how values were imputed, and where the conclusion tips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.tables.html import SMALL, Cell, html_table
from equipoise.report.words import (
    clause,
    group_label,
    interval,
    number,
    p_value,
    percent,
    significant,
)

if TYPE_CHECKING:
    from equipoise.analysis.results import EstimandResult, Results

#: Words of a protocol → what the report says.
STRATEGIES = {
    "mar": "missing at random",
    "jump-to-reference": "jump to reference",
    "copy-reference": "copy reference",
    "copy-increments": "copy increments in reference",
    "last-mean": "last mean carried forward",
}
DRAWS = {
    "bayes": "Bayesian multiple imputation",
    "approximate-bayes": "approximate Bayesian multiple imputation",
    "conditional-mean-jackknife": "conditional mean imputation, jackknife",
    "conditional-mean-bootstrap": "conditional mean imputation, bootstrap",
}


def imputation_table(results: Results, estimand: EstimandResult) -> str | None:
    """How missing values were imputed in each such sensitivity analysis; None where none was."""
    rows: list[list[Cell]] = []
    for item in estimand.sensitivity:
        found = item.imputed
        if found is None:
            continue
        strategy = STRATEGIES[found.strategy]
        if found.strategy not in ("mar", "last-mean"):
            strategy += f" ({group_label(results, found.reference)})"
        missing: Cell = SMALL
        if found.missing is not None:
            missing = "; ".join(
                f"{group_label(results, row.group)} {row.missing} of {row.n}"
                for row in found.missing
            )
        seed = "" if found.seed is None else f", seed {found.seed}"
        rows.append(
            [
                item.label,
                strategy,
                missing,
                f"{DRAWS[found.draws]}; {found.imputations}{seed}",
                found.pooled_by,
                None if found.missing_information is None else percent(found.missing_information),
                None
                if found.monte_carlo_error is None
                else significant(found.monte_carlo_error, 2),
                "; ".join(clause(text) for text in found.warnings) or "none",
            ]
        )
    if not rows:
        return None
    columns = [
        ("analysis", "Analysis"),
        ("strategy", "After dropout"),
        ("missing", "Without a value"),
        ("draws", "Imputations"),
        ("pooled", "Pooled by"),
        ("information", "Missing information"),
        ("error", "Monte-Carlo error"),
        ("warnings", "Warnings"),
    ]
    left = ("strategy", "missing", "draws", "pooled", "warnings")
    return html_table(f"imputation-{estimand.estimand}", columns, rows, left=left)


def tipping_table(results: Results, estimand: EstimandResult) -> str | None:
    """Every combination of shifts that was analysed; None where none was."""
    found = [(item, row) for item in estimand.sensitivity for row in item.tipping]
    if not found:
        return None
    log = any(c.ratio is not None for c in estimand.contrasts)
    tested = any(row.significant is not None for _, row in found)
    several = len(found) > 1
    rows: list[list[Cell]] = []
    for item, tipping in found:
        for row in tipping.rows:
            shifts = "; ".join(
                f"{group_label(results, arm)} {number(delta, 1)}"
                for arm, delta in zip(tipping.shifted, row.deltas, strict=True)
            )
            name = f"{item.label}, {group_label(results, tipping.arm)}: " if several else ""
            line: list[Cell] = [
                name + shifts,
                f"{number(row.estimate)} ({interval(row.lower, row.upper)})",
            ]
            if tested:
                line.append(None if row.p is None else p_value(row.p))
                line.append(None if row.changed is None else "yes" if row.changed else "no")
            rows.append(line)
    unit = "log fold" if log else "change"
    columns = [
        ("shift", f"Shift of imputed values ({unit})"),
        ("effect", "Effect on the log scale (CI)" if log else "Effect (CI)"),
    ]
    if tested:
        columns += [("p", "p, unadjusted"), ("changed", "Conclusion changes")]
    return html_table(f"tipping-{estimand.estimand}", columns, rows)
