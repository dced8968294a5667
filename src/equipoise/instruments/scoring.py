"""From items to totals and subscales, with the missing-item rule of the scale or the trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.instruments.composition import Component, component_range, components
from equipoise.instruments.definition import TOTAL, MissingRule, Rounding

if TYPE_CHECKING:
    import numpy as np

    from equipoise.instruments.definition import Instrument, MissingItems


@dataclass(frozen=True, slots=True)
class PartScores:
    """The total, or a subscale, of n forms.

    Attributes
    ----------
    score
        (n,) points; NaN where items are missing beyond the rule.
    lowest, highest
        (n,) points: the scores that the rated items leave possible; equal on a full form.
    missing
        (n,) number of components without a value.
    prorated
        (n,) True where the score was prorated.
    """

    score: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    missing: np.ndarray
    prorated: np.ndarray

    @property
    def n_prorated(self) -> int:
        """How many scores were prorated."""
        return int(self.prorated.sum())


@dataclass(frozen=True, slots=True)
class ScoredItems:
    """Scores of n forms: the total, and each subscale by name."""

    total: PartScores
    subscales: Mapping[str, PartScores]

    def part(self, name: str) -> PartScores:
        """The scores of ``total``, or of a subscale.

        Raises
        ------
        KeyError
            When the scale has no such part.
        """
        return self.total if name == TOTAL else self.subscales[name]


def score_items(
    scale: Instrument, items: np.ndarray, missing_items: MissingItems | None = None
) -> ScoredItems:
    """Score forms.

    Parameters
    ----------
    scale
        A scale with items.
    items
        (n, items of the scale) scores as on the form, in points, each within its range; NaN
        where an item was not rated. Of alternatives one rated item is enough.
    missing_items
        The missing-item rule; the scale's own when left out.

    Returns
    -------
    ScoredItems

    Raises
    ------
    ValueError
        When the scale has no items, or the array another number of them.
    """
    import numpy as np

    if not scale.items:
        raise ValueError(f"{scale.label} is a single rating: there are no items to score")
    if items.ndim != 2 or items.shape[1] != len(scale.items):
        raise ValueError(f"items of {scale.label}: (n, {len(scale.items)}), not {items.shape}")
    rule = scale.missing_items if missing_items is None else missing_items
    ends = np.array([item.range for item in scale.items], dtype=float)
    turned = np.array([item.reversed for item in scale.items])
    keyed = np.where(turned, ends.sum(axis=1) - items, items)
    return ScoredItems(
        total=_part(scale, keyed, components(scale), rule, rule.at_most),
        subscales={
            key: _part(scale, keyed, components(scale, key), rule, rule.at_most_in_subscale)
            for key in scale.subscales
        },
    )


def _part(
    scale: Instrument,
    keyed: np.ndarray,
    parts: tuple[Component, ...],
    rule: MissingItems,
    at_most: int,
) -> PartScores:
    import numpy as np

    values = np.column_stack([_group_values(keyed, part).max(axis=1) for part in parts])
    score, prorated = _summed(scale, parts, values, rule, at_most)
    low, high = _possible(scale, keyed, parts)
    return PartScores(score, low, high, np.isnan(values).sum(axis=1), prorated)


def _group_values(keyed: np.ndarray, component: Component) -> np.ndarray:
    """(n, groups) the larger of what was rated in each group; NaN where nothing was."""
    import numpy as np

    columns = []
    for group in component:
        rated = keyed[:, [number - 1 for number in group]]
        largest = np.where(np.isnan(rated), -np.inf, rated).max(axis=1)
        columns.append(np.where(np.isneginf(largest), np.nan, largest))
    return np.column_stack(columns)


def _summed(
    scale: Instrument,
    parts: tuple[Component, ...],
    values: np.ndarray,
    rule: MissingItems,
    at_most: int,
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) sums, and which of them were prorated."""
    import numpy as np

    there = ~np.isnan(values)
    gaps = (~there).sum(axis=1)
    observed = np.where(there, values, 0.0).sum(axis=1)
    total = np.where(gaps == 0, observed, np.nan)
    prorated = np.zeros(len(values), dtype=bool)
    if rule.rule is not MissingRule.PRORATE:
        return total, prorated
    prorated = (gaps > 0) & (gaps <= at_most)
    ends = np.array([component_range(scale, part) for part in parts], dtype=float)
    low = np.where(there, ends[:, 0], 0.0).sum(axis=1)
    high = np.where(there, ends[:, 1], 0.0).sum(axis=1)
    room = np.where(prorated, high - low, 1.0)
    filled = ends[:, 0].sum() + (observed - low) / room * (ends[:, 1] - ends[:, 0]).sum()
    if rule.rounding is Rounding.NEAREST:
        filled = np.floor(filled + 0.5)
    return np.where(prorated, filled, total), prorated


def _possible(
    scale: Instrument, keyed: np.ndarray, parts: tuple[Component, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) lowest and highest total once the missing groups take their ends."""
    import numpy as np

    ends: list[np.ndarray] = []
    for end in (0, 1):
        sums = np.zeros(len(keyed))
        for part in parts:
            values = _group_values(keyed, part)
            fills = np.array([component_range(scale, (group,))[end] for group in part], float)
            sums += np.where(np.isnan(values), fills, values).max(axis=1)
        ends.append(sums)
    return ends[0], ends[1]
