"""What a score is made of: groups of alternatives, of which domains take the largest.

A *group* is one item, or several of which one is rated. A *component* is what is added: a
group, or for domain maxima the groups of a domain, of which the largest counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from equipoise.instruments.definition import Scoring

if TYPE_CHECKING:
    from equipoise.instruments.definition import Instrument, Range

Group = tuple[int, ...]
Component = tuple[Group, ...]


def components(scale: Instrument, subscale: str | None = None) -> tuple[Component, ...]:
    """The components of the total, or of a subscale, which is always a sum."""
    if subscale is not None:
        return tuple((group,) for group in groups(scale, scale.subscales[subscale].items))
    if scale.scoring is Scoring.DOMAIN_MAXIMA:
        return tuple(tuple(groups(scale, domain.items)) for domain in scale.domains)
    return tuple((group,) for group in groups(scale, scale.counted))


def groups(scale: Instrument, items: Iterable[int]) -> Iterator[Group]:
    """The items, in their order, alternatives together."""
    wanted = tuple(items)
    partners = {n: group for group in scale.alternatives for n in group}
    seen: set[int] = set()
    for number in wanted:
        if number not in seen:
            group = tuple(n for n in partners.get(number, (number,)) if n in wanted)
            seen.update(group)
            yield group


def component_range(scale: Instrument, component: Component) -> Range:
    """(lowest, highest) that a component adds."""
    ranges = [scale.items[number - 1].range for group in component for number in group]
    return max(low for low, _ in ranges), max(high for _, high in ranges)


def reachable(scale: Instrument, subscale: str | None = None) -> Range:
    """(lowest, highest) score that the items give."""
    ranges = [component_range(scale, part) for part in components(scale, subscale)]
    return sum(low for low, _ in ranges), sum(high for _, high in ranges)


def needed(scale: Instrument, subscale: str | None = None) -> frozenset[int]:
    """Numbers of the items from which the total, or a subscale, is computed."""
    parts = components(scale, subscale)
    return frozenset(number for part in parts for group in part for number in group)
