"""The questions of the trial and the early change: what is said, and what is never said."""

from __future__ import annotations

import re

import pytest

import equipoise as eq
from equipoise.report import early_change_words as words
from equipoise.report import mediation_words, tables
from equipoise.report.early_change_figures import early_change_figures
from equipoise.report.page import render
from equipoise.report.questions import questions
from equipoise.stats import clopper_pearson

#: Of the forecast, that which knows more first.
STAGES = ("early", "baseline")


@pytest.fixture(scope="module")
def page(il2_results):
    return render(il2_results, early_change_figures(il2_results))


def section(page, key):
    return re.search(rf'<section id="{key}".*?</section>', page, flags=re.DOTALL)[0]


def plain(html):
    html = re.sub(r"<svg.*?</svg>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def changed(results, **update):
    """The leading marker's slope within arms with other numbers."""
    found = results.prediction
    marker = found.markers[0]
    slope = marker.headline.model_copy(update=update)
    marker = marker.model_copy(update={"slopes": (slope, *marker.slopes[1:])})
    found = found.model_copy(update={"markers": (marker, *found.markers[1:])})
    return results.model_copy(update={"prediction": found})


def marker_counts(results):
    return results.prediction.markers[0].counts


def said(results):
    found = results.prediction
    return words.headline(results, found, found.markers[0])


def test_the_questions_stand_first_with_links_that_lead_somewhere(page, il2_results):
    asked = questions(il2_results)
    assert [q.question for q in asked] == [
        "Were participants allocated 2\u00a0:\u00a01 (Aldesleukin : Placebo) within diagnosis?",
        "Do regulatory T cells rise within five days?",
        "Does depression improve more by week 8?",
        "Did the early change predict later improvement, in proportion?",
        "Do all early changes together say more than chance?",
        "How much of the effect goes through the early change?",
        "Who benefits?",
        "Are there immune profiles at baseline?",
        "Can improvement be foretold in one person?",
        "What harms were seen, and which rates are excluded?",
    ]
    assert page.index('id="questions"') < page.index('id="answers"')
    for question in asked:
        assert f'id="{question.anchor}"' in page
        assert question.answers


def test_each_answer_has_its_numbers(il2_results):
    said = [" ".join(q.answers) for q in questions(il2_results)]
    allocated, cells, mood, early, together, through, benefit, profiles, forecast, harms = said
    assert "Yes: MDD 12\u00a0:\u00a06; BD 12\u00a0:\u00a06." in allocated
    treg = il2_results.answers[0].contrasts[0]
    assert f"fold change {treg.ratio:.2f} ({treg.ratio_lower:.2f} to" in cells
    below = [c for cs in il2_results.families[0].contrasts.values() for c in cs
             if c.adjusted_p < 0.05]  # fmt: skip
    some = f"adjusted p below 0.05 (Holm) in {len(below)} of 7: "
    assert (some if below else "of 7 comparisons none has an adjusted p below 0.05") in cells
    sub = il2_results.endpoints["hdrs_change"].subgroup
    for effect in sub.effects:
        if effect.visit == "week8":
            assert f"{effect.subgroup} {effect.estimate:.2f}".replace("-", "\u2212") in mood
    assert "one model with the interaction" in mood
    assert "difference of the effects (BD \u2212 MDD)" in mood
    slope = il2_results.prediction.markers[0].headline
    assert f"slope {slope.per_sd:.2f} (".replace("-", "\u2212") in early
    assert "which treatment alone can produce" in early
    assert "11 markers were looked at" in early
    joint = il2_results.prediction.multivariate
    assert f"(cross-validated Q\u00b2 {100 * joint.tests[0].q2:.0f} %; permutation p = " in together
    assert f"early changes of {len(joint.markers)} markers" in together
    path = mediation_words.lead_set(il2_results.prediction.mediation)
    assert "neither show an effect through this path" in through
    assert f"{path.effect('indirect').estimate:.2f} (".replace("-", "\u2212") in through
    person = il2_results.stratification.heterogeneity[0]
    assert f"all {person.joint_df} interactions together: p = {person.joint_p:.3f}" in benefit
    assert "do not show" in benefit
    assert "do not support more than one immune profile" in profiles
    assert f"{len(il2_results.stratification.profiles.markers)} markers at baseline" in profiles
    assert "Research use only, not for clinical decisions" in forecast
    later, first = (il2_results.forecast.stage(key).measure("auc") for key in STAGES)
    assert f"in {100 * later.estimate:.0f} % of pairs" in forecast
    assert f"from baseline alone in {100 * first.estimate:.0f} %" in forecast
    rows = {row.key: row for row in il2_results.safety.summary}
    for row in (rows["any"], rows["serious"], *il2_results.safety.watched):
        for rate in row.rates:
            assert f"{rate.events} of {rate.n}" in harms
            assert f"{100 * rate.upper:.0f} %" in harms


def test_nothing_is_called_safe_proven_or_found_in_both(page):
    for key in ("questions", "early-change"):
        text = plain(section(page, key))
        assert len(text) > 500
        assert not re.search(r"\bsafe|\bprove|\bin both\b|\bpredicts\b|\bno effect\b", text, re.I)


def test_every_slope_stands_in_the_page_as_printed(page, il2_results):
    text = plain(section(page, "early-change"))
    for marker in il2_results.prediction.markers:
        assert marker.label in text
        assert words.slope_text(marker.headline) in text
        assert all(words.term_text(term) in text for term in marker.added)
    for slope in il2_results.prediction.markers[0].slopes:
        assert words.correlation_text(slope) in text
    for can, cannot in words.SHOWS.values():
        assert can in text
        assert cannot in text
    for count, label in zip(marker_counts(il2_results), ("Placebo", "Aldesleukin"), strict=True):
        early = count.randomised - count.no_early
        assert f"{label} {count.no_outcome} of {early}" in text


def test_the_claim_stands_beside_its_caution(page, il2_results):
    text = section(page, "early-change")
    claim, caution = text.index("went with a change"), text.index("nor that it can be foretold")
    assert claim < caution < text.index("<figure")
    assert 'class="note"' not in text[claim:caution]


def test_the_verdict_follows_the_interval_and_names_a_test_that_differs(il2_results):
    inside = {"lower": -1.0, "upper": 2.0, "permutation_p": 0.6}
    text = said(changed(il2_results, **inside))
    assert "neither show an association nor exclude one" in text
    assert "other side" not in text
    outside = {"lower": -9.0, "upper": -2.0, "permutation_p": 0.01}
    assert said(changed(il2_results, **outside)).endswith("The interval excludes 0.")
    apart = said(changed(il2_results, **{**outside, "permutation_p": 0.07}))
    assert "falls on the other side of the level" in apart
    assert "2.00 points higher: less improvement" in said(changed(il2_results, per_sd=2.0, per_sd_lower=1.0, per_sd_upper=3.0))  # fmt: skip


def test_what_cannot_be_estimated_is_said(il2_results):
    gone = dict.fromkeys(("estimate", "per_sd", "lower", "upper", "sd", "correlation"))
    results = changed(il2_results, **gone, failure="the early change does not vary.")
    found = results.prediction
    assert said(results) == (
        "This cannot be estimated from these data: the early change does not vary."
    )
    assert "not estimable: the early change" in words.in_short(results, found, found.markers[0])
    assert "early-change" not in early_change_figures(results)
    assert "not estimable" in tables.markers_table(found)
    assert words.failures(results, found.markers[0]) == [
        "Within arms: not estimated: the early change does not vary."
    ]
    bare = found.markers[0].model_copy(update={"added": ()})
    assert "cannot be said" in words.proportion(results, found, bare)
    assert "Did the early change" in render(results, early_change_figures(results))
    assert words.few(results, found) is None


def test_an_interval_without_0_speaks_for_a_bend(il2_results):
    found = il2_results.prediction
    marker = found.markers[0]
    bend = marker.added[0].model_copy(update={"lower": 0.1, "upper": 2.0})
    text = words.proportion(
        il2_results, found, marker.model_copy(update={"added": (bend, marker.added[1])})
    )
    assert text.endswith("speaks for a bend: not one straight line for all.")


def test_none_of_24_excludes_rates_above_14_percent(il2_results):
    row = next(row for row in il2_results.safety.summary if row.key == "serious")
    rates = tuple(
        rate.model_copy(update={"events": 0, "upper": clopper_pearson(0, rate.n)[1]})
        for rate in row.rates
    )
    summary = (row.model_copy(update={"rates": rates}),)
    safety = il2_results.safety.model_copy(update={"summary": summary})
    harms = questions(il2_results.model_copy(update={"safety": safety}))[-1].answers[0]
    assert "Aldesleukin: 0 of 24, which excludes true rates above 14 % (95 % CI)" in harms


def test_an_allocation_off_the_ratio_is_said(il2_results):
    found = il2_results.allocation
    first, second = found.rows
    for counts, planned, words_ in (
        ((8, 10), (6.0, 12.0), "Not as planned: MDD 10\u00a0:\u00a08;"),
        ((5, 12), (17 / 3, 34 / 3), "As nearly as whole people allow: MDD 12\u00a0:\u00a05;"),
    ):
        row = first.model_copy(update={"counts": counts, "planned": planned})
        allocation = found.model_copy(update={"rows": (row, second)})
        results = il2_results.model_copy(update={"allocation": allocation})
        assert questions(results)[0].answers[0].startswith(words_)
    hidden = found.model_copy(update={"rows": (), "hidden": True})
    results = il2_results.model_copy(update={"allocation": hidden})
    assert "not shown" in questions(results)[0].answers[0]
    assert "small count, not shown" in tables.allocation_table(results)


def test_a_family_that_nothing_is_left_of_or_that_is_closed(il2_results):
    family = il2_results.families[0]
    none = {
        key: tuple(c.model_copy(update={"adjusted_p": 0.5}) for c in contrasts)
        for key, contrasts in family.contrasts.items()
    }
    for update, text in (
        ({"contrasts": none}, "of 7 comparisons none has an adjusted p below 0.05 (Holm)"),
        ({"closed_by": "treg_response"}, "not tested, since the estimand before them"),
    ):
        families = (family.model_copy(update=update),)
        results = il2_results.model_copy(update={"families": families})
        assert text in " ".join(questions(results)[1].answers)


def test_blinded_there_is_neither_question_nor_slope(blinded_results):
    assert questions(blinded_results) == []
    page = render(blinded_results, early_change_figures(blinded_results))
    assert 'id="questions"' not in page
    assert 'id="early-change"' not in page
    assert 'id="allocation"' not in page


def test_observed_people_are_no_marks(il2_results):
    found = il2_results.prediction
    markers = tuple(m.model_copy(update={"pairs": ()}) for m in found.markers)
    provenance = il2_results.provenance.model_copy(update={"origin": "observed"})
    results = il2_results.model_copy(
        update={
            "prediction": found.model_copy(update={"markers": markers}),
            "provenance": provenance,
        }
    )
    hidden = early_change_figures(results)["early-change"]
    assert 'class="point"' not in hidden.inline
    assert "Single people are not shown." in hidden.caption
    shown = early_change_figures(il2_results)["early-change"]
    assert shown.inline.count('class="point"') == found.markers[0].headline.n
    assert "SIMULATED" in shown.inline


def test_fourteen_people_and_no_early_score():
    protocol = eq.load_protocol("il2-bipolar")
    results = eq.analyse(protocol, eq.simulate(protocol, seed=3))
    text = plain(section(render(results, early_change_figures(results)), "early-change"))
    assert "MADRS total is not measured at Day 5" in text
    assert "Within arms, adjusted" not in text
    used = results.prediction.markers[0].counts[0].used
    assert f"Fewer than 10 people have both values: Placebo ({used})" in text
