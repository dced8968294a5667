"""The planned forecasts: their columns, who is in, what a large twin shows, what cannot be said."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from tests.analysis.test_marker_table import table_of
from tests.conftest import protocol_text

import equipoise as eq
from equipoise.analysis.stratification.forecast_design import PatientValues, forecast_designs
from equipoise.analysis.stratification.forecast_storage import forecast_tables
from equipoise.analysis.stratification.forecast_training import train_forecast, training_data
from equipoise.analysis.stratification.forecast_validation import validate_forecasts
from equipoise.analysis.stratification.response_rule import ResponseRule, response_rule
from equipoise.stats.distributions import t_quantile
from equipoise.stats.forecast import (
    Target,
    gains,
    nested_validation,
    outer_folds,
    predictor_columns,
    recalibrate,
)

QUICK = {"repeats": 2, "permutations": 39, "bootstrap": 20, "subsamples": 5}


@pytest.fixture(scope="module")
def plan(il2):
    return il2.analysis.stratification.forecast.model_copy(update=QUICK)


@pytest.fixture(scope="module")
def table(il2, il2_records):
    return table_of(il2, il2_records, il2.analysis.prediction)


@pytest.fixture(scope="module")
def rule(il2):
    return response_rule(il2, "hdrs_response")


@pytest.fixture(scope="module")
def found(il2, table, plan, rule):
    return validate_forecasts(il2, table, plan, rule, people=True)


def forecasts(il2, table, plan, rule, **update):
    return validate_forecasts(il2, dataclasses.replace(table, **update), plan, rule)


def test_the_columns_are_the_plans(il2, table, plan):
    first, late = forecast_designs(il2, table, plan)
    names = [column.key for column in late.columns]
    assert names[:3] == ["arm il2", "diagnosis BD", "hdrs_change"]
    assert [c.key for c in late.columns if not c.penalised] == names[:3]
    assert names[: len(first.columns)] == [c.key for c in first.columns]
    assert names[-1] == "early hdrs_change"
    assert len(names) == 3 + 4 + 2 + 4 + 1
    paired = plan.model_copy(update={"interactions": True})
    products = forecast_designs(il2, table, paired)[0].products
    assert [names[b] for _, b in products] == list(plan.predictors)
    assert {names[a] for a, _ in products} == {"arm il2"}


def test_one_persons_row_is_that_of_the_table(il2, il2_records, table, plan):
    """Raw values of a participant give the row that the table has for him."""
    person = il2_records.scores.filter(visit="week8")["participant"][0]
    who = il2_records.participants.filter(participant=person).row(0, named=True)
    baseline, early = {}, {}
    for visit, into in (("baseline", baseline), ("day5", early)):
        cells = il2_records.cells.filter(participant=person, visit=visit)
        for key in plan.predictors:
            point = il2.endpoints[key]
            into[key] = cells.filter(population=point.cells, unit=point.cell_unit)["value"][0]
        scores = il2_records.scores.filter(participant=person, visit=visit, instrument="hdrs")
        into["hdrs_change"] = scores.filter(item="total")["score"][0]
    arm = il2_records.allocation.filter(participant=person)["arm"][0]
    patient = PatientValues(
        arm=arm, factors={k: who[k] for k in ("diagnosis", "sex", "age")}, baseline=baseline,
        early=early,
    )  # fmt: skip
    for design in forecast_designs(il2, table, plan):
        whole, row = design.matrix(table), design.row(patient)
        distance = np.abs(whole - row).sum(axis=1)
        assert np.nanmin(distance) < 1e-9, design.stage
    empty = forecast_designs(il2, table, plan)[1].row(PatientValues(arm="il2"))
    assert np.isnan(empty).sum() == empty.size - 1
    nothing = PatientValues(baseline={"treg_percent": 0.0})
    column = [c.key for c in forecast_designs(il2, table, plan)[0].columns].index("treg_percent")
    assert math.isnan(forecast_designs(il2, table, plan)[0].row(nothing)[0, column])


def test_response_is_at_the_half_and_the_limit_lies_between_scores():
    rule = ResponseRule("response", "Response", 0.5, 0.0, falls=True)
    score = np.array([20.0, 21.0, 21.0, 0.0])
    change = np.array([-10.0, -10.0, -11.0, 0.0])
    assert rule.met(score, change).tolist() == [True, False, True, False]
    assert rule.limit(score)[:3].tolist() == [-9.5, -10.5, -10.5]
    assert ((change <= rule.limit(score)) == rule.met(score, change)).all()
    rises = ResponseRule("response", "Response", 0.2, 30.0, falls=False)
    assert rises.limit(np.array([50.0])).tolist() == [3.5]
    assert rises.met(np.array([50.0, 50.0]), np.array([4.0, 3.0])).tolist() == [True, False]
    assert rises.met(np.array([np.nan]), np.array([4.0])).tolist() == [False]


def test_who_is_in_and_who_is_not(found, table):
    for count in found.counts:
        assert count.randomised == count.no_outcome + count.no_factor + count.used
    assert sum(c.used for c in found.counts) == int(np.isfinite(table.outcome).sum())
    assert {s.stage for s in found.stages} == {"known", "baseline", "early"}
    late = found.stage("early")
    assert late.n == sum(c.used for c in found.counts)
    assert late.responders == sum(c.responders for c in found.counts)
    assert len(late.people) == late.n


def test_the_report_and_a_saved_model_have_the_same_terms(il2, table, plan, rule, found):
    for design in forecast_designs(il2, table, plan):
        model = train_forecast(training_data(table, design, rule), plan)
        stage = found.stage(design.stage)
        assert stage.penalty == model.penalty
        assert [t.estimate for t in stage.coefficients] == list(model.coefficients)


def test_the_same_seed_gives_the_same_answer_and_the_rows_order_none(il2, table, plan, rule, found):
    again = validate_forecasts(il2, table, plan, rule, people=True)
    assert again == found
    other = validate_forecasts(
        il2, table, plan.model_copy(update={"seed": plan.seed + 1}), rule, people=True
    )
    assert other != found


def test_tables_hold_nobodys_values(found):
    tables = forecast_tables(found)
    assert {"forecast_measures", "forecast_gains", "forecast_coefficients"} <= set(tables)
    assert not any("people" in row or "mean" in row for rows in tables.values() for row in rows)
    assert forecast_tables(None) == {}


def test_small_groups_of_observed_people_are_hidden(il2, table, plan, rule):
    found = validate_forecasts(il2, table, plan, rule, smallest=100)
    assert {count.responders for count in found.counts} == {None}
    stage = found.stage("early")
    assert all(point.observed is None for point in stage.response_calibration.points)
    assert stage.people == ()


@pytest.mark.parametrize(("factor", "words"), [(-1.0, "everybody responded"), (0.0, "nobody")])
def test_one_class_has_a_score_and_no_probability(il2, table, plan, rule, factor, words):
    rng = np.random.default_rng(1)
    outcome = factor * table.outcome_baseline + rng.normal(size=len(table.arm)) * 0.1
    found = forecasts(il2, table, plan, rule, outcome=outcome)
    assert found.failure is None
    assert any(words in remark for remark in found.remarks)
    stage = found.stage("early")
    assert stage.measure("auc") is None
    assert stage.measure("r2").estimate is not None
    assert stage.response_calibration is None
    assert stage.pair_auc is None


def test_too_few_and_nothing_to_forecast_are_answered(il2, table, plan, rule):
    few = np.where(np.arange(len(table.arm)) < 8, table.outcome, np.nan)
    found = forecasts(il2, table, plan, rule, outcome=few)
    assert "needs 10" in found.failure
    assert found.stages == ()
    assert sum(c.randomised for c in found.counts) == 36
    same = forecasts(il2, table, plan, rule, outcome=np.full(36, -5.0))
    assert "the same in everybody" in same.failure


def test_few_in_an_arm_are_named(il2, table, plan, rule):
    outcome = np.where((table.arm == 0) & (np.arange(36) > 5), np.nan, table.outcome)
    found = forecasts(il2, table, plan, rule, outcome=outcome)
    assert found.failure is None
    assert any("fewer than 10 people" in r and "Placebo (" in r for r in found.remarks)


def test_missing_early_samples_are_filled_and_complete_cases_stand_beside(il2, table, plan, rule):
    early = table.early.copy()
    early[::6] = np.nan
    found = forecasts(il2, table, plan, rule, early=early)
    late, first = found.stage("early"), found.stage("baseline")
    assert late.incomplete > 0
    assert late.measure("auc").complete is not None
    assert first.incomplete == 0
    assert first.measure("auc").complete is None


def test_without_a_rule_for_response_the_score_is_forecast(il2, table, plan):
    score = plan.model_copy(update={"response": None})
    found = validate_forecasts(il2, table, score, None)
    assert found.response is None
    assert {m.measure for m in found.stage("early").measures} == {"r2", "mae"}
    assert {row.outcome for row in found.stage("early").needed} == {"score"}


@pytest.mark.parametrize("link", [True, False])
def test_a_twin_of_396_finds_what_was_put_in(link, tmp_path):
    """Day 5 adds to baseline where the early cells go with the outcome, and nothing else."""
    text = protocol_text("il2-depression").replace("size = 36", "size = 396")
    text = text.replace("{ MDD = 18, BD = 18 }", "{ MDD = 198, BD = 198 }")
    if not link:
        start = text.index("[assumptions.statistical.link]")
        text = text[:start] + text[text.index("[assumptions.statistical.dropout]") :]
        text = text.replace('"assumptions.statistical.link" =', "#")
    path = tmp_path / "protocol.toml"
    path.write_text(text, encoding="utf-8")
    protocol = eq.load_protocol(path)
    records = eq.simulate(protocol, seed=3, patients="statistical")
    # The early score goes with the late one whatever the cells do: it is left out here.
    plan = protocol.analysis.stratification.forecast.model_copy(update={"early_score": False})
    table = table_of(protocol, records, protocol.analysis.prediction)
    rule = response_rule(protocol, "hdrs_response")
    runs = []
    for design in forecast_designs(protocol, table, plan):
        data = training_data(table, design, rule)
        rng = np.random.default_rng(1)
        runs.append(
            nested_validation(
                predictor_columns(data.x, design.penalised),
                Target(data.y, data.limit, data.response),
                blocks=data.blocks, fold=outer_folds(data.blocks, 5, 2, rng),
                orders=np.arange(len(data.y))[None], penalties=np.array([0.1, 1.0, 10.0]),
                inner_folds=5, generator=rng,
            )
        )  # fmt: skip
    for name, gain in gains(runs[1].sums, runs[0].sums, folds=5, alpha=0.05).items():
        assert (gain.lower > 0.0) == link, (name, gain)
    slope = recalibrate(runs[1].probability, data.response).slope
    assert slope == pytest.approx(1.0, abs=0.35)
    reach = t_quantile(0.975, runs[1].df) * runs[1].se
    assert np.mean(np.abs(data.y - runs[1].mean) < reach) == pytest.approx(0.95, abs=0.03)
