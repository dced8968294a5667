"""Tables of linearity along the early change, and of surrogacy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.early_change_words import outcome_unit
from equipoise.report.surrogacy_words import effect_text, proportion_text, relative_text, set_text
from equipoise.report.tables.html import Cell, html_table
from equipoise.report.words import group_label, number, p_value

if TYPE_CHECKING:
    from equipoise.analysis.prediction.prediction_results import Prediction
    from equipoise.analysis.results import Results


def linearity_table(prediction: Prediction) -> str | None:
    """The test of the spline's bend for every marker; None where there is none."""
    rows: list[list[Cell]] = []
    for marker in prediction.markers:
        found = marker.dose
        if found is not None:
            test = None
            if found.statistic is not None and found.df2 is not None:
                test = f"F = {number(found.statistic)} on {found.df1} and {found.df2:g}"
            knots = str(len(found.knots)) if found.knots else None
            rows.append(
                [marker.label, str(found.n), knots, test or "not estimable", p_value(found.p)]
            )
    if not rows:
        return None
    columns = [
        ("marker", "Early change of"),
        ("n", "n"),
        ("knots", "Knots"),
        ("test", "Bend"),
        ("p", "p"),
    ]
    return html_table("early-change-linearity", columns, rows)


def surrogacy_table(results: Results, prediction: Prediction) -> str | None:
    """Effects on marker and outcome and how they go together; None without a comparison."""
    rows: list[list[Cell]] = []
    for marker in prediction.markers:
        for row in marker.surrogacy:
            name = marker.label
            if len(results.groups) > 2:
                name = f"{name}, {group_label(results, row.arm)}"
            if row.relative_effect is None:
                rows.append([name, str(row.n), "not estimable", None, None, None, None])
                continue
            ratio = f"{relative_text(row)} ({set_text(row)})"
            rows.append(
                [
                    name,
                    str(row.n),
                    effect_text(row, "marker_effect"),
                    effect_text(row, "outcome_effect"),
                    ratio,
                    effect_text(row, "association"),
                    proportion_text(row),
                ]
            )
    if not rows:
        return None
    unit = outcome_unit(prediction)
    columns = [
        ("marker", "Early change of"),
        ("n", "n"),
        ("on_marker", "Effect on it, SD (CI)"),
        ("on_outcome", f"Effect on the outcome, {unit} (CI)"),
        ("ratio", f"Relative effect, {unit} per SD (Fieller)"),
        ("r", "Adjusted association (CI)"),
        ("proportion", "Proportion explained (Fieller)"),
    ]
    return html_table("early-change-surrogacy", columns, rows, left=("ratio", "proportion"))
