"""What may be said of effects through an early change: the estimate and what it assumes."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from equipoise.report.early_change_words import outcome_unit
from equipoise.report.words import (
    clause,
    decimals,
    group_label,
    interval,
    level,
    number,
    p_clause,
    percent,
    visit_label,
)

if TYPE_CHECKING:
    from equipoise.analysis.prediction.mediation_results import (
        MediatedEffect,
        Mediation,
        MediationSet,
    )
    from equipoise.analysis.prediction.prediction_results import Prediction
    from equipoise.analysis.results import Results

#: What a single mediator's estimate is, wherever it stands.
IF_NOTHING_ELSE = "if nothing else treatment changed confounds it"
#: An arm with fewer people is named as small.
FEW = 10

METHODS = {
    "bca": "BCa bootstrap",
    "percentile": "percentile bootstrap",
    "quasi-bayesian": "quasi-Bayesian",
}

EFFECTS = {
    "total": "Total",
    "indirect": "Indirect, average of both",
    "direct": "Direct, average of both",
    "indirect_control": "Indirect, treatment held at control",
    "indirect_treated": "Indirect, treatment held at active",
    "direct_control": "Direct, mediator as under control",
    "direct_treated": "Direct, mediator as under active",
    "proportion": "Proportion mediated",
}


def effect_text(effect: MediatedEffect | None) -> str | None:
    """``-1.20 (-2.10 to -0.30)``, or as a percentage; None where there is none."""
    if effect is None:
        return None
    return limits_text(
        effect.estimate, effect.lower, effect.upper, share=effect.effect == "proportion"
    )


def limits_text(
    value: float | None, lower: float | None, upper: float | None, *, share: bool = False
) -> str | None:
    """An estimate with its limits; ``no interval`` where it has none."""
    if value is None:
        return None
    if lower is None or upper is None:
        return f"{percent(value) if share else number(value)} (no interval)"
    if share:
        return f"{percent(value)} ({percent(lower)} to {percent(upper)})"
    digits = decimals((upper - lower) / 4)
    return f"{number(value, digits)} ({interval(lower, upper, digits)})"


def lead_set(found: Mediation) -> MediationSet | None:
    """The joint effect where it could be estimated, else the first single one; None without any."""
    joint = found.joint
    if joint is not None and joint.failure is None:
        return joint
    return next((row for row in found.singles if row.failure is None), None)


def answer(results: Results, prediction: Prediction, found: Mediation) -> str:
    """The one sentence: indirect beside total, with intervals."""
    if found.failure is not None:
        return f"Mediation is not estimated: {found.failure}."
    lead = lead_set(found)
    if lead is None:
        reasons = dict.fromkeys(clause(row.failure) for row in found.sets)
        return f"Mediation cannot be estimated from these data: {'; '.join(reasons)}."
    total, indirect = lead.effect("total"), lead.effect("indirect")
    assert total is not None
    assert indirect is not None
    unit = outcome_unit(prediction)
    through = (
        f"the early changes taken together ({lead.label})"
        if lead.joint
        else f"the early change of {lead.label}, {IF_NOTHING_ELSE}"
    )
    p = "" if indirect.p is None else f", {p_clause(indirect.p)}"
    return (
        f"Of the effect of {group_label(results, lead.arm)} on {prediction.outcome_label} by "
        f"{visit_label(results, prediction.landmark)} ({effect_text(total)} {unit}), "
        f"{effect_text(indirect)} {unit} would go through {through}, under the assumptions that "
        f"follow ({level(results)} CI, {METHODS[found.interval]}; n = {lead.n}{p}). "
        f"{verdict(indirect)}"
    )


def verdict(indirect: MediatedEffect) -> str:
    """What the interval of the indirect effect says."""
    if indirect.lower is None or indirect.upper is None:
        return "No interval could be had, so that nothing is said of it."
    if indirect.lower <= 0.0 <= indirect.upper:
        return (
            "The interval holds 0: these data neither show an effect through this path nor "
            "exclude one."
        )
    return "The interval excludes 0."


def assumptions(prediction: Prediction, found: Mediation) -> str:
    """What every estimate rests on: it stands beside the answer, in the same size."""
    return (
        "Randomisation does not identify these effects: it makes the arms alike, not people with "
        "different early changes. They hold only if, given arm, strata and the baselines of marker "
        f"and {prediction.outcome_label}, nothing else causes both the early change and the "
        "outcome; if nothing that treatment moves, and that is not among the mediators, does so "
        "either; if both models are linear; and if the early change is measured without error. "
        "Nothing of this can be tested here."
    )


def set_sentence(found: Mediation) -> str:
    """Joint against single mediators."""
    if found.joint is None:
        return (
            "Each mediator is looked at alone: its effect is meant "
            f"“{IF_NOTHING_ELSE}”, and these effects do not add up."
        )
    return (
        "Early changes influence each other, so that the effect through all of them together is "
        f"what is reported. Single ones are meant “{IF_NOTHING_ELSE}”: they overlap and do not "
        "add up to the joint effect."
    )


def proportion_sentence(found: Mediation) -> str | None:
    """The proportion mediated, or why it is withheld."""
    lead = lead_set(found)
    row = None if lead is None else lead.effect("proportion")
    if row is None:
        return None
    if row.withheld is not None:
        return f"No proportion mediated is given: {row.withheld}."
    return (
        f"Proportion mediated, with the same assumptions: {effect_text(row)}. A ratio of two "
        "uncertain numbers; it may lie below 0 or above 1."
    )


@lru_cache(maxsize=1)
def coverage() -> dict[str, object]:
    """The study of coverage at n = 36 and 200, as its page prints it."""
    path = resources.files("equipoise.report") / "mediation_coverage.json"
    return json.loads(path.read_text(encoding="utf-8"))


def coverage_sentence(found: Mediation) -> str:
    """How often such an interval holds the truth at this size, by simulation."""
    study = coverage()
    rows = [
        row
        for row in study["rows"]  # type: ignore[attr-defined]
        if row["n"] == 36 and row["method"] == found.interval
    ]
    real = [row["coverage"] for row in rows if row["a"] and row["b"]]
    null = {
        "neither path": next(r["coverage"] for r in rows if not r["a"] and not r["b"]),
        "the first path alone": next(r["coverage"] for r in rows if r["a"] and not r["b"]),
        "the second alone": next(r["coverage"] for r in rows if not r["a"] and r["b"]),
    }
    wrong = "; ".join(f"{percent(1 - value, 1)} (with {name})" for name, value in null.items())
    return (
        f"In {study['trials']:,} simulated trials of 36 people (12 : 24; every assumption met) a "
        f"{METHODS[found.interval]} interval of 95 % held the true indirect effect through one "
        f"mediator in {percent(real[0], 1)} of trials. Where there was no such effect, it excluded "
        f"0 wrongly in: {wrong}."
    )


def confounding_sentence(found: Mediation) -> str | None:
    """The correlation of errors at which the leading single mediator's effect is gone."""
    row = next((s for s in found.singles if s.plain is not None), None)
    if row is None or row.plain is None:
        return None
    plain = row.plain
    band = limits_text(plain.vanishing, plain.vanishing_lower, plain.vanishing_upper)
    return (
        f"{row.label}, without interaction: the indirect effect would be gone if the errors of "
        f"both models were correlated by {band}; an unmeasured cause would have to explain "
        f"{percent(plain.r2_residual, 1)} of what is left of both variances, as their product "
        f"({percent(plain.r2_total, 1)} of the total variances). Whether there is such a cause, "
        "these data cannot say."
    )


def assay_sentence(found: Mediation) -> str | None:
    """What the assay's error may hide, for the leading mediator with a known CV."""
    row = next((s for s in found.singles if s.plain is not None and s.plain.assay), None)
    if row is None or row.plain is None or row.plain.assay_cv is None:
        return None
    plain = row.plain
    points = {round(point.cv / plain.assay_cv, 6) if plain.assay_cv else 0: point
              for point in plain.assay}  # fmt: skip
    first, own = points.get(0.0), points.get(1.0)
    if first is None or own is None:
        return None
    if own.indirect is None:
        said = "all that was seen of the early change could be error, and nothing is corrected"
    else:
        said = (
            f"corrected it would be {limits_text(own.indirect, own.lower, own.upper)} in place of "
            f"{limits_text(first.indirect, first.lower, first.upper)}"
        )
    return (
        f"{row.label}: with an assay whose coefficient of variation is {percent(plain.assay_cv)} "
        f"(assumed in the protocol; errors of both visits independent), {said}; without "
        "interaction."
    )


def few(results: Results, found: Mediation) -> str | None:
    """Which arms are small, and what can still be said."""
    lead = lead_set(found)
    if lead is None:
        return None
    small = [c for c in lead.counts if c.used < FEW]
    if not small:
        return None
    named = "; ".join(f"{group_label(results, c.group)} {c.used}" for c in small)
    return (
        f"Fewer than {FEW} people in an arm have all values ({named}): the total effect can still "
        "be read, its division into parts rests on almost nothing."
    )


def missing_sentence(found: Mediation) -> str | None:
    """Complete cases and imputed, side by side."""
    lead = lead_set(found)
    if lead is None or lead.imputed is None:
        return None
    row, own = lead.imputed, lead.effect("indirect")
    head = f"{lead.n} of {row.n} people have all values: {effect_text(own)}"
    if row.failure is not None:
        return f"{head}. Missing values could not be imputed: {clause(row.failure)}."
    return (
        f"{head}. With missing values imputed ({row.imputations} data sets, bootstrap samples "
        f"pooled, percentile limits): {limits_text(row.indirect, row.lower, row.upper)}."
    )


def failures(found: Mediation) -> list[str]:
    """Why mediators have no estimate, each as a sentence."""
    return [
        f"{row.label}: not estimated: {clause(row.failure)}."
        for row in found.sets
        if row.failure is not None
    ]


def methods(prediction: Prediction, found: Mediation) -> str:
    """How it was computed."""
    strata = f", {' and '.join(prediction.strata)}" if prediction.strata else ""
    single = any(row.interaction for row in found.singles)
    joint = found.joint is not None and found.joint.interaction
    slopes = {
        (True, True): "A mediator's slope may differ between arms.",
        (True, False): "A single mediator's slope may differ between arms.",
        (False, True): "The slopes of mediators taken together may differ between arms.",
        (False, False): "Slopes are the same in both arms.",
    }[single, joint]
    return (
        f"Linear models of the mediator on arm, the baselines of both{strata}, and of the outcome "
        f"on the same and the mediator. {slopes} {found.bootstrap:,} bootstrap samples within arm "
        f"and stratum; {found.quasi_bayesian:,} quasi-Bayesian draws. Sensitivity analyses are "
        "those of one mediator without interaction. Exploratory, unadjusted for the number of "
        "mediators."
    )
