"""Rating scales as a protocol sees them: those of the library, and those of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from equipoise.instruments import Instrument
    from equipoise.protocol.measurements import InstrumentUse

#: Written for `items`: every item of the scale is recorded.
ALL_ITEMS = "all"


def scale_of(scales: Mapping[str, Instrument] | None, name: str) -> Instrument | None:
    """The scale of this name: the protocol's own, or the library's; None where neither has it.

    Parameters
    ----------
    scales
        The protocol's own scales; None where their table is faulty.
    name
        As an instrument of the protocol gives it.
    """
    from equipoise.instruments import get_scale, scale_names

    if scales and name in scales:
        return scales[name]
    return get_scale(name) if name in scale_names() else None


def computed_subscales(use: InstrumentUse, scale: Instrument) -> tuple[str, ...]:
    """Subscales whose items are all recorded, so that they are computed."""
    return tuple(k for k, part in scale.subscales.items() if set(part.items) <= set(use.items))


def parts_of(use: InstrumentUse, scale: Instrument) -> tuple[str, ...]:
    """What `item` of the records may be: ``total``, items, subscales."""
    from equipoise.instruments import TOTAL

    computed = computed_subscales(use, scale)
    subscales = [key for key in scale.subscales if key in computed or key in use.subscales]
    return (TOTAL, *(str(item) for item in use.items), *subscales)


def with_all_items(data: Any) -> Any:
    """The raw tables of a protocol, where ``items = "all"`` is written out.

    So every stage sees the numbers, and the word and the full list are one plan. Where the
    scale is unknown or faulty there is nothing to write out; that is said elsewhere.
    """
    instruments = data.get("instruments") if isinstance(data, Mapping) else None
    if not isinstance(instruments, Mapping):
        return data
    written: dict[Any, Any] = {}
    for key, use in instruments.items():
        if isinstance(use, Mapping) and use.get("items") == ALL_ITEMS:
            count = _item_count(data.get("scales"), use.get("scale"))
            written[key] = {**use, "items": list(range(1, count + 1))}
        else:
            written[key] = use
    return {**data, "instruments": written}


def _item_count(scales: Any, name: Any) -> int:
    own = scales.get(name) if isinstance(scales, Mapping) and isinstance(name, str) else None
    if isinstance(own, Mapping):
        return len(own["items"]) if isinstance(own.get("items"), list | tuple) else 0
    scale = own if own is not None else scale_of(None, str(name))
    return 0 if scale is None else len(scale.items)
