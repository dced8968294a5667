"""A rating scale in words: for the command line, and for the reference page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from equipoise.instruments.definition import SCORING_MEANINGS, MissingRule, Rounding
from equipoise.instruments.library import get_scale, scale_names

if TYPE_CHECKING:
    from equipoise.instruments.definition import Instrument, MissingItems, RuleSource


def _span(ends: tuple[int, int]) -> str:
    return f"{ends[0]} to {ends[1]}"


def _numbers(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


def response_in_words(scale: Instrument) -> str:
    """The rule for response; empty without one."""
    if scale.response_reduction is not None:
        return f"at least {100 * scale.response_reduction:g} % below baseline"
    return (
        "" if scale.response_at_most is None else f"a rating of {scale.response_at_most:g} or less"
    )


def remission_in_words(scale: Instrument) -> str:
    """The rule for remission; empty without one."""
    if scale.remission_below is not None:
        return f"total below {scale.remission_below:g}"
    if scale.remission_at_least is not None:
        return f"total of at least {scale.remission_at_least:g}"
    return ""


def missing_in_words(rule: MissingItems) -> str:
    """The missing-item rule."""
    if rule.rule is MissingRule.NONE:
        return "an item is missing: so is the score"
    rounded = ", rounded to the nearest whole number" if rule.rounding is Rounding.NEAREST else ""
    parts = f"total prorated with up to {rule.at_most} missing" if rule.at_most else ""
    own = f"subscales with up to {rule.at_most_in_subscale}" if rule.at_most_in_subscale else ""
    return ", ".join(part for part in (parts, own) if part) + rounded


def _facts(scale: Instrument) -> Iterator[tuple[str, str]]:
    yield "source", f"{scale.source} ({scale.certainty})"
    yield "rated by", f"{scale.rater}; {scale.better} is better"
    yield "total", f"{_span(scale.total)}; {scale.scoring}: {SCORING_MEANINGS[scale.scoring]}"
    if scale.items:
        yield "missing", missing_in_words(scale.missing_items)
    if not scale.baseline:
        yield "baseline", "none: it rates a change"
    if scale.ordinal:
        yield "ordinal", "ratings are ordered, distances mean nothing"
    yield "response", response_in_words(scale) or "no rule"
    yield "remission", remission_in_words(scale) or "no rule"
    if scale.suicidality_item is not None:
        yield "suicidality", f"item {scale.suicidality_item}"
    if scale.alternatives:
        yield "alternatives", "; ".join(" or ".join(map(str, g)) for g in scale.alternatives)
    if scale.note:
        yield "note", scale.note


def _sourced(entry: RuleSource) -> str:
    text = f"assumed: {entry.assumed}" if entry.assumed else f"{entry.source} ({entry.certainty})"
    return f"{text}. {entry.note}" if entry.note else text


def _item_remark(scale: Instrument, number: int) -> str:
    item = scale.items[number - 1]
    words = ["reversed"] * item.reversed + ["not counted"] * (not item.counted)
    return ", ".join(words)


def describe_scale(name: str, scale: Instrument) -> str:
    """A scale as `equipoise instruments NAME` prints it: items, ranges, scoring, rules, sources."""
    lines = [f"{name}: {scale.label}, {scale.title}"]
    lines += [f"  {key:14}{text}" for key, text in _facts(scale)]
    if scale.items:
        lines.append("  items")
    for number, item in zip(scale.item_numbers, scale.items, strict=True):
        remark = _item_remark(scale, number)
        text = f"    {number:>2}  {_span(item.range):8}{item.label}"
        lines.append(f"{text} ({remark})" if remark else text)
    if scale.domains:
        lines.append("  domains")
        lines += [f"    {d.label:22}items {_numbers(d.items)}" for d in scale.domains]
    if scale.subscales:
        lines.append("  subscales")
    for key, part in scale.subscales.items():
        lines.append(f"    {key:22}{_span(part.total):10}items {_numbers(part.items)}")
    if scale.levels:
        lines.append("  levels")
        lines += [f"    {level:>2}  {text}" for level, text in scale.levels.items()]
    if scale.provenance:
        lines.append("  where rules come from")
        lines += [f"    {key:22}{_sourced(entry)}" for key, entry in scale.provenance.items()]
    return "\n".join(lines)


def list_scales() -> str:
    """The scales of the library, one a line."""
    lines: list[str] = []
    for name in scale_names():
        scale = get_scale(name)
        lines.append(f"{name:10}{_span(scale.total):12}{scale.title}")
    return "\n".join(lines)


def scale_page() -> str:
    """The reference page of the library, in Markdown."""
    lines = [
        "# The library of rating scales",
        "",
        "Generated from the library, and held to it by a test. Items are numbers with short labels",
        "of our own; the wording of a questionnaire is under copyright and is not shipped. In",
        "brackets: how a fact was read. *recalled* means from memory: check it in the source",
        "before a trial relies on it. `equipoise instruments NAME` prints the same.",
        "",
        "| name | scale | items | total | better | response | remission | suicidality |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in scale_names():
        scale = get_scale(name)
        item = "" if scale.suicidality_item is None else f"item {scale.suicidality_item}"
        cells = [
            f"[`{name}`](#{name})", scale.title, str(len(scale.items) or "one rating"),
            _span(scale.total), scale.better, response_in_words(scale), remission_in_words(scale),
            item,
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    for name in scale_names():
        lines += ["", *_section(name, get_scale(name))]
    return "\n".join(lines) + "\n"


def _section(name: str, scale: Instrument) -> Iterator[str]:
    yield f"## {name}"
    yield ""
    yield f"{scale.title} ({scale.label})."
    yield ""
    for key, text in _facts(scale):
        yield f"- {key}: {text}"
    if scale.items:
        yield ""
        yield "| item | label | range | |"
        yield "|---|---|---|---|"
    for number, item in zip(scale.item_numbers, scale.items, strict=True):
        yield f"| {number} | {item.label} | {_span(item.range)} | {_item_remark(scale, number)} |"
    if scale.domains:
        yield ""
        yield (
            "Domains: " + "; ".join(f"{d.label} ({_numbers(d.items)})" for d in scale.domains) + "."
        )
    if scale.subscales:
        yield ""
        yield "| subscale | label | range | items |"
        yield "|---|---|---|---|"
    for key, part in scale.subscales.items():
        yield f"| `{key}` | {part.label} | {_span(part.total)} | {_numbers(part.items)} |"
    if scale.levels:
        yield ""
        yield "Levels: " + "; ".join(f"{n} {text}" for n, text in scale.levels.items()) + "."
    if scale.provenance:
        yield ""
        yield "Where rules come from:"
        yield ""
    for key, entry in scale.provenance.items():
        yield f"- `{key}`: {_sourced(entry)}"
