"""Vital signs, reference limits, liver tests and stopping rules: what must hold together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from equipoise.protocol.consistency import Inconsistency, Tables, needs, unknown
from equipoise.protocol.harms import STOPPING_EVENTS

Path = tuple[str | int, ...]


@needs("vitals")
def _marked_limits(tables: Tables) -> Iterator[Inconsistency]:
    for name, sign in tables["vitals"].items():
        yield from _limits(("vitals", name), sign, "marked")


@needs("labs")
def _reference_limits(tables: Tables) -> Iterator[Inconsistency]:
    for name, lab in tables["labs"].items():
        yield from _limits(("labs", name), lab, "normal")


def _limits(path: Path, part: Any, word: str) -> Iterator[Inconsistency]:
    """minimum ≤ lower limit < upper limit ≤ maximum, as far as they are given."""
    names = ("minimum", f"{word}_low", f"{word}_high", "maximum")
    given = [(name, getattr(part, name)) for name in names if getattr(part, name) is not None]
    for (low_name, low), (high_name, high) in pairwise(given):
        both_limits = low_name.endswith("_low") and high_name.endswith("_high")
        if low > high or (low == high and both_limits):
            yield Inconsistency(
                (*path, high_name),
                f"{high:g}",
                f"{low_name} = {low:g} lies below {high_name}",
                "correct one of the two",
            )


@needs("labs", "safety")
def _liver(tables: Tables) -> Iterator[Inconsistency]:
    liver = tables["safety"].liver
    if liver is None:
        return
    path: Path = ("safety", "liver")
    if liver.alt is None and liver.ast is None:
        yield Inconsistency(path, "", "the liver flags need `alt` or `ast`", "name one of them")
    for name in type(liver).model_fields:
        key = getattr(liver, name)
        if key is None:
            continue
        if key not in tables["labs"]:
            yield unknown((*path, name), key, "laboratory value", tables["labs"], "labs")
        elif tables["labs"][key].normal_high is None:
            yield Inconsistency(
                (*path, name),
                key,
                f"flags are multiples of the upper reference limit; labs.{key} has none",
                f"give labs.{key}.normal_high",
            )


@needs("arms", "population", "safety")
def _stopping(tables: Tables) -> Iterator[Inconsistency]:
    terms = list(tables["safety"].events)
    for key, rule in tables["safety"].stopping.items():
        path: Path = ("safety", "stopping", key)
        if rule.event not in STOPPING_EVENTS and rule.event not in terms:
            yield unknown(
                (*path, "event"), rule.event, "kind of event or term", [*STOPPING_EVENTS, *terms],
                "safety.events",
            )  # fmt: skip
        for index, arm in enumerate(rule.arms):
            if arm not in tables["arms"]:
                yield unknown((*path, "arms", index), arm, "arm", tables["arms"], "arms")
        if len(set(rule.arms)) < len(rule.arms):
            yield Inconsistency((*path, "arms"), str(list(rule.arms)), "each arm once", "drop one")
        looks = list(rule.looks)
        if looks != sorted(set(looks)):
            yield Inconsistency(
                (*path, "looks"), str(looks), "looks rise from one to the next", "sort them"
            )
        if looks and max(looks) > tables["population"].size:
            yield Inconsistency(
                (*path, "looks"),
                str(looks),
                f"no look lies beyond population.size = {tables['population'].size}",
                "drop the later ones",
            )


@needs("arms", "visits", "vitals", "assumptions")
def _assumed_vitals(tables: Tables) -> Iterator[Inconsistency]:
    plan = tables["assumptions"].statistical
    if plan is None:
        return
    root: Path = ("assumptions", "statistical", "vitals")
    signs = tables["vitals"]
    if missing := [key for key in signs if key not in plan.vitals]:
        yield Inconsistency(
            root, "", f"every vital sign has a value; {', '.join(missing)} has none", "add it"
        )
    baseline = {visit.id for visit in tables["visits"] if visit.baseline}
    for key, assumed in plan.vitals.items():
        if key not in signs:
            yield unknown((*root, key), key, "vital sign", signs, "vitals")
            continue
        after = [visit for visit in signs[key].visits if visit not in baseline]
        for arm, by_visit in assumed.shift.items():
            path = (*root, key, "shift", arm)
            if arm not in tables["arms"]:
                yield unknown(path, arm, "arm", tables["arms"], "arms")
            for visit in by_visit:
                if visit not in after:
                    yield unknown((*path, visit), visit, "visit after baseline", after, key)
