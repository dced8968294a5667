"""Trials that are kept: what was written stays, torn ends are cut off, nobody's are taken over."""

from __future__ import annotations

import dataclasses
import errno

import numpy as np
import pytest

import equipoise as eq
from equipoise.design import trial_store
from equipoise.design.chunks import prepare
from equipoise.design.judgement import TrialRows
from equipoise.design.trial_store import MemoryTrials, TrialFile

KEY = "0" * 64


@pytest.fixture(scope="module")
def work():
    return prepare(eq.load_protocol("antidepressant-example"), 1)


@pytest.fixture
def opened(work):
    """Opens files of trials, and closes them in the end."""
    made = []

    def open_(path, key=KEY):
        made.append(TrialFile(path, work, key))
        return made[-1]

    yield open_
    for file in made:
        file.close()


def rows(work, begin, end, *, seed=7):
    """Rows that a trial's number gives, whoever makes them."""
    parts = []
    for trial in range(begin, end):
        g = np.random.default_rng([seed, trial])
        c, q, m = len(work.claims), len(work.quantities), len(work.plan.fits)
        parts.append((g.integers(-1, 2, c), *g.normal(size=(3, q)), g.integers(0, 3, m), trial % 4))
    hits, estimate, se, df, fits, serious = (np.array(part) for part in zip(*parts, strict=True))
    estimate[:, 0] = np.nan
    return TrialRows(hits.astype(np.int8), estimate, se, df, fits.astype(np.int8),
                     serious.astype(np.int64), "statistical")  # fmt: skip


def same(first, second):
    for field in dataclasses.fields(TrialRows):
        a, b = getattr(first, field.name), getattr(second, field.name)
        if isinstance(a, str):
            assert a == b
        else:
            np.testing.assert_array_equal(a, b)


def joined(holder, trials):
    blocks = list(holder.blocks(trials))
    names = [f.name for f in dataclasses.fields(TrialRows) if f.name != "patients"]
    arrays = (np.concatenate([getattr(block, name) for block in blocks]) for name in names)
    return TrialRows(*arrays, blocks[0].patients)


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_rows_come_back_in_the_order_of_trials(work, opened, tmp_path, kind, monkeypatch):
    monkeypatch.setattr(trial_store, "BLOCK", 7)
    holder = MemoryTrials(work, 30) if kind == "memory" else opened(tmp_path / "a")
    for begin, end in ((20, 30), (0, 5), (5, 20)):
        holder.put(begin, rows(work, begin, end))
    assert holder.lacking(30) == []
    same(joined(holder, 30), rows(work, 0, 30))
    holder.extend(33)
    assert holder.lacking(33) == [30, 31, 32]
    holder.put(31, rows(work, 31, 32))
    assert holder.lacking(33) == [30, 32]


def test_a_later_run_finds_what_an_earlier_one_wrote(work, opened, tmp_path):
    path = tmp_path / "sub" / "a.trials"
    first = opened(path)
    first.put(40, rows(work, 40, 60))
    first.put(0, rows(work, 0, 20))
    first.close()
    again = opened(path)
    assert again.lacking(60) == list(range(20, 40))
    again.put(20, rows(work, 20, 40))
    same(joined(again, 60), rows(work, 0, 60))


def test_a_torn_end_is_cut_off_and_the_rest_stays(work, opened, tmp_path):
    path = tmp_path / "a.trials"
    with_ten = opened(path)
    with_ten.put(0, rows(work, 0, 10))
    with_ten.close()
    whole = path.read_bytes()
    head = whole.index(b"\n") + 1
    length = (len(whole) - head) // 10
    for cut in (1, length - 1, length, 3 * length + 5):
        path.write_bytes(whole[: len(whole) - cut])
        again = opened(path)
        left = 10 - -(-cut // length)
        assert again.lacking(10) == list(range(left, 10))
        again.put(left, rows(work, left, 10))
        same(joined(again, 10), rows(work, 0, 10))
        again.close()
        assert path.read_bytes() == whole


def test_a_head_that_was_cut_short_is_written_anew(work, opened, tmp_path):
    path = tmp_path / "a.trials"
    opened(path).close()
    head = path.read_bytes()
    path.write_bytes(head[:20])
    again = opened(path)
    assert again.lacking(3) == [0, 1, 2]
    again.close()
    assert path.read_bytes() == head


def test_a_record_that_was_damaged_is_run_again(work, opened, tmp_path):
    path = tmp_path / "a.trials"
    first = opened(path)
    first.put(0, rows(work, 0, 10))
    first.close()
    spoilt = bytearray(path.read_bytes())
    head = bytes(spoilt).index(b"\n") + 1
    length = (len(spoilt) - head) // 10
    spoilt[head + 4 * length + 20] ^= 1
    path.write_bytes(spoilt)
    again = opened(path)
    assert again.lacking(10) == [4]
    again.put(4, rows(work, 4, 5))
    same(joined(again, 10), rows(work, 0, 10))


def test_another_runs_file_is_refused_and_untouched(work, opened, tmp_path):
    path = tmp_path / "a.trials"
    opened(path).close()
    before = path.read_bytes()
    with pytest.raises(eq.EquipoiseError) as caught:
        opened(path, "1" * 64)
    assert caught.value.faults[0].code == "trials-of-another-run"
    assert path.read_bytes() == before


def test_two_runs_at_a_time_are_refused(work, opened, tmp_path):
    path = tmp_path / "a.trials"
    first = opened(path)
    with pytest.raises(eq.EquipoiseError) as caught:
        opened(path)
    assert caught.value.faults[0].code == "trials-being-run"
    first.close()
    opened(path).close()


def test_a_full_disk_keeps_what_was_written(work, opened, tmp_path):
    path = tmp_path / "a.trials"
    file = opened(path)
    file.put(0, rows(work, 0, 10))
    before = path.read_bytes()
    real = file._file

    class Full:
        """A file on a disk with room for half of what is written."""

        def write(self, data):
            real.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

        def __getattr__(self, name):
            return getattr(real, name)

    file._file = Full()
    with pytest.raises(eq.EquipoiseError) as caught:
        file.put(10, rows(work, 10, 20))
    [fault] = caught.value.faults
    assert fault.code == "trials-not-kept"
    assert "No space left" in fault.rule
    assert "same command again" in fault.remedy
    assert path.read_bytes() == before
    real.close()
    again = opened(path)
    assert again.lacking(20) == list(range(10, 20))
