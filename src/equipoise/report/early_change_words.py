"""What may be said of an early change and the later outcome: the claim and its caution."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from equipoise.report.words import (
    clause,
    decimals,
    group_label,
    interval,
    level,
    number,
    p_clause,
    visit_label,
)

if TYPE_CHECKING:
    from equipoise.analysis.prediction.prediction_results import (
        AddedTerm,
        EarlyChange,
        ImputedSlope,
        Prediction,
        Slope,
        VisitSlope,
    )
    from equipoise.analysis.results import Results

#: Kind of estimate → what it can show, what it cannot.
SHOWS: dict[str, tuple[str, str]] = {
    "within-arms": (
        "Whether, among people in the same arm, those whose marker rose more changed more in the "
        "outcome",
        "That the rise is the cause: something else about these people may be behind both",
    ),
    "adjusted": (
        "The same among people who had improved equally by the early visit",
        "As above; the early score may itself follow from the early change",
    ),
    "imputed": (
        "The same with everybody randomised, what is missing drawn from what is known of each",
        "What those who lack a value were really like: it leans on their being like the others",
    ),
    "visits": (
        "The same from all later visits at once, those who left after some of them included",
        "As within arms; it leans on one covariance over the visits",
    ),
    "ranks": (
        "The same for any relation that rises, or falls, throughout, and with outliers",
        "How large the difference in the outcome is",
    ),
    "arm": (
        "The same in this arm alone, from fewer people",
        "A difference between arms: see the difference of the slopes",
    ),
    "all-arms": (
        "Nothing beyond the treatment: where it moves both, it produces this association alone",
        "Whether the marker says anything about a person",
    ),
}


def outcome_unit(prediction: Prediction) -> str:
    """Unit of the outcome's change, as printed."""
    return "log units" if prediction.outcome_scale == "log_fold" else prediction.outcome_unit


def slope_text(slope: Slope, *, doubling: bool = False) -> str | None:
    """``-1.20 (-2.10 to -0.30)`` per SD, or per doubling; None where there is none."""
    if doubling:
        return _text(slope.per_doubling, slope.per_doubling_lower, slope.per_doubling_upper)
    return _text(slope.per_sd, slope.per_sd_lower, slope.per_sd_upper)


def imputed_text(slope: ImputedSlope | VisitSlope) -> str | None:
    """A slope per SD from imputed data or of one visit; None where there is none."""
    return _text(slope.per_sd, slope.per_sd_lower, slope.per_sd_upper)


def term_text(term: AddedTerm) -> str | None:
    """A curvature or a difference of slopes with its interval; None where there is none."""
    return _text(term.estimate, term.lower, term.upper)


def _text(value: float | None, lower: float | None, upper: float | None) -> str | None:
    if value is None or lower is None or upper is None:
        return None
    digits = decimals((upper - lower) / 4)
    return f"{number(value, digits)} ({interval(lower, upper, digits)})"


def correlation_text(slope: Slope, *, ranks: bool = False) -> str | None:
    """A partial correlation and its interval; None where there is none."""
    if ranks:
        values = (
            slope.rank_correlation,
            slope.rank_correlation_lower,
            slope.rank_correlation_upper,
        )
    else:
        values = (slope.correlation, slope.correlation_lower, slope.correlation_upper)
    if values[0] is None:
        return None
    return f"{number(values[0])}" + (
        "" if values[1] is None else f" ({interval(values[1], values[2])})"
    )


def sd_text(marker: EarlyChange, slope: Slope) -> str:
    """What one standard deviation is: a factor for fold changes."""
    if slope.sd is None:
        return ""
    if marker.scale == "log_fold":
        return f"a fold {number(math.exp(slope.sd))} times as large"
    return f"{number(slope.sd, decimals(slope.sd))} {marker.unit}"


def headline(results: Results, prediction: Prediction, marker: EarlyChange) -> str:
    """The slope within arms in words, with interval, test and verdict."""
    slope = marker.headline
    if slope.estimate is None:
        return f"This cannot be estimated from these data: {clause(slope.failure)}."
    assert slope.per_sd is not None
    digits = decimals((float(slope.per_sd_upper or 0) - float(slope.per_sd_lower or 0)) / 4)
    early = visit_label(results, prediction.early_visit)
    late = visit_label(results, prediction.landmark)
    tested = [f"{slope.n} of {sum(c.randomised for c in marker.counts)} participants"]
    if slope.permutation_p is not None:
        tested.append(f"permutation {p_clause(slope.permutation_p)}")
    size = f"{number(abs(slope.per_sd), digits)} {outcome_unit(prediction)}"
    where = "Within arms" if results.compared else "In the one arm"
    return (
        f"{where}, one standard deviation more of the early change of {marker.label} by {early} "
        f"({sd_text(marker, slope)}) went with a change of {prediction.outcome_label} by {late} "
        f"that was {size} {_direction(prediction, slope.per_sd)} "
        f"(slope {slope_text(slope)}, {level(results)} CI; {', '.join(tested)}). "
        f"{_verdict(results, slope)}"
    )


def in_short(results: Results, prediction: Prediction, marker: EarlyChange) -> str:
    """Slope within arms, proportion and all arms in one sentence, without a verdict."""
    slope = marker.headline
    early = visit_label(results, prediction.early_visit)
    late = visit_label(results, prediction.landmark)
    if slope.estimate is None:
        return f"{marker.label}: not estimable: {clause(slope.failure)}."
    tested = "" if slope.permutation_p is None else f", permutation {p_clause(slope.permutation_p)}"
    parts = [
        f"slope {slope_text(slope)} {outcome_unit(prediction)} per SD of the early change, "
        f"n = {slope.n}{tested}{_better(prediction)}"
    ]
    for row in marker.added:
        if (text := term_text(row)) is not None:
            name = "curvature"
            if row.term == "slope-difference":
                arm = group_label(results, row.arm or "")
                name = f"difference of the slopes, {arm} against {_control(results)},"
            parts.append(f"{name} {text}")
    together = marker.slope("all-arms")
    if together is not None and together.correlation is not None:
        parts.append(
            f"over all arms r = {correlation_text(together)}, which treatment alone can produce"
        )
    where = "within arms" if results.compared else "in the one arm"
    return (
        f"{marker.label} by {early} and {prediction.outcome_label} by {late}, {where}, "
        f"{level(results)} CI: {'; '.join(parts)}."
    )


def _better(prediction: Prediction) -> str:
    """Which sign of a slope is more improvement."""
    if prediction.better == "neither":
        return ""
    sign = "below" if prediction.better == "lower" else "above"
    return f" ({sign} 0: who rose more improved more)"


def _direction(prediction: Prediction, slope: float) -> str:
    way = "lower" if slope < 0 else "higher"
    if prediction.better == "neither":
        return way
    good = (slope < 0) == (prediction.better == "lower")
    return f"{way}: {'more' if good else 'less'} improvement"


def _verdict(results: Results, slope: Slope) -> str:
    """What the interval says, and where the permutation test falls on the other side."""
    excludes = excludes_zero(slope)
    said = (
        "The interval excludes 0."
        if excludes
        else "The interval holds 0: these data neither show an association nor exclude one."
    )
    p = slope.permutation_p
    if p is not None and (p < round(1 - results.confidence, 9)) != excludes:
        said += (
            " The permutation test, which does not lean on normal errors, falls on the other side "
            "of the level: so near to it the answer depends on the method."
        )
    return said


def excludes_zero(row: Slope | AddedTerm) -> bool:
    """Whether the interval lies on one side of 0."""
    return row.lower is not None and row.upper is not None and (row.lower > 0.0 or row.upper < 0.0)


def proportion(results: Results, prediction: Prediction, marker: EarlyChange) -> str:
    """Whether the outcome follows in proportion: curvature and slopes by arm."""
    rows = [row for row in marker.added if row.estimate is not None]
    if not rows:
        return (
            "Whether the outcome followed in proportion cannot be said: too few people for a "
            "curvature or for slopes by arm."
        )
    unit = outcome_unit(prediction)
    parts: list[str] = []
    for row in rows:
        if row.term == "curvature":
            parts.append(f"the curvature is {term_text(row)} {unit} per squared SD")
        else:
            arms = f"{group_label(results, row.arm or '')} against {_control(results)}"
            parts.append(f"the slopes differ by {term_text(row)} {unit} per SD ({arms})")
    outside = [row for row in rows if excludes_zero(row)]
    if not outside:
        end = (
            "The intervals hold 0: no departure from a straight line common to the arms is seen, "
            "and in so few people none is excluded"
            if len(rows) > 1
            else "The interval holds 0: no departure from a straight line is seen, and in so few "
            "people none is excluded"
        )
    else:
        found = " and ".join(
            "a bend" if row.term == "curvature" else "unequal slopes" for row in outside
        )
        end = f"An interval without 0 speaks for {found}: not one straight line for all"
    return f"In proportion? Beside a straight line {' and '.join(parts)}. {end}."


def all_arms(marker: EarlyChange) -> str | None:
    """The association over all arms, said for what it is; None where there is none."""
    slope = marker.slope("all-arms")
    if slope is None or slope.correlation is None:
        return None
    return (
        f"Over all arms together the partial correlation is {correlation_text(slope)}; where "
        "treatment moves both, it produces such a correlation alone."
    )


def number_of_markers(prediction: Prediction) -> str:
    """How many were looked at, and what that means for any one of them."""
    n = len(prediction.markers)
    if n == 1:
        return "Exploratory: nobody was randomised to an early change."
    said = f"Exploratory: nobody was randomised to an early change, and {n} markers were looked at"
    adjusted = prediction.multiplicity
    if adjusted is None or adjusted.method == "none":
        return f"{said} without adjustment for their number."
    return f"{said}; further down their p-values are adjusted for that number."


def lost(results: Results, prediction: Prediction) -> str:
    """Who left before the landmark, by group, for the leading marker."""
    late = visit_label(results, prediction.landmark)
    parts = [
        f"{group_label(results, c.group)} {c.no_outcome} of {c.randomised - c.no_early}"
        for c in prediction.markers[0].counts
    ]
    return (
        f"Of those with an early change, without {prediction.outcome_label} at {late}: "
        f"{'; '.join(parts)}."
    )


#: With fewer people in an arm a slope of its own rests on next to nothing.
_FEW = 10


def few(results: Results, prediction: Prediction) -> str | None:
    """Which arms have fewer than ten people with both values; None where none has."""
    small = [
        f"{group_label(results, c.group)} ({c.used})"
        for c in prediction.markers[0].counts
        if c.used < _FEW
    ]
    if not small:
        return None
    return (
        f"Fewer than {_FEW} people have both values: {', '.join(small)}. What is said of one arm, "
        "of a difference of slopes and of a curvature rests on very few."
    )


def failures(results: Results, marker: EarlyChange) -> list[str]:
    """Why slopes of a marker were not estimated, each as a sentence."""
    said = [
        f"{among_label(results, slope)}: not estimated: {clause(slope.failure)}."
        for slope in marker.slopes
        if slope.failure is not None
    ]
    said += [
        f"{among_label(results, slope)}, imputed: not estimated: {clause(slope.failure)}."
        for slope in marker.imputed
        if slope.failure is not None
    ]
    if marker.repeated is not None and marker.repeated.failure is not None:
        said.append(f"From every visit: not estimated: {clause(marker.repeated.failure)}.")
    return said


def missing(results: Results, marker: EarlyChange) -> str | None:
    """How complete cases and imputed data compare within arms; None where nothing is missing."""
    if not marker.imputed:
        return None
    row, cases = marker.imputed[0], marker.headline
    lacking = (
        f"Of {row.n} participants {row.imputed_early} lack the early change of {marker.label} and "
        f"{row.imputed_outcome} the outcome"
    )
    if row.per_sd is None:
        return f"{lacking}; they could not be imputed: {clause(row.failure)}."
    return (
        f"{lacking}. Within arms the slope per SD is {slope_text(cases) or 'not estimable'} in "
        f"complete cases (n = {cases.n}) and {imputed_text(row)} with {row.imputations} "
        f"imputations (n = {row.n}); neither knows what was never measured."
    )


def every_visit(results: Results, prediction: Prediction, marker: EarlyChange) -> str | None:
    """The slopes of the mixed model in words; None where there is none."""
    found = marker.repeated
    if found is None or not found.slopes:
        return None
    landmark = found.at(prediction.landmark)
    assert landmark is not None
    tested = "" if found.p is None else f" All visits at once: {p_clause(found.p)}."
    return (
        f"From all {len(found.slopes)} later visits in one mixed model ({found.participants} "
        f"participants, {found.observations} scores) the slope per SD at "
        f"{visit_label(results, prediction.landmark)} is {imputed_text(landmark)} "
        f"{outcome_unit(prediction)}.{tested}"
    )


def among_label(results: Results, slope: Slope | ImputedSlope) -> str:
    """Who is looked at, as printed."""
    if slope.among == "within-arms":
        whole = "Within arms" if results.compared else "In the one arm"
        return (
            f"{whole}, adjusted for the early score" if slope.adjusted_for_early_outcome else whole
        )
    if slope.among == "all-arms":
        return "All arms together"
    return f"{group_label(results, slope.among)} alone"


def _control(results: Results) -> str:
    return group_label(results, results.control or "")
