"""What the report says is true of what ran: decisions, strategies, failures, names."""

from __future__ import annotations

import re

import pytest
from tests.analysis.test_answers import with_analysis, with_p
from tests.light_study import light_fixtures

import equipoise as eq
from equipoise.analysis import result_tables
from equipoise.analysis.answers import (
    answer_estimands,
    close_untested,
)
from equipoise.analysis.estimand_results import SensitivityResult
from equipoise.protocol import questions
from equipoise.report import tables, what_ran, words

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()


def by_graph(il2, il2_results, p_treg, p_mood):
    """Results whose two estimands share the level half and half."""
    graph = questions.Graph(weights={"treg_response": 0.5, "depression_week8": 0.5}, transitions={})
    protocol = with_analysis(il2, testing=questions.TestingOrder.GRAPHICAL, graph=graph)
    estimands = with_p(il2_results, "treg_response", p_treg)
    estimands |= {
        "depression_week8": with_p(il2_results, "depression_week8", p_mood)["depression_week8"]
    }
    answers = answer_estimands(protocol, estimands, False)
    return il2_results.model_copy(update={"answers": answers, "estimands": estimands})


def test_a_graph_prints_the_p_on_which_it_decided(il2, il2_results):
    results = by_graph(il2, il2_results, 0.03, 0.001)
    first, second = results.answers
    said = words.answer_sentence(results, first)
    assert (
        "The graphical procedure does not reject \u201cno difference\u201d (adjusted p = 0.060)"
        in said
    )
    assert "0.030" not in said
    assert (
        "procedure rejects \u201cno difference\u201d (adjusted p = 0.002)"
        in words.answer_sentence(results, second)
    )
    assert result_tables(results)["answers"]["estimand_adjusted_p"].to_list() == [0.06, 0.002]


def test_a_graph_gives_several_arms_one_verdict(il2, il2_results):
    results = by_graph(il2, il2_results, 0.01, 0.01)
    answer = results.answers[0]
    (base,) = answer.contrasts
    rows = tuple(
        base.model_copy(update={"arm": arm, "p": p, "adjusted_p": p})
        for arm, p in (("il2", 0.01), ("placebo", 0.02))
    )
    said = words.answer_sentence(results, answer.model_copy(update={"contrasts": rows}))
    assert said.count("no difference") == 1
    assert "needs all arms" not in said


def test_an_arm_is_rejected_by_the_decision_not_by_a_level_worked_out_anew(il2, il2_results):
    """1 - 0.95 is a little more than 0.05: an adjusted p of 0.05 is not below the level."""
    arms = dict(il2.arms)
    two = il2.model_copy(update={"arms": {**arms, "high": arms["il2"]}})
    result = il2_results.estimands["treg_response"]
    (base,) = result.contrasts
    rows = tuple(
        base.model_copy(update={"arm": a, "p": p}) for a, p in (("il2", 0.025), ("high", 0.01))
    )
    estimands = {
        **il2_results.estimands,
        "treg_response": result.model_copy(update={"contrasts": rows}),
    }
    level = il2.analysis.alpha
    first = answer_estimands(two, estimands, False)[0]
    adjusted = {c.arm: c.adjusted_p for c in first.contrasts}
    assert first.rejected == tuple(arm for arm, p in adjusted.items() if p < level)
    at = base.model_copy(update={"arm": "il2", "adjusted_p": 0.05})
    other = base.model_copy(update={"arm": "high", "adjusted_p": 0.02})
    answer = first.model_copy(
        update={"contrasts": (at, other), "rejected": ("high",), "significant": False}
    )
    said = words.answer_sentence(il2_results, answer)
    assert re.search(r"Aldesleukin: adjusted p = 0.050, \S+ difference\S+ is not rejected", said)


def test_what_is_not_tested_has_no_p_by_another_name(il2, il2_results):
    answers = answer_estimands(il2, with_p(il2_results, "treg_response", 0.2), False)
    original = il2_results.estimands["depression_week8"]
    some = original.model_copy(
        update={
            "sensitivity": tuple(
                s.model_copy(
                    update={
                        "contrasts": tuple(c.model_copy(update={"p": 0.01}) for c in s.contrasts)
                    }
                )
                for s in original.sensitivity
            )
        }
    )
    estimands = close_untested({**il2_results.estimands, "depression_week8": some}, answers)
    results = il2_results.model_copy(update={"answers": answers, "estimands": estimands})
    closed = estimands["depression_week8"]
    assert {c.p for c in closed.contrasts} == {None}
    assert closed.sensitivity
    assert {c.p for s in closed.sensitivity for c in s.contrasts} == {None}
    assert "p" not in result_tables(results)["estimand_depression_week8_sensitivity"].columns
    assert estimands["treg_response"] == il2_results.estimands["treg_response"]


def with_strategies(results, *strategies, label="All randomised", people=36):
    found = results.estimands["depression_week8"].model_copy(
        update={
            "own": True,
            "strategies": strategies,
            "analysis_set": label,
            "participants": people,
        }
    )
    return results.model_copy(
        update={"estimands": {**results.estimands, "depression_week8": found}}
    )


def test_an_answer_says_on_which_values_and_people_it_rests(il2_results):
    answer = next(a for a in il2_results.answers if a.estimand == "depression_week8")
    assert "Values after" not in words.answer_sentence(il2_results, answer)
    results = with_strategies(
        il2_results,
        ("Change of antidepressant", "hypothetical"),
        ("ECT", "hypothetical"),
        ("Switch into mania", "treatment-policy"),
        ("Stopping study drug", "while-on-treatment"),
        label="MDD alone",
        people=18,
    )
    said = words.answer_sentence(results, answer)
    assert "Values after change of antidepressant or ECT were left out (hypothetical)." in said
    assert "after stopping study drug were replaced by the last value up to it" in said
    assert "mania" not in said
    assert "Analysed were 18 of 36: MDD alone." in said


def test_a_composite_strategy_of_an_outcome_is_a_failure(il2_results):
    found = il2_results.estimands["depression_week8"].model_copy(
        update={
            "endpoint": "hdrs_response",
            "own": True,
            "strategies": (("Stopping study drug", "composite"),),
        }
    )
    results = il2_results.model_copy(update={"estimands": {"depression_week8": found}})
    assert words.strategy_clauses(results, "depression_week8") == [
        "Visits after stopping study drug count as failure (composite)."
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("too few people.", "too few people"),
        (None, "no comparison at this visit (no data, or too few people)"),
        (
            "Week 8: tau: the last follow-up is at 42.3 and the curve has not reached 0 (got 56.0). "
            "The curve is not known beyond the last follow-up. Choose a tau of at most 42.3, fixed "
            "before the data are seen.; Week 9: nobody responded",
            "Week 8: tau: the last follow-up is at 42.3 and the curve has not reached 0. The curve "
            "is not known beyond the last follow-up; Week 9: nobody responded",
        ),
        ("Day 5: treated: one value a participant, at least one (got 'shape (0,)').",
         "Day 5: treated: nobody has a value"),
        (
            "no variation at a visit (got 'week2'). Leave that visit out: its variance cannot be "
            "estimated.",
            "no variation at a visit (week2)",
        ),
        (
            "us: did not converge (steps 3). More than these data hold. Look for visits with few; "
            "then pre-specify a simpler covariance. | cs: no value.",
            "us: did not converge (steps 3). More than these data hold | cs: no value",
        ),
    ],
)  # fmt: skip
def test_a_failure_is_said_without_advice_and_without_a_second_stop(text, said):
    assert words.clause(text) == said


def test_a_failure_on_the_page_ends_with_one_stop(il2_results, tmp_path):
    def failed(key, endpoint):
        return endpoint.model_copy(
            update={"means": (), "contrasts": (), "fit": None, "subgroup": None, "failure": key}
        )

    text = "us: too few people. Choose a tau of at most 42.3, fixed before the data are seen."
    outcomes = {
        key: o.model_copy(update={"failure": text}) for key, o in il2_results.outcomes.items()
    }
    endpoints = {
        **il2_results.endpoints,
        "hdrs_change": failed(text, il2_results.endpoints["hdrs_change"]),
    }
    results = il2_results.model_copy(update={"outcomes": outcomes, "endpoints": endpoints})
    page = eq.write_report(results, tmp_path).read_text(encoding="utf-8")
    plain = re.sub(r"<[^>]+>", " ", re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL))
    assert "us: too few people." in plain
    assert "Choose a tau" not in plain
    assert not re.search(r"[a-z)]\.\.", plain)


def test_abbreviations_stay_capitals_inside_a_sentence():
    assert words.within("ECT") == "ECT"
    assert words.within("MDD alone") == "MDD alone"
    assert words.within("HDRS-17 total") == "HDRS-17 total"
    assert words.within("Received at least one dose") == "received at least one dose"
    assert words.within("") == ""


def test_a_sensitivity_analysis_without_a_comparison_says_so(il2_results):
    found = il2_results.estimands["depression_week8"]
    empty = tuple(
        s.model_copy(update={"contrasts": (), "failure": None}) for s in found.sensitivity
    )
    changed = found.model_copy(update={"sensitivity": empty, "contrasts": ()})
    table = tables.sensitivity_table(il2_results, changed)
    assert "None" not in table
    assert "no comparison at this visit (no data, or too few people)" in table


def visible(page):
    """The text of a page as it is read."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def without_endpoints(results):
    found = results.prediction
    markers = tuple(m.model_copy(update={"repeated": None}) for m in found.markers)
    return results.model_copy(
        update={
            "endpoints": {},
            "families": (),
            "answers": (),
            "estimands": {},
            "prediction": found.model_copy(update={"markers": markers}),
        }
    )


def test_no_mixed_model_is_claimed_where_none_ran(il2_results, tmp_path):
    page = visible(eq.write_report(il2_results, tmp_path / "a").read_text(encoding="utf-8"))
    assert "Each endpoint that is a mean was analysed by a mixed model" in page
    assert "Degrees of freedom of mixed models are approximate" in page
    assert "case against the active arm stand beside" in page
    bare = without_endpoints(il2_results)
    page = visible(eq.write_report(bare, tmp_path / "b").read_text(encoding="utf-8"))
    for said in ("mixed model", "Least-squares means", "REML", "endpoints that are means"):
        assert said not in page, said
    assert "Miettinen" in page


def test_stratified_is_said_only_with_strata(il2_results):
    assert "stratified by the factors" in what_ran.outcome_methods(il2_results)
    outcomes = {
        key: o.model_copy(update={"stratified_by": ()}) for key, o in il2_results.outcomes.items()
    }
    plain = il2_results.model_copy(update={"outcomes": outcomes})
    assert "stratified" not in what_ran.outcome_methods(plain)
    assert what_ran.outcome_methods(il2_results.model_copy(update={"outcomes": {}})) is None


def test_nothing_compared_means_no_method_of_comparison(il2_results, blinded_results, tmp_path):
    outcome = blinded_results.outcomes["hdrs_response"]
    note = what_ran.outcome_note(blinded_results, outcome)
    assert note == (
        "Reduction of HDRS-17 by at least 50 % from baseline; whoever has no value counts as "
        "failure."
    )
    assert "Miettinen" in what_ran.outcome_note(il2_results, il2_results.outcomes["hdrs_response"])
    page = visible(eq.write_report(blinded_results, tmp_path).read_text(encoding="utf-8"))
    for said in ("Miettinen", "Mann", "stratified by the factors", "against the active arm"):
        assert said not in page, said


def test_covariance_and_likelihood_are_those_of_the_fits(il2_results):
    assert "unstructured covariance (us)" in what_ran.mixed_models(il2_results)
    endpoint = il2_results.endpoints["hdrs_change"]
    fit = endpoint.fit.model_copy(
        update={"covariance": "ar1h", "tried": ("us", "ar1h"), "likelihood": "ml"}
    )
    results = il2_results.model_copy(
        update={
            "endpoints": {"hdrs_change": endpoint.model_copy(update={"fit": fit})},
            "estimands": {},
        }
    )
    said = what_ran.mixed_models(results)
    assert "unstructured covariance (us)" not in said
    assert "fitted by maximum likelihood (ML)" in said
    assert "ar1h, ML (after us failed)" in tables.methods_table(results)


def test_the_models_of_estimands_are_listed_under_their_own_key(il2_results):
    assert "mmrm:hdrs_change:depression_week8" not in tables.methods_table(il2_results)
    results = with_strategies(il2_results, ("ECT", "hypothetical"))
    assert "mmrm:hdrs_change:depression_week8" in tables.methods_table(results)


def test_a_table_says_where_its_p_is_no_test_of_the_plan(il2, il2_results, tmp_path):
    answers = answer_estimands(il2, with_p(il2_results, "treg_response", 0.2), False)
    family = il2_results.families[0].model_copy(update={"closed_by": "treg_response"})
    results = il2_results.model_copy(update={"answers": answers, "families": (family,)})
    note = what_ran.p_note(results, "hdrs_change")
    assert "p at Week 8 is not a test of the plan" in note
    assert "p at Day 5 is not a test of the plan" in what_ran.p_note(results, "th2_count")
    assert "not a test" not in what_ran.p_note(results, "treg_percent")
    met = answer_estimands(il2, with_p(il2_results, "treg_response", 0.001), False)
    opened = il2_results.model_copy(update={"answers": met})
    assert "not a test" not in what_ran.p_note(opened, "hdrs_change")
    page = eq.write_report(results, tmp_path).read_text(encoding="utf-8")
    table = page.index('id="table-hdrs_change"')
    assert (
        table
        < page.index("p at Week 8 is not a test of the plan")
        < page.index("By diagnosis", table)
    )


def small_results(il2, observed=False):
    """Six people, three visits: most models and tables are empty."""
    from tests.analysis.small_trial import PEOPLE, frame, small_records

    scores = frame(
        "participant visit day instrument item score",
        [(p, v, d, "hdrs", "total", 20 - d // 14 - i)
         for i, p in enumerate(PEOPLE) for v, d in (("baseline", 0), ("week8", 56))],
    )  # fmt: skip
    return eq.analyse(il2, small_records(il2, scores=scores))


@pytest.mark.parametrize("which", ["planned", "blinded", "small", "single-arm"])
def test_every_table_that_the_page_names_is_there(
    which, il2, il2_results, blinded_results, tmp_path
):
    if which == "single-arm":
        protocol = eq.load_protocol("minocycline-depression")
        results = eq.analyse(protocol, eq.simulate(protocol, seed=1))
    else:
        results = {"planned": il2_results, "blinded": blinded_results}.get(which)
        results = small_results(il2) if results is None else results
    eq.write_results(results, tmp_path)
    page = eq.write_report(results, tmp_path).read_text(encoding="utf-8")
    named = set(re.findall(r"<code>(tables/[^<]+\.csv)</code>", page))
    assert named
    assert {name for name in named if not (tmp_path / name).is_file()} == set()
    assert not re.search(r"[a-z)]\.\.", visible(page))


def test_in_one_arm_a_sensitivity_analysis_shows_its_mean():
    protocol = eq.load_protocol("minocycline-depression")
    results = eq.analyse(protocol, eq.simulate(protocol, seed=1))
    found = results.estimands["depression_week8"]
    (mean,) = found.means
    some = SensitivityResult(
        key="x", label="Everybody", method="analysis-set", participants=20, contrasts=(),
        means=(mean,),
    )  # fmt: skip
    none = some.model_copy(update={"means": (), "label": "Nobody"})
    changed = found.model_copy(update={"sensitivity": (some, none)})
    table = tables.sensitivity_table(results, changed)
    assert table.count(words.mean_text(mean, False)) == 2
    assert "not estimated: no data, or too few people at this visit" in table
    assert "None" not in table
    only = found.model_copy(update={"sensitivity": (none,)})
    assert tables.sensitivity_table(results, only) is None
    again = results.model_copy(
        update={"estimands": {**results.estimands, "depression_week8": changed}}
    )
    frame = result_tables(again)["estimand_depression_week8_sensitivity"]
    assert frame["estimate"].to_list() == [mean.estimate]


def test_a_reason_that_nobody_had_is_not_listed(il2_results):
    text = visible(tables.sets_table(il2_results))
    assert "10 (left out: fewer than 8 doses received: 1; change of antidepressant" in text
    assert ": 0" not in text


def test_a_placebo_has_no_amount(il2_results):
    placebo, active = il2_results.plan.arms
    assert placebo.treatment.startswith("placebo subcutaneous on days 0, 1")
    assert active.treatment.startswith("aldesleukin 1 MIU subcutaneous on days 0, 1")
