"""Profiles and heterogeneity as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equipoise.analysis.stratification.benefit_results import Stratification


def benefit_tables(found: Stratification | None) -> dict[str, list[dict[str, object]]]:
    """Rows by name of the table; nobody's own values are among them."""
    if found is None:
        return {}
    tables: dict[str, list[dict[str, object]]] = {}
    profiles = found.profiles
    if profiles is not None:
        tables["inflammation"] = [row.model_dump() for row in profiles.inflammation]
        tables["profile_choices"] = [row.model_dump() for row in profiles.choices]
        tables["profiles"] = [
            {**row.model_dump(exclude={"means"}), **dict(row.means)} for row in profiles.profiles
        ]
        tables["profile_relations"] = [
            {
                **row.model_dump(exclude={"values"}),
                **{f"profile_{k}": value for k, value in enumerate(row.values, 1)},
            }
            for row in profiles.relations
        ]
    tables["heterogeneity_interactions"] = [
        {"arm": one.arm, **row.model_dump()} for one in found.heterogeneity for row in one.modifiers
    ]
    tables["heterogeneity_effects"] = [
        {"arm": one.arm, **row.model_dump()} for one in found.heterogeneity for row in one.effects
    ]
    tables["heterogeneity_priors"] = [
        {"arm": one.arm, **row.model_dump()} for one in found.heterogeneity for row in one.priors
    ]
    return tables
