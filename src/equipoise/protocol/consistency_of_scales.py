"""Rating scales in use: known, with the items they have, rated when they can be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from equipoise.protocol.consistency import Inconsistency, Tables, needs, unknown
from equipoise.protocol.questions import Scale
from equipoise.protocol.scales import computed_subscales, parts_of, scale_of

if TYPE_CHECKING:
    from equipoise.instruments import Instrument
    from equipoise.protocol.measurements import InstrumentUse
    from equipoise.toml_places import Path


@needs("scales")
def _own_scales(tables: Tables) -> Iterator[Inconsistency]:
    from equipoise.instruments import scale_names

    for name in tables["scales"]:
        if name in scale_names():
            yield Inconsistency(
                ("scales", name),
                name,
                "a scale of one's own does not take the name of one of the library",
                f"rename it, for example `my-{name}`",
                "scale-shadows-library",
            )


@needs("instruments", "scales", "visits")
def _uses(tables: Tables) -> Iterator[Inconsistency]:
    from equipoise.instruments import scale_names

    first = next((visit.id for visit in tables["visits"] if visit.baseline), None)
    for name, use in tables["instruments"].items():
        path = ("instruments", name)
        scale = scale_of(tables["scales"], use.scale)
        if scale is None:
            known = [*tables["scales"], *scale_names()]
            found = unknown((*path, "scale"), use.scale, "scale", known, "the library or this plan")
            remedy = f"{found.remedy} Else add instruments/{use.scale}.toml beside the protocol"
            yield Inconsistency(found.path_parts, found.value, found.rule, remedy)
            continue
        yield from _items(path, use, scale)
        if first is not None and scale.baseline != (first in use.visits):
            rule = f"a measurement is taken at the baseline visit `{first}` too"
            if not scale.baseline:
                rule = f"{scale.label} rates a change: it is not rated at the baseline `{first}`"
            yield Inconsistency(
                (*path, "visits"),
                str(list(use.visits)),
                rule,
                f'add "{first}"' if scale.baseline else f'take "{first}" out',
            )


def _items(path: Path, use: InstrumentUse, scale: Instrument) -> Iterator[Inconsistency]:
    from equipoise.instruments import missing_rule_inconsistencies

    have = f"items 1 to {len(scale.items)}" if scale.items else "no items"
    for index, item in enumerate(use.items):
        if item not in scale.item_numbers:
            yield Inconsistency(
                (*path, "items", index),
                str(item),
                f"{scale.label} has {have}",
                "correct the number",
            )
    if len(set(use.items)) < len(use.items):
        yield Inconsistency(
            (*path, "items"), str(list(use.items)), "each item once", "drop the repetition"
        )
    for index, key in enumerate(use.subscales):
        place = (*path, "subscales", index)
        if key not in scale.subscales:
            yield unknown(place, key, "subscale", scale.subscales, scale.label)
        elif key in computed_subscales(use, scale):
            yield Inconsistency(
                place,
                key,
                f"the items of `{key}` are all recorded: it is computed from them",
                "take it out of `subscales`",
            )
    if use.missing_items is not None:
        yield from missing_rule_inconsistencies(
            scale, use.missing_items, (*path, "missing_items"), "protocol-inconsistent"
        )


@needs("instruments", "scales", "endpoints")
def _endpoint_parts(tables: Tables) -> Iterator[Inconsistency]:
    for name, endpoint in tables["endpoints"].items():
        path = ("endpoints", name)
        if endpoint.instrument is None:
            if endpoint.part is not None:
                yield Inconsistency(
                    (*path, "part"), endpoint.part, "only an instrument has parts", "take it out"
                )
            continue
        use = tables["instruments"].get(endpoint.instrument)
        scale = None if use is None else scale_of(tables["scales"], use.scale)
        if use is None or scale is None:
            continue
        valid = parts_of(use, scale)
        if endpoint.part is not None and endpoint.part not in valid:
            yield unknown(
                (*path, "part"),
                endpoint.part,
                "part",
                valid,
                f"`{endpoint.instrument}` as it is recorded",
            )
        yield from _direction(path, endpoint, scale)


def _direction(path: Path, endpoint: Any, scale: Instrument) -> Iterator[Inconsistency]:
    if not scale.baseline and endpoint.scale in (Scale.CHANGE, Scale.LOG_FOLD):
        yield Inconsistency(
            (*path, "scale"),
            str(endpoint.scale.value),
            f"{scale.label} rates a change and has no baseline to be compared with",
            "choose another scale of analysis, or another instrument",
        )
