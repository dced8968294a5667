"""What a model says of people: the numbers, the widening, and everything that it refuses."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from tests.forecasts import observed, patient_toml, person, planned, trained

import equipoise as eq
from equipoise.analysis.stratification.forecast_request import check_person
from equipoise.analysis.stratification.outlooks import forecast_person, predicted
from equipoise.analysis.stratification.patient_file import commented_patient, forecast_patient


def asked(model, values, arms=None):
    who, faults = check_person(model, values, lambda name: name)
    assert not faults
    return forecast_person(model, who, lambda name: name, arms)


def test_the_numbers_are_those_of_the_formula():
    model = trained()
    outlooks, refusals = asked(model, person(age=50, hdrs_baseline=25))
    assert not refusals
    trained_stage = model.forecasts["baseline"]
    ridge, columns = trained_stage.ridge, trained_stage.design.columns
    values = person(age=50, hdrs_baseline=25)
    for one in outlooks:
        x = np.array([
            {
                "arm": float(one.arm == c.source),
                "factor": float(values[c.source] == c.level) if c.level else values.get(c.source),
                "score": 25.0,
            }.get(c.kind, math.log(values.get(f"{c.source}_baseline", 1.0)))
            for c in columns
        ])  # fmt: skip
        mean = ridge.intercept + x @ ridge.coefficients
        about = np.concatenate([[1.0], x - ridge.centre])
        se = math.sqrt(ridge.residual_variance * (1 + about @ ridge.covariance @ about))
        t = stats.t(ridge.df, mean, se)
        assert one.expected == pytest.approx(25 + mean, rel=1e-12)
        for probability, low, high in one.bands:
            expected = 25 + np.array(t.interval(probability))
            np.testing.assert_allclose([low, high], np.clip(expected, 0, 52), rtol=1e-10)
        # Half of 25 is 12.5: a fall of 13 points is a response, one of 12 is none.
        assert one.response == pytest.approx(t.cdf(-12.5), rel=1e-10)


def test_a_missing_value_is_filled_in_and_widens():
    model = trained(interactions=True)
    for stage in model.forecasts.values():
        ridge = stage.ridge
        p = len(ridge.penalised)
        row = ridge.joint_mean[None].copy() + 0.5 * np.sqrt(np.diag(ridge.joint_covariance))
        gaps = np.flatnonzero(ridge.penalised)[:2]
        row[0, gaps] = np.nan
        found, plain = predicted(ridge, row), ridge.predict(row)
        assert found.mean[0] == plain.mean[0]
        # By definition: the conditional covariance is the inverse of a block of the inverse.
        left = np.linalg.inv(np.linalg.inv(ridge.joint_covariance)[np.ix_(gaps, gaps)])
        full = ridge.fill(row)
        slope = np.empty(len(gaps))
        for k, gap in enumerate(gaps):  # the forecast is linear in each column by itself
            moved = full.copy()
            moved[0, gap] += 1.0
            slope[k] = ridge.predict(moved).mean[0] - ridge.predict(full).mean[0]
        extra = slope @ left @ slope
        assert found.se[0] ** 2 == pytest.approx(plain.se[0] ** 2 + extra, rel=1e-9)
        assert extra > 0
        assert p == len(stage.design.columns)


def test_only_what_may_be_missing_may_be():
    model = trained()
    outlooks, refusals = asked(model, person(th2_percent_baseline=None))
    assert not refusals
    assert {one.imputed for one in outlooks} == {("th2_percent_baseline",)}
    who, _ = check_person(model, person(th2_percent_baseline=None), str)
    design, ridge = model.forecasts["baseline"].design, model.forecasts["baseline"].ridge
    filled = ridge.fill(design.row(who.patient(model, "placebo")))[0]
    th2 = math.exp(filled[[c.key for c in design.columns].index("th2_percent")])
    measured, _ = asked(model, person(th2_percent_baseline=th2))
    assert outlooks[0].expected == pytest.approx(measured[0].expected, rel=1e-12)
    assert outlooks[0].bands[-1][2] > measured[0].bands[-1][2]
    _, refusals = asked(model, person(th2_percent_baseline=None, age=None))
    assert [r.fault.code for r in refusals] == ["predictors-too-many-missing"]
    _, refusals = asked(model, person(diagnosis=None, hdrs_baseline=None))
    assert [r.fault.field for r in refusals] == ["diagnosis", "hdrs_baseline"]


def test_the_early_visit_is_for_the_assigned_arm_alone():
    early = {"treg_percent_day5": 7.0, "th2_percent_day5": 10.0, "hdrs_day5": 20}
    outlooks, refusals = asked(trained(), person(arm="il2", **early))
    assert not refusals
    assert [(one.stage, one.arm) for one in outlooks] == [
        ("baseline", "placebo"),
        ("baseline", "il2"),
        ("early", "il2"),
    ]
    outlooks, refusals = asked(trained(), person(arm="il2", **early), ["placebo"])
    assert [r.fault.code for r in refusals] == ["forecast-other-arm"]
    assert {one.stage for one in outlooks} == {"baseline"}
    _, refusals = asked(trained(), person(**early))
    assert [r.fault.code for r in refusals] == ["forecast-arm-missing"]


def test_edges_of_the_range_belong_to_it():
    ridge = trained().forecasts["baseline"].ridge
    place = [c.key for c in trained().forecasts["baseline"].design.columns].index("age")
    for edge, outward in ((float(ridge.lower[place]), -1), (float(ridge.upper[place]), 1)):
        assert not asked(trained(), person(age=edge))[1]
        _, refusals = asked(trained(), person(age=edge + 0.1 * outward))
        assert [r.fault.code for r in refusals] == ["outside-training-range"]
        assert f"{edge:.4g}" in refusals[0].fault.rule


def test_a_change_outside_the_range_is_refused_though_both_values_are_usual():
    values = person(arm="il2", treg_percent_day5=40.0, th2_percent_day5=9.5, hdrs_day5=21)
    outlooks, refusals = asked(trained(), values)
    assert [r.fault.field for r in refusals] == ["treg_percent_day5"]
    assert "ratio to baseline" in refusals[0].fault.value
    assert {one.stage for one in outlooks} == {"baseline"}


def test_a_table_says_of_each_what_one_alone_is_told():
    model = trained()
    people = [
        person(participant="first"),
        person(participant="second", age=99),
        person(participant="third", th2_percent_baseline=None),
        person(participant="fourth", arm="il2", treg_percent_day5=7.0, th2_percent_day5=10.0,
               hdrs_day5=20),
        person(participant="fifth", arm="nobody"),
        person(participant="sixth", arm="placebo", hdrs_day5=20, treg_percent_baseline=None,
               treg_percent_day5=6.0),
    ]  # fmt: skip
    frame = pl.DataFrame(people)
    found = eq.forecast(model, frame, demonstration=True)
    for number, values in enumerate(people, 1):
        alone = eq.forecast(model, pl.DataFrame([values]), demonstration=True)
        mine = found.filter(row=number).with_columns(row=pl.lit(1, dtype=pl.Int64))
        reasons = ("refused",)  # they name the row
        assert mine.drop(reasons).equals(alone.drop(reasons))
    first = found.filter(row=1)
    outlooks, _ = asked(model, people[0])
    assert first["expected"].to_list() == [one.expected for one in outlooks]
    assert first["upper_80"].to_list() == [one.bands[1][2] for one in outlooks]
    assert first["response"].to_list() == [one.response for one in outlooks]
    second = found.filter(row=2)
    assert second["in_range"].to_list() == [False, False]
    assert second["expected"].to_list() == [None, None]
    assert all("from" in why and "years" in why for why in second["refused"])
    assert found.filter(row=3)["imputed"].unique().to_list() == ["th2_percent_baseline"]
    assert found.filter(row=4)["forecast"].to_list() == ["baseline", "baseline", "early"]
    assert found.filter(row=5)["refused"].null_count() == 0
    sixth = found.filter(row=6)
    assert "counts by its change" in sixth.filter(forecast="early")["refused"][0]
    assert found["label"].unique().to_list() == ["research use only, not for clinical decisions"]
    assert all("SIMULATED" in origin for origin in found["origin"])


def test_any_frame_will_do():
    people = [person(), person(age=None), person(th2_percent_baseline=None, diagnosis="BD")]
    expected = eq.forecast(trained(), pl.DataFrame(people), demonstration=True)
    frame = pd.DataFrame(people)
    assert frame.isna().to_numpy().any()
    assert eq.forecast(trained(), frame, demonstration=True).equals(expected)
    backed = frame.convert_dtypes()
    assert eq.forecast(trained(), backed, demonstration=True).equals(expected)


def test_an_empty_table_has_no_forecasts():
    frame = pl.DataFrame([person()]).clear()
    assert eq.forecast(observed(), frame).height == 0


def test_a_model_of_people_needs_no_demonstration():
    found = eq.forecast(observed(), pl.DataFrame([person()]))
    assert found["origin"].unique().to_list() == ["observed"]
    assert found["refused"].null_count() == found.height


def test_another_plan_is_noted():
    other = eq.load_protocol("il2-bipolar")
    found = eq.forecast(observed(), pl.DataFrame([person()]), protocol=other)
    assert other.hash[:12] in found["note"][0]
    same = eq.forecast(observed(), pl.DataFrame([person()]), protocol=planned())
    assert same["note"].null_count() == same.height


def test_the_commented_file_is_a_person_of_the_middle(tmp_path):
    path = tmp_path / "patient.toml"
    path.write_text(commented_patient(trained()))
    _, outlooks = forecast_patient(trained(), path)
    assert [one.arm for one in outlooks] == ["placebo", "il2"]
    # With the early visit uncommented it is forecast too.
    lines = [
        line.removeprefix("# ") if "_day5 = " in line or line.startswith("# arm =") else line
        for line in commented_patient(trained()).splitlines()
    ]
    path.write_text("\n".join(lines))
    _, outlooks = forecast_patient(trained(), path)
    assert [one.stage for one in outlooks] == ["baseline", "baseline", "early"]


def test_everything_wrong_with_a_file_comes_at_once_and_in_its_order(tmp_path):
    path = tmp_path / "patient.toml"
    text = patient_toml(age=None, treg_percent_baseline=None, hdrs_baseline=60, diagnosis="md")
    path.write_text('treg_baseline = 6\nage = { value = 40, unit = "months" }\n' + text)
    with pytest.raises(eq.EquipoiseError) as error:
        forecast_patient(trained(), path, "verum")
    found = {fault.code: fault for fault in error.value.faults}
    assert set(found) == {
        "predictor-unknown", "predictor-unit", "predictor-invalid", "outside-training-range",
        "forecast-arm-unknown",
    }  # fmt: skip
    assert found["predictor-unknown"].where == "patient.toml, line 1"
    assert "treg_percent_baseline" in found["predictor-unknown"].remedy
    assert found["predictor-unit"].where == "patient.toml, line 2"
    assert "years" in found["predictor-unit"].rule
    assert found["outside-training-range"].value == "60 points"
    lines = [int(f.where.split()[-1]) for f in error.value.faults if "line" in f.where]
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    "value", ["true", "[1]", "{ value = 1, unit = 2, x = 3 }", "{ unit = 'years' }", "nan", "inf",
              "1979-05-27", "'forty'"],
)  # fmt: skip
def test_no_value_is_taken_for_another(tmp_path, value):
    path = tmp_path / "patient.toml"
    path.write_text(patient_toml(age=None) + f"age = {value}\n")
    if value == "nan":  # not a number is a missing one
        _, outlooks = forecast_patient(trained(), path)
        assert outlooks[0].imputed == ("age",)
        return
    with pytest.raises(eq.EquipoiseError, match="`age`"):
        forecast_patient(trained(), path)
