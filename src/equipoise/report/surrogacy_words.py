"""What may be said of a spline and of surrogacy: the answer and its caution."""

from __future__ import annotations

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
)

if TYPE_CHECKING:
    from equipoise.analysis.prediction.prediction_results import (
        EarlyChange,
        Prediction,
        SurrogacyRow,
    )
    from equipoise.analysis.results import Results

CAUTION = (
    "One small trial cannot validate a surrogate: that takes many trials in which effects on the "
    "marker foretell effects on the outcome. Nothing here is a pass or a fail."
)


def dose_marker(prediction: Prediction) -> EarlyChange:
    """Whose curve is shown: the first composite, else the leading marker."""
    composites = [m for m in prediction.markers if m.kind == "composite"]
    return (composites or list(prediction.markers))[0]


def dose(results: Results, prediction: Prediction) -> str:
    """Whether the outcome follows a straight line along the early change, in words."""
    marker = dose_marker(prediction)
    found = marker.dose
    where = "within arms" if results.compared else "in the one arm"
    if found is None or found.p is None:
        why = clause(found.failure) if found is not None else "too few people may be shown"
        return (
            f"Whether {prediction.outcome_label} followed the early change of {marker.label} along "
            f"a straight line cannot be said: {why}."
        )
    bent = found.p < round(1 - results.confidence, 9)
    said = (
        "a curve fits better than a straight line"
        if bent
        else "no departure from a straight line is seen"
    )
    return (
        f"{prediction.outcome_label} along the early change of {marker.label}, {where}: {said} "
        f"(spline with {len(found.knots)} knots, {p_clause(found.p)}, n = {found.n}). "
        + (
            "Where it bends, the band says how sure that is."
            if bent
            else f"In {found.n} people only a strong bend would be seen: a straight line is not "
            "shown, it is not refuted."
        )
    )


def surrogacy(results: Results, prediction: Prediction, marker: EarlyChange) -> list[str]:
    """The relative effect of each active arm in words, the caution behind it."""
    said: list[str] = []
    for row in marker.surrogacy:
        against = f"{group_label(results, row.arm)} against " + group_label(
            results, results.control or ""
        )
        if row.relative_effect is None:
            said.append(
                f"{against}: what treatment did to {marker.label} cannot be set against what it "
                f"did to {prediction.outcome_label}: {clause(row.failure)}. {CAUTION}"
            )
            continue
        unit = outcome_unit(prediction)
        said.append(
            f"{against}: for each standard deviation by which treatment moved the early change of "
            f"{marker.label}, {prediction.outcome_label} moved by "
            f"{relative_text(row)} {unit} (relative effect; {level(results)} set: "
            f"{set_text(row)}). {CAUTION}"
        )
    return said


def set_text(row: SurrogacyRow, *, proportion: bool = False) -> str:
    """A Fieller set in words, in each of its three shapes."""
    shape = row.proportion_shape if proportion else row.shape
    lower = row.proportion_lower if proportion else row.relative_effect_lower
    upper = row.proportion_upper if proportion else row.relative_effect_upper
    if shape == "whole line" or shape is None:
        return "every value: nothing is excluded"
    if lower is None or upper is None:
        limit, side = (upper, "up to") if lower is None else (lower, "from")
        return f"{side} {number(limit or 0.0, _digits(row))}"
    digits = 2 if proportion else _digits(row)
    if shape == "two rays":
        return (
            f"up to {number(lower, digits)}, or from {number(upper, digits)} on: the effect on the "
            "marker may be 0"
        )
    return interval(lower, upper, digits)


def relative_text(row: SurrogacyRow) -> str:
    """The relative effect, as exact as its limits are told."""
    return number(row.relative_effect or 0.0, _digits(row))


def _digits(row: SurrogacyRow) -> int:
    lower, upper = row.relative_effect_lower, row.relative_effect_upper
    if lower is None or upper is None:
        return decimals(abs(row.relative_effect or 0.0))
    return decimals(abs(upper - lower) / 4)


def effect_text(row: SurrogacyRow, name: str) -> str | None:
    """An estimate of the row with its interval; None where there is none."""
    value, lower, upper = (getattr(row, f"{name}{end}") for end in ("", "_lower", "_upper"))
    if value is None or lower is None or upper is None:
        return None
    digits = decimals((upper - lower) / 4)
    return f"{number(value, digits)} ({interval(lower, upper, digits)})"


def proportion_text(row: SurrogacyRow) -> str:
    """Freedman's proportion with its set, or why it is not given."""
    if row.proportion is None:
        return "not given: the interval of the effect on the outcome holds 0"
    return f"{number(row.proportion)} ({set_text(row, proportion=True)})"
