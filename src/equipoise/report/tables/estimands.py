"""Intercurrent events, analysis sets, what strategies changed, sensitivity analyses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.tables.html import SMALL, Cell, html_table
from equipoise.report.tables.rerandomisation import design_row
from equipoise.report.words import (
    clause,
    contrast_text,
    group_label,
    mean_text,
    p_value,
    visit_label,
    within,
)

if TYPE_CHECKING:
    from equipoise.analysis.results import EstimandResult, Results


def events_table(results: Results) -> str:
    """Participants with each intercurrent event, in all and by visit."""
    visits = [*results.visits, ("later", "Later")]
    columns = [("event", ""), ("group", "First occurrence"), ("all", "In all")]
    columns += [(f"by_{visit}", f"up to {label}") for visit, label in visits[:-1]]
    columns.append(("by_later", "Later"))
    rows: list[list[Cell]] = []
    for row in results.events:
        group = group_label(results, row.group)
        if row.n is None:
            rows.append([row.label, group, "not recorded", *[None] * len(visits)])
            continue
        counts = dict(row.by_visit or ())
        cells: list[Cell] = [str(counts[v]) if counts else SMALL for v, _ in visits]
        rows.append([row.label, group, str(row.n), *cells])
    return html_table("events", columns, rows, group=True)


def sets_table(results: Results) -> str:
    """Participants of each analysis set, and why others are not in it."""
    columns = [
        ("set", "Analysis set"),
        *((g.key, f"{g.label} (n = {g.n})") for g in results.groups),
    ]
    rows: list[list[Cell]] = []
    for key, label in dict.fromkeys((row.key, row.label) for row in results.sets):
        line: list[Cell] = [label]
        for g in results.groups:
            row = next(r for r in results.sets if (r.key, r.group) == (key, g.key))
            reasons = "; ".join(
                within(reason) if n is None else f"{within(reason)}: {n}"
                for reason, n in row.reasons
                if n != 0
            )
            line.append(f"{row.n}" + (f" (left out: {reasons})" if reasons else ""))
        rows.append(line)
    return html_table("sets", columns, rows, left=tuple(g.key for g in results.groups))


def touched_table(results: Results, estimand: EstimandResult) -> str | None:
    """Values that the strategies left out or replaced; None where there are none to show."""
    if not estimand.touched:
        return None
    visits = [v for v in results.visits if any(t.visit == v[0] for t in estimand.touched)]
    columns = [("event", ""), ("group", "Values after the event"), *visits]
    rows: list[list[Cell]] = []
    keys = dict.fromkeys((t.event, t.strategy, t.group) for t in estimand.touched)
    for event, strategy, group in sorted(keys, key=lambda k: (k[0], k[1])):
        counts = {
            t.visit: t.n
            for t in estimand.touched
            if (t.event, t.strategy, t.group) == (event, strategy, group)
        }
        rows.append(
            [
                f"{event}: {strategy.replace('-', ' ')}",
                group_label(results, group),
                *(str(counts.get(v, 0)) for v, _ in visits),
            ]
        )
    return html_table(f"touched-{estimand.estimand}", columns, rows, group=True)


def sensitivity_table(results: Results, estimand: EstimandResult) -> str | None:
    """The estimand as planned, and under other assumptions; None where none is planned."""
    if not estimand.sensitivity:
        return None
    if not results.compared:
        return _single_arm_sensitivity(results, estimand)
    log = any(c.ratio is not None for c in estimand.contrasts)
    rows: list[list[Cell]] = []
    several = len(results.groups) > 2
    items = [("As planned", estimand.contrasts, estimand.failure, ())]
    items += [(s.label, s.contrasts, s.failure, s.rerandomised) for s in estimand.sensitivity]
    for label, contrasts, failure, tests in items:
        rows += [design_row(label, results, row, several) for row in tests]
        if not contrasts and not tests:
            rows.append([label, f"not estimated: {clause(failure)}", None])
        for c in contrasts:
            name = f"{label}, {group_label(results, c.arm)}" if several else label
            rows.append([name, contrast_text(c, log), p_value(c.p)])
    columns = [
        ("analysis", f"At {visit_label(results, estimand.visit)}"),
        ("effect", "Effect (CI)"),
        ("p", "p, unadjusted"),
    ]
    return html_table(f"sensitivity-{estimand.estimand}", columns, rows)


def _single_arm_sensitivity(results: Results, estimand: EstimandResult) -> str | None:
    """The change in the one arm in each analysis; None where no analysis has a mean."""
    if not any(s.means for s in estimand.sensitivity):
        return None
    log = any(m.ratio is not None for m in estimand.means)
    rows: list[list[Cell]] = []
    items = [("As planned", estimand.means, estimand.failure)]
    items += [(s.label, s.means, s.failure) for s in estimand.sensitivity]
    for label, means, failure in items:
        if not means:
            why = failure or "no data, or too few people at this visit"
            rows.append([label, f"not estimated: {clause(why)}"])
        for m in means:
            rows.append([label, mean_text(m, log)])
    columns = [
        ("analysis", f"At {visit_label(results, estimand.visit)}"),
        ("mean", "Geometric mean fold (CI)" if log else "LS mean change (CI)"),
    ]
    return html_table(f"sensitivity-{estimand.estimand}", columns, rows)
