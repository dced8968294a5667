"""The order of testing, and what may be said at each place in it."""

from __future__ import annotations

import pytest
from tests.light_study import light_fixtures

import equipoise as eq
from equipoise.analysis.answers import adjust_families, answer_estimands, contrasts_of
from equipoise.analysis.results import Status
from equipoise.report.words import answer_sentence

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()


def with_p(results, estimand, p):
    """The estimands with another p of one of them."""
    result = results.estimands[estimand]
    contrasts = tuple(c.model_copy(update={"p": p}) for c in result.contrasts)
    return {**results.estimands, estimand: result.model_copy(update={"contrasts": contrasts})}


def test_the_primary_comes_first_and_opens_the_gate(il2, il2_results):
    estimands = with_p(il2_results, "treg_response", 0.049)
    first, second = answer_estimands(il2, estimands, False)
    assert (first.estimand, first.status, first.significant) == (
        "treg_response", Status.CONFIRMATORY, True,
    )  # fmt: skip
    assert second.status is Status.CONFIRMATORY


def test_after_a_primary_that_is_not_significant_nothing_is_tested(il2, il2_results):
    estimands = with_p(il2_results, "treg_response", 0.051)
    first, second = answer_estimands(il2, estimands, False)
    assert first.significant is False
    assert second.status is Status.GATE_CLOSED
    assert second.significant is None
    assert [c.p for c in second.contrasts] == [None]
    results = il2_results.model_copy(update={"answers": (first, second)})
    said = answer_sentence(results, first)
    assert "does not reject" in said
    assert "p = 0.051" in said
    closed = answer_sentence(results, second)
    assert "It is not tested" in closed
    assert "p = " not in closed
    assert "p < " not in closed


def test_an_estimand_that_cannot_be_estimated_closes_the_gate(il2, il2_results):
    broken = il2_results.estimands["treg_response"].model_copy(
        update={"contrasts": (), "fit": None, "failure": "us: no valid optimum"}
    )
    estimands = {**il2_results.estimands, "treg_response": broken}
    first, second = answer_estimands(il2, estimands, False)
    assert first.status is Status.NOT_ESTIMABLE
    assert second.status is Status.GATE_CLOSED
    results = il2_results.model_copy(update={"answers": (first, second), "estimands": estimands})
    assert "no valid optimum" in answer_sentence(results, first)


def test_blinded_there_are_no_p_values_and_no_families(il2, blinded_results):
    assert adjust_families(il2, {}, (), True) == ()
    assert blinded_results.families == ()
    assert blinded_results.estimands == {}
    assert [a.estimand for a in blinded_results.answers] == ["depression_week8"]
    assert blinded_results.answers[0].status is Status.BLINDED
    assert blinded_results.answers[0].contrasts == ()
    for result in blinded_results.endpoints.values():
        assert result.contrasts == ()
        assert result.subgroup is None
        assert "arm" not in result.fit.formula


def three_arms(write_protocol):
    return eq.load_protocol(
        write_protocol(
            (
                "[randomisation]\n",
                '[arms.high]\nlabel = "High dose"\nrole = "active"\nratio = 2\n'
                'doses = [{ drug = "aldesleukin", amount = 3, unit = "MIU", volume_ml = 0.5, '
                'route = "subcutaneous", days = [0, 1, 2, 3, 4, 14, 21, 28, 35] }]\n\n'
                "[randomisation]\n",
            ),
            ("block_sizes = [6]", "block_sizes = [5]"),
            ("size = 36", "size = 100"),
            ("MDD = 18, BD = 18", "MDD = 50, BD = 50"),
        )
    )


def test_an_unfinished_third_arm_is_refused_with_every_missing_assumption(write_protocol):
    with pytest.raises(eq.EquipoiseError, match="every arm has a value; high has none") as info:
        three_arms(write_protocol)
    assert len(info.value.faults) >= 10


def test_several_active_arms_are_holm_adjusted_over_all_that_were_planned(il2, il2_results):
    arms = dict(il2.arms)
    two = il2.model_copy(update={"arms": {**arms, "high": arms["il2"]}})
    result = il2_results.estimands["treg_response"]
    (base,) = result.contrasts

    def answers(*pairs):
        rows = tuple(base.model_copy(update={"arm": arm, "p": p}) for arm, p in pairs)
        changed = result.model_copy(update={"contrasts": rows})
        return answer_estimands(two, {**il2_results.estimands, "treg_response": changed}, False)

    first, _ = answers(("il2", 0.02), ("high", 0.03))
    assert [c.adjusted_p for c in first.contrasts] == [0.04, 0.04]
    assert first.significant is True
    first, second = answers(("il2", 0.02), ("high", 0.06))
    assert first.significant is False
    assert second.status is Status.NOT_ESTIMABLE  # its arm `high` has no contrast at all
    # An arm that cannot be compared is no reason to test the other one more easily.
    first, second = answers(("il2", 0.001))
    assert first.status is Status.NOT_ESTIMABLE
    assert "no comparison of Aldesleukin" in first.why
    assert first.significant is None
    assert [c.p for c in first.contrasts] == [None]


def test_a_family_is_adjusted_over_all_its_planned_members(il2, il2_results):
    effects = contrasts_of(il2_results.endpoints, il2_results.outcomes)
    effects["naive_cd8_percent"] = ()
    (family,) = adjust_families(il2, effects, il2_results.answers, False)
    found = sorted((c for cs in family.contrasts.values() for c in cs), key=lambda c: c.p)
    assert len(found) == 6
    assert found[0].adjusted_p == pytest.approx(min(1.0, 7 * found[0].p))


def test_a_plan_made_after_the_data_confirms_nothing(antidepressant):
    assert antidepressant.analysis.fixed_beforehand is False
    results = eq.analyse(antidepressant, eq.simulate(antidepressant, seed=1))
    (answer,) = results.answers
    assert answer.status is Status.NOT_PLANNED
    assert "confirms nothing" in answer_sentence(results, answer)


def test_a_strategy_that_is_not_carried_out_is_refused(write_protocol):
    path = write_protocol(
        (
            'event = "missed-doses", strategy = "treatment-policy"',
            'event = "missed-doses", strategy = "principal-stratum"',
        )
    )
    with pytest.raises(eq.EquipoiseError, match="'treatment-policy', 'hypothetical'"):
        eq.load_protocol(path)


def test_an_endpoint_with_one_visit_after_baseline(write_protocol):
    changes = [
        ('visits = ["baseline", "day5", "week2", "week4", "week6", "week8"]\nitems = "all"',
         'visits = ["baseline", "week8"]\nitems = "all"'),
        ("sd = { baseline = 4.5, day5 = 4.8, week2 = 5.2, week4 = 5.6, week6 = 5.9, week8 = 6.0 }",
         "sd = { baseline = 4.5, week8 = 6.0 }"),
        ("placebo = { day5 = -1.5, week2 = -3.0, week4 = -5.5, week6 = -7.0, week8 = -8.0 }",
         "placebo = { week8 = -8.0 }"),
        ("il2 = { day5 = -2.0, week2 = -5.0, week4 = -9.0, week6 = -11.5, week8 = -13.0 }",
         "il2 = { week8 = -13.0 }"),
        ("early_score = true", "early_score = false"),
    ]  # fmt: skip
    with pytest.raises(eq.EquipoiseError, match="leave `visit` out"):
        eq.load_protocol(write_protocol(*changes))
    protocol = eq.load_protocol(
        write_protocol(
            *changes,
            ('"change ~ baseline*visit + diagnosis*visit + arm*visit"',
             '"change ~ baseline + diagnosis + arm"'),
            ('"change ~ baseline*visit + arm*visit*diagnosis"', '"change ~ baseline + arm*diagnosis"'),
        )
    )  # fmt: skip
    records = eq.simulate(protocol, seed=1)
    results = eq.analyse(protocol, records)
    (contrast,) = results.endpoints["hdrs_change"].contrasts
    assert contrast.visit == "week8"
    assert len(results.endpoints["hdrs_change"].subgroup.interaction) == 1
    # One visit: an analysis of covariance by least squares, exact degrees of freedom.
    import statsmodels.formula.api as smf

    from equipoise.analysis.dataset import make_dataset
    from equipoise.analysis.groups import make_groups

    data = make_dataset(protocol, records, make_groups(protocol, records), "hdrs_change").frame
    columns = {c: data[c].cast(str) if c in ("arm", "diagnosis") else data[c] for c in
               ("change", "baseline", "diagnosis", "arm")}  # fmt: skip
    import pandas as pd

    frame = pd.DataFrame({c: s.to_list() for c, s in columns.items()})
    ols = smf.ols("change ~ baseline + diagnosis + C(arm, Treatment('placebo'))", frame).fit()
    name = next(n for n in ols.params.index if "il2" in n)
    assert contrast.estimate == pytest.approx(ols.params[name], rel=1e-9)
    assert contrast.se == pytest.approx(ols.bse[name], rel=1e-9)
    assert contrast.df == pytest.approx(ols.df_resid, rel=1e-6)
    assert contrast.p == pytest.approx(ols.pvalues[name], rel=1e-6)
    blinded = eq.analyse(protocol, records.without_allocation())
    assert blinded.endpoints["hdrs_change"].failure is None


def test_blinded_models_drop_the_arm_however_it_is_written(write_protocol):
    protocol = eq.load_protocol(
        write_protocol(
            ('"change ~ baseline*visit + diagnosis*visit + arm*visit"',
             '"change ~ baseline*visit + diagnosis*visit + C(arm)*visit"'),
        )
    )  # fmt: skip
    records = eq.simulate(protocol, seed=1).without_allocation()
    result = eq.analyse(protocol, records).endpoints["hdrs_change"]
    assert result.failure is None
    assert "arm" not in result.fit.formula


def with_analysis(protocol, **changes):
    return protocol.model_copy(update={"analysis": protocol.analysis.model_copy(update=changes)})


def test_a_graph_shares_the_level_and_hands_it_on(il2, il2_results):
    from equipoise.protocol.questions import Graph, TestingOrder

    graph = Graph(
        weights={"treg_response": 0.8, "depression_week8": 0.2},
        transitions={"treg_response": {"depression_week8": 1.0}},
    )
    protocol = with_analysis(il2, testing=TestingOrder.GRAPHICAL, graph=graph)

    def answers(p_treg, p_mood):
        estimands = with_p(il2_results, "treg_response", p_treg)
        mood = with_p(il2_results, "depression_week8", p_mood)["depression_week8"]
        return answer_estimands(protocol, {**estimands, "depression_week8": mood}, False)

    # Treg at 0.04 · 0.8; rejected, it hands its share on: mood is then tested at 0.05.
    first, second = answers(0.03, 0.045)
    assert (first.significant, second.significant) == (True, True)
    assert first.adjusted_p == pytest.approx(0.03 / 0.8)
    assert second.adjusted_p == pytest.approx(0.045)
    # Not rejected, it hands nothing on: mood has 0.2 of the level, and is tested all the same.
    first, second = answers(0.045, 0.009)
    assert (first.significant, second.significant) == (False, True)
    first, second = answers(0.045, 0.011)
    assert (first.significant, second.significant) == (False, False)
    assert second.status is Status.CONFIRMATORY


def test_a_family_behind_an_estimand_waits_for_it(il2, il2_results):
    family = il2.analysis.families["cells"].model_copy(update={"after": "treg_response"})
    protocol = with_analysis(il2, families={"cells": family})
    effects = contrasts_of(il2_results.endpoints, il2_results.outcomes)
    met = tuple(a.model_copy(update={"significant": True}) for a in il2_results.answers)
    (opened,) = adjust_families(protocol, effects, met, False)
    assert opened.closed_by is None
    lost = tuple(a.model_copy(update={"significant": False}) for a in il2_results.answers)
    (closed,) = adjust_families(protocol, effects, lost, False)
    assert closed.closed_by == "treg_response"
    assert {c.p for cs in closed.contrasts.values() for c in cs} == {None}
    assert {c.adjusted_p for cs in closed.contrasts.values() for c in cs} == {None}
