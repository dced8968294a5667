"""Rules for items of TRIPOD+AI: they look at the forecasts and at what the protocol says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from equipoise.report.checklists.items import Finding, State

if TYPE_CHECKING:
    from equipoise.analysis.results import Results
    from equipoise.analysis.stratification.forecast_results import ForecastResults

_A, _P, _M = State.ANSWERED, State.PARTLY, State.MISSING
_AUTHORS = "Not reported: to be written by the authors"


def _found(r: Results) -> ForecastResults:
    assert r.forecast is not None  # the list is held against reports with a forecast
    return r.forecast


def _here(*anchors: str, note: str = "") -> Callable[[Results], Finding]:
    """Answered in these places; not at all where no forecast could be made."""

    def rule(r: Results) -> Finding:
        found = _found(r)
        if not found.stages:
            return Finding(_M, anchors=("forecast",), note="No forecast could be trained")
        return Finding(_A, anchors=anchors, note=note)

    return rule


def _partly(anchor: str, note: str) -> Callable[[Results], Finding]:
    def rule(r: Results) -> Finding:
        said = f"{note}; the rest is for the authors"
        stands = bool(_found(r).stages) or not anchor.startswith("forecast-")
        return Finding(_P, anchors=(anchor if stands else "forecast",), note=said)

    return rule


def _not(note: str) -> Callable[[Results], Finding]:
    return lambda _: Finding(State.NOT_APPLICABLE, note=note)


def _for_authors(_: Results) -> Finding:
    return Finding(_M, note=_AUTHORS)


def _centres(r: Results) -> Finding:
    return Finding(
        _M,
        note="The forecast does not tell centres apart; with one centre the item does not apply",
    )


def _missing(r: Results) -> Finding:
    found = _found(r)
    if not found.stages:
        return Finding(_M, anchors=("forecast",), note="No forecast could be trained")
    gaps = any(stage.incomplete for stage in found.stages)
    note = (
        "Conditional means within each training set; complete cases beside"
        if gaps
        else "Nobody with an outcome lacked a predictor"
    )
    return Finding(_A, anchors=("forecast-people",), note=note)


def _output(r: Results) -> Finding:
    found = _found(r)
    what = "A distribution of the score"
    if found.response is not None:
        what += ", and the probability of response by the protocol’s rule"
    return Finding(_A, anchors=("forecast-people",), note=f"{what}; no class is made of it")


def _size(r: Results) -> Finding:
    stage = _found(r).stage("early")
    if stage is None or not stage.needed:
        return Finding(_M, anchors=("forecast",), note="No criterion could be computed")
    worst = max(row.needed for row in stage.needed)
    return Finding(
        _A, anchors=("forecast-needed",), note=f"{stage.n} people; up to {worst:,} asked"
    )


def _performance(r: Results) -> Finding:
    found = _found(r)
    if not found.stages:
        return Finding(_M, anchors=("forecast",), note="No forecast could be tested")
    return Finding(
        _P, anchors=("forecast-performance", "forecast-calibration"),
        note="With intervals; not by groups of people, who are too few",
    )  # fmt: skip


RULES: dict[str, Callable[[Results], Finding]] = {
    "for_authors": _for_authors,
    "not_updated": _not("The model was not updated"),
    "own_model": _not("No model of others is tested"),
    "own_data": _not("Tested by leaving out people of the same trial, not in other data"),
    "forecast_purpose": _partly(
        "forecast", "The people are named, and that it is for research only"
    ),
    "forecast_test": _here("forecast-performance", note="Made, and tested within the same trial"),
    "forecast_source": _partly("methods", "People of a randomised trial"),
    "forecast_treatment": _here("forecast-people", note="The arm is among the terms"),
    "forecast_columns": _here("forecast-terms", "forecast-people"),
    "forecast_outcome": _here("forecast-people", "estimands"),
    "forecast_choice": _partly("forecast-terms", "Named in the protocol before the data"),
    "forecast_predictors": _here("forecast-terms"),
    "forecast_size": _size,
    "forecast_missing": _missing,
    "forecast_methods": _here("forecast-people", "forecast-performance"),
    "forecast_centres": _centres,
    "forecast_imbalance": _here("forecast-people", note="Nothing was weighted or resampled"),
    "forecast_fairness": _for_authors,
    "forecast_output": _output,
    "forecast_code": _here("provenance", note="Program and versions are named; so is the method"),
    "forecast_people": _here("forecast-people", "flow"),
    "forecast_baseline": _here("baseline"),
    "forecast_terms": _here("forecast-terms"),
    "forecast_performance": _performance,
    "forecast_limits": _partly("forecast", "Numbers, overfitting and the missing outside test"),
    "forecast_gaps": _partly("forecast-people", "Missing predictors are filled in"),
    "forecast_next": _partly("forecast-needed", "How many people it would take"),
}
