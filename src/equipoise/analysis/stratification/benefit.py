"""Who benefits: immune profiles and heterogeneity, from plan and records to results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from equipoise.analysis.individual_courses import may_show_people
from equipoise.analysis.prediction.marker_table import make_marker_table
from equipoise.analysis.stratification.benefit_results import Stratification
from equipoise.analysis.stratification.heterogeneity import analyse_heterogeneity
from equipoise.analysis.stratification.immune_profiles import analyse_profiles

if TYPE_CHECKING:
    from equipoise.analysis.dataset import Dataset
    from equipoise.analysis.groups import Groups
    from equipoise.protocol import Protocol
    from equipoise.records import Records


def analyse_benefit(
    protocol: Protocol,
    records: Records,
    groups: Groups,
    datasets: Mapping[str, Dataset],
    smallest: int,
) -> Stratification | None:
    """Profiles and heterogeneity as planned; None where neither is, or while blinded.

    Parameters
    ----------
    datasets
        The data of every continuous endpoint, by key.
    smallest
        The smallest count that is shown.
    """
    plan, prediction = protocol.analysis.stratification, protocol.analysis.prediction
    if plan is None or groups.closed or (plan.profiles is None and plan.heterogeneity is None):
        return None
    table = None
    if prediction is not None:
        table = make_marker_table(protocol, records, groups, datasets, prediction)
    profiles = None
    if plan.profiles is not None:
        profiles = analyse_profiles(protocol, records, table, plan.profiles, smallest)
    heterogeneity = ()
    if plan.heterogeneity is not None and table is not None:
        heterogeneity = analyse_heterogeneity(
            table,
            plan.heterogeneity,
            alpha=protocol.analysis.alpha,
            smallest=smallest,
            people=may_show_people(protocol, records, groups),
        )
    outcome = prediction.outcome if prediction is not None else protocol.primary[1].endpoint
    point = protocol.endpoints[outcome]
    return Stratification(
        outcome=outcome,
        outcome_label=point.label,
        outcome_unit=protocol.unit_of(outcome) if point.scale.value == "change" else "log units",
        better=point.better,
        landmark=prediction.landmark if prediction is not None else "",
        profiles=profiles,
        heterogeneity=heterogeneity,
    )
