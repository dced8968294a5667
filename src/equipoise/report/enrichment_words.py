"""Rules of enrichment in words: who would go on, and what the trial says of the effect in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.words import interval, number, percent

if TYPE_CHECKING:
    from equipoise.analysis.results import Results
    from equipoise.analysis.stratification.enrichment_results import (
        EnrichmentEffect,
        EnrichmentResults,
        EnrichmentRuleResult,
    )

_HIDDEN = "too few people to show"


def enrichment_answer(results: Results, found: EnrichmentResults) -> str:
    """The first rule that can be told, in one sentence."""
    told = next((r for r in found.rules if r.share is not None and r.among_kept), None)
    if told is None:
        return "No rule keeps and leaves enough people to say anything of either."
    whom = "would be enrolled" if told.when == "baseline" else f"would go on at {found.early_visit}"
    kept, whole = told.among_kept[0], found.everybody[0]
    text = (
        f"By the rule “{rule_words(told)}” {percent(told.share)} of people {whom} "
        f"({interval_percent(told)})"
    )
    if kept.estimate is None or whole.estimate is None:
        return f"{text}; {kept.failure or whole.failure}, so that no effect is given."
    return (
        f"{text}; the effect on {found.outcome_label} at {found.landmark} among them is "
        f"{effect_words(kept)}, and {effect_words(whole)} in everybody."
    )


def enrichment_caution(found: EnrichmentResults) -> str:
    """What these numbers cannot say."""
    text = (
        "Exploratory: thresholds were planned and nothing is adjusted for their number. The "
        "effects among the kept and among the others are estimates of few people; that one "
        "interval excludes 0 and the other does not is no difference between them."
    )
    if any(rule.when == "early" for rule in found.rules):
        text += (
            f" After {found.early_visit} the kept of the two arms are no randomised groups: who is "
            "kept is itself an effect of treatment."
        )
    if any(rule.cross_validated for rule in found.rules):
        text += " Forecasts are of people whom the model had not seen."
    return text


def rule_words(rule: EnrichmentRuleResult) -> str:
    """A rule with its threshold."""
    sign = "at least" if rule.keep == "at-least" else "at most"
    return f"{rule.measure} {sign} {rule.threshold:g}"


def interval_percent(rule: EnrichmentRuleResult) -> str:
    """Exact limits of the share."""
    low, high = rule.share_lower, rule.share_upper
    return "–" if low is None or high is None else f"{percent(low)} to {percent(high)}"


def effect_words(effect: EnrichmentEffect) -> str:
    """An effect with its interval."""
    return f"{number(effect.estimate, 1)} ({interval(effect.lower, effect.upper, 1)})"


def enrichment_rows(found: EnrichmentResults) -> list[list[str | None]]:
    """Measure, threshold, kept, share, looked at for one, effect among kept and among others."""
    first = found.everybody[0]
    rows: list[list[str | None]] = [
        ["No rule", "everybody", None, None, None, _effect(first), None]
    ]
    for rule in found.rules:
        sign = "at least" if rule.keep == "at-least" else "at most"
        start = [rule.measure[0].upper() + rule.measure[1:], f"{sign} {rule.threshold:g}"]
        if rule.suppressed:
            rows.append([*start, _HIDDEN, None, None, None, None])
            continue
        screened = None if rule.screened is None else number(rule.screened, 1)
        share = f"{percent(rule.share)} ({interval_percent(rule)})"
        effects = [_effect(e[0]) if e else None for e in (rule.among_kept, rule.among_others)]
        rows.append([*start, f"{rule.kept} of {rule.n}", share, screened, *effects])
    return rows


def _effect(effect: EnrichmentEffect) -> str:
    if effect.estimate is None:
        return "too few people"
    n = "" if effect.n is None else f", n = {effect.n}"
    return f"{effect_words(effect)}{n}"
