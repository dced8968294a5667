"""The order of testing and the families of many trials at once, where a trial's are plain.

`judge` asks `answer_estimands` and `adjust_families`, the functions of the analysis, trial by
trial; under the commonest plan (one active arm, a fixed sequence, families by Holm) what they
decide is a few comparisons, made here for all trials together. tests/design hold the two to the
same decision in every trial.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.design.characteristics import MADE, NOT_JUDGED, NOT_MADE
from equipoise.design.planned_analysis import effects_of_estimand
from equipoise.protocol.multiplicity_plan import Adjustment
from equipoise.protocol.questions import TestingOrder

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from equipoise.design.chunk_analysis import ChunkEffects
    from equipoise.design.planned_analysis import PlannedAnalysis
    from equipoise.design.questions import PlannedClaim
    from equipoise.protocol import Protocol

#: Methods that are Holm's where nothing is drawn again.
_HOLM = (Adjustment.HOLM, Adjustment.MAX_T)


def plainly_tested(protocol: Protocol) -> bool:
    """Whether the plan is the one that this module judges."""
    return (
        len(protocol.active_arms) == 1
        and protocol.analysis.testing is not TestingOrder.GRAPHICAL
        and all(family.method in _HOLM for family in protocol.analysis.families.values())
    )


def judged_at_once(
    plan: PlannedAnalysis,
    claims: tuple[PlannedClaim, ...],
    effects: ChunkEffects,
    level: np.ndarray | None,
) -> dict[int, np.ndarray]:
    """Place of each claim about an estimand or in a family → int8 (B,) how it was judged.

    Parameters
    ----------
    level
        (B,) nominal level of the look at which each trial ended; None: the protocol's.
    """
    import numpy as np

    protocol = plan.protocol
    alpha = np.full(effects.trials, protocol.analysis.alpha) if level is None else level
    shown = _sequence(plan, effects, alpha)
    adjusted = _families(plan, effects)
    found: dict[int, np.ndarray] = {}
    for place, claim in enumerate(claims):
        if claim.kind == "estimand":
            key = claim.claim.key.removeprefix("estimand:")
            (effect,) = effects_of_estimand(plan, key).values()
            estimate = effects.get(effect)["estimate"]
            made = shown[key] & _right_way(claim, estimate)
            found[place] = np.where(
                np.isnan(estimate), NOT_JUDGED, np.where(made, MADE, NOT_MADE)
            ).astype(np.int8)
        elif claim.kind == "family":
            ((key, name),) = claim.members
            (effect,) = claim.effects
            estimate = effects.get(effect)["estimate"]
            after = protocol.analysis.families[key].after
            closed = np.zeros(effects.trials, dtype=bool) if after is None else ~shown[after]
            made = (adjusted[key, name] < protocol.analysis.alpha) & _right_way(claim, estimate)
            judged = np.where(np.isnan(estimate), NOT_JUDGED, np.where(made, MADE, NOT_MADE))
            found[place] = np.where(closed, NOT_MADE, judged).astype(np.int8)
    return found


def _sequence(
    plan: PlannedAnalysis, effects: ChunkEffects, alpha: np.ndarray
) -> Mapping[str, np.ndarray]:
    """Estimand → (B,) whether it is significant: all before it have to be, and it too."""
    import numpy as np

    estimands = plan.protocol.estimands
    order = sorted(estimands, key=lambda key: estimands[key].role != "primary")
    open_gate = np.ones(effects.trials, dtype=bool)
    shown: dict[str, np.ndarray] = {}
    for key in order:
        (effect,) = effects_of_estimand(plan, key).values()
        parts = effects.get(effect)
        there = np.isfinite(parts["estimate"])
        open_gate = open_gate & there & (_known(parts["p"]) < alpha)
        shown[key] = open_gate
    return shown


def _families(plan: PlannedAnalysis, effects: ChunkEffects) -> Mapping[tuple[str, str], np.ndarray]:
    """(family, member) → (B,) p adjusted by Holm over all members; a missing one counts as 1."""
    import numpy as np

    (arm,) = plan.protocol.active_arms
    found: dict[tuple[str, str], np.ndarray] = {}
    for key, family in plan.protocol.analysis.families.items():
        p = np.stack(
            [
                _known(effects.get(("endpoint", name, arm, family.visit, ""))["p"])
                for name in family.endpoints
            ],
            axis=1,
        )
        order = np.argsort(p, axis=1, kind="stable")
        ordered = np.take_along_axis(p, order, axis=1) * np.arange(p.shape[1], 0, -1)
        stepped = np.minimum(np.maximum.accumulate(ordered, axis=1), 1.0)
        adjusted = np.empty_like(p)
        np.put_along_axis(adjusted, order, stepped, axis=1)
        for place, name in enumerate(family.endpoints):
            found[key, name] = adjusted[:, place]
    return found


def _known(p: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.where(np.isnan(p), 1.0, p)


def _right_way(claim: PlannedClaim, estimate: np.ndarray) -> np.ndarray:
    import numpy as np

    sign = claim.direction.sign
    if sign == 0:
        return np.ones(len(estimate), dtype=bool)
    return sign * (estimate - claim.direction.null) > 0
