"""Trials on a Dask cluster: the same numbers, whoever dies; and what a cluster may lack."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import pytest
from tests.conftest import ROOT

import equipoise as eq
from equipoise.design import cluster
from equipoise.design.chunks import run_chunk
from equipoise.design.kept_characteristics import software_key
from equipoise.design.settings import make_settings
from equipoise.design.workers import Bench


def test_a_worker_that_dies_in_the_middle_costs_nothing(tmp_path):
    found = subprocess.run(
        [sys.executable, "-m", "tests.design.cluster_run", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert found.returncode == 0, found.stderr[-3000:]
    assert "480 trials the same" in found.stdout
    assert len(list(tmp_path.glob("*.trials"))) == 2


def test_a_scheduler_that_does_not_answer_is_said_in_time(monkeypatch):
    monkeypatch.setattr(cluster, "ANSWER", 1)
    with pytest.raises(eq.EquipoiseError) as caught:
        eq.operating_characteristics(
            eq.load_protocol("antidepressant-example"), 1, 1, cluster="tcp://127.0.0.1:9"
        )
    assert [fault.code for fault in caught.value.faults] == ["cluster-silent"]


def test_a_worker_with_other_software_computes_nothing():
    protocol = eq.load_protocol("antidepressant-example")
    bench = Bench(make_settings(protocol, ("planned",)), 1, None)
    blob = pickle.dumps(bench)
    cluster.take_settings("run", blob, "another software")
    assert cluster.run_there("run", 0, 0, 1) == software_key()
    cluster.take_settings("run", blob, software_key())
    rows = cluster.run_there("run", 0, 0, 2)
    assert rows.hits.tolist() == run_chunk(bench.work(0), 0, 2).hits.tolist()
