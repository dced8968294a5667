"""Tables of all early changes together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.multivariate_words import (
    coefficient_text,
    importance_text,
    unit,
)
from equipoise.report.tables.html import Cell, html_table
from equipoise.report.words import number, percent

if TYPE_CHECKING:
    from equipoise.analysis.prediction.multivariate_results import Multivariate
    from equipoise.analysis.prediction.prediction_results import Prediction
    from equipoise.analysis.results import Results


def together_table(results: Results, prediction: Prediction, found: Multivariate) -> str:
    """Importance, coefficients and how often the elastic net keeps each marker."""
    rows: list[list[Cell]] = []
    for marker in found.markers:
        if marker.dropped is not None:
            rows.append([marker.label, "left out", *[None] * 6])
            continue
        rows.append(
            [
                marker.label,
                importance_text(marker),
                _share(marker.above_one),
                coefficient_text(marker),
                number(marker.net_coefficient),
                _share(marker.kept),
                number(marker.imputed_importance),
                number(marker.imputed_coefficient),
            ]
        )
    columns = [
        ("marker", "Early change of"),
        ("importance", "VIP (95 % bootstrap)"),
        ("above", "Samples above 1"),
        ("coefficient", f"PLS, {unit(prediction)} (95 % bootstrap)"),
        ("net", f"Shrunken, {unit(prediction)}"),
        ("kept", "Kept"),
        ("imputed", "VIP, imputed"),
        ("imputed_coefficient", "PLS, imputed"),
    ]
    empty = {place for place in range(len(columns)) if all(row[place] is None for row in rows)}
    if found.imputed is None:
        empty |= {6, 7}
    keep = [place for place in range(len(columns)) if place not in empty]
    return html_table(
        "early-change-together",
        [columns[place] for place in keep],
        [[row[place] for place in keep] for row in rows],
    )


def tuning_table(found: Multivariate) -> str:
    """Q2 by number of components."""
    steps = [s for s in found.steps if s.method == "partial-least-squares"]
    rows: list[list[Cell]] = [
        ["0 (the covariates alone)" if not s.components else str(s.components), percent(s.q2)]
        for s in steps
    ]
    return html_table(
        "early-change-together-tuning",
        [("components", "Components"), ("q2", "Cross-validated Q²")],
        rows,
    )


def _share(value: float | None) -> str | None:
    return None if value is None else percent(value)
