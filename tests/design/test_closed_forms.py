"""Power by formula from a protocol's assumptions: its covariances, and where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.validate.power_study import Case, closed_form, protocol_of

import equipoise as eq
from equipoise.design.chunks import prepare
from equipoise.design.closed_forms import assumed_covariance, formula_powers
from equipoise.patients import Scenario
from equipoise.protocol.changes import change_protocol
from equipoise.report.design_words import formula_answers
from equipoise.simulation import simulate_arrays


def test_it_is_the_formula_of_the_study_of_power(tmp_path):
    case = Case("mmrm", 36, 1, 0.6, 1)
    protocol = protocol_of(case, tmp_path)
    found = formula_powers(prepare(protocol, 1, "statistical"), statistical=True)
    assert found == {"estimand:week8:active": pytest.approx(closed_form(case), rel=1e-9)}


@pytest.mark.parametrize("scenario", ["planned", "link-off"])
def test_covariances_are_those_of_simulated_people(il2, scenario):
    """Of 20,000 people on the control, nobody lost."""
    statistical = il2.assumptions.statistical
    nobody = dict.fromkeys(il2.arms, 0.0)
    dropout = statistical.dropout.model_copy(update={"probability": nobody, "missed_visit": 0.0})
    statistical = statistical.model_copy(update={"dropout": dropout})
    assumptions = il2.assumptions.model_copy(update={"statistical": statistical})
    large = change_protocol(
        il2.model_copy(update={"assumptions": assumptions}), {"population.size": 60_000}
    ).protocol
    keys = ("hdrs_change", "treg_percent", "treg_count")
    trial = simulate_arrays(
        large, 3, scenario=scenario, patients="statistical", asked=frozenset(keys)
    )
    control = trial.arm == 0
    asked = {
        "hdrs_change": trial.scores["hdrs"].part("total"),
        "treg_percent": trial.cells["treg", "%CD4"],
        "treg_count": trial.cells["treg", "cells/uL"],
    }
    for key, values in asked.items():
        visits = il2.endpoint_visits(key)
        logs = il2.endpoints[key].scale.value == "log_fold"
        rows = (np.log(values) if logs else values)[control]
        base = np.column_stack([np.ones(len(rows)), rows[:, 0]])
        left = rows[:, 1:] - base @ np.linalg.lstsq(base, rows[:, 1:], rcond=None)[0]
        empirical = left.T @ left / len(rows)
        covariance = assumed_covariance(il2, key, visits, scenario)
        assert covariance.shape == (len(visits), len(visits))
        # 20,000 people: a variance is known to about 1 %; totals are cut to the scale besides.
        scale = np.sqrt(np.outer(np.diag(empirical), np.diag(empirical)))
        assert np.abs(covariance - empirical).max() < 0.04 * scale.max(), key


def test_formula_and_simulation_meet_in_a_large_trial(antidepressant):
    protocol = change_protocol(
        antidepressant, {"population.size": 1200, "assumptions.statistical.dropout.slope": 0.0}
    ).protocol
    change = protocol.assumptions.statistical.scores["hdrs"].change["placebo"]["week6"]
    protocol = change_protocol(
        protocol, {"assumptions.statistical.scores.hdrs.change.drug.week6": change - 1.0}
    ).protocol
    found = eq.map_characteristics(protocol, {}, 1500, 1, scenarios="planned", workers=1)
    (point,) = found.points
    key = "estimand:depression_week6:drug"
    place = [q.key for q in point.quantities].index(key)
    simulated = point.summary.performances[place].excludes_zero
    error = math.sqrt(simulated * (1 - simulated) / 1500)
    assert 0.5 < point.formulas[key] < 0.95
    assert abs(point.formulas[key] - simulated) < 3.3 * error + 0.005
    (said,) = formula_answers(point)
    assert "by formula (Lu, Luo and Chen" in said


def test_where_there_is_no_formula_none_is_given(il2, antidepressant):
    assert formula_powers(prepare(il2, 1), statistical=False) == {}
    assert set(formula_powers(prepare(il2, 1, "statistical"), statistical=True)) == {
        "estimand:treg_response:il2", "estimand:depression_week8:il2",
    }  # fmt: skip
    null = prepare(antidepressant, 1, None, Scenario.NULL)
    (power,) = formula_powers(null, statistical=True).values()
    assert power == pytest.approx(0.05, abs=1e-9)
    models = {
        key: model.model_copy(update={"formula": "change ~ visit + arm*visit"})
        for key, model in antidepressant.analysis.models.items()
    }
    analysis = antidepressant.analysis.model_copy(update={"models": models})
    unadjusted = antidepressant.model_copy(update={"analysis": analysis})
    assert formula_powers(prepare(unadjusted, 1), statistical=True) == {}
    assert assumed_covariance(il2, "hdrs_response", ("week8",)) is None
