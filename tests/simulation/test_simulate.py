"""Simulated trials: complete, reproducible, and with the assumptions put in found again."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import equipoise as eq
from equipoise.patients import Scenario, statistical_patients
from equipoise.patients.statistical import log_sd
from equipoise.streams import stream


@pytest.fixture(scope="module")
def many(il2):
    """A cohort so large that its means are the assumptions."""
    arms = np.array(["placebo", "il2"] * 40_000)
    return arms, {
        scenario: statistical_patients(il2, arms, stream(3, "t"), scenario=scenario)
        for scenario in Scenario
    }


def test_the_same_seed_is_the_same_trial_and_another_is_not(il2):
    first, again, other = (eq.simulate(il2, seed=s) for s in (4, 4, 5))
    for name, frame in first.frames().items():
        assert frame.equals(again.frames()[name])
    assert not first.scores.equals(other.scores)
    assert not first.scores.equals(eq.simulate(il2, seed=4, trial=1).scores)


def test_simulated_records_pass_their_own_validation(il2, antidepressant, tmp_path):
    for protocol in (il2, antidepressant):
        for seed in range(5):
            records = eq.simulate(protocol, seed=seed)
            checked = eq.records_from_tables(protocol, records.frames(), manifest=records.manifest)
            assert checked.manifest.simulated
            assert checked.notes == ()


def test_the_manifest_says_simulated_with_seed_and_scenario(il2):
    manifest = eq.simulate(il2, seed=9, scenario="null").manifest
    assert (manifest.origin, manifest.seed, manifest.scenario) == ("simulated", 9, "null")
    assert manifest.protocol_hash == il2.hash


@pytest.mark.parametrize("arm", ["placebo", "il2"])
def test_mean_courses_are_those_of_the_protocol(il2, many, arm):
    arms, cohorts = many
    cohort = cohorts[Scenario.PLANNED]
    mine = arms == arm
    plan = il2.assumptions.statistical
    n = mine.sum()
    for column, visit in enumerate(il2.instruments["hdrs"].visits):
        expected = plan.scores["hdrs"].baseline_mean + plan.scores["hdrs"].change[arm].get(visit, 0)
        sd = plan.scores["hdrs"].sd[visit]
        drawn = cohort.scores["hdrs"][mine, column]
        assert abs(drawn.mean() - expected) < 5 * sd / np.sqrt(n)
        assert abs(drawn.std() / sd - 1) < 0.02
    for key, assumed in plan.cells.items():
        unit = next(str(u) for u in il2.cells[key].units if u.startswith("%"))
        values = np.log(cohort.cells[key, unit][mine])
        folds = [assumed.fold[arm].get(v, 1.0) for v in il2.cells[key].visits]
        spread = np.sqrt(log_sd(assumed.cv_between) ** 2 + log_sd(assumed.cv_assay) ** 2
                         + assumed.sd_log_fold**2)  # fmt: skip
        expected = np.log(assumed.percent) + np.log(folds)
        assert np.abs(values.mean(axis=0) - expected).max() < 6 * spread / np.sqrt(n)


def test_under_the_null_the_arms_do_not_differ(many):
    arms, cohorts = many
    cohort = cohorts[Scenario.NULL]
    for values in (cohort.scores["hdrs"], np.log(cohort.cells["treg", "%CD4"])):
        difference = values[arms == "il2"].mean(axis=0) - values[arms == "placebo"].mean(axis=0)
        assert np.abs(difference).max() < 5 * values.std() * np.sqrt(2 / 40_000)


def within_arm_correlation(il2, arms, cohort, visit):
    """Correlation of the log fold of Treg at day 5 with the score, within the active arm."""
    mine = arms == "il2"
    treg = np.log(cohort.cells["treg", "%CD4"][mine])
    fold = treg[:, il2.cells["treg"].visits.index("day5")] - treg[:, 0]
    score = cohort.scores["hdrs"][mine, il2.instruments["hdrs"].visits.index(visit)]
    return np.corrcoef(fold, score)[0, 1]


def test_the_link_is_there_when_on_and_gone_when_off(il2, many):
    arms, cohorts = many
    plan = il2.assumptions.statistical
    # Assay noise dilutes the link: the fold holds stimulation and two measurements.
    signal = plan.cells["treg"].sd_log_fold
    noise = 2 * log_sd(plan.cells["treg"].cv_assay) ** 2
    expected = plan.link.correlation * signal / np.sqrt(signal**2 + noise)
    on = within_arm_correlation(il2, arms, cohorts[Scenario.PLANNED], "week8")
    off = within_arm_correlation(il2, arms, cohorts[Scenario.LINK_OFF], "week8")
    before = within_arm_correlation(il2, arms, cohorts[Scenario.PLANNED], "day5")
    assert abs(on - expected) < 0.03
    assert abs(off) < 0.03
    assert abs(before) < 0.03


def test_dropout_has_the_assumed_probability_and_follows_the_last_score(write_protocol):
    protocol = eq.load_protocol(
        write_protocol(
            ("size = 36", "size = 12000"),
            ("MDD = 18, BD = 18", "MDD = 6000, BD = 6000"),
            ("placebo = 0.10, il2 = 0.08", "placebo = 0.30, il2 = 0.30"),
        )
    )
    records = eq.simulate(protocol, seed=2)
    left = records.disposition.filter(pl.col("event") == "discontinued")
    # The slope acts around the average, so the total stays near the assumed 0.30.
    assert abs(left.height / 12_000 - 0.30) < 0.05
    first = records.scores.filter(
        (pl.col("instrument") == "hdrs")
        & (pl.col("item") == "total")
        & (pl.col("visit") == "week4")
    )
    later = left.filter(pl.col("day") > 30)["participant"]
    gone = first.filter(pl.col("participant").is_in(later.implode()))["score"].mean()
    stayed = first.filter(~pl.col("participant").is_in(later.implode()))["score"].mean()
    assert gone > stayed + 1
    after = records.visits.join(left.select("participant", left_day="day"), on="participant")
    assert (after["day"] <= after["left_day"]).all()


def test_blinded_tables_say_nothing_of_the_arm(il2_records):
    assert set(il2_records.doses["drug"]) == {"study drug"}
    assert il2_records.doses["amount"].n_unique() == 1
    for name, frame in il2_records.without_allocation().frames().items():
        assert "arm" not in frame.columns, name
    # Kit numbers are drawn without order: they do not sort participants by arm.
    joined = il2_records.doses.join(il2_records.allocation.select("participant", "arm"),
                                    on="participant").sort("kit")  # fmt: skip
    runs = (joined["arm"] != joined["arm"].shift()).sum()
    n1 = (joined["arm"] == "il2").sum()
    n2 = joined.height - n1
    mean = 2 * n1 * n2 / (n1 + n2) + 1
    sd = np.sqrt((mean - 1) * (mean - 2) / (n1 + n2 - 1))
    assert abs(runs - mean) < 4 * sd


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "whole number from 0"),
        ({"seed": 2**128}, "whole number from 0"),
        ({"seed": 1.5}, "whole number from 0"),
        ({"seed": 1, "scenario": "nul"}, "did you mean `null`"),
    ],
)
def test_bad_seeds_and_scenarios_are_refused(il2, options, message):
    with pytest.raises(eq.EquipoiseError, match=message):
        eq.simulate(il2, **options)


def test_a_protocol_without_assumptions_cannot_be_simulated(il2):
    bare = il2.model_copy(update={"assumptions": type(il2.assumptions)()})
    with pytest.raises(eq.EquipoiseError, match=r"add \[assumptions.statistical\]"):
        eq.simulate(bare, seed=1)
