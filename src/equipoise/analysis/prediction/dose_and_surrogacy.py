"""The outcome along the early change, and the effects of treatment on both.

Methods: docs/methods/early-change.md, "In proportion"; docs/methods/surrogacy.md.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from equipoise.analysis.prediction.prediction_results import DoseCurve, Pair, SurrogacyRow
from equipoise.stats.early_change import dose_response
from equipoise.stats.surrogate_effects import surrogacy

if TYPE_CHECKING:
    from equipoise.analysis.prediction.early_pairs import EarlyPairs
    from equipoise.stats.surrogate_effects import Estimate, Ratio

#: Where a curve is given.
_POINTS = 41


def bend(pairs: EarlyPairs, alpha: float, *, drawn: bool, people: bool) -> DoseCurve:
    """The test of linearity; with the curve where it is drawn, with marks where people may be."""
    found = dose_response(pairs.arrays(), points=_POINTS, alpha=alpha)
    if not math.isfinite(found.p):
        return DoseCurve(n=found.n, failure="too few people, or too few different early changes")
    marks: list[Pair] = []
    if drawn and people:
        early, arm = pairs.column("early"), pairs.arm
        marks = [
            Pair(group=pairs.groups[arm[i]], early=early[i], outcome=found.adjusted[i])
            for i in np.flatnonzero(np.isfinite(found.adjusted))
        ]
        marks.sort(key=lambda mark: (pairs.groups.index(mark.group), mark.early, mark.outcome))

    def shown(values: np.ndarray) -> tuple[float, ...]:
        return tuple(float(value) for value in values) if drawn else ()

    return DoseCurve(
        n=found.n,
        knots=tuple(float(knot) for knot in found.knots),
        statistic=found.statistic,
        df1=found.df1,
        df2=found.df2,
        p=found.p,
        at=shown(found.at),
        curve=shown(found.curve),
        lower=shown(found.lower),
        upper=shown(found.upper),
        line=shown(found.line),
        marks=tuple(marks),
    )


def effects_on_both(pairs: EarlyPairs, sd: float | None, alpha: float) -> tuple[SurrogacyRow, ...]:
    """Each active arm against the control; effects on the marker per SD within arms."""
    arm, stratum = pairs.arm, pairs.stratum
    rows: list[SurrogacyRow] = []
    for place, name in enumerate(pairs.groups[1:], 1):
        mine = (arm == 0) | (arm == place)
        levels = [(stratum[mine] == s).astype(float) for s in range(1, pairs.strata)]
        baselines = [pairs.column(c)[mine] for c in ("outcome_baseline", "early_baseline")]
        found = None
        if sd is not None:
            found = surrogacy(
                pairs.column("outcome")[mine],
                pairs.column("early")[mine] / sd,
                (arm[mine] == place).astype(float),
                [*levels, *baselines],
                alpha=alpha,
            )
        if found is None:
            n = int(pairs.arrays().complete[0, mine].sum())
            why = "too few people in either arm, or an early change that does not vary enough"
            rows.append(SurrogacyRow(arm=name, n=n, failure=why))
            continue
        rows.append(
            SurrogacyRow.model_validate(
                {
                    "arm": name,
                    "n": found.n,
                    "df": found.df,
                    **_limits("outcome_effect", found.outcome_effect),
                    **_limits("marker_effect", found.marker_effect),
                    **_limits("relative_effect", found.relative_effect),
                    "shape": found.relative_effect.shape,
                    **_limits("association", found.association),
                    **_limits("proportion", found.proportion_explained),
                    "proportion_shape": found.proportion_explained
                    and found.proportion_explained.shape,
                }
            )
        )
    return tuple(rows)


def _limits(name: str, found: Estimate | Ratio | None) -> dict[str, float | None]:
    if found is None:
        return {}
    values = {name: found.value, f"{name}_lower": found.lower, f"{name}_upper": found.upper}
    return {key: value if math.isfinite(value) else None for key, value in values.items()}
