"""Max-T of a family by re-randomisation: one set of lists for all its members.

Each list, drawn again by the protocol's scheme, is read for every member, whose model is fitted
again: what the members have in common stays in the draws. Outcomes and missing ones stay where
they are. Derivation: docs/methods/multiple-comparisons.md, "The maximum, by drawing".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from equipoise.analysis.family_results import FamilyMaximum, MaximumRow
from equipoise.analysis.rerandomised import DEFAULT_SEED, cannot_redraw, draw_allocations
from equipoise.protocol.multiplicity_plan import Adjustment
from equipoise.stats import StatsError, arm_contrast, westfall_young
from equipoise.stats.allocation_arrays import allocation_codes
from equipoise.stats.extreme_allocations import TIE

if TYPE_CHECKING:
    import numpy as np

    from equipoise.analysis.dataset import Dataset
    from equipoise.analysis.model_results import Contrast
    from equipoise.analysis.rerandomised import Drawn
    from equipoise.protocol import Protocol
    from equipoise.protocol.questions import Family
    from equipoise.records import Records


def redraw_families(
    protocol: Protocol,
    records: Records,
    datasets: Mapping[str, Dataset],
    effects: Mapping[str, tuple[Contrast, ...]],
) -> dict[str, FamilyMaximum]:
    """Family → its max-T, of every family that asks for it.

    Parameters
    ----------
    datasets
        The data of every continuous endpoint, by key.
    effects
        All contrasts by endpoint: what has none has no place in the maximum.
    """
    found: dict[str, FamilyMaximum] = {}
    drawn: dict[tuple[int, int], Drawn] = {}
    for key, family in protocol.analysis.families.items():
        if family.method is not Adjustment.MAX_T:
            continue
        draws = int(family.draws or 0)
        seed = DEFAULT_SEED if family.seed is None else family.seed
        why = cannot_redraw(protocol, records)
        if why is not None:
            found[key] = FamilyMaximum(draws=draws, seed=seed, failure=why)
            continue
        if (draws, seed) not in drawn:
            drawn[draws, seed] = draw_allocations(protocol, records, draws, seed)
        rows = _maximum(protocol, family, datasets, effects, drawn[draws, seed])
        found[key] = FamilyMaximum(draws=draws, seed=seed, rows=rows)
    return found


def _maximum(
    protocol: Protocol,
    family: Family,
    datasets: Mapping[str, Dataset],
    effects: Mapping[str, tuple[Contrast, ...]],
    drawn: Drawn,
) -> tuple[MaximumRow, ...]:
    import numpy as np

    members = [
        (name, c.arm) for name in family.endpoints for c in effects[name] if c.visit == family.visit
    ]
    seen = np.full(len(members), np.nan)
    statistics = np.zeros((len(drawn.arms), len(members)))
    failures: list[str | None] = [None] * len(members)
    for place, (name, arm) in enumerate(members):
        try:
            seen[place], statistics[:, place] = _refitted(
                protocol, name, arm, family.visit, datasets[name], drawn
            )
        except StatsError as error:
            failures[place] = str(error)
    test = westfall_young(np.abs(seen), np.abs(statistics), tie=TIE)
    return tuple(
        MaximumRow(endpoint=name, arm=arm, failure=failures[place])
        if failures[place] is not None
        else MaximumRow(
            endpoint=name,
            arm=arm,
            t=float(seen[place]),
            unadjusted_p=float(test.unadjusted[place]),
            single_step_p=float(test.single_step[place]),
            adjusted_p=float(test.step_down[place]),
            failed=int(np.isnan(statistics[:, place]).sum()),
        )
        for place, (name, arm) in enumerate(members)
    )


def _refitted(
    protocol: Protocol, endpoint: str, arm: str, visit: str, data: Dataset, drawn: Drawn
) -> tuple[float, np.ndarray]:
    """The statistic under the recorded allocation, and (B,) those under the lists."""
    model = protocol.analysis.models[str(protocol.endpoints[endpoint].model)]
    contrast = arm_contrast(
        model.formula,
        data.frame,
        subject="participant",
        visit="visit",
        arm="arm",
        level=arm,
        reference=protocol.control,
        at={"visit": visit} if len(protocol.endpoint_visits(endpoint)) > 1 else None,
        covariance=model.covariance,
        method=model.method,
        df=model.df,
        vcov=model.vcov,
        group=model.group,
    )
    estimate, se, _ = contrast.observed_effect()
    columns = [drawn.participants[person] for person in contrast.participants]
    codes = allocation_codes(drawn.arms[:, columns], contrast.arms, len(contrast.observed))
    return estimate / se, contrast.refit(codes).statistics
