"""What the trial itself says of rules by which a later one could go on with some people only.

Forecasts are cross-validated: nobody's own outcome is in the forecast by which he is kept. The
effect among the kept is that of the trial's own people, and tells a later trial what to plan with,
not what it will find. Method: docs/methods/enrichment.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from equipoise.analysis.prediction.marker_table import make_marker_table
from equipoise.analysis.small_cells import fewest_modelled, too_small
from equipoise.analysis.stratification.enrichment_results import (
    EnrichmentEffect,
    EnrichmentResults,
    EnrichmentRuleResult,
)
from equipoise.analysis.stratification.enrichment_rule import MarkerMeasure
from equipoise.analysis.stratification.forecast_design import forecast_designs
from equipoise.analysis.stratification.forecast_measure import forecast_values
from equipoise.analysis.stratification.response_rule import response_rule
from equipoise.protocol.questions import Scale
from equipoise.stats import clopper_pearson
from equipoise.stats.early_change import associate, landmark_data
from equipoise.stats.errors import ArgumentError
from equipoise.stats.forecast import fit_ridge_forecast
from equipoise.stats.forecast.fold_labels import fold_labels
from equipoise.streams import stream

if TYPE_CHECKING:
    from equipoise.analysis.dataset import Dataset
    from equipoise.analysis.groups import Groups
    from equipoise.analysis.prediction.marker_table import MarkerTable
    from equipoise.analysis.stratification.forecast_design import Stage
    from equipoise.protocol import Protocol
    from equipoise.protocol.enrichment_plan import EnrichmentPlan, EnrichmentRulePlan
    from equipoise.records import Records


def analyse_enrichment(
    protocol: Protocol,
    records: Records,
    groups: Groups,
    datasets: Mapping[str, Dataset],
    smallest: int,
) -> EnrichmentResults | None:
    """The planned rules; None where none are planned, or while blinded."""
    stratification, prediction = protocol.analysis.stratification, protocol.analysis.prediction
    plan = None if stratification is None else stratification.enrichment
    if plan is None or prediction is None or groups.closed:
        return None
    table = make_marker_table(protocol, records, groups, datasets, prediction)
    outcome = protocol.endpoints[prediction.outcome]
    rules: list[EnrichmentRuleResult] = []
    for key, rule in plan.rules.items():
        values = _values(protocol, table, plan, key, rule)
        shown: int | None = None
        for keep, thresholds in (("at-least", rule.at_least), ("at-most", rule.at_most)):
            for threshold in thresholds:
                found = _rule(protocol, table, key, rule, keep, threshold, values, smallest, shown)
                shown = shown if found.kept is None else found.kept
                rules.append(found)
    return EnrichmentResults(
        outcome_label=outcome.label,
        unit=protocol.unit_of(prediction.outcome),
        landmark=protocol.visit(prediction.landmark).label,
        early_visit=protocol.visit(prediction.early_visit).label,
        better=outcome.better,
        folds=plan.folds,
        repeats=plan.repeats,
        seed=plan.seed,
        everybody=_effects(protocol, table, np.ones(len(table.arm), dtype=bool), smallest),
        rules=tuple(rules),
    )


def _values(
    protocol: Protocol,
    table: MarkerTable,
    plan: EnrichmentPlan,
    key: str,
    rule: EnrichmentRulePlan,
) -> np.ndarray:
    """(n,) the number that a rule looks at; NaN where it is not known."""
    if rule.marker is not None:
        return MarkerMeasure(rule.marker, rule.when).of(table)
    return _left_out(protocol, table, plan, key, rule)


def _left_out(
    protocol: Protocol,
    table: MarkerTable,
    plan: EnrichmentPlan,
    key: str,
    rule: EnrichmentRulePlan,
) -> np.ndarray:
    """(n,) forecasts by models that had not seen the person, averaged over the repeats.

    Folds are dealt within arm and stratum, the penalty is chosen inside each training set. Under
    several active arms the forecast from baseline is under the first of them.
    """
    stratification = protocol.analysis.stratification
    forecast = None if stratification is None else stratification.forecast
    assert forecast is not None  # the plan's consistency was looked at
    stage: Stage = "baseline" if rule.when == "baseline" else "early"
    design = next(d for d in forecast_designs(protocol, table, forecast) if d.stage == stage)
    response = None if forecast.response is None else response_rule(protocol, forecast.response)
    x = design.matrix(table)
    fixed = np.flatnonzero(~np.array(design.penalised))
    known = np.logical_and.reduce(np.isfinite(x[:, fixed]), axis=1)
    trains = known & np.isfinite(table.outcome)
    generator = stream(plan.seed, f"enrichment/{key}")
    total = np.zeros(len(x))
    for _ in range(plan.repeats):
        fold = fold_labels(table.blocks, known[None], plan.folds, generator)[0]
        for out in range(plan.folds):
            held = np.flatnonzero(known & (fold == out))
            kept = trains & (fold != out)
            if not held.size:
                continue
            try:
                model = fit_ridge_forecast(
                    x[kept],
                    table.outcome[kept],
                    design.penalised,
                    products=design.products,
                    penalties=forecast.penalties,
                    folds=min(forecast.inner_folds, max(2, int(kept.sum()))),
                    repeats=1,
                    generator=generator,
                    blocks=table.blocks[kept],
                )
            except ArgumentError:
                return np.full(len(x), np.nan)
            total[held] += forecast_values(
                design,
                model,
                x[held],
                table.outcome_baseline[held],
                what=str(rule.forecast),
                arm=None if stage == "early" else table.groups[1],
                rule=response,
                falls=protocol.endpoints[design.outcome].better == "lower",
            )
    return np.where(known, total / plan.repeats, np.nan)


def _rule(
    protocol: Protocol,
    table: MarkerTable,
    key: str,
    rule: EnrichmentRulePlan,
    keep: str,
    threshold: float,
    values: np.ndarray,
    smallest: int,
    shown: int | None,
) -> EnrichmentRuleResult:
    """One threshold; `shown` is the count of the threshold before, which it must not give away."""
    n = len(values)
    kept = values >= threshold if keep == "at-least" else values <= threshold
    count, unknown = int(kept.sum()), int(np.isnan(values).sum())
    told = {
        "rule": key,
        "label": rule.label,
        "measure": _measure_words(protocol, rule),
        "when": rule.when,
        "keep": keep,
        "threshold": threshold,
        "cross_validated": rule.forecast is not None,
        "n": n,
    }
    between = 0 if shown is None else abs(shown - count)
    if too_small([count, n - count, unknown, between], smallest):
        return EnrichmentRuleResult.model_validate(
            {**told, "kept": None, "unknown": None, "suppressed": True}
        )
    lower, upper = clopper_pearson(count, n, protocol.analysis.alpha)
    return EnrichmentRuleResult.model_validate(
        {
            **told,
            "kept": count,
            "unknown": unknown,
            "share": count / n,
            "share_lower": lower,
            "share_upper": upper,
            "screened": n / count if count else None,
            "screened_lower": 1.0 / upper if upper > 0 else None,
            "screened_upper": 1.0 / lower if lower > 0 else None,
            "among_kept": _effects(protocol, table, kept, smallest),
            "among_others": _effects(protocol, table, ~kept, smallest),
        }
    )


def _measure_words(protocol: Protocol, rule: EnrichmentRulePlan) -> str:
    if rule.marker is None:
        words = {"response": "probability of response", "improvement": "improvement",
                 "benefit": "improvement beyond the control"}  # fmt: skip
        return f"forecast {words[str(rule.forecast)]}"
    plan = protocol.analysis.prediction
    assert plan is not None
    ratio = False
    if rule.marker in plan.composites:
        label = plan.composites[rule.marker].label
    elif rule.marker in plan.labs:
        label, ratio = protocol.labs[rule.marker].label, True
    else:
        point = protocol.endpoints[rule.marker]
        label, ratio = point.label, point.scale is Scale.LOG_FOLD
    if rule.when == "baseline":
        return label
    visit = protocol.visit(plan.early_visit).label
    what = "ratio to baseline" if ratio else "change"
    return f"{what} of {label} at {visit}"


def _effects(
    protocol: Protocol, table: MarkerTable, among: np.ndarray, smallest: int
) -> tuple[EnrichmentEffect, ...]:
    """Analysis of covariance among some people: the change to the landmark on the arm, the
    baseline and the strata, each active arm against the control."""
    found: list[EnrichmentEffect] = []
    fewest = fewest_modelled(smallest)
    for place, arm in enumerate(table.groups[1:], 1):
        pair = among & ((table.arm == 0) | (table.arm == place)) & np.isfinite(table.outcome)
        sizes = [int((pair & (table.arm == a)).sum()) for a in (0, place)]
        if min(sizes) < max(1, fewest):
            small = any(0 < size < smallest for size in sizes)
            failure = "too few people in one of the arms"
            n = None if small else sum(sizes)
            found.append(EnrichmentEffect(arm=arm, n=n, failure=failure))
            continue
        data = landmark_data(
            np.where(pair, table.outcome, np.nan),
            (table.arm == place).astype(float),
            [table.outcome_baseline],
            np.zeros(len(pair), dtype=np.int64),
            table.stratum,
            arms=1,
            strata=table.strata + 1,
        )
        one = associate(data, "all-arms", alpha=protocol.analysis.alpha)
        if not math.isfinite(float(one.slope)):
            failure = "too few people for the arm, the baseline and the strata"
            found.append(EnrichmentEffect(arm=arm, n=int(one.n), failure=failure))
            continue
        found.append(
            EnrichmentEffect(
                arm=arm,
                n=int(one.n),
                estimate=float(one.slope),
                se=float(one.se),
                df=float(one.df),
                lower=float(one.lower),
                upper=float(one.upper),
            )
        )
    return tuple(found)
