"""Kernels compile in two processes: nothing is left out, and Ctrl-C ends both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from tests.conftest import ROOT

from equipoise.cli.compiling import _APART, compile_all
from equipoise.patients import compile_patient_kernels
from equipoise.stats.kernel_cache import ENTRY_POINTS

NAMES = [f"{module}.{kernel}" for module, kernel in ENTRY_POINTS]


def test_every_kernel_is_compiled_whatever_the_second_process_does():
    told = []
    names = compile_all(told.append, patients=True)
    assert names == NAMES + compile_patient_kernels()
    assert told == [*NAMES, "the virtual patients"]
    assert compile_all(None, patients=False) == NAMES
    assert set(_APART) < set(NAMES)
    assert len(set(_APART)) == len(_APART)


def test_what_compiles_apart_waits_for_nothing_of_the_chain():
    """Imported in its order, no kernel imports one that the first process is to compile."""
    code = (
        "import sys, importlib\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module('equipoise.stats.kernels.' + name.split('.')[0])\n"
        "print(*(m.rpartition('.')[2] for m in sys.modules if m.startswith('equipoise.stats.kernels.')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *_APART],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "NUMBA_DISABLE_JIT": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    chain = {name.split(".")[0] for name in NAMES if name not in _APART} - {"likelihood"}
    assert chain >= {"unstructured", "newton", "trial", "batch"}
    assert not chain & set(done.stdout.split())


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="process groups are POSIX")
def test_ctrl_c_ends_both_processes(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "equipoise", "compile"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "XDG_CACHE_HOME": str(tmp_path)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as running:  # fmt: skip
        assert running.stderr is not None
        first = running.stderr.readline()
        time.sleep(0.5)  # the second process is on its way
        os.killpg(running.pid, signal.SIGINT)
        _, rest = running.communicate(timeout=120)
    assert first.startswith("compiling ")
    assert running.returncode == 130, rest
    assert "Interrupted." in rest
    assert "Traceback" not in rest
    for _ in range(100):
        try:
            os.killpg(running.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("the second process is still there")
