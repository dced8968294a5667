"""What may be said of all early changes together: the claim and its caution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.early_change_words import outcome_unit
from equipoise.report.words import decimals, interval, number, p_clause, percent, visit_label

if TYPE_CHECKING:
    from equipoise.analysis.prediction.multivariate_results import (
        JointMarker,
        JointTest,
        Multivariate,
    )
    from equipoise.analysis.prediction.prediction_results import Prediction
    from equipoise.analysis.results import Results

_RULES = {
    "best": "the smallest cross-validated error",
    "one-standard-error": "the plainest model within one standard error of the smallest "
    "cross-validated error",
}


def answer(results: Results, prediction: Prediction, found: Multivariate) -> str:
    """Whether the pattern says more than chance, in one sentence."""
    if found.failure is not None:
        return f"Whether all early changes together say something cannot be told: {found.failure}."
    test = found.test("partial-least-squares")
    assert test is not None
    late = visit_label(results, prediction.landmark)
    said = _verdict(results, test)
    saved = "" if test.q2 is None else f"cross-validated Q² {percent(test.q2)}; "
    where = "within arms" if results.compared else "in the one arm"
    return (
        f"Taken together, the early changes of {used_markers(found)} markers {said} about "
        f"{prediction.outcome_label} at {late} {where} ({saved}permutation {_p(test)} for "
        f"the whole procedure, n = {found.n})."
    )


def _p(test: JointTest) -> str:
    return "p not to be had" if test.p is None else p_clause(test.p)


def _verdict(results: Results, test: JointTest) -> str:
    low = test.p is not None and test.p < round(1 - results.confidence, 9)
    if low and test.chosen:
        return "say more than chance does"
    if low:
        return "predict less badly than chance would, and still no better than the covariates alone"
    return "are not shown to say more than chance does"


def caution(results: Results, found: Multivariate) -> str:
    """What the answer does not say."""
    test = found.test("partial-least-squares")
    assert test is not None
    parts = []
    if not test.chosen:
        parts.append(
            "The data support no component: by the plan's rule the covariates alone are preferred, "
            "and importance and coefficients below describe noise as well as anything else."
        )
    if test.p is not None and test.p >= round(1 - results.confidence, 9):
        parts.append("That nothing is shown in so few people does not show that nothing is there.")
    parts.append(
        "Exploratory: nobody was randomised to an early change, and which markers lead is far "
        "less certain than whether the whole says anything."
    )
    return " ".join(parts)


def used_markers(found: Multivariate) -> int:
    """Markers that are looked at."""
    return sum(marker.dropped is None for marker in found.markers)


def meaning(found: Multivariate) -> str:
    """What Q², importance and the permutation are."""
    test = found.test("partial-least-squares")
    assert test is not None
    null = ""
    if test.null_median is not None and test.null_upper is not None:
        null = (
            f" In {found.permutations:,} permutations of the outcome within arm and stratum it was "
            f"{percent(test.null_median)} in the middle, and above {percent(test.null_upper)} in "
            "one of twenty."
        )
    return (
        "Q² is the share of the squared error that the early changes save in people left out, "
        "beside arm, strata and the outcome's baseline; below 0 they make the prediction worse."
        f"{null} Everything was chosen anew in each permutation, and what the covariates say was "
        "taken out in each training set alone."
    )


def components(found: Multivariate) -> str:
    """How many components, by which rule, and how sure that number is."""
    test = found.test("partial-least-squares")
    assert test is not None
    k = test.components or 0
    shown = f"{k} component{'' if k == 1 else 's'}"
    how = (
        f"{_RULES[found.rule]} in {found.repeats} repeats of {found.folds} folds, of at most "
        f"{found.most_components}"
    )
    first = (
        f"Partial least squares with {shown} was chosen by {how}."
        if test.chosen
        else f"By {how}, no component was chosen; shown is the best with at least one, {shown}."
    )
    total = sum(found.bootstrap_components)
    same = found.bootstrap_components[k - 1] if 0 < k <= len(found.bootstrap_components) else 0
    markers = sum(row.markers_explained for row in found.components)
    outcome = sum(row.outcome_explained for row in found.components)
    return (
        f"{first} It holds {percent(markers)} of the variance of the adjusted early changes and "
        f"{percent(outcome)} of that of the adjusted outcome in the people it was fitted to, which "
        f"is always too favourable. Of {total:,} bootstrap samples {percent(same / total)} chose "
        f"the same number, were 0 not allowed."
    )


def net(results: Results, prediction: Prediction, found: Multivariate) -> str:
    """What ridge or the elastic net says."""
    test = found.test("elastic-net")
    assert test is not None
    assert test.mixing is not None
    name = "ridge regression" if test.mixing == 0.0 else f"an elastic net (mixing {test.mixing:g})"
    q2 = "" if test.q2 is None else f", Q² {percent(test.q2)}"
    said = (
        f"preferred {name}, penalty {number(test.penalty)}{q2}"
        if test.chosen
        else f"preferred the covariates alone to {name}{q2}"
    )
    kept = ""
    if found.kept_by is not None:
        kept = (
            f" Kept: the share of bootstrap samples in which an elastic net (mixing "
            f"{found.kept_by.mixing:g}, one fixed penalty) keeps the marker."
        )
    return (
        f"Ridge and elastic net, chosen on the same folds, {said}; permutation "
        f"{_p(test)}. Shrunken coefficients are biased on purpose; they have no valid "
        f"interval, and none is given.{kept}"
    )


def intervals(results: Results, found: Multivariate) -> str:
    """What the bootstrap repeats, and which markers belong together."""
    return (
        f"Intervals: 2.5th and 97.5th percentiles of {found.bootstrap:,} bootstrap samples within "
        "arm and stratum, the number of components chosen anew in each; importance is bounded by "
        "0, so that its interval tests nothing. Markers that are a percentage and a count of the "
        "same cells stand both among them: such markers share their importance, and neither is "
        "more than the other's companion."
    )


def importance_text(marker: JointMarker) -> str | None:
    """``1.20 (0.80 to 1.60)``; None where it is not among them."""
    return _text(marker.importance, marker.importance_lower, marker.importance_upper)


def coefficient_text(marker: JointMarker) -> str | None:
    """The coefficient of partial least squares with its interval."""
    return _text(marker.coefficient, marker.coefficient_lower, marker.coefficient_upper)


def _text(value: float | None, lower: float | None, upper: float | None) -> str | None:
    if value is None or lower is None or upper is None:
        return None
    digits = decimals((upper - lower) / 4)
    return f"{number(value, digits)} ({interval(lower, upper, digits)})"


def imputed(found: Multivariate) -> str | None:
    """What missing early changes mean for it; None where nobody is missing one."""
    if found.imputed is None:
        return None
    return (
        f"{found.imputed.n - found.n} more people have the outcome and not every early change. "
        f"Imputed ({found.imputed.imputations} imputations, joint normal model within arms) they "
        "are in the last columns of the table; nobody's outcome was imputed. Imputation uses the "
        "outcome, so that nobody could honestly be left out: no Q² and no p is given of it."
    )


def remarks(found: Multivariate) -> list[str]:
    """Sentences."""
    return [f"{text}." for text in found.remarks]


def unit(prediction: Prediction) -> str:
    """Unit of the coefficients."""
    return f"{outcome_unit(prediction)} per SD"
