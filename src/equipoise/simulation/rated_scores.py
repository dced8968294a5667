"""Scores of simulated participants: totals cut to the scale, and the parts that are recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.instruments import TOTAL, needed, score_items
from equipoise.simulation.rated_items import apportioned_items
from equipoise.simulation.trial_arrays import ScoreArrays

if TYPE_CHECKING:
    import numpy as np

    from equipoise.instruments import Instrument, MissingItems
    from equipoise.protocol import Protocol


@dataclass(frozen=True, slots=True)
class InstrumentPlan:
    """One instrument.

    Attributes
    ----------
    scale, missing_items
        The scale, and the trial's rule for missing items.
    at
        (its visits,) positions among the visits of the trial.
    parts
        ``total``, numbers of items and subscales, in the order of the table.
    all_items
        Whether the recorded items give the total.
    shared
        Parts that are drawn by their share of the total: name → (lowest, highest, reversed).
    computed
        Subscales that the recorded items give.
    item_weight, item_weights
        Share of the total's proportion that a part drawn by it expects; by item, where given.
    """

    scale: Instrument
    missing_items: MissingItems | None
    at: np.ndarray
    parts: tuple[str, ...]
    all_items: bool
    shared: dict[str, tuple[int, int, bool]]
    computed: tuple[str, ...]
    item_weight: float
    item_weights: dict[int, float]


def plan_instruments(protocol: Protocol) -> dict[str, InstrumentPlan]:
    """By instrument of a protocol with statistical assumptions."""
    import numpy as np

    plan = protocol.assumptions.statistical
    assert plan is not None
    found: dict[str, InstrumentPlan] = {}
    for key, use in protocol.instruments.items():
        scale = protocol.scale(key)
        every = bool(scale.items) and needed(scale) <= set(use.items)
        parts = [TOTAL]
        if every:
            # In the order in which they are apportioned: component by component.
            parts += [str(n) for n in apportioned_items(scale, np.zeros(0), _nobody())]
        shared: dict[str, tuple[int, int, bool]] = {}
        for part in (*use.items, *use.subscales):
            if str(part) not in parts:
                turned = isinstance(part, int) and scale.items[part - 1].reversed
                shared[str(part)] = (*scale.range_of(part), turned)
        parts += shared
        computed = tuple(
            name
            for name in scale.subscales
            if scale.items and needed(scale, name) <= set(use.items) and name not in parts
        )
        found[key] = InstrumentPlan(
            scale=scale,
            missing_items=use.missing_items,
            at=np.array([i for i, v in enumerate(protocol.visits) if v.id in use.visits]),
            parts=tuple(parts),
            all_items=every,
            shared=shared,
            computed=computed,
            item_weight=plan.scores[key].item_weight,
            item_weights={int(n): w for n, w in plan.scores[key].item_weights.items()},
        )
    return found


def _nobody() -> np.random.Generator:
    import numpy as np

    return np.random.Generator(np.random.Philox(key=0))


def recorded_totals(plan: InstrumentPlan, values: np.ndarray) -> np.ndarray:
    """Totals (points) rounded and cut to the scale: its floor and its ceiling."""
    import numpy as np

    low, high = plan.scale.total
    return np.minimum(np.maximum(np.round(values), low), high)


def score_arrays(
    plan: InstrumentPlan, total: np.ndarray, seen: np.ndarray, generator: np.random.Generator
) -> ScoreArrays:
    """The parts of one instrument.

    Where all items of a total are recorded they score to it (`apportioned_items`). Otherwise an
    item is binomial: of its range, each point with the probability `item_weight`, or its own of
    `item_weights`, times the total's share of the highest total.

    Parameters
    ----------
    total
        (n, visits of the instrument) recorded totals.
    seen
        (n, visits of the instrument) whether the visit took place.
    """
    import numpy as np

    low, high = plan.scale.total
    scores = {TOTAL: total}
    if plan.all_items:
        drawn = apportioned_items(plan.scale, total, generator, plan.item_weights)
        scores |= {str(item): points for item, points in drawn.items()}
    for part, (lowest, highest, turned) in plan.shared.items():
        weight = plan.item_weights.get(int(part), plan.item_weight) if part.isdigit() else None
        share = (plan.item_weight if weight is None else weight) * (total - low) / (high - low)
        points = lowest + generator.binomial(highest - lowest, share)
        points = np.minimum(points, np.maximum(total, lowest))
        scores[part] = lowest + highest - points if turned else points
    values = np.empty((len(plan.parts) + len(plan.computed), *total.shape))
    for index, part in enumerate(plan.parts):
        values[index] = scores[part]
    if plan.computed:
        forms = np.full((total.size, len(plan.scale.items)), np.nan)
        for part in plan.parts:
            if part.isdigit():
                forms[:, int(part) - 1] = scores[part].ravel()
        scored = score_items(plan.scale, forms, plan.missing_items)
        for index, name in enumerate(plan.computed, len(plan.parts)):
            values[index] = scored.part(name).score.reshape(total.shape)
    values[:, ~seen] = np.nan
    return ScoreArrays(plan.parts, plan.computed, values)


def total_arrays(total: np.ndarray, seen: np.ndarray) -> ScoreArrays:
    """The totals of one instrument alone, as `score_arrays` has them."""
    import numpy as np

    return ScoreArrays((TOTAL,), (), np.where(seen, total, np.nan)[None])
