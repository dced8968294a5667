"""Mediation in the report: the answer, its assumptions beside it, and what is withheld."""

from __future__ import annotations

import re

import pytest

from equipoise.report import mediation_words as words
from equipoise.report.mediation_figures import mediation_figures
from equipoise.report.page import render


@pytest.fixture(scope="module")
def page(light_results):
    return render(light_results, mediation_figures(light_results))


def plain(html):
    html = re.sub(r"<svg.*?</svg>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_assumptions_stand_behind_the_answer_in_the_same_size(page, light_results):
    prediction = light_results.prediction
    answer = words.answer(light_results, prediction, prediction.mediation)
    text = page[page.index('id="early-change-mediation"') :]
    text = text[: text.index("<h3")]
    claim = text.index(answer.split("(")[0])
    caution = text.index("Randomisation does not identify these effects")
    assert claim < caution < text.index("<figure")
    assert 'class="note"' not in text[claim:caution]
    assert words.IF_NOTHING_ELSE in plain(text)
    assert not re.search(r"\bproves?\b|\bcauses improvement\b|\bmediates\b", plain(text), re.I)


def test_coverage_at_36_is_printed_from_the_study(page, light_results):
    found = light_results.prediction.mediation
    row = next(
        r
        for r in words.coverage()["rows"]
        if (r["n"], r["method"]) == (36, found.interval) and r["a"] and r["b"]
    )
    said = words.coverage_sentence(found)
    assert f"{100 * row['coverage']:.1f} %" in said
    assert said in plain(page).replace("&#39;", "'")


def test_no_proportion_where_it_is_withheld(light_results):
    found = light_results.prediction.mediation
    lead = words.lead_set(found)
    share = lead.effect("proportion").model_copy(
        update={"estimate": None, "lower": None, "upper": None, "withheld": "the interval holds 0"}
    )
    lead = lead.model_copy(
        update={"effects": (*(e for e in lead.effects if e.effect != "proportion"), share)}
    )
    sets = tuple(lead if row.joint else row for row in found.sets)
    said = words.proportion_sentence(found.model_copy(update={"sets": sets}))
    assert said == "No proportion mediated is given: the interval holds 0."


def test_one_arm_says_why(light_results):
    prediction = light_results.prediction
    found = prediction.mediation.model_copy(update={"sets": (), "failure": "it has one arm"})
    assert words.answer(light_results, prediction, found) == (
        "Mediation is not estimated: it has one arm."
    )


def test_figures_say_their_numbers_and_that_arrows_are_assumed(light_results):
    drawings = mediation_figures(light_results)
    assert set(drawings) == {"mediation-paths", "mediation-confounding"}
    lead = words.lead_set(light_results.prediction.mediation)
    paths = drawings["mediation-paths"]
    assert words.effect_text(lead.effect("indirect")) in paths.alternative
    assert "assumed, not found" in paths.caption
    assert all("SIMULATED" in drawing.inline for drawing in drawings.values())
