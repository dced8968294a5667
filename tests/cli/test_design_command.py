"""`equipoise design`: what it writes and says, and how it ends when it is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from tests.conftest import ROOT

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
PROGRAM = [sys.executable, "-m", "equipoise"]


def test_it_writes_the_page_and_says_simulated(tmp_path):
    done = subprocess.run(
        [*PROGRAM, "design", "il2-bipolar", "--trials", "4", "--workers", "1",
         "--scenario", "planned", "--scenario", "null", "--patients", "statistical", "--out", str(tmp_path / "out")],
        env=ENVIRONMENT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("SIMULATED: 8 trials")
    assert "8 of 8 trials" in done.stderr
    page = (tmp_path / "out" / "twins.html").read_text(encoding="utf-8")
    assert "equipoise design il2-bipolar --trials 4 --seed 1 --scenario planned" in page
    assert "--patients statistical" in page
    assert "Link off" not in page


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="process groups are POSIX")
def test_ctrl_c_stops_every_process_without_a_traceback(tmp_path):
    out = tmp_path / "out"
    with subprocess.Popen(
        [*PROGRAM, "design", "il2-bipolar", "--trials", "100000", "--workers", "2",
         "--out", str(out)],
        env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as running:  # fmt: skip
        assert running.stderr is not None
        told = running.stderr.readline()
        first = told + running.stderr.readline()
        os.killpg(running.pid, signal.SIGINT)
        out_text, rest = running.communicate(timeout=120)
    said = first + rest
    assert running.returncode == 130, said
    assert "Traceback" not in said
    assert out_text == ""
    assert "the same command goes on from there" in told
    assert [path.name for path in out.iterdir()] == ["trials"]
    for _ in range(200):  # Python's own tracker of semaphores ends a moment later
        try:
            os.killpg(running.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("a process of the run is still there")


def design(*arguments):
    return subprocess.run(
        [*PROGRAM, "design", *map(str, arguments)],
        env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_named_scenarios_stand_on_the_page(tmp_path):
    done = design("antidepressant-example", "--trials", 4, "--workers", 1, "--scenario",
                  "mnar-dropout", "--scenario", "planned", "--out", tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "twins.html").read_text(encoding="utf-8")
    assert "Dropout not at random" in page
    assert "Whoever will do worse leaves" in page


def test_a_map_and_a_search_end_in_an_answer_sheet_and_go_on_where_they_were(tmp_path):
    out = tmp_path / "out"
    asked = ("antidepressant-example", "--trials", 10, "--workers", 1, "--vary",
             "population.size=40:80:20", "--vary", "analysis.alpha=0.01,0.05", "--find",
             "population.size", "--power", 0.8, "--between", "40:400:40", "--scenario", "planned",
             "--scenario", "null", "--out", out)  # fmt: skip
    first = design(*asked)
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("SIMULATED: population.size = ")
    page = (out / "design.html").read_text(encoding="utf-8")
    assert "--vary population.size=40:80:20 --vary analysis.alpha=0.01,0.05" in page
    whole = json.loads((out / "design.json").read_text(encoding="utf-8"))
    assert whole["origin"] == "SIMULATED"
    assert len(whole["map"]["points"]) == 3 * 2 * 2
    assert whole["search"]["power"] == 0.8
    for name in ("map-claims", "map-estimates", "map-harms", "scenarios-claims", "search"):
        assert "SIMULATED" in (out / "design" / f"{name}.csv").read_text(encoding="utf-8")
    kept = {path.name: path.read_bytes() for path in (out / "trials").iterdir()}
    again = design(*asked)
    assert again.stdout == first.stdout
    assert (out / "design.html").read_text(encoding="utf-8") == page
    assert {path.name: path.read_bytes() for path in (out / "trials").iterdir()} == kept


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--vary", "population.siz=1,2"), "did you mean `size`?"),
        (("--vary", "population.size="), "at least one value"),
        (("--vary", "population.size=60:40"), "below the lowest"),
        (("--vary", "population.size=40:60:0"), "a step is above 0"),
        (("--vary", "population.size"), "a field, `=` and its values"),
        (("--vary", "population.size=40,40"), "each once"),
        (("--vary", "population.size=1:100000"), "at most 2000 values"),
        (("--find", "population.size", "--power", "1.0"), "no trial is certain"),
        (("--trials", "0"), "a whole number of at least 1"),
        (("--scenario", "nul"), "did you mean `null`?"),
        (("--cluster", "tcp://127.0.0.1:9"), "a Dask scheduler answers there"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(tmp_path, arguments, said):
    out = tmp_path / "out"
    done = design("antidepressant-example", *arguments, "--workers", 1, "--out", out)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not list(out.glob("*.*"))


def test_a_script_without_a_main_guard_is_told_what_to_do(tmp_path):
    script = tmp_path / "ask.py"
    script.write_text(
        "import equipoise as eq\n"
        "from equipoise.design import workers\n"
        "workers.WORTH_PROCESSES = -1.0\n"
        "try:\n"
        "    eq.operating_characteristics(eq.load_protocol('il2-bipolar'), 40, workers=2)\n"
        "except eq.EquipoiseError as error:\n"
        "    print(error)\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert "if __name__ == '__main__':" in done.stdout
    assert "Traceback" not in done.stderr
