"""Associations within arms adjusted for the number of markers, as the protocol says.

Method: docs/methods/early-change.md, "Several markers".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from equipoise.analysis.family_adjustment import adjusted_members
from equipoise.analysis.prediction.multiplicity_results import MarkerAdjustment, MarkersAdjusted
from equipoise.protocol.multiplicity_plan import Adjustment
from equipoise.stats.early_change import (
    associate,
    landmark_data,
    permute_jointly,
    permute_residuals,
)
from equipoise.streams import stream

if TYPE_CHECKING:
    from equipoise.analysis.prediction.marker_table import MarkerTable
    from equipoise.protocol.prediction_plan import PredictionPlan
    from equipoise.stats.early_change import LandmarkData

DEFAULT_SEED = 1
PURPOSE = "prediction/multiplicity"


def adjust_markers(
    plan: PredictionPlan, table: MarkerTable, known: Mapping[str, float | None]
) -> MarkersAdjusted | None:
    """Adjusted p of every marker; None where the plan adjusts nothing.

    Parameters
    ----------
    known
        Marker → its permutation p within arms, of those that have been tested already; the
        others are tested here where the method needs it.
    """
    wanted = plan.multiplicity
    if wanted is None:
        return None
    data = marker_data(table)
    if wanted.method is Adjustment.MAX_T:
        seed = DEFAULT_SEED if wanted.seed is None else wanted.seed
        draws = int(wanted.draws or 0)
        (found,) = permute_jointly(data, draws, [stream(seed, PURPOSE)])
        rows = [
            MarkerAdjustment(
                marker=marker.key,
                label=marker.label,
                n=int(found.n[place]),
                t=_number(found.t[place]),
                unadjusted_p=_number(found.test.unadjusted[place]),
                single_step_p=_number(found.test.single_step[place]),
                adjusted_p=_number(found.test.step_down[place]),
            )
            for place, marker in enumerate(table.markers)
        ]
        return MarkersAdjusted(method=wanted.method.value, draws=draws, seed=seed, rows=tuple(rows))
    ps = {
        marker.key: known[marker.key]
        if marker.key in known
        else _own_p(plan, marker.key, data[place])
        for place, marker in enumerate(table.markers)
    }
    adjusted = adjusted_members(
        wanted.method, list(ps), ("",), {(key, ""): p for key, p in ps.items()}, wanted.graph
    )
    rows = []
    for place, marker in enumerate(table.markers):
        fitted, p = associate(data[place]), ps[marker.key]
        rows.append(
            MarkerAdjustment(
                marker=marker.key,
                label=marker.label,
                n=int(fitted.n),
                t=_number(fitted.slope / fitted.se),
                unadjusted_p=p,
                adjusted_p=None if p is None else adjusted[marker.key, ""],
            )
        )
    return MarkersAdjusted(method=wanted.method.value, rows=tuple(rows))


def marker_data(table: MarkerTable) -> list[LandmarkData]:
    """The landmark data of every marker: the same people in the same order."""
    return [
        landmark_data(
            table.outcome,
            table.early[:, place],
            [table.outcome_baseline, table.baseline[:, place]],
            table.arm,
            table.stratum,
            arms=len(table.groups),
            strata=table.strata + 1,
        )
        for place in range(len(table.markers))
    ]


def _own_p(plan: PredictionPlan, key: str, data: LandmarkData) -> float | None:
    test = permute_residuals(
        data, plan.permutations, stream(plan.seed, f"prediction/{key}/within-arms")
    )
    return _number(test.p)


def _number(value: object) -> float | None:
    """A finite number, or None."""
    number = float(value)  # type: ignore[arg-type]
    return number if math.isfinite(number) else None
