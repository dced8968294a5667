"""Items of a simulated form: drawn so that scoring them gives the form's total."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from equipoise.instruments import component_range, components

if TYPE_CHECKING:
    import numpy as np

    from equipoise.instruments import Component, Instrument


def apportioned_items(
    scale: Instrument,
    totals: np.ndarray,
    generator: np.random.Generator,
    weights: Mapping[int, float] | None = None,
) -> dict[int, np.ndarray]:
    """Scores of all items that the total needs.

    The points of a total are drawn without replacement from all the points that its components
    can hold (a multivariate hypergeometric draw), so that each component expects the total's
    share of its range (selection sampling: Knuth, The Art of Computer Programming 3.4.2, algorithm
    S). Of a domain one item carries the domain's score and the others lie at or
    below it; of alternatives one carries the score and the others are at their lowest.

    Parameters
    ----------
    scale
        A scale with items.
    totals
        Whole numbers of any shape, within the scale's total (points).
    generator
        The stream to draw from.
    weights
        Number of an item → its mean as a share of the total's proportion: such items are drawn
        first, binomially, as far as the others have room for the rest; the others share it.

    Returns
    -------
    dict
        Number of the item → scores as on the form, of the shape of `totals`.
    """
    import numpy as np

    parts = components(scale)
    ranges = [component_range(scale, part) for part in parts]
    rooms = [high - low for low, high in ranges]
    left = np.asarray(totals).astype(np.int64) - sum(low for low, _ in ranges)
    room = sum(rooms)
    items: dict[int, np.ndarray] = {}
    whole, given = max(room, 1), left
    rest = []
    for part, (low, _), own in zip(parts, ranges, rooms, strict=True):
        weight = min((weights or {}).get(n, 1.0) for group in part for n in group)
        if weight == 1:
            rest.append((part, low, own))
            continue
        room -= own
        points = generator.binomial(own, weight * given / whole)
        points = np.minimum(np.maximum(points, left - room), left)
        left = left - points
        items.update(_within(scale, part, low + points, generator))
    for part, low, own in rest:
        before = left.copy()
        for u in generator.random((own, *left.shape)):
            left -= u * room < left
            room -= 1
        points = before - left
        items.update(_within(scale, part, low + points, generator))
    for number, scores in items.items():
        item = scale.items[number - 1]
        if item.reversed:
            items[number] = sum(item.range) - scores
    return items


def _within(
    scale: Instrument, part: Component, values: np.ndarray, generator: np.random.Generator
) -> dict[int, np.ndarray]:
    """Item → score before reversal, so that the component has these values."""
    import numpy as np

    if len(part) == 1 and len(part[0]) == 1:
        return {part[0][0]: values}
    ends = np.array([scale.items[group[0] - 1].range for group in part])
    carries = _one_of(len(part), generator, values.shape, values[..., None] <= ends[:, 1])
    found: dict[int, np.ndarray] = {}
    for index, group in enumerate(part):
        low, high = ends[index]
        scores = values
        if len(part) > 1:
            below = np.minimum(values, high) - low
            free = low + np.floor(generator.random(values.shape) * (below + 1)).astype(np.int64)
            scores = np.where(carries == index, values, free)
        chosen = _one_of(len(group), generator, values.shape)
        for at, number in enumerate(group):
            found[number] = np.where(chosen == at, scores, low)
    return found


def _one_of(
    count: int,
    generator: np.random.Generator,
    shape: tuple[int, ...],
    allowed: np.ndarray | None = None,
) -> np.ndarray:
    """Index of one of `count`, equally likely among those allowed; nothing is drawn for one."""
    import numpy as np

    if count == 1:
        return np.zeros(shape, dtype=np.int64)
    draws = generator.random((*shape, count))
    return np.argmax(draws if allowed is None else np.where(allowed, draws, -1.0), axis=-1)
