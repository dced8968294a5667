"""Minimisation from the protocol to the test: numbers sealed, people in turn, drawn again."""

from __future__ import annotations

import dataclasses
import stat

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import equipoise as eq
from equipoise.analysis.planned import make_plan
from equipoise.analysis.rerandomised import cannot_redraw, draw_allocations
from equipoise.cli.randomise_command import app
from equipoise.protocol.changes import change_protocol
from equipoise.randomisation import (
    allocate_in_turn,
    draw_lists,
    minimisation_numbers,
    minimised_arms,
    read_seal,
    redraw,
    stratum_levels,
    verify_commitment,
    write_allocation,
)
from equipoise.records import write_records
from equipoise.simulation import records_of, simulate_arrays
from equipoise.streams import stream

PLAN = 'method = "permuted-blocks"\nstrata = ["diagnosis"]\nblock_sizes = [6]\n'
MINIMISED = (
    'method = "minimisation"\nstrata = ["diagnosis", "sex"]\ncoin_probability = 0.8\n'
    'imbalance = "variance"\nfactor_weights = { diagnosis = 2.0 }\n'
)
SIZES = "stratum_sizes = { MDD = 18, BD = 18 }\n"


@pytest.fixture
def minimised(write_light_protocol):
    """The twin, minimised over diagnosis; its models hold that factor."""
    text = MINIMISED.replace(', "sex"', "")
    return eq.load_protocol(write_light_protocol((PLAN, text)))


def people(n, seed=1):
    drawn = np.random.default_rng(seed).integers(0, 2, size=n)
    return pl.DataFrame(
        {"participant": [f"P{i}" for i in range(n)], "diagnosis": [("MDD", "BD")[k] for k in drawn]}
    )


def test_arms_follow_from_sealed_numbers_and_who_came_before(minimised, tmp_path):
    drawn = eq.randomise(minimised, 5)
    assert drawn.frame.columns == ["sequence", "tie", "coin"]
    assert drawn.frame.height == minimised.population.size
    made = write_allocation(drawn, tmp_path, rehearsal=True)
    numbers, seal = read_seal(tmp_path)
    assert numbers.equals(drawn.frame)  # to the last bit, through the file
    assert verify_commitment(numbers, minimised.hash, seal.salt, made.commitment)
    other = numbers.with_columns(pl.col("coin") * 0.999)
    assert not verify_commitment(other, minimised.hash, seal.salt, made.commitment)
    everybody = allocate_in_turn(minimised, people(36), numbers)
    assert everybody.columns == ["participant", "stratum", "sequence", "arm"]
    for n in (1, 20):
        assert allocate_in_turn(minimised, people(36).head(n), numbers).equals(everybody.head(n))
    levels = np.array([[minimised.strata.index(s)] for s in everybody["stratum"]])
    arms = minimised_arms(minimised, levels, numbers.select("tie", "coin").to_numpy())
    assert everybody["arm"].to_list() == [list(minimised.arms)[k] for k in arms]


def test_a_larger_trial_with_the_same_seed_has_the_same_first_numbers(minimised):
    """What the remedy of too few numbers promises."""
    larger = change_protocol(minimised, {"population.size": 48}).protocol
    np.testing.assert_array_equal(
        minimisation_numbers(larger, 5)[:36], minimisation_numbers(minimised, 5)
    )


def test_every_fault_of_the_people_is_told_at_once(minimised):
    numbers = eq.randomise(minimised, 1).frame
    bad = pl.DataFrame({"participant": ["P1", "P1", None], "diagnosis": ["MDD", "depressed", None]})
    with pytest.raises(eq.EquipoiseError) as info:
        allocate_in_turn(minimised, bad, numbers)
    codes = [fault.code for fault in info.value.faults]
    assert codes == ["enrolled-participant"] * 2 + ["enrolled-level"] * 2
    with pytest.raises(eq.EquipoiseError, match="columns participant, diagnosis"):
        allocate_in_turn(minimised, people(3).drop("diagnosis"), numbers)
    with pytest.raises(eq.EquipoiseError, match="planned 36"):
        allocate_in_turn(minimised, people(37), numbers)


def test_only_minimisation_allocates_in_turn_and_has_no_list(il2, minimised):
    with pytest.raises(eq.EquipoiseError, match="has a list"):
        allocate_in_turn(il2, people(2), eq.randomise(minimised, 1).frame)
    with pytest.raises(eq.EquipoiseError, match="there is no list"):
        draw_lists(minimised, 1)


def run(*words):
    return CliRunner().invoke(app, ["randomise", *map(str, words)], catch_exceptions=False)


def test_people_are_added_at_the_end_and_nobody_changes(minimised, write_light_protocol, tmp_path):
    study = write_light_protocol((PLAN, MINIMISED.replace(', "sex"', "")))
    sealed, enrolled = tmp_path / "sealed", tmp_path / "enrolled.csv"
    done = run(study, "--out", sealed)
    assert done.exit_code == 0
    commitment = done.output.split("published now: ")[1].split()[0]
    people(5).write_csv(enrolled)
    assert (
        "5 allocated, 5 of them now" in run(study, "--out", sealed, "--enrolled", enrolled).output
    )
    path = sealed / "allocation.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = pl.read_csv(path)
    people(7).write_csv(enrolled)
    assert (
        "7 allocated, 2 of them now" in run(study, "--out", sealed, "--enrolled", enrolled).output
    )
    assert pl.read_csv(path).head(5).equals(first)
    before = path.read_bytes()
    people(7).with_columns(diagnosis=pl.Series(["BD", *people(7)["diagnosis"][1:]])
                           if people(7)["diagnosis"][0] == "MDD"
                           else pl.Series(["MDD", *people(7)["diagnosis"][1:]])).write_csv(enrolled)  # fmt: skip
    with pytest.raises(eq.EquipoiseError, match=r"row 1\b.*\n.*stays as they were"):
        run(study, "--out", sealed, "--enrolled", enrolled)
    people(4).write_csv(enrolled)
    with pytest.raises(eq.EquipoiseError, match="stays as they were"):
        run(study, "--out", sealed, "--enrolled", enrolled)
    assert path.read_bytes() == before
    done = run(study, "--out", sealed, "--verify", commitment)
    assert "list of random numbers of 36 places is the one" in done.output


def test_a_simulated_trial_is_allocated_as_its_numbers_say(minimised):
    trial = simulate_arrays(minimised, 3, trial=2)
    levels = stratum_levels(minimised)[trial.stratum]
    numbers = minimisation_numbers(minimised, 3, trial=2)
    np.testing.assert_array_equal(trial.arm, minimised_arms(minimised, levels, numbers))
    np.testing.assert_array_equal(trial.sequence, np.arange(1, 37))
    assert not np.array_equal(trial.arm, simulate_arrays(minimised, 3, trial=3).arm)


def test_the_redrawn_arms_are_those_of_new_numbers_in_the_recorded_order(minimised):
    records = records_of(simulate_arrays(minimised, 3))
    assert cannot_redraw(minimised, records) is None
    drawn = draw_allocations(minimised, records, 4000, 7)
    order = [records.allocation.filter(sequence=i)["participant"].item() for i in range(1, 37)]
    arms = drawn.arms[:, [drawn.participants[person] for person in order]]
    share = (arms == "il2").mean(axis=0)
    assert np.abs(share - 2 / 3).max() < 4.5 * np.sqrt(2 / 9 / 4000)
    # By hand: the stream's numbers, everybody in turn.
    stratum = [records.allocation.filter(sequence=i)["stratum"].item() for i in range(1, 37)]
    levels = np.array([[minimised.strata.index(s)] for s in stratum])
    numbers = stream(7, "re-randomisation/minimisation").random((4000, 36, 2))
    keys = np.array(list(minimised.arms))
    np.testing.assert_array_equal(arms, keys[minimised_arms(minimised, levels, numbers)])
    # Balanced as the scheme balances, not as chance does.
    assert (arms == "il2").sum(axis=1).std() < 1.2


def test_without_the_whole_order_of_enrolment_nothing_is_redrawn(minimised):
    records = records_of(simulate_arrays(minimised, 3))
    for changed in (pl.col("sequence") + 1, pl.lit(1)):
        allocation = records.allocation.with_columns(sequence=changed.cast(pl.Int64))
        why = cannot_redraw(minimised, dataclasses.replace(records, allocation=allocation))
        assert why is not None
        assert "order of enrolment" in why


def test_the_order_of_enrolment_is_one_for_the_whole_trial(minimised, tmp_path):
    records = records_of(simulate_arrays(minimised, 3))
    first = records.allocation.filter(sequence=1)["stratum"].item()
    other = records.allocation.filter(pl.col("stratum") != first)["sequence"].min()
    twice = records.allocation.with_columns(
        sequence=pl.when(pl.col("sequence") == other).then(1).otherwise(pl.col("sequence"))
    )
    write_records(dataclasses.replace(records, allocation=twice), tmp_path)
    with pytest.raises(eq.EquipoiseError, match="place in the order of enrolment"):
        eq.read_records(tmp_path, minimised)


def test_the_words_of_the_plan_say_the_method(minimised):
    said = make_plan(minimised, blinded=False).randomisation
    assert "Minimisation over" in said
    assert "variance of the counts" in said
    assert "with probability 0.8" in said
    assert "with weight 2" in said


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("biased-coin", "with probability 0.8 the arm that is behind"),
        ("urn", "0 balls of each arm"),
    ],
)
def test_the_words_of_the_other_methods(il2, method, words):
    changed = change_protocol(il2, {"randomisation.method": method}).protocol
    assert words in make_plan(changed, blinded=False).randomisation


@pytest.mark.parametrize("method", ["biased-coin", "urn"])
def test_lists_of_adaptive_methods_are_drawn_and_redrawn(il2, method):
    changed = change_protocol(il2, {"randomisation.method": method}).protocol
    frame = eq.randomise(changed, 1).frame
    assert frame.columns == ["stratum", "sequence", "arm"]
    assert frame.height == 36
    found = redraw(changed, {"MDD": [1, 2, 9]}, 20, seed=1)["MDD"]
    more = redraw(changed, {"MDD": [1, 2, 9]}, 30, seed=1)["MDD"]
    np.testing.assert_array_equal(more[:20], found)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ((PLAN, 'method = "urn"\nstrata = ["diagnosis"]\n'), "urn_start"),
        ((PLAN, 'method = "biased-coin"\nstrata = ["diagnosis"]\n'), "coin_probability"),
        ((PLAN, PLAN + "urn_added = 1\n"), "belongs to the method"),
        ((PLAN, MINIMISED.replace("0.8", "0.3").replace(', "sex"', "")), "favoured"),
        ((PLAN, MINIMISED.replace('["diagnosis", "sex"]', "[]")), "at least one categorical"),
        ((PLAN, MINIMISED.replace("{ diagnosis", "{ sx").replace(', "sex"', "")), "sx"),
    ],
)  # fmt: skip
def test_a_method_has_what_it_needs_and_nothing_else(write_light_protocol, changes, said):
    both = [changes]
    if "[]" in changes[1]:
        both.append((SIZES, ""))
    with pytest.raises(eq.EquipoiseError, match=said):
        eq.load_protocol(write_light_protocol(*both))


def test_enrichment_enrols_under_minimisation_too(minimised):
    """Everybody kept: the trial that would have been without a rule."""
    from equipoise.design.enriched_trial import enlarged, enrol_kept

    pool = simulate_arrays(enlarged(minimised, 4), 1)
    entered = enrol_kept(minimised, pool, np.ones(pool.size, dtype=bool), 1, 0)
    assert entered.filled
    arms = pool.arm[entered.chosen]
    active = list(minimised.arms).index("il2")
    for code in range(2):
        mine = pool.stratum[entered.chosen] == code
        assert mine.sum() == 18
        assert abs((arms[mine] == active).sum() - 12) <= 3
