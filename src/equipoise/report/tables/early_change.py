"""Tables of the landmark association, and of the allocation by stratum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.early_change_words import (
    SHOWS,
    among_label,
    correlation_text,
    imputed_text,
    outcome_unit,
    slope_text,
    term_text,
)
from equipoise.report.tables.html import SMALL, Cell, html_table
from equipoise.report.words import group_label, number, p_value, visit_label

if TYPE_CHECKING:
    from equipoise.analysis.prediction.prediction_results import (
        EarlyChange,
        LandmarkCount,
        Prediction,
    )
    from equipoise.analysis.results import Results


def markers_table(prediction: Prediction) -> str:
    """The slope within arms for every marker."""
    rows: list[list[Cell]] = []
    for marker in prediction.markers:
        slope = marker.headline
        rows.append(
            [
                marker.label,
                str(slope.n),
                slope_text(slope) or "not estimable",
                correlation_text(slope),
                p_value(slope.permutation_p),
                *_adjusted(prediction, marker),
            ]
        )
    unit = outcome_unit(prediction)
    columns = [
        ("marker", "Early change of"),
        ("n", "n"),
        ("sd", f"Per SD, {unit} (CI)"),
        ("r", "Partial r (CI)"),
        ("p", "p, permutation"),
    ]
    if rows and len(rows[0]) > len(columns):
        columns.append(("adjusted", "p, adjusted"))
    return html_table("early-change-markers", columns, rows)


def markers_otherwise_table(prediction: Prediction) -> str:
    """The same on ranks and, for ratios, per doubling."""
    rows: list[list[Cell]] = [
        [
            marker.label,
            correlation_text(marker.headline, ranks=True),
            slope_text(marker.headline, doubling=True),
        ]
        for marker in prediction.markers
    ]
    columns = [
        ("marker", "Early change of"),
        ("rank", "On ranks, partial r (CI)"),
        ("doubling", f"Per doubling, {outcome_unit(prediction)} (CI)"),
    ]
    if all(row[2] is None for row in rows):
        columns.pop()
        rows = [row[:2] for row in rows]
    return html_table("early-change-markers-otherwise", columns, rows)


def _adjusted(prediction: Prediction, marker: EarlyChange) -> list[str]:
    """The adjusted p of a marker; nothing where the plan adjusts nothing."""
    found = prediction.multiplicity
    if found is None or found.method == "none":
        return []
    row = found.of(marker.endpoint)
    return [p_value(None if row is None else row.adjusted_p)]


def claims_table(results: Results, prediction: Prediction, marker: EarlyChange) -> str:
    """One marker by every estimate, each with what it can show and what it cannot."""
    rows: list[list[Cell]] = []
    for slope in marker.slopes:
        kind = slope.among if slope.among in SHOWS else "arm"
        kind = "adjusted" if slope.adjusted_for_early_outcome else kind
        can, cannot = SHOWS[kind]
        rows.append(
            [
                among_label(results, slope),
                str(slope.n),
                slope_text(slope) or "not estimable",
                correlation_text(slope),
                p_value(slope.permutation_p),
                can,
                cannot,
            ]
        )
        for row in marker.imputed:
            alike = row.adjusted_for_early_outcome == slope.adjusted_for_early_outcome
            if row.among == slope.among and alike:
                name = f"{among_label(results, slope)}, imputed"
                text = imputed_text(row) or "not estimable"
                rows.append([name, str(row.n), text, None, None, *SHOWS["imputed"]])
        if kind == "within-arms" and marker.repeated is not None:
            found = marker.repeated.at(prediction.landmark)
            text = (found and imputed_text(found)) or "not estimable"
            name = f"{among_label(results, slope)}, from every visit"
            people = str(marker.repeated.participants)
            rows.append([name, people, text, None, None, *SHOWS["visits"]])
        if kind == "within-arms" and slope.rank_correlation is not None:
            ranked = correlation_text(slope, ranks=True)
            name = f"{among_label(results, slope)}, on ranks"
            rows.append([name, str(slope.n), None, ranked, None, *SHOWS["ranks"]])
    columns = [
        ("among", "Estimate"),
        ("n", "n"),
        ("sd", f"Per SD, {outcome_unit(prediction)} (CI)"),
        ("r", "Partial r (CI)"),
        ("p", "p, permutation"),
        ("can", "It can show"),
        ("cannot", "It cannot show"),
    ]
    return html_table("early-change-claims", columns, rows, left=("can", "cannot"))


def visits_table(results: Results, prediction: Prediction) -> str | None:
    """The slope at every later visit for every marker; None where there is none."""
    visits = list(
        dict.fromkeys(
            slope.visit
            for marker in prediction.markers
            if marker.repeated is not None
            for slope in marker.repeated.slopes
        )
    )
    if not visits:
        return None
    rows: list[list[Cell]] = []
    for marker in prediction.markers:
        found = marker.repeated
        if found is None:
            continue
        cells: list[Cell] = [marker.label, str(found.participants)]
        for visit in visits:
            slope = found.at(visit)
            cells.append((slope and imputed_text(slope)) or "not estimable")
        rows.append([*cells, p_value(found.p)])
    columns = [
        ("marker", "Early change of"),
        ("n", "n"),
        *((f"visit_{place}", visit_label(results, v)) for place, v in enumerate(visits)),
        ("p", "p, all visits"),
    ]
    spanner = f"Slope per SD, {outcome_unit(prediction)} (CI)"
    keys = [f"visit_{place}" for place in range(len(visits))]
    return html_table("early-change-visits", columns, rows, spanners=[(spanner, keys)])


def proportion_table(results: Results, prediction: Prediction) -> str | None:
    """Curvature and differences of slopes for every marker; None where there are none."""
    terms = [(row.term, row.arm) for marker in prediction.markers for row in marker.added]
    if not terms:
        return None
    unit = outcome_unit(prediction)
    columns = [("marker", "Early change of")]
    spanners: list[tuple[str, list[str]]] = []
    kinds = list(dict.fromkeys(terms))
    for place, (term, arm) in enumerate(kinds):
        keys = [f"{place}_estimate", f"{place}_p"]
        heading = f"Curvature, {unit} per squared SD"
        if term == "slope-difference":
            against = f"{group_label(results, arm or '')} against {_control(results)}"
            heading = f"Difference of slopes, {against}, {unit} per SD"
        columns += list(zip(keys, ["Estimate (CI)", "p"], strict=True))
        spanners.append((heading, keys))
    rows: list[list[Cell]] = []
    for marker in prediction.markers:
        found = {(row.term, row.arm): row for row in marker.added}
        cells: list[Cell] = [marker.label]
        for kind in kinds:
            row = found.get(kind)
            cells += [row and term_text(row), row and p_value(row.p)]
        rows.append(cells)
    return html_table("early-change-proportion", columns, rows, spanners=spanners)


def landmark_table(results: Results, prediction: Prediction) -> str:
    """Who can be looked at, and who was lost before the landmark; equal counts once."""
    alike: dict[tuple[LandmarkCount, ...], list[str]] = {}
    for marker in prediction.markers:
        alike.setdefault(marker.counts, []).append(marker.label)
    rows: list[list[Cell]] = []
    for counts, labels in alike.items():
        name = "; ".join(labels) if len(alike) > 1 else "Every marker"
        for count in counts:
            numbers = (count.randomised, count.no_early, count.no_outcome, count.used)
            rows.append([name, group_label(results, count.group), *map(str, numbers)])
    columns = [
        ("marker", ""),
        ("group", "Group"),
        ("randomised", "Enrolled" if results.plan.single_arm else "Randomised"),
        ("early", "No early change"),
        ("lost", "Lost before the landmark"),
        ("used", "In the estimate"),
    ]
    return html_table("early-change-counts", columns, rows, group=True)


def allocation_table(results: Results) -> str | None:
    """People by stratum and arm beside what the ratio gives; None without any to compare."""
    found = results.allocation
    if found is None:
        return None
    columns = [("stratum", " / ".join(found.factors) or "Stratum")]
    spanners = []
    for g in results.groups:
        keys = [f"{g.key}_n", f"{g.key}_planned"]
        columns += list(zip(keys, ["Allocated", "By the ratio"], strict=True))
        spanners.append((g.label, keys))
    rows: list[list[Cell]] = []
    for row in found.rows:
        cells: list[Cell] = ["Everybody" if row.stratum == "all" else row.stratum]
        for n, planned in zip(row.counts, row.planned, strict=True):
            cells += [str(n), f"{planned:g}" if planned == int(planned) else number(planned, 1)]
        rows.append(cells)
    if found.hidden:
        rows.append([SMALL, *[None] * (len(columns) - 1)])
    return html_table("allocation", columns, rows, spanners=spanners)


def _control(results: Results) -> str:
    return group_label(results, results.control or "")
