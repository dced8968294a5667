"""The landmark association as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.analysis.prediction.mediation_storage import mediation_tables
from equipoise.analysis.prediction.multivariate_storage import multivariate_tables

if TYPE_CHECKING:
    from equipoise.analysis.prediction.prediction_results import Prediction


def prediction_tables(prediction: Prediction | None) -> dict[str, list[dict[str, object]]]:
    """Rows by name of the table; nobody's own values are among them."""
    if prediction is None:
        return {}
    markers = prediction.markers
    adjusted = prediction.multiplicity
    return {
        "early_change_counts": [
            {"endpoint": marker.endpoint, **count.model_dump()}
            for marker in markers
            for count in marker.counts
        ],
        "early_change_slopes": [
            {"endpoint": marker.endpoint, **slope.model_dump()}
            for marker in markers
            for slope in marker.slopes
        ],
        "early_change_proportion": [
            {"endpoint": marker.endpoint, **term.model_dump()}
            for marker in markers
            for term in marker.added
        ],
        "early_change_bend": [
            {
                "endpoint": marker.endpoint,
                **marker.dose.model_dump(include={"n", "statistic", "df1", "df2", "p", "failure"}),
            }
            for marker in markers
            if marker.dose is not None
        ],
        "early_change_surrogacy": [
            {"endpoint": marker.endpoint, **row.model_dump()}
            for marker in markers
            for row in marker.surrogacy
        ],
        "early_change_imputed": [
            {"endpoint": marker.endpoint, **slope.model_dump()}
            for marker in markers
            for slope in marker.imputed
        ],
        "early_change_visits": [
            {"endpoint": marker.endpoint, **slope.model_dump()}
            for marker in markers
            if marker.repeated is not None
            for slope in marker.repeated.slopes
        ],
        **(
            {}
            if adjusted is None
            else {"early_change_multiplicity": [row.model_dump() for row in adjusted.rows]}
        ),
        **mediation_tables(prediction.mediation),
        **multivariate_tables(prediction.multivariate),
    }
