"""A saved forecast: what it holds, that it comes back as it was, and that a spoilt one is refused."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import polars as pl
import pytest
from tests.forecasts import called_observed, planned, simulated, trained, with_plan

import equipoise as eq
from equipoise.analysis.dataset import make_dataset
from equipoise.analysis.groups import make_groups
from equipoise.analysis.prediction.marker_table import make_marker_table
from equipoise.analysis.stratification.forecast_file import forecast_bytes
from equipoise.analysis.stratification.model_training import _nice
from equipoise.stats.forecast import RidgeForecast


def table_of(protocol, records):
    groups = make_groups(protocol, records)
    keys = [k for k, point in protocol.endpoints.items() if point.scale.continuous]
    datasets = {key: make_dataset(protocol, records, groups, key) for key in keys}
    return make_marker_table(protocol, records, groups, datasets, protocol.analysis.prediction)


def test_it_comes_back_to_the_last_bit(tmp_path):
    model = trained(interactions=True)
    eq.write_forecast(model, tmp_path / "sub" / "model.json")
    back = eq.read_forecast(tmp_path / "sub" / "model.json")
    assert forecast_bytes(back) == forecast_bytes(model)
    x = model.forecasts["early"].design.matrix(table_of(planned(interactions=True), simulated()))
    x = x[np.isfinite(x[:, :3]).all(axis=1)]
    for stage in ("baseline", "early"):
        mine, theirs = model.forecasts[stage], back.forecasts[stage]
        assert mine.design == dataclasses.replace(theirs.design, products=mine.design.products)
        columns = x[:, : len(mine.design.columns)]
        for field in dataclasses.fields(RidgeForecast):
            a, b = getattr(mine.ridge, field.name), getattr(theirs.ridge, field.name)
            np.testing.assert_array_equal(a, b, err_msg=field.name)
        first, second = mine.ridge.predict(columns), theirs.ridge.predict(columns)
        np.testing.assert_array_equal(first.mean, second.mean)
        np.testing.assert_array_equal(first.se, second.se)


def test_a_folder_is_as_good_as_its_file(tmp_path):
    eq.write_forecast(trained(), tmp_path / "forecast-model.json")
    assert eq.read_forecast(tmp_path).study == "il2-depression"


def test_the_same_trial_gives_the_same_bytes():
    again = eq.train_forecast(planned(), simulated())
    assert forecast_bytes(again) == forecast_bytes(trained())


def test_it_says_what_made_it():
    model = trained()
    assert model.simulated
    assert model.protocol_hash == planned().hash
    assert model.data_hash == eq.train_forecast(planned(), simulated()).data_hash
    assert model.scenario == "planned"
    whole = json.loads(forecast_bytes(model))
    assert whole["label"] == "research use only, not for clinical decisions"
    assert whole["model"]["origin"] == "simulated"
    found = table_of(planned(), simulated())
    assert model.participants == int(np.isfinite(found.outcome).sum())
    score, change = found.outcome_baseline, found.outcome
    responded = np.nansum(change <= -0.5 * score)
    assert model.forecasts["baseline"].responders == responded


def test_nobody_stands_in_it(il2):
    protocol = with_plan(il2, planned().analysis.stratification.forecast)
    records = called_observed(simulated())
    model = eq.train_forecast(_locked(protocol), records)
    text = forecast_bytes(model).decode()
    assert not any(name in text for name in records.participants["participant"])
    found = table_of(protocol, records)
    for trained_stage in model.forecasts.values():
        design, ridge = trained_stage.design, trained_stage.ridge
        x = design.matrix(found)
        for place, column in enumerate(design.columns):
            values = x[np.isfinite(found.outcome), place]
            values = values[np.isfinite(values)]
            assert ridge.lower[place] <= values.min()
            assert ridge.upper[place] >= values.max()
            if column.level is None and column.kind != "arm":
                step = _nice(0.5 * np.sqrt(ridge.joint_covariance[place, place]))
                for edge in (ridge.lower[place], ridge.upper[place]):
                    assert abs(edge / step - round(edge / step)) < 1e-6
    # The numbers that forecast are the same.
    whole = trained().forecasts["early"].ridge
    np.testing.assert_array_equal(model.forecasts["early"].ridge.coefficients, whole.coefficients)
    assert model.forecasts["early"].ridge.furthest >= whole.furthest
    assert not model.simulated


def _locked(protocol):
    import tempfile

    protocol.lock(tempfile.mkdtemp())
    return protocol


def test_observed_records_need_the_locked_plan():
    with pytest.raises(eq.EquipoiseError, match="lock"):
        eq.train_forecast(
            eq.load_protocol("il2-depression") and planned(), called_observed(simulated())
        )


def test_levels_of_few_people_are_closed():
    records = called_observed(simulated())
    diagnosis = pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("BD")).otherwise(pl.lit("MDD"))
    people = records.participants.with_columns(diagnosis.alias("diagnosis"))
    model = eq.train_forecast(
        _locked(with_plan(eq.load_protocol("il2-depression"))),
        dataclasses.replace(records, participants=people),
    )
    assert model.predictor("diagnosis").closed == ("BD",)
    assert trained().predictor("diagnosis").closed == ()


def without_cells(records, visit, populations):
    lost = (pl.col("visit") == visit) & pl.col("population").is_in(populations)
    return dataclasses.replace(records, cells=records.cells.filter(~lost))


def test_what_nobody_has_is_not_asked_for():
    records = without_cells(simulated(), "day5", ["treg"])
    model = eq.train_forecast(planned(interactions=True), records)
    whole = trained(interactions=True)
    gone = {p.name for p in whole.predictors} - {p.name for p in model.predictors}
    assert gone == {"treg_percent_day5"}
    assert np.isfinite(model.forecasts["early"].ridge.lower).all()
    assert len(model.forecasts["early"].design.products) == 2
    json.loads(forecast_bytes(model))
    # The same people without a column that could only have had a coefficient of 0.
    before = model.forecasts["baseline"].ridge, whole.forecasts["baseline"].ridge
    np.testing.assert_array_equal(*(ridge.coefficients for ridge in before))


def test_without_any_early_value_there_is_no_forecast_with_it():
    records = without_cells(simulated(), "day5", ["treg", "th2"])
    early = (pl.col("visit") == "day5") & (pl.col("instrument") == "hdrs")
    records = dataclasses.replace(records, scores=records.scores.filter(~early))
    model = eq.train_forecast(planned(), records)
    assert model.untrained == {"early": "nobody has a value at the early visit"}
    assert list(model.forecasts) == ["baseline"]
    assert {p.kind for p in model.predictors} == {"factor", "baseline"}


def spoilt(tmp_path, change, *, honest=False):
    """The model's file after a change; honest: with the checksum of what it then holds."""
    from equipoise.analysis.stratification.forecast_file import _checksum

    whole = json.loads(forecast_bytes(trained()))
    change(whole)
    if honest:
        whole["checksum"] = _checksum(whole["model"])
    path = tmp_path / "model.json"
    path.write_text(json.dumps(whole))
    return path


def ridge_of(whole):
    return whole["model"]["forecasts"][0]["ridge"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: ridge_of(w)["coefficients"].pop(), "coefficients has 5 entries and not 6"),
        (lambda w: ridge_of(w).update(df=0), "greater than 0"),
        (lambda w: ridge_of(w)["covariance"][1].__setitem__(1, -3.0), "is no covariance"),
        (lambda w: ridge_of(w)["lower"].__setitem__(2, 1e9), "ends below its beginning"),
        (lambda w: w["model"].update(data_hash="abc"), "data_hash"),
        (lambda w: w["model"].update(surprise=1), "surprise"),
        (lambda w: w["model"]["predictors"].pop(0), "nobody is asked for what the column"),
        (lambda w: w["model"]["arms"].pop(), "is of an arm that is not there"),
        (lambda w: w["model"].update(label="for the clinic"), "research use only"),
        (lambda w: w["model"]["forecasts"].reverse(), "the forecast from baseline comes first"),
    ],
)
def test_a_file_that_does_not_fit_itself_is_refused(tmp_path, change, said):
    path = spoilt(tmp_path, change, honest=True)
    with pytest.raises(eq.EquipoiseError, match=said) as error:
        eq.read_forecast(path)
    assert {fault.code for fault in error.value.faults} == {"forecast-model-invalid"}


def test_a_number_that_was_changed_is_noticed(tmp_path):
    def change(whole):
        ridge_of(whole)["intercept"] += 1e-9

    with pytest.raises(eq.EquipoiseError, match="changed after it was written"):
        eq.read_forecast(spoilt(tmp_path, change))
    # The layout of the file is no part of it.
    eq.read_forecast(spoilt(tmp_path, lambda whole: None))


def test_all_faults_of_a_file_come_at_once(tmp_path):
    def change(whole):
        ridge_of(whole).update(df=0, penalty=-1)
        whole["model"]["origin"] = "dreamt"

    with pytest.raises(eq.EquipoiseError) as error:
        eq.read_forecast(spoilt(tmp_path, change))
    codes = [fault.code for fault in error.value.faults]
    assert codes == ["forecast-model-changed"] + 3 * ["forecast-model-invalid"]


@pytest.mark.parametrize("text", ["[]", "null", "[" * 100_000, "\x00", '{"format": NaN}', "1e999"])
def test_what_is_no_model_is_refused(tmp_path, text):
    path = tmp_path / "model.json"
    path.write_text(text)
    with pytest.raises(eq.EquipoiseError, match="is refused"):
        eq.read_forecast(path)
