"""The library of rating scales, one TOML file a scale.

Item wordings are under copyright and are not shipped: items are numbers with ranges.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Instrument:
    """A rating scale.

    Attributes
    ----------
    name, label, source
        Name in a protocol, name as printed, where ranges and rules were read.
    items
        Item number → (lowest, highest) score, in points.
    total
        (lowest, highest) total, in points.
    better
        Which direction is better: ``lower`` or ``higher``.
    suicidality_item
        Number of the item on suicidality; None where the scale has none.
    response_reduction
        Reduction from baseline that counts as response, as a fraction; None without a rule.
    remission_below
        Remission is a total below this; None without a rule.
    """

    name: str
    label: str
    source: str
    items: MappingProxyType[int, tuple[int, int]]
    total: tuple[int, int]
    better: str
    suicidality_item: int | None
    response_reduction: float | None
    remission_below: float | None

    def range_of(self, item: int | None) -> tuple[int, int]:
        """Range of an item, or of the total when `item` is None.

        Raises
        ------
        KeyError
            When the scale has no such item.
        """
        return self.total if item is None else self.items[item]


@functools.cache
def scale_names() -> tuple[str, ...]:
    """Names of all scales, sorted."""
    folder = resources.files("equipoise.instruments") / "scales"
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir()))


@functools.cache
def get_scale(name: str) -> Instrument:
    """The scale of this name.

    Raises
    ------
    KeyError
        When the library has no scale of this name.
    """
    if name not in scale_names():
        raise KeyError(name)
    file = resources.files("equipoise.instruments") / "scales" / f"{name}.toml"
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    ranges = data["item_ranges"]
    return Instrument(
        name=name,
        label=data["label"],
        source=data["source"],
        items=MappingProxyType({n + 1: (low, high) for n, (low, high) in enumerate(ranges)}),
        total=tuple(data["total"]),
        better=data["better"],
        suicidality_item=data.get("suicidality_item"),
        response_reduction=data.get("response_reduction"),
        remission_below=data.get("remission_below"),
    )
