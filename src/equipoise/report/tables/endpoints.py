"""Means, contrasts, effects by subgroup, families."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from equipoise.report.multiplicity_words import NAMES
from equipoise.report.tables.html import Cell, html_table
from equipoise.report.words import (
    contrast_text,
    decimals,
    difference,
    endpoint_of,
    group_label,
    mean_text,
    number,
    p_value,
    visit_label,
)

if TYPE_CHECKING:
    from equipoise.analysis.results import (
        Contrast,
        EndpointResult,
        FamilyResult,
        ObservedMean,
        Results,
    )


def endpoint_table(results: Results, endpoint: EndpointResult) -> str:
    """Least-squares means by group and their contrasts, visit by visit."""
    log = endpoint.scale == "log_fold"
    observed = {(o.group, o.visit): o for o in endpoint.observed}
    means = {(m.group, m.visit): m for m in endpoint.means}
    columns = [("visit", "Visit")]
    spanners = []
    for g in results.groups:
        columns += [(f"{g.key}_n", "n"), (f"{g.key}_m", _mean_heading(log))]
        spanners.append((g.label, [f"{g.key}_n", f"{g.key}_m"]))
    for arm in dict.fromkeys(c.arm for c in endpoint.contrasts):
        keys = [f"{arm}_d", f"{arm}_se", f"{arm}_df", f"{arm}_p"]
        effect, se = ("Ratio (CI)", "SE of log") if log else ("Difference (CI)", "SE")
        columns += list(zip(keys, [effect, se, "df", "p"], strict=True))
        spanners.append(
            (f"{group_label(results, arm)} vs {group_label(results, results.control or '')}", keys)
        )
    rows: list[list[Cell]] = []
    for visit, label in results.visits:
        if not any(o.visit == visit for o in endpoint.observed):
            continue
        row: list[Cell] = [label]
        for g in results.groups:
            count = observed.get((g.key, visit))
            mean = means.get((g.key, visit))
            row.append(str(count.n) if count else None)
            if mean is None:
                row.append(_observed_mean(count, log) if results.blinded else None)
            else:
                row.append(mean_text(mean, log))
        for c in endpoint.contrasts:
            if c.visit == visit:
                row += [
                    contrast_text(c, log),
                    number(c.se, 3 if log else decimals(c.se) + 1),
                    number(c.df, 1),
                    p_value(c.p),
                ]
        rows.append(row + [None] * (len(columns) - len(row)))
    return html_table(endpoint.endpoint, columns, rows, spanners=spanners)


def _observed_mean(observed: ObservedMean | None, log: bool) -> str | None:
    """The mean of what was observed, where the model has none of its own."""
    if observed is None or observed.mean is None:
        return None
    return f"{number(math.exp(observed.mean) if log else observed.mean)} (observed)"


def _mean_heading(log: bool) -> str:
    return "Geometric mean fold (CI)" if log else "LS mean change (CI)"


def subgroup_table(results: Results, endpoint: EndpointResult) -> str | None:
    """Effects by subgroup and their interaction; None without a subgroup model."""
    sub = endpoint.subgroup
    if sub is None or sub.fit is None:
        return None
    log = endpoint.scale == "log_fold"
    rows: list[list[Cell]] = []
    for visit, label in results.visits:
        for c in sub.effects:
            if c.visit == visit:
                rows.append(_effect_row(results, label, f"{sub.label} {c.subgroup}", c, log))
        for c in sub.interaction:
            if c.visit == visit:
                kind = "Ratio of effects" if log else "Difference of effects"
                rows.append(
                    _effect_row(results, label, f"{kind}, {difference(c)}", c, log, test=True)
                )
    columns = [
        ("visit", ""),
        ("part", "Effect in"),
        ("arm", "Comparison"),
        ("estimate", "Ratio (CI)" if log else "Difference (CI)"),
        ("df", "df"),
        ("p", "p of the interaction"),
    ]
    return html_table(f"{endpoint.endpoint}-subgroup", columns, rows, group=True, left=("arm",))


def _effect_row(
    results: Results, visit: str, part: str, c: Contrast, log: bool, *, test: bool = False
) -> list[Cell]:
    pair = f"{group_label(results, c.arm)} vs {group_label(results, c.reference)}"
    # No p by subgroup: two separate p-values would be read as "in both".
    return [visit, part, pair, contrast_text(c, log), number(c.df, 1), p_value(c.p) if test else ""]


def family_table(results: Results, family: FamilyResult) -> str:
    """A family of comparisons at one visit, p raw and adjusted."""
    drawn = {(row.endpoint, row.arm): row for row in family.maximum.rows} if family.maximum else {}
    rows: list[list[Cell]] = []
    for key, contrasts in family.contrasts.items():
        endpoint = endpoint_of(results, key)
        log = endpoint.scale == "log_fold"
        if not contrasts:
            rows.append([endpoint.label, "not estimable", *[None] * (5 if drawn else 3)])
        for c in contrasts:
            cells: list[Cell] = [
                endpoint.label,
                contrast_text(c, log),
                number(c.df, 1),
                p_value(c.p),
            ]
            if drawn:
                row = drawn.get((key, c.arm))
                cells += [row and p_value(row.unadjusted_p), row and p_value(row.single_step_p)]
            rows.append([*cells, p_value(c.adjusted_p)])
    columns = [
        ("endpoint", f"At {visit_label(results, family.visit)}"),
        ("estimate", "Effect (CI)"),
        ("df", "df"),
        ("p", "p, unadjusted"),
        ("adjusted", f"p, {NAMES[family.method]}"),
    ]
    if drawn:
        columns[3:4] = [
            ("p", "p, model, unadjusted"),
            ("drawn", "p, re-randomised, unadjusted"),
            ("single", "p, max-T, single step"),
        ]
    if family.method == "none":
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return html_table(f"family-{family.key}", columns, rows)
