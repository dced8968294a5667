"""The plan of enrichment: that each rule has one measure and thresholds, and that they exist."""

from __future__ import annotations

from collections.abc import Iterator

from equipoise.protocol.consistency import Inconsistency, Tables, needs, unknown
from equipoise.protocol.enrichment_plan import EnrichmentRulePlan

_PATH = ("analysis", "stratification", "enrichment")


@needs("analysis", "endpoints", "trial", "arms")
def _enrichment(tables: Tables) -> Iterator[Inconsistency]:
    stratification = tables["analysis"].stratification
    if stratification is None or stratification.enrichment is None:
        return
    plan = stratification.enrichment
    prediction = tables["analysis"].prediction
    if prediction is None or len(tables["arms"]) < 2:
        yield Inconsistency(
            _PATH,
            "",
            "rules of enrichment take markers, visits and outcome from `analysis.prediction`, and "
            "compare with a control arm",
            "add them, or take the rules out",
        )
        return
    markers = (*prediction.predictors, *prediction.labs, *prediction.composites)
    for key, rule in plan.rules.items():
        path = (*_PATH, "rules", key)
        if (rule.marker is None) == (rule.forecast is None):
            yield Inconsistency(
                path, "", "a rule is on a marker or on the forecast", "give one of the two"
            )
        if rule.marker is not None and rule.marker not in markers:
            yield unknown((*path, "marker"), rule.marker, "marker", markers, "prediction")
        yield from _thresholds(path, rule)
        if rule.forecast is not None:
            yield from _forecast(path, rule, stratification.forecast)


def _thresholds(path: tuple[str, ...], rule: EnrichmentRulePlan) -> Iterator[Inconsistency]:
    if bool(rule.at_least) == bool(rule.at_most):
        yield Inconsistency(
            path, "", "a rule has thresholds: `at_least` or `at_most`", "give one of the two"
        )
    for field in ("at_least", "at_most"):
        values: tuple[float, ...] = getattr(rule, field)
        if list(values) != sorted(set(values)):
            yield Inconsistency(
                (*path, field),
                ", ".join(f"{value:g}" for value in values),
                "thresholds rise, each once",
                "put them in order",
            )


def _forecast(
    path: tuple[str, ...], rule: EnrichmentRulePlan, forecast: object
) -> Iterator[Inconsistency]:
    field = (*path, "forecast")
    if forecast is None:
        yield Inconsistency(
            field,
            str(rule.forecast),
            "a rule on the forecast needs `analysis.stratification.forecast`",
            "add it, or name a marker",
        )
    elif rule.forecast == "response" and getattr(forecast, "response", None) is None:
        yield Inconsistency(
            field,
            str(rule.forecast),
            "the forecast has no probability of response: its `response` is left out",
            "name an endpoint there, or take improvement",
        )
    if rule.forecast == "benefit" and rule.when == "early":
        yield Inconsistency(
            field,
            "benefit",
            "after the early visit the outcome under the other arm is not identified",
            "take improvement, or the rule at baseline",
        )
