"""Methods of randomisation side by side: the same trial, each tested as its lists are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

import equipoise as eq
from equipoise.analysis.dataset import make_dataset
from equipoise.analysis.groups import make_groups
from equipoise.analysis.rerandomised import rerandomise
from equipoise.design import compare_randomisation
from equipoise.design.allocation_measures import PURPOSE
from equipoise.design.randomisation_compared import METHODS
from equipoise.protocol.changes import change_protocol
from equipoise.randomisation.predictability import foretold, imbalances
from equipoise.simulation import records_of, simulate_arrays
from equipoise.streams import stream


@pytest.fixture(scope="module")
def twin():
    return eq.load_protocol("il2-depression")


@pytest.fixture(scope="module")
def compared(twin):
    return compare_randomisation(
        twin, 6, 2, methods=["urn", "permuted-blocks"], draws=19, scenarios=["planned", "null"],
        workers=1,
    )  # fmt: skip


def test_every_number_is_that_of_its_trials(twin, compared):
    """A plain twin: trial by trial from the functions that a user has."""
    for one in compared.methods:
        protocol = change_protocol(twin, {"randomisation.method": one.method}).protocol
        for power in one.power:
            guessed, imbalance, redrawn, model = [], [], 0, 0
            for trial in range(6):
                arrays = simulate_arrays(protocol, 2, scenario=power.scenario, trial=trial)
                records = records_of(arrays)
                best = foretold(protocol, arrays.stratum, arrays.arm).max(axis=1)
                guessed.append(best.mean())
                imbalance.append(imbalances(protocol, arrays.stratum, arrays.arm)["diagnosis"])
                key, estimand = protocol.primary
                assert compared.estimand == key
                seed = int(stream(2, PURPOSE, trial).integers(2**62))
                item = protocol.analysis.sensitivity["treg-design"].model_copy(
                    update={"draws": 19, "seed": seed}
                )
                data = make_dataset(
                    protocol, records, make_groups(protocol, records), estimand.endpoint
                )
                (row,), failure = rerandomise(
                    protocol, records, data, estimand, item, protocol.active_arms
                )
                assert failure is None
                redrawn += row.p <= protocol.analysis.alpha
                t = abs(row.estimate / row.se)
                model += 2 * student.sf(t, row.df) <= protocol.analysis.alpha
            assert power.redrawn.made == redrawn
            assert power.model.made == model
            if power.scenario == "planned":
                assert one.guessed == pytest.approx(np.mean(guessed), rel=1e-12)
                assert one.imbalance[1].mean == pytest.approx(np.mean(imbalance))
    assert compared.chance == pytest.approx(2 / 3)


def test_the_protocols_own_method_keeps_its_own_plan(compared):
    own = [one for one in compared.methods if one.own]
    assert [one.method for one in own] == ["permuted-blocks"]
    assert "block size 6" in own[0].described
    assert own[0].imbalance[0].mean == 0.0
    assert own[0].certain > 0.2 > compared.methods[0].certain


def test_the_table_has_a_row_a_method_and_scenario(compared):
    frame = compared.table
    assert frame.height == 4
    assert frame["method"].to_list() == ["urn", "urn", "permuted-blocks", "permuted-blocks"]
    assert frame["redrawn"].is_between(0, 1).all()


def test_what_was_run_is_not_run_again_and_two_workers_give_the_same(twin, compared, tmp_path):
    asked = {"methods": ["urn", "permuted-blocks"], "draws": 19, "scenarios": ["planned", "null"]}
    done: list[int] = []
    first = compare_randomisation(twin, 3, 2, workers=1, store=tmp_path, **asked)
    again = compare_randomisation(
        twin, 6, 2, workers=2, chunk=2, store=tmp_path,
        progress=lambda k, _: done.append(k), **asked,
    )  # fmt: skip
    assert done[0] == 12  # of 24: three trials of four settings were there
    assert again == compared
    assert first.trials == 3


def test_minimisation_is_left_out_where_there_is_nothing_to_balance():
    protocol = eq.load_protocol("antidepressant-example")
    assert not protocol.randomisation.strata
    found = compare_randomisation(protocol, 1, draws=19, scenarios=["planned"], workers=1)
    assert [one.method for one in found.methods] == [m for m in METHODS if m != "minimisation"]
    with pytest.raises(eq.EquipoiseError, match="at least one categorical"):
        compare_randomisation(protocol, 1, methods=["minimisation"], draws=19, workers=1)


def test_every_fault_of_the_question_is_told_at_once(twin):
    with pytest.raises(eq.EquipoiseError) as info:
        compare_randomisation(twin, 1, methods=["blocks"], estimand="mood", draws=9, workers=1)
    assert [fault.code for fault in info.value.faults] == [
        "method-unknown", "comparison-estimand", "comparison-draws",
    ]  # fmt: skip
