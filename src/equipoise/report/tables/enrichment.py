"""Tables of the constructed people's forecasts, and of rules of enrichment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.enrichment_words import enrichment_rows
from equipoise.report.forecast_fan import fan_rows
from equipoise.report.tables.html import html_table

if TYPE_CHECKING:
    from equipoise.analysis.results import Results
    from equipoise.analysis.stratification.enrichment_results import EnrichmentResults
    from equipoise.analysis.stratification.forecast_results import ForecastResults


def forecast_fan_table(results: Results, found: ForecastResults) -> str:
    """The numbers of the fan."""
    probabilities = [band.probability for band in reversed(found.fans[0].outlooks[0].bands)]
    columns = [("person", "Constructed person"), ("arm", "Arm"), ("expected", "Expected")]
    columns += [(f"b{100 * p:.0f}", f"{100 * p:.0f} % interval") for p in probabilities]
    columns += [("response", "Response")]
    rows = fan_rows(results, found)
    if found.response is None:
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return html_table("forecast_fan", columns, rows, group=True)


def enrichment_table(found: EnrichmentResults) -> str:
    """One row a rule and threshold."""
    columns = [
        ("rule", "Rule"),
        ("threshold", "Threshold"),
        ("kept", "Kept"),
        ("share", "Share (95 % CI)"),
        ("screened", "For one kept"),
        ("among_kept", "Effect among the kept"),
        ("among_others", "Effect among the others"),
    ]
    return html_table("enrichment", columns, enrichment_rows(found), group=True)
