"""Response, remission, time to response, categories: groups, effects, other rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.tables.html import SMALL, Cell, html_table
from equipoise.report.words import (
    MISSING,
    clause,
    contrast_text,
    group_label,
    interval,
    number,
    p_value,
    percent,
    sentence,
    visit_label,
)

if TYPE_CHECKING:
    from equipoise.analysis.results import GroupOutcome, OutcomeResult, Results

_EFFECT = {
    "response": "Difference of rates (CI)",
    "remission": "Difference of rates (CI)",
    "time-to-response": "Difference, days (CI)",
    "ordinal": "Probability to do better (CI)",
}
_GROUP = {
    "response": "Responders (CI)",
    "remission": "In remission (CI)",
    "time-to-response": "Mean days without response (CI)",
    "ordinal": "Categories: participants",
}


def outcome_table(results: Results, outcome: OutcomeResult) -> str:
    """Groups and effects, visit by visit."""
    columns = [("visit", "Visit")]
    spanners: list[tuple[str, list[str]]] = []
    for g in results.groups:
        keys = [f"{g.key}_n", f"{g.key}_m"]
        columns += list(zip(keys, ["n", _GROUP[outcome.scale]], strict=True))
        spanners.append((g.label, keys))
    for arm in dict.fromkeys(c.arm for c in outcome.contrasts):
        keys = [f"{arm}_d", f"{arm}_p"]
        columns += list(zip(keys, [_EFFECT[outcome.scale], "p"], strict=True))
        spanners.append(
            (f"{group_label(results, arm)} vs {group_label(results, results.control or '')}", keys)
        )
    rows: list[list[Cell]] = []
    for visit in dict.fromkeys(row.visit for row in outcome.groups):
        row: list[Cell] = [visit_label(results, visit)]
        for g in results.groups:
            mine = next(o for o in outcome.groups if (o.group, o.visit) == (g.key, visit))
            row += [str(mine.n), _group_text(outcome, mine)]
        effects = {c.arm: c for c in outcome.contrasts if c.visit == visit}
        for arm in dict.fromkeys(c.arm for c in outcome.contrasts):
            c = effects.get(arm)
            row += [None, None] if c is None else [contrast_text(c, False), p_value(c.p)]
        rows.append(row)
    return html_table(outcome.endpoint, columns, rows, spanners=spanners)


def _group_text(outcome: OutcomeResult, mine: GroupOutcome) -> str:
    if mine.suppressed:
        return SMALL
    if outcome.scale == "ordinal":
        return ", ".join(f"{category}: {n}" for category, n in mine.categories) or MISSING
    if mine.estimate is None:
        return MISSING
    if outcome.scale == "time-to-response":
        return f"{number(mine.estimate, 1)} ({interval(mine.lower, mine.upper, 1)})"
    return (
        f"{mine.events}: {percent(mine.estimate)} ({percent(mine.lower)} to {percent(mine.upper)})"
    )


def outcome_sensitivity_table(results: Results, outcome: OutcomeResult) -> str | None:
    """The effect by other rules and other methods; None where there is nothing to show."""
    rows: list[list[Cell]] = []
    for item in outcome.sensitivity:
        if not item.contrasts:
            rows.append(
                [sentence(item.label), None, f"not estimated: {clause(item.failure)}", None]
            )
        for c in item.contrasts:
            when = visit_label(results, c.visit)
            if len(results.groups) > 2:
                when += f", {group_label(results, c.arm)}"
            rows.append([sentence(item.label), when, contrast_text(c, False), p_value(c.p)])
    if not rows:
        return None
    columns = [
        ("rule", "Sensitivity"),
        ("visit", "Visit"),
        ("effect", _EFFECT[outcome.scale]),
        ("p", "p"),
    ]
    return html_table(f"{outcome.endpoint}-sensitivity", columns, rows, left=("visit",))
