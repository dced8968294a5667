"""The mediation analysis as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equipoise.analysis.prediction.mediation_results import Mediation, MediationSet


def mediation_tables(mediation: Mediation | None) -> dict[str, list[dict[str, object]]]:
    """Rows by name of the table; nobody's own values are among them."""
    if mediation is None or not mediation.sets:
        return {}
    sets = mediation.sets
    return {
        "mediation_effects": [
            {**_head(row), **effect.model_dump()} for row in sets for effect in row.effects
        ],
        "mediation_paths": [
            {**_head(row), **path.model_dump()} for row in sets for path in row.paths
        ],
        "mediation_confounding": [
            {**_head(row), "vanishing": row.plain.vanishing, **point.model_dump()}
            for row in sets
            if row.plain is not None
            for point in row.plain.rho
        ],
        "mediation_assay_error": [
            {**_head(row), **point.model_dump()}
            for row in sets
            if row.plain is not None
            for point in row.plain.assay
        ],
        "mediation_imputed": [
            {**_head(row), **row.imputed.model_dump()} for row in sets if row.imputed is not None
        ],
    }


def _head(row: MediationSet) -> dict[str, object]:
    return {"arm": row.arm, "joint": row.joint, "mediators": " + ".join(row.mediators)}
