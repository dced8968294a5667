"""What the fields of a scale must say together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from equipoise.faults import nearest
from equipoise.instruments.composition import components, reachable
from equipoise.instruments.definition import TOTAL, Instrument, MissingRule, Scoring
from equipoise.toml_faults import Inconsistency

if TYPE_CHECKING:
    from equipoise.instruments.definition import MissingItems
    from equipoise.toml_places import Path

CODE = "scale-inconsistent"


def _wrong(path: Path, value: object, rule: str, remedy: str) -> Inconsistency:
    return Inconsistency(path, str(value), rule, remedy, CODE)


def scale_inconsistencies(scale: Instrument) -> list[Inconsistency]:
    """Every rule between the fields of a scale that does not hold."""
    found = [*_ranges(scale), *_numbers(scale)]
    # What the items give can only be said of items that are there.
    if not found:
        found = [*_structure(scale)]
    if not found:
        found = [*_totals(scale)]
    return [*found, *_levels(scale), *_rules(scale), *_provenance(scale)]


def _ranges(scale: Instrument) -> Iterator[Inconsistency]:
    ranges: list[tuple[Path, tuple[int, int]]] = [(("total",), scale.total)]
    ranges += [(("items", n, "range"), item.range) for n, item in enumerate(scale.items)]
    ranges += [(("subscales", key, "total"), part.total) for key, part in scale.subscales.items()]
    for path, (low, high) in ranges:
        if low >= high:
            yield _wrong(path, [low, high], "lowest < highest", "write [lowest, highest]")


def _named(scale: Instrument) -> Iterator[tuple[Path, int]]:
    """Every number of an item that the scale names, with its place."""
    for index, domain in enumerate(scale.domains):
        for at, number in enumerate(domain.items):
            yield ("domains", index, "items", at), number
    for index, group in enumerate(scale.alternatives):
        for at, number in enumerate(group):
            yield ("alternatives", index, at), number
    for key, part in scale.subscales.items():
        for at, number in enumerate(part.items):
            yield ("subscales", key, "items", at), number
    if scale.suicidality_item is not None:
        yield ("suicidality_item",), scale.suicidality_item


def _numbers(scale: Instrument) -> Iterator[Inconsistency]:
    have = f"items 1 to {len(scale.items)}" if scale.items else "no items"
    for path, number in _named(scale):
        if number not in scale.item_numbers:
            yield _wrong(path, number, f"the scale has {have}", "correct the number")


def _repeated(numbers: Iterable[int]) -> list[int]:
    return sorted(number for number, times in Counter(numbers).items() if times > 1)


def _structure(scale: Instrument) -> Iterator[Inconsistency]:
    single = scale.scoring is Scoring.SINGLE_RATING
    if single == bool(scale.items):
        yield _wrong(
            ("items",),
            f"{len(scale.items)} items",
            "a single rating has no items, every other scoring has some",
            "list the items, or correct `scoring`",
        )
    if not single and scale.items and not scale.counted:
        yield _wrong(("items",), "none counted", "an item counts", "take `counted = false` out")
    if bool(scale.domains) != (scale.scoring is Scoring.DOMAIN_MAXIMA):
        yield _wrong(
            ("domains",),
            f"{len(scale.domains)} domains",
            f'domains come with `scoring = "{Scoring.DOMAIN_MAXIMA}"` and with no other',
            "give both or neither",
        )
    elif scale.domains:
        members = [number for domain in scale.domains for number in domain.items]
        wrong = _repeated(members) or sorted(set(members) ^ set(scale.counted))
        if wrong:
            yield _wrong(
                ("domains",),
                ", ".join(map(str, wrong)),
                "each counted item stands in exactly one domain",
                "correct the lists",
            )
    members = [number for group in scale.alternatives for number in group]
    if repeated := _repeated(members):
        yield _wrong(
            ("alternatives",),
            ", ".join(map(str, repeated)),
            "an item stands in one group of alternatives, once",
            "take it out of the others",
        )
    for index, group in enumerate(scale.alternatives):
        of = [scale.items[n - 1] for n in group]
        kinds = {(item.range, item.reversed, item.counted) for item in of}
        apart = len({_holder(scale, n) for n in group}) > 1
        if len(group) < 2 or len(kinds) > 1 or apart:
            yield _wrong(
                ("alternatives", index),
                list(group),
                "alternatives are two or more items of one range, reversed and counted alike, "
                "in one domain",
                "correct the list",
            )
    for key, part in scale.subscales.items():
        if key == TOTAL:
            yield _wrong(
                ("subscales", key), key, f"`{TOTAL}` is the whole scale's score", "rename it"
            )
        if repeated := _repeated(part.items):
            yield _wrong(
                ("subscales", key, "items"),
                ", ".join(map(str, repeated)),
                "an item stands once in a subscale",
                "take the repetition out",
            )


def _holder(scale: Instrument, number: int) -> int | None:
    return next((i for i, domain in enumerate(scale.domains) if number in domain.items), None)


def _totals(scale: Instrument) -> Iterator[Inconsistency]:
    if scale.items:
        given: list[tuple[Path, str | None, tuple[int, int]]] = [(("total",), None, scale.total)]
        given += [
            (("subscales", key, "total"), key, part.total) for key, part in scale.subscales.items()
        ]
        for path, key, total in given:
            if (found := reachable(scale, key)) != total:
                yield _wrong(
                    path,
                    list(total),
                    f"the items give scores from {found[0]} to {found[1]}",
                    f"write {list(found)}, or correct the items",
                )
    yield from missing_rule_inconsistencies(scale, scale.missing_items, ("missing_items",))


def missing_rule_inconsistencies(
    scale: Instrument, rule: MissingItems, path: Path, code: str = CODE
) -> Iterator[Inconsistency]:
    """What a missing-item rule must keep to, whether the scale has it or a trial chose it."""
    tolerated = (rule.at_most, rule.at_most_in_subscale)
    if rule.rule is MissingRule.NONE:
        if any(tolerated):
            yield Inconsistency(
                path,
                f"at most {max(tolerated)}",
                "the rule `none` tolerates no missing item",
                'write `rule = "prorate"`, or take the numbers out',
                code,
            )
        return
    if not scale.items:
        yield Inconsistency(
            path, "prorate", "a single rating has no items to prorate", "take it out", code
        )
        return
    size = len(components(scale))
    if not any(tolerated) or rule.at_most >= size:
        yield Inconsistency(
            (*path, "at_most"),
            str(rule.at_most),
            f"proration tolerates at least 1 and fewer than all {size} components",
            "say how many items may be missing",
            code,
        )
    sizes = [len(components(scale, key)) for key in scale.subscales]
    if rule.at_most_in_subscale and rule.at_most_in_subscale >= min(sizes, default=1):
        yield Inconsistency(
            (*path, "at_most_in_subscale"),
            str(rule.at_most_in_subscale),
            f"fewer than all items of the shortest subscale ({min(sizes)})"
            if sizes
            else "the scale has no subscales",
            "correct the number, or take it out",
            code,
        )


def _levels(scale: Instrument) -> Iterator[Inconsistency]:
    low, high = scale.total
    if not scale.levels:
        return
    wanted = [str(level) for level in range(low, min(high, low + 100) + 1)]
    if scale.scoring is not Scoring.SINGLE_RATING or list(scale.levels) != wanted:
        yield _wrong(
            ("levels",),
            ", ".join(scale.levels),
            f"levels name every rating of a single rating, {low} to {high}, in order",
            "name each of them once, or take `levels` out",
        )


def _rules(scale: Instrument) -> Iterator[Inconsistency]:
    low, high = scale.total
    if scale.response_reduction is not None and (not scale.baseline or scale.better != "lower"):
        yield _wrong(
            ("response_reduction",),
            scale.response_reduction,
            "a reduction from baseline needs a baseline, and lower to be better",
            "take it out" if scale.baseline else "use `response_at_most`",
        )
    if scale.response_at_most is not None and scale.baseline:
        yield _wrong(
            ("response_at_most",),
            f"{scale.response_at_most:g}",
            "a rating by itself is a response only where the rating is one of change",
            "use `response_reduction`, or set `baseline = false`",
        )
    for name, direction in (("remission_below", "lower"), ("remission_at_least", "higher")):
        value = getattr(scale, name)
        if value is not None and scale.better != direction:
            yield _wrong(
                (name,), f"{value:g}", f"`{name}` is for a scale where {direction} is better",
                "use the other rule, or correct `better`",
            )  # fmt: skip
    for name in ("response_at_most", "remission_below", "remission_at_least"):
        value = getattr(scale, name)
        if value is not None and not low <= value <= high:
            yield _wrong(
                (name,), f"{value:g}", f"a total lies between {low} and {high}", "correct it"
            )


def _provenance(scale: Instrument) -> Iterator[Inconsistency]:
    fields = list(type(scale).model_fields)
    for key, entry in scale.provenance.items():
        path: Path = ("provenance", key)
        if key.partition(".")[0] not in fields:
            yield _wrong(path, key, f"`{key}` is no field of a scale", nearest(key, fields))
        sourced = entry.source is not None and entry.certainty is not None
        if sourced == (entry.assumed is not None):
            yield _wrong(
                path,
                "",
                "an entry has `source` with its `certainty`, or `assumed`",
                "give exactly one of the two",
            )
