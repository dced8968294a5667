"""`equipoise design`: what it writes and says, and how it ends when it is stopped."""

from __future__ import annotations

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
        first = running.stderr.readline()
        os.killpg(running.pid, signal.SIGINT)
        out_text, rest = running.communicate(timeout=120)
    said = first + rest
    assert running.returncode == 130, said
    assert "Traceback" not in said
    assert out_text == ""
    assert not out.exists()
    for _ in range(200):  # Python's own tracker of semaphores ends a moment later
        try:
            os.killpg(running.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("a process of the run is still there")


def test_a_script_without_a_main_guard_is_told_what_to_do(tmp_path):
    script = tmp_path / "ask.py"
    script.write_text(
        "import equipoise as eq\n"
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
