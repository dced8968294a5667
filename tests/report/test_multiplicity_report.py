"""Words and tables of adjusted p-values, and how often a claim is made beside the claim."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

import equipoise as eq
from equipoise.analysis.family_results import FamilyMaximum, MaximumRow
from equipoise.analysis.prediction.multiplicity_results import MarkersAdjusted
from equipoise.protocol.multiplicity_plan import Adjustment
from equipoise.report import claim_words, multiplicity_words, tables
from equipoise.report.page import render
from equipoise.report.questions import questions
from equipoise.report.references import used


def adjusted(results, method, p, own=0.02, n=2):
    """The results with so many markers adjusted by this method to these p."""
    rows = tuple(
        SimpleNamespace(marker=m.endpoint, label=m.label) for m in results.prediction.markers[:n]
    )
    found = MarkersAdjusted.model_validate(
        {
            "method": method,
            "draws": 99 if method == "max-t" else None,
            "seed": 1 if method == "max-t" else None,
            "rows": [
                {"marker": row.marker, "label": row.label, "n": 33, "t": -2.5,
                 "unadjusted_p": None if value is None else own, "adjusted_p": value,
                 "single_step_p": value if method == "max-t" else None}
                for row, value in zip(rows, p, strict=True)
            ],
        }
    )  # fmt: skip
    prediction = results.prediction.model_copy(update={"multiplicity": found})
    return results.model_copy(update={"prediction": prediction})


def test_every_method_has_a_name_and_says_what_it_keeps():
    words = {method.value for method in Adjustment}
    assert set(multiplicity_words.NAMES) == set(multiplicity_words.KEEPS) == words
    assert "not the chance of any false" in multiplicity_words.KEEPS["bh"]
    assert "positively dependent" in multiplicity_words.KEEPS["hochberg"]


@pytest.mark.parametrize(
    ("method", "p", "said"),
    [
        ("max-t", (0.03, 0.4), "remains for 1 of them: Treg, % of CD4+ (t = \u22122.5, p = 0.030)"),
        ("max-t", (0.2, 0.4), "no association within arms remains: the smallest adjusted p is "
         "that of Treg, % of CD4+, 0.200 (max-T, step-down)."),
        ("bh", (0.03, 0.04), "remains for 2 of them"),
        ("holm", (None, None), "None of the 2 markers could be tested within arms."),
    ],
)  # fmt: skip
def test_the_answer_is_one_sentence(light_results, method, p, said):
    results = adjusted(light_results, method, p)
    assert said in multiplicity_words.markers_sentence(results, results.prediction)


def test_unadjusted_markers_are_set_against_what_chance_gives(light_results):
    results = adjusted(light_results, "none", (0.02, 0.02))
    said = multiplicity_words.markers_sentence(results, results.prediction)
    assert "Of 2 markers 2 have an unadjusted p below 0.05 within arms" in said
    assert "by chance alone one would expect 0.1." in said


def test_the_caution_names_the_draws_and_what_is_not_shown(light_results):
    said = multiplicity_words.markers_caution(light_results.prediction)
    assert "permutations of the outcome\u2019s residuals within arm and stratum" in said
    assert "is not shown to be without a link" in said


def test_table_and_page_show_both_p(light_results):
    table = tables.multiplicity_table(light_results.prediction)
    assert "p, unadjusted" in table
    assert "p, max-T, step-down" in table
    assert "single step" not in tables.multiplicity_table(
        adjusted(light_results, "holm", (0.1, 0.2)).prediction
    )
    assert "p, adjusted" in tables.markers_table(light_results.prediction)
    page = render(light_results, {})
    assert 'id="early-change-multiplicity"' in page
    assert "Westfall PH, Young SS" in " ".join(used(light_results))
    without = light_results.prediction.model_copy(update={"multiplicity": None})
    bare = light_results.model_copy(update={"prediction": without})
    assert 'id="early-change-multiplicity"' not in render(bare, {})
    assert "without adjustment for their number" in " ".join(questions(bare)[3].answers)
    assert "p, adjusted" not in tables.markers_table(without)


def test_a_family_by_max_t_says_how_and_a_failed_one_why(light_results):
    (family,) = light_results.families
    rows = tuple(
        MaximumRow(endpoint=key, arm="il2", t=2.0, unadjusted_p=0.05, single_step_p=0.3,
                   adjusted_p=0.25, failed=2)
        for key in family.contrasts
    )  # fmt: skip
    drawn = FamilyMaximum(draws=1999, seed=3, rows=rows)
    shown = family.model_copy(update={"method": "max-t", "maximum": drawn})
    table = tables.family_table(light_results, shown)
    assert "p, re-randomised, unadjusted" in table
    assert "p, model, unadjusted" in table
    note = multiplicity_words.family_note(light_results, shown)
    assert "1,999 lists were drawn again" in note
    assert "2 of the lists without a fit, counted as extreme" in note
    lost = shown.model_copy(
        update={"maximum": FamilyMaximum(draws=9, seed=1, failure="no stratum")}
    )
    results = light_results.model_copy(update={"families": (lost,)})
    assert multiplicity_words.family_note(results, lost) == "No adjusted p: no stratum."
    assert "no adjusted p: no stratum" in " ".join(questions(results)[1].answers)
    assert multiplicity_words.family_note(light_results, family) is None
    plain = family.model_copy(update={"method": "none"})
    assert "p, unadjusted" in tables.family_table(light_results, plain)
    assert "are not adjusted" in multiplicity_words.family_method(light_results, plain)


@pytest.fixture(scope="module")
def found():
    """Ten trials a scenario whose hits are set by hand."""
    made = eq.operating_characteristics(eq.load_protocol("il2-depression"), 1, seed=1, workers=1)
    hits = np.zeros((3, 10, len(made.claims)), dtype=np.int8)
    hits[0, :6] = 1  # planned
    hits[1, :1] = 1  # link-off
    hits[2, :2] = 1  # null
    return dataclasses.replace(made, hits=hits, trials=10)


def test_a_claim_says_how_often_trials_make_it_with_and_without_a_link(found):
    said = claim_words.often(found, "prediction:within:treg_percent")
    assert "with the link off this claim is made in 10.0\u00a0% (95 % limits 0.3 to 44.5)" in said
    assert "of 10 trials like this, with it on, as assumed, in 60.0\u00a0%" in said
    assert said.startswith("SIMULATED")
    said = claim_words.often(found, "estimand:treg_response")
    assert "where treatment does nothing this claim is made in 20.0\u00a0%" in said


@pytest.mark.parametrize("key", ["prediction:mediation", "prediction:within:nothing"])
def test_what_was_not_computed_is_said_to_be_so(found, key):
    assert claim_words.often(found, key) == claim_words.NOT_COMPUTED
    assert claim_words.often(None, "estimand:treg_response") == claim_words.NOT_COMPUTED
    assert claim_words.shares(found, key) == ("not computed", "not computed")
    assert claim_words.shares(found, None) == (None, None)
    without = dataclasses.replace(found, scenarios=("planned", "x", "null"))
    assert claim_words.tallied(without, "link-off", "estimand:treg_response") is None


def test_the_page_holds_them_beside_the_claims(light_results, found):
    page = render(light_results, {}, characteristics=found)
    chapter = page[page.index('<section id="early-change"') :]
    chapter = chapter[: chapter.index("</section>")]
    assert "with the link off this claim is made in 10.0" in chapter
    assert 'id="early-change-often"' in chapter
    assert "Adjusted (max-T, step-down)" in chapter
    assert "By itself, % of trials (95 % limits)" in chapter
    assert "At least one of them" in chapter
    assert "10.0\u00a0% (0.3 to 44.5)" in chapter
    answers = page[page.index('<section id="answers"') :]
    assert "where treatment does nothing this claim is made in" in answers
    bare = render(light_results, {})
    chapter = bare[bare.index('<section id="early-change"') :]
    assert claim_words.NOT_COMPUTED in chapter
    assert "equipoise run STUDY --characteristics 1000" in chapter


def test_every_association_of_the_chapter_has_its_row(light_results):
    claims = claim_words.association_claims(light_results.prediction)
    markers = [m.endpoint for m in light_results.prediction.markers]
    assert [own for _, own, _ in claims[: len(markers)]] == [
        f"prediction:within:{key}" for key in markers
    ]
    assert ("At least one of them", "prediction:within:any", "prediction:adjusted:any") in claims
    bare = light_results.prediction.model_copy(update={"multiplicity": None})
    assert all(key is None for _, _, key in claim_words.association_claims(bare))
