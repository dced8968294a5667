"""`equipoise forecast`: what it prints and writes, how it refuses, what a run leaves for it."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from unittest import mock

import pytest
from tests.forecasts import observed, patient_toml, trained

import equipoise as eq
from equipoise.cli import main


def called(*arguments):
    """Exit code and what was said, as the terminal calls it."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", ["equipoise", "forecast", *map(str, arguments)]),
        mock.patch("signal.signal"),
    ):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    assert "Traceback" not in err.getvalue()
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def model(tmp_path):
    eq.write_forecast(trained(), tmp_path / "forecast-model.json")
    return tmp_path / "forecast-model.json"


def test_it_prints_and_writes_what_the_model_says(model, tmp_path):
    patient = tmp_path / "patient.toml"
    code, template, _ = called(model, "--template")
    assert code == 0
    patient.write_text(template)
    code, said, _ = called(model, patient, "--demonstration", "--out", tmp_path / "out")
    assert code == 0
    assert said.startswith("SIMULATED: a demonstration")
    assert "Placebo, from Baseline" in said
    assert "Aldesleukin, from Baseline" in said
    names = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")}
    assert {"forecast.html", "forecast.csv", "figures/forecast.svg"} <= names
    page = (tmp_path / "out" / "forecast.html").read_text()
    assert "equipoise forecast forecast-model.json patient.toml --demonstration" in page
    assert str(tmp_path) not in page


def test_one_arm_alone_and_another_plan(model, tmp_path):
    patient = tmp_path / "patient.toml"
    patient.write_text(patient_toml())
    code, said, _ = called(
        model, patient, "--demonstration", "--arm", "placebo", "--study", "il2-bipolar"
    )
    assert code == 0
    assert "Aldesleukin, from" not in said
    assert "of il2-bipolar" in said


def test_a_refusal_has_exit_code_1_and_leaves_nothing(model, tmp_path):
    patient = tmp_path / "patient.toml"
    patient.write_text(patient_toml(age=99))
    code, said, refused = called(model, patient, "--demonstration", "--out", tmp_path / "out")
    assert (code, said) == (1, "")
    assert "the training set ranges from" in refused
    assert not (tmp_path / "out").exists()
    code, _, refused = called(model, patient)
    assert code == 1
    assert "says nothing about a person" in refused


def test_people_need_no_demonstration(tmp_path):
    eq.write_forecast(observed(), tmp_path / "model.json")
    (tmp_path / "patient.toml").write_text(patient_toml())
    code, said, _ = called(tmp_path / "model.json", tmp_path / "patient.toml")
    assert code == 0
    assert "SIMULATED" not in said
    assert "research use only" in said


def test_a_patient_or_a_template_is_asked_for(model, tmp_path):
    assert called(model)[0] == 2
    (tmp_path / "patient.toml").write_text(patient_toml())
    assert called(model, tmp_path / "patient.toml", "--template")[0] == 2


def test_a_run_leaves_its_model_and_lists_it(monkeypatch, il2_results):
    """The files of a run, without running it: the model is that of the report."""
    import hashlib

    from equipoise.analysis.stratification.forecast_file import forecast_bytes
    from equipoise.report.writing import report_files

    for name, empty in (("draw", {}), ("render", "")):  # what the page shows is another test
        monkeypatch.setattr(f"equipoise.report.writing.{name}", lambda *_, _e=empty, **__: _e)
    content = forecast_bytes(trained())
    files = report_files(il2_results, beside={"forecast-model.json": content})
    listed = json.loads(files["provenance.json"])["files"]
    assert listed["forecast-model.json"] == hashlib.sha256(content).hexdigest()
    assert "forecast-model.json" not in files


def test_a_blinded_run_has_no_model(il2, il2_records, blinded_results, il2_results):
    from equipoise.cli.commands import _forecast_model

    assert _forecast_model(il2, il2_records.without_allocation(), blinded_results) == {}
    found = _forecast_model(il2, il2_records, il2_results)
    assert list(found) == ["forecast-model.json"]
    whole = json.loads(found["forecast-model.json"])
    assert whole["model"]["validation"]["baseline"]["r2"] is not None


def test_too_few_people_are_no_reason_to_withhold_the_report(il2, il2_records, il2_results, capsys):
    import dataclasses

    import polars as pl

    from equipoise.cli.commands import _forecast_model

    few = il2_records.participants["participant"].head(6).implode()
    scores = il2_records.scores.filter(pl.col("participant").is_in(few))
    records = dataclasses.replace(il2_records, scores=scores)
    assert _forecast_model(il2, records, il2_results) == {}
    assert "no forecast-model.json" in capsys.readouterr().err
