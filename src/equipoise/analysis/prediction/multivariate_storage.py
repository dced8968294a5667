"""All early changes together as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equipoise.analysis.prediction.multivariate_results import Multivariate


def multivariate_tables(found: Multivariate | None) -> dict[str, list[dict[str, object]]]:
    """Rows by name of the table; nobody's own values are among them."""
    if found is None:
        return {}
    tables: dict[str, list[dict[str, object]]] = {
        "early_change_together": [row.model_dump() for row in found.tests],
        "early_change_together_markers": [row.model_dump() for row in found.markers],
        "early_change_together_tuning": [row.model_dump() for row in found.steps],
        "early_change_together_components": [row.model_dump() for row in found.components],
    }
    return {name: rows for name, rows in tables.items() if rows}
