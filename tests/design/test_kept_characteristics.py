"""What is kept of simulated trials: the same numbers again, and never those of others."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import equipoise as eq
from equipoise.design import kept_characteristics as kept
from equipoise.design.storage import characteristics_files


@pytest.fixture(scope="module")
def found():
    return eq.operating_characteristics(eq.load_protocol("il2-bipolar"), 3, seed=4, workers=1)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("EQUIPOISE_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def again(found, **options):
    return kept.find_kept(found.protocol_hash, **options)


def test_nothing_is_kept_at_first(found, folder):
    assert again(found) == kept.Kept(None, ())
    assert not folder.exists()


def test_what_is_kept_comes_back_whole(found):
    kept.keep(found, None)
    back = again(found).found
    for field in dataclasses.fields(found):
        ours, theirs = getattr(back, field.name), getattr(found, field.name)
        if isinstance(theirs, np.ndarray):
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)
            assert not ours.flags.writeable
        else:
            assert ours == theirs
    assert characteristics_files(back) == characteristics_files(found)


def test_the_first_trials_are_those_of_a_shorter_run(found):
    short = eq.operating_characteristics(eq.load_protocol("il2-bipolar"), 2, seed=4, workers=1)
    cut = kept.first_trials(found, 2)
    assert characteristics_files(cut) == characteristics_files(short)
    assert kept.first_trials(found, 3) is found


def test_the_most_trials_win_and_seed_patients_and_number_are_asked_for(found):
    kept.keep(found, None)
    kept.keep(kept.first_trials(found, 2), None)
    kept.keep(dataclasses.replace(kept.first_trials(found, 1), seed=9), None)
    assert again(found).found.trials == 3
    assert again(found, seed=9).found.trials == 1
    assert again(found, seed=9, least=2).found is None
    assert again(found, least=4).found is None
    assert again(found, patients="statistical").found is None
    kept.keep(found, "statistical")
    assert again(found, patients="statistical").found.trials == 3
    assert kept.find_kept("0" * 64).found is None


def test_another_software_or_other_scenarios_are_not_used(found, monkeypatch):
    kept.keep(dataclasses.replace(found, scenarios=("null", "planned", "link-off")), None)
    assert again(found) == kept.Kept(None, ())
    kept.keep(found, None)
    monkeypatch.setattr(kept, "software_key", lambda: "0" * 16)
    assert again(found) == kept.Kept(None, ())


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b[:-1],
        lambda b: b[:200],
        lambda b: b"",
        lambda b: b.replace(b'"trials": 3', b'"trials": 4', 1),
        lambda b: b[:-40] + bytes([b[-40] ^ 1]) + b[-39:],
        lambda b: b"PK\x03\x04 something else\n" + b,
    ],
)
def test_a_damaged_file_is_said_and_not_used_and_the_next_best_is(found, damage):
    path = kept.keep(found, None)
    kept.keep(kept.first_trials(found, 2), None)
    path.write_bytes(damage(path.read_bytes()))
    back = again(found)
    assert back.found.trials == 2
    assert back.said == (f"{path} is damaged, or was not written by this program: it is not used",)
    kept.keep(found, None)
    assert again(found).found.trials == 3
    assert again(found).said == ()


def test_other_files_in_the_folder_are_left_alone(found):
    path = kept.keep(found, None)
    (path.parent / ".half.part").write_bytes(b"x")
    (path.parent / "notes.txt").write_text("mine", encoding="utf-8")
    (path.parent / f"a-b-c-d{kept.ENDING}").write_text("mine", encoding="utf-8")
    assert again(found).found.trials == 3


def test_several_at_once_leave_one_whole_file(found):
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: kept.keep(found, None), range(16)))
    assert len(set(paths)) == 1
    assert [p.name for p in paths[0].parent.iterdir()] == [paths[0].name]
    assert again(found).found.trials == 3


def test_a_folder_that_cannot_be_written_raises_and_leaves_nothing(found, folder):
    folder.write_text("a file in the way", encoding="utf-8")
    with pytest.raises(OSError, match=r"."):
        kept.keep(found, None)
    assert again(found).found is None


def test_the_key_follows_the_sources(monkeypatch):
    kept.software_key.cache_clear()
    before = kept.software_key()
    monkeypatch.setattr(kept, "__version__", "0.0.0")
    kept.software_key.cache_clear()
    assert kept.software_key() != before
    kept.software_key.cache_clear()


def test_a_run_computes_once_and_more_trials_anew(found, monkeypatch, capsys):
    from equipoise.cli import commands

    protocol, asked = eq.load_protocol("il2-bipolar"), []

    def compute(protocol, trials, seed, **_):
        asked.append(trials)
        return dataclasses.replace(kept.first_trials(found, trials), seed=seed)

    monkeypatch.setattr("equipoise.design.operating_characteristics", compute)
    assert commands.kept_characteristics(protocol.hash) is None
    assert commands._characteristics(protocol, 2, 4, None).trials == 2
    assert commands._characteristics(protocol, 2, 4, None).trials == 2
    assert asked == [2]
    assert "2 trials kept from an earlier run" in capsys.readouterr().err
    assert commands._characteristics(protocol, 3, 4, None).trials == 3
    assert commands._characteristics(protocol, 1, 4, None).trials == 1
    assert asked == [2, 3]
    assert commands._characteristics(protocol, 1, 5, None).seed == 5
    assert asked == [2, 3, 1]
    assert commands.kept_characteristics(protocol.hash).trials == 3


def test_a_run_says_where_it_cannot_keep_them(found, folder, capsys):
    from equipoise.cli import commands

    folder.write_text("a file in the way", encoding="utf-8")
    commands.keep_characteristics(found, None)
    said = capsys.readouterr().err
    assert f"cannot be kept in {folder}" in said
    assert "EQUIPOISE_CACHE" in said
