"""What the report says of a forecast: no more than its left-out people allow."""

from __future__ import annotations

import re

import pytest

from equipoise.report import forecast_words as words
from equipoise.report import tables
from equipoise.report.checklists import State, evaluate
from equipoise.report.forecast_figures import forecast_figures
from equipoise.report.page import render


@pytest.fixture(scope="module")
def section(il2_results):
    page = render(il2_results, forecast_figures(il2_results))
    return re.search(r'<section id="forecast".*?</section>', page, flags=re.DOTALL)[0]


def plain(html):
    html = re.sub(r"<svg.*?</svg>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def changed(results, *, stage="early", measure="auc", gain=None, **update):
    """The results with other numbers for one measure, or for the gain of day 5."""
    found = results.forecast
    stages = []
    for one in found.stages:
        measures = tuple(
            m.model_copy(update=update) if (one.stage, m.measure) == (stage, measure) else m
            for m in one.measures
        )
        stages.append(one.model_copy(update={"measures": measures}))
    rows = [
        g.model_copy(update=gain)
        if gain and (g.stage, g.over, g.measure) == ("early", "baseline", "auc")
        else g
        for g in found.gains
    ]
    return found.model_copy(update={"stages": tuple(stages), "gains": tuple(rows)})


def test_answer_and_caution_stand_first_in_the_same_size(section, il2_results):
    found = il2_results.forecast
    first, second = re.findall(r"<p( [^>]*)?>(.*?)</p>", section, flags=re.DOTALL)[:2]
    assert first[0] == second[0] == ""
    assert words.answer(il2_results, found) in plain(first[1]) or "people" in first[1]
    assert second[1].startswith(words.RESEARCH_ONLY)
    assert words.answer(il2_results, found).count(". ") == 0
    caution = words.caution(il2_results, found)
    for needed in ("not on others", "arm that was assigned", "SIMULATED", "Riley"):
        assert needed in caution


def test_nothing_is_forecast_while_blinded(blinded_results):
    assert blinded_results.forecast is None
    assert "tripod" not in render(blinded_results, {}).lower()


def test_the_verdict_follows_the_numbers(il2_results):
    early = {"permutation_p": 0.001}
    found = changed(il2_results, **early, gain={"lower": 0.02, "estimate": 0.1, "upper": 0.2})
    said = words.answer(il2_results, found)
    assert "the early change added 10 points (2 to 20) to baseline" in said
    held = changed(il2_results, permutation_p=0.4, gain={"lower": -0.1, "upper": 0.2})
    first = [
        s.model_copy(
            update={
                "measures": tuple(
                    m.model_copy(update={"permutation_p": 0.3}) if m.permutation_p else m
                    for m in s.measures
                )
            }
        )
        for s in held.stages
    ]
    both = held.model_copy(update={"stages": tuple(first)})
    said = words.answer(il2_results, both)
    assert "neither is shown to be better than chance" in said
    assert "that the early change adds to baseline is not shown" in said
    worse = changed(il2_results, gain={"lower": -0.3, "estimate": -0.2, "upper": -0.1})
    assert "took" in words.answer(il2_results, worse)


def test_without_response_the_spread_is_told(il2_results):
    found = il2_results.forecast
    stages = tuple(
        s.model_copy(
            update={
                "measures": tuple(m for m in s.measures if m.measure in ("r2", "mae")),
                "response_calibration": None,
            }
        )
        for s in found.stages
    )
    score = found.model_copy(update={"stages": stages})
    assert words.lead_measure(score) == "r2"
    assert "of the spread of HDRS-17 total" in words.answer(il2_results, score)
    drawn = forecast_figures(il2_results.model_copy(update={"forecast": score}))
    assert "forecast-calibration" not in drawn
    assert "R²" in drawn["forecast-chance"].caption


def test_what_cannot_be_trained_is_said(il2_results):
    found = il2_results.forecast.model_copy(
        update={"stages": (), "gains": (), "failure": "8 people have the outcome"}
    )
    results = il2_results.model_copy(update={"forecast": found})
    assert words.answer(results, found).endswith("8 people have the outcome.")
    assert forecast_figures(results) == {}
    page = render(results, {})
    assert "8 people have the outcome" in page
    for line in evaluate("tripod_ai", results.plan, results):
        assert not any(a.startswith("forecast-p") and a != "forecast-people"
                       for a in line.finding.anchors), line.item.number  # fmt: skip


def test_every_number_of_a_person_stands_only_where_it_may(il2_results):
    found = il2_results.forecast
    hidden = found.model_copy(
        update={"stages": tuple(s.model_copy(update={"people": ()}) for s in found.stages)}
    )
    results = il2_results.model_copy(update={"forecast": hidden})
    drawing = forecast_figures(results)["forecast-calibration"]
    assert "Single people are not shown" in drawing.caption
    assert "did not respond" not in drawing.inline
    assert "did not respond" in forecast_figures(il2_results)["forecast-calibration"].inline


def test_tables_and_figures_hold_the_results(section, il2_results):
    found = il2_results.forecast
    text = plain(section)
    for stage in found.stages:
        for measure in stage.measures:
            assert words.measure_text(measure) in text, (stage.stage, measure.measure)
        for row in stage.needed if stage.stage == "early" else ():
            assert f"{row.needed:,}" in text
        for term in stage.coefficients:
            assert term.label in text
    assert section.count("<figure") == 3
    assert "SIMULATED" in tables.forecast_gains_table(il2_results, found) or "SIMULATED" in text


def test_tripod_is_answered_item_by_item(section, il2_results):
    lines = evaluate("tripod_ai", il2_results.plan, il2_results)
    assert len(lines) == 52
    states = {line.item.number: line.finding.state for line in lines}
    for number in ("4", "8a", "9b", "10", "11", "12a", "12e", "15", "21", "22"):
        assert states[number] is State.ANSWERED, number
    assert states["23a"] is State.PARTLY
    for number in ("1", "2", "14", "27b"):
        assert states[number] is State.MISSING
    assert section.count('class="number"') == 52
    assert "to be written by the authors" in section
