"""A simulated trial as arrays: what the records hold, the same in another process."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from tests.exposed import write_exposed

import equipoise as eq
from equipoise.randomisation import draw_lists
from equipoise.records.scoring import with_computed_scores
from equipoise.simulation import plan_simulation, records_of, simulate_arrays
from equipoise.streams import TrialStreams, stream


def arrays_in(value, name=""):
    """Every array of a simulated trial, with its place."""
    if isinstance(value, np.ndarray):
        yield name, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from arrays_in(part, f"{name}/{key}")
    elif hasattr(value, "__slots__") and type(value).__name__ != "SimulationPlan":
        for part in value.__slots__:
            yield from arrays_in(getattr(value, part), f"{name}.{part}")


def digest(trial):
    found = hashlib.sha256()
    for name, array in arrays_in(trial):
        found.update(f"{name} {array.dtype} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def test_the_same_hash_seed_and_trial_are_the_same_arrays_in_another_process(il2):
    code = (
        "import equipoise as eq\n"
        "from equipoise.simulation import simulate_arrays\n"
        "from tests.simulation.test_simulated_arrays import digest\n"
        "p = eq.load_protocol('il2-depression')\n"
        "simulate_arrays(p, 1)\n"
        "print(digest(simulate_arrays(p, 7, trial=3, scenario='null')))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    mine = simulate_arrays(il2, 7, trial=3, scenario="null")
    assert run.stdout.strip() == digest(mine)
    assert digest(simulate_arrays(il2, 7, trial=4, scenario="null")) != digest(mine)


def test_the_plan_is_made_once_a_protocol(il2):
    assert plan_simulation(il2) is plan_simulation(il2)
    copy = il2.model_copy(update={"report": il2.report})
    assert plan_simulation(copy) is not plan_simulation(il2)
    assert plan_simulation(copy).protocol is copy


@pytest.mark.parametrize("study", ["il2-depression", "antidepressant-example", "exposed"])
def test_the_records_hold_the_arrays(study, tmp_path):
    path = write_exposed(tmp_path) if study == "exposed" else study
    protocol = eq.load_protocol(path)
    trial = simulate_arrays(protocol, 3)
    records = records_of(trial)
    same = eq.simulate(protocol, 3)
    for name, frame in records.frames().items():
        assert frame.equals(same.frames()[name]), name
    ids = records.participants["participant"].to_list()
    visits = {visit: index for index, visit in enumerate(trial.plan.visits)}
    person = {key: index for index, key in enumerate(ids)}
    for row in records.visits.iter_rows(named=True):
        assert trial.days[person[row["participant"]], visits[row["visit"]]] == row["day"]
    assert records.visits.height == np.isfinite(trial.days).sum()
    assert [trial.plan.arms[i] for i in trial.arm] == records.allocation["arm"].to_list()
    for key, scores in trial.scores.items():
        mine = records.scores.filter(pl.col("instrument") == key)
        assert mine.height == np.isfinite(scores.values).sum()
        totals = mine.filter(pl.col("item") == "total")["score"].to_numpy()
        assert np.array_equal(totals, scores.part("total")[np.isfinite(scores.part("total"))])
    for key, values in trial.labs.items():
        mine = records.labs.filter(pl.col("analyte") == key)["value"].to_numpy()
        assert np.array_equal(mine, values[np.isfinite(values)])
    for (key, unit), values in trial.cells.items():
        mine = records.cells.filter(population=key, unit=unit)["value"].to_numpy()
        assert np.array_equal(mine, values[np.isfinite(values)])
    if trial.doses is not None:
        assert records.doses.height == len(trial.doses.participant)
    if trial.events is not None:
        assert records.adverse_events.height == len(trial.events.participant)
    assert with_computed_scores(protocol, records.scores)[0].height == records.scores.height


@pytest.mark.parametrize("study", ["il2-depression", "antidepressant-example"])
def test_the_list_as_arrays_is_the_list_of_randomise(study):
    protocol = eq.load_protocol(study)
    keys = list(protocol.arms)
    for trial in (0, 5):
        frame = eq.randomise(protocol, seed=11, trial=trial).frame
        for stratum, arms in draw_lists(protocol, 11, trial=trial).items():
            listed = frame.filter(pl.col("stratum") == stratum)["arm"].to_list()
            assert listed == [keys[i] for i in arms]


def test_strata_that_fill_as_people_come_take_the_places_in_order(antidepressant):
    trial = simulate_arrays(antidepressant, 2)
    lists = draw_lists(antidepressant, 2)
    for code, label in enumerate(trial.plan.strata):
        mine = trial.stratum == code
        assert trial.sequence[mine].tolist() == list(range(1, int(mine.sum()) + 1))
        assert trial.arm[mine].tolist() == lists[label][: int(mine.sum())].tolist()


def test_streams_that_are_kept_are_those_that_are_made():
    kept = TrialStreams()
    for seed, trial in ((1, 0), (1, 5), (2, 5), (2**127, 2**63)):
        for purpose in ("a", "b"):
            again, made = kept.stream(seed, purpose, trial), stream(seed, purpose, trial)
            assert np.array_equal(again.integers(0, 5, 7), made.integers(0, 5, 7))
            assert np.array_equal(again.random(5), made.random(5))
            again.integers(0, 9, 3, dtype=np.uint32)  # leaves half a word behind


def test_a_trial_does_not_depend_on_those_drawn_before(il2):
    first = digest(simulate_arrays(il2, 2, trial=1))
    simulate_arrays(il2, 9, trial=7, scenario="link-off", patients="statistical")
    assert digest(simulate_arrays(il2, 2, trial=1)) == first
