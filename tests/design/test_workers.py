"""The same bits from one process, from two and from eight, and who is called when."""

from __future__ import annotations

import numpy as np
import pytest

import equipoise as eq
from equipoise.design import workers

ROWS = ("hits", "estimate", "se", "df", "fits", "serious")


@pytest.fixture
def mine(monkeypatch):
    """The chunks that the asking process runs itself."""
    ran = []
    real = workers.ThisProcess.run

    def watched(crew, chunks):
        chunks = list(chunks)
        ran.extend(chunks)
        return real(crew, chunks)

    monkeypatch.setattr(workers.ThisProcess, "run", watched)
    return ran


def rows(found):
    return {name: np.asarray(getattr(found, name)).tobytes() for name in ROWS}


def test_one_two_and_eight_processes_give_the_same_bits(il2, tmp_path, mine, monkeypatch):
    monkeypatch.setattr(workers, "WORTH_PROCESSES", -1.0)
    arguments = {"scenarios": ("planned", "null"), "chunk": 2}
    alone = eq.operating_characteristics(il2, 24, 4, workers=1, **arguments)
    assert sum(chunk.end - chunk.begin for chunk in mine) == 48
    for count in (2, 8):
        mine.clear()
        found = eq.operating_characteristics(il2, 24, 4, workers=count, **arguments)
        assert rows(found) == rows(alone)
        # The others had their share: two chunks each are given to them before it takes its own.
        assert 0 < len(mine) <= 24 - 2 * (count - 1)
    # Begun by one, gone on with by two.
    eq.operating_characteristics(il2, 7, 4, workers=1, store=tmp_path, **arguments)
    again = eq.operating_characteristics(il2, 24, 4, workers=2, store=tmp_path, **arguments)
    assert rows(again) == rows(alone)


def test_no_process_is_called_for_little_work(il2, mine, monkeypatch):
    def called(crew):
        raise AssertionError("called")

    monkeypatch.setattr(workers.SpawnedProcesses, "_called", called)
    eq.operating_characteristics(il2, 8, 1, scenarios="null", workers=2, chunk=2)
    assert len(mine) == 4
    monkeypatch.setattr(workers, "LEAST_SECONDS", 2.0)
    with pytest.raises(AssertionError, match="called"):
        eq.operating_characteristics(il2, 8, 1, scenarios="null", workers=2, chunk=2)
