"""Tables of the associations adjusted for their number, and of how often they are claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.claim_words import association_claims, shares
from equipoise.report.multiplicity_words import NAMES
from equipoise.report.tables.html import Cell, html_table
from equipoise.report.words import number, p_value

if TYPE_CHECKING:
    from equipoise.analysis.prediction.prediction_results import Prediction
    from equipoise.design.characteristics import Characteristics


def multiplicity_table(prediction: Prediction) -> str:
    """Every marker with its p by itself and adjusted for the number of markers."""
    found = prediction.multiplicity
    assert found is not None
    drawn = found.method == "max-t"
    rows: list[list[Cell]] = []
    for row in found.rows:
        cells: list[Cell] = [row.label, str(row.n), number(row.t), p_value(row.unadjusted_p)]
        cells += [p_value(row.single_step_p)] if drawn else []
        cells += [p_value(row.adjusted_p)] if found.method != "none" else []
        rows.append(cells)
    columns = [("marker", "Early change of"), ("n", "n"), ("t", "t"), ("p", "p, unadjusted")]
    columns += [("single", "p, max-T, single step")] if drawn else []
    columns += [("adjusted", f"p, {NAMES[found.method]}")] if found.method != "none" else []
    return html_table("early-change-multiplicity", columns, rows)


def often_table(prediction: Prediction, found: Characteristics | None) -> str:
    """How often trials like this make each claim of the chapter, with and without a link."""
    claims = association_claims(prediction)
    columns = [("claim", "Claimed of"), ("off", "Link off"), ("on", "Link as assumed")]
    spanners = [("By itself, % of trials (95 % limits)", ["off", "on"])]
    rows: list[list[Cell]] = [[label, *shares(found, own)] for label, own, _ in claims]
    if prediction.multiplicity is not None and prediction.multiplicity.method != "none":
        columns += [("adjusted_off", "Link off"), ("adjusted_on", "Link as assumed")]
        name = NAMES[prediction.multiplicity.method]
        spanners.append((f"Adjusted ({name})", ["adjusted_off", "adjusted_on"]))
        rows = [[*row, *shares(found, key)] for row, (_, _, key) in zip(rows, claims, strict=True)]
    return html_table("early-change-often", columns, rows, spanners=spanners)
