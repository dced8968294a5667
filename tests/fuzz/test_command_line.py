"""Mutants through the commands: a proper end, no traceback, never half a file."""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st
from tests.faults.box import RECORDS, TRIAL
from tests.forecasts import patient_toml, trained
from tests.fuzz.mutants import STEPS, profile, spoilt

import equipoise as eq
from equipoise.analysis.stratification.forecast_file import forecast_bytes
from equipoise.cli import main

ENDS = {0, 1, 2}


def ended(*arguments):
    """Exit code and what was said, of a command as the terminal calls it."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", ["equipoise", *map(str, arguments)]),
        mock.patch("signal.signal"),
    ):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    assert code in ENDS, err.getvalue()
    for text in (out.getvalue(), err.getvalue()):
        assert "Traceback" not in text
        assert "went wrong inside" not in text
    assert (code == 0) or err.getvalue().strip()
    return code, out.getvalue()


def whole(folder, last):
    """A folder of output is not there, or complete."""
    assert not list(folder.rglob(".equipoise-*")) if folder.exists() else True
    return not folder.exists() or (folder / last).is_file()


@profile(25, 600)
@given(steps=STEPS)
def test_check(tmp_path_factory, steps):
    path = tmp_path_factory.getbasetemp() / "mutant.toml"
    path.write_bytes(spoilt(TRIAL.read_bytes(), steps))
    code, said = ended("check", path)
    assert (code == 0) == ("the protocol is valid" in said)


@profile(10, 200)
@given(name=st.sampled_from(sorted(RECORDS)), steps=STEPS, on_protocol=st.booleans())
def test_analyse_and_report(tmp_path_factory, name, steps, on_protocol):
    base = tmp_path_factory.getbasetemp() / "commands"
    shutil.rmtree(base, ignore_errors=True)
    (base / "data").mkdir(parents=True)
    text = TRIAL.read_bytes()
    (base / "protocol.toml").write_bytes(spoilt(text, steps) if on_protocol else text)
    for file, content in RECORDS.items():
        data = content.encode()
        (base / "data" / file).write_bytes(spoilt(data, steps) if file == name else data)
    with contextlib.suppress(eq.EquipoiseError):
        eq.load_protocol(base / "protocol.toml").lock(base)
    code, _ = ended(
        "analyse", base / "protocol.toml", "--data", base / "data", "--out", base / "out"
    )
    assert whole(base / "out", "results.json")
    assert (base / "out").exists() == (code == 0)
    if code == 0:
        assert ended("report", base / "out")[0] == 0
        assert whole(base / "out", "report.html")


@profile(4, 60)
@given(steps=STEPS)
def test_results_of_another_hand(tmp_path_factory, il2_results, steps):
    folder = tmp_path_factory.getbasetemp() / "results"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    content = il2_results.model_dump_json().encode()
    (folder / "results.json").write_bytes(spoilt(content, steps))
    out = folder / "out"
    code, _ = ended("report", folder, "--out", out)
    assert code in (0, 1)
    assert whole(out, "report.html")


@profile(25, 600)
@given(steps=STEPS)
def test_a_patient_of_another_hand(tmp_path_factory, steps):
    folder = tmp_path_factory.getbasetemp() / "forecast"
    folder.mkdir(exist_ok=True)
    model = folder / "model.json"
    if not model.exists():
        model.write_bytes(forecast_bytes(trained()))
    patient = folder / "patient.toml"
    patient.write_bytes(spoilt(patient_toml(arm="il2", hdrs_day5=20).encode(), steps))
    shutil.rmtree(folder / "out", ignore_errors=True)
    code, _ = ended("forecast", model, patient, "--demonstration", "--out", folder / "out")
    assert (folder / "out").exists() == (code == 0)
    assert whole(folder / "out", "forecast.html")


@profile(15, 400)
@given(steps=STEPS)
def test_a_forecast_model_of_another_hand(tmp_path_factory, steps):
    folder = tmp_path_factory.getbasetemp() / "forecast-model"
    folder.mkdir(exist_ok=True)
    patient = folder / "patient.toml"
    patient.write_text(patient_toml())
    model = folder / "model.json"
    model.write_bytes(spoilt(forecast_bytes(trained()), steps))
    ended("forecast", model, patient, "--demonstration")
