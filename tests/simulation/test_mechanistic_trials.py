"""Trials of mechanistic patients: what was put in is found, and nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest

import equipoise as eq
from equipoise.instruments import score_items
from equipoise.simulation import plan_simulation, simulate_arrays
from equipoise.simulation.mechanism import mechanistic_cohort
from equipoise.streams import stream

LARGE = (("size = 36", "size = 3000"), ("MDD = 18, BD = 18", "MDD = 1500, BD = 1500"))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Changed copies of the twin, loaded; the same changes are loaded once."""
    from tests.conftest import protocol_text

    found = {}

    def load(*changes, study="il2-depression", added=""):
        key = (changes, study, added)
        if key not in found:
            text = protocol_text(study)
            for old, new in changes:
                assert old in text, old
                text = text.replace(old, new, 1)
            path = tmp_path_factory.mktemp("twin") / "protocol.toml"
            path.write_text(text + added, encoding="utf-8")
            found[key] = eq.load_protocol(path)
        return found[key]

    return load


@pytest.fixture(scope="module")
def large(loaded):
    protocol = loaded(*LARGE)
    return {name: simulate_arrays(protocol, 5, scenario=name) for name in
            ("planned", "null", "link-off")}  # fmt: skip


def log_fold(trial, visit="day5"):
    values = np.log(trial.cells["treg", "%CD4"])
    at = [trial.plan.visits[i] for i in trial.plan.at["cells", "treg"]].index(visit)
    return values[:, at] - values[:, 0]


def of_arm(trial, arm):
    return trial.arm == trial.plan.arms.index(arm)


def test_cells_rise_early_and_mood_lifts_more_where_the_drug_is_given(large):
    trial = large["planned"]
    active, placebo = of_arm(trial, "il2"), of_arm(trial, "placebo")
    fold = log_fold(trial)
    # Placebo measures no change; its mean is assay noise of two samples.
    noise = trial.plan.mechanism.percent_noise * math.sqrt(2 / placebo.sum())
    assert abs(np.nanmean(fold[placebo])) < 5 * noise
    assert np.nanmean(fold[active]) > 0.1
    score = trial.scores["hdrs"].part("total")
    assert np.nanmean(score[active, -1]) < np.nanmean(score[placebo, -1]) - 2


def test_under_the_null_the_arms_are_exchangeable(large):
    """Every measure, at every visit, by the difference of means in its standard errors."""
    trial = large["null"]
    active = of_arm(trial, "il2")
    table = [np.log(values) for values in trial.cells.values()]
    table += [np.log(np.maximum(values, 1e-3)) for values in trial.labs.values()]
    table += [trial.scores["hdrs"].part("total"), np.isfinite(trial.days).astype(float)]
    for values in table:
        one, two = values[active], values[~active]
        gap = np.nanmean(one, axis=0) - np.nanmean(two, axis=0)
        error = np.sqrt(np.nanvar(one, axis=0) / len(one) + np.nanvar(two, axis=0) / len(two))
        assert (np.abs(gap) <= 4.5 * np.maximum(error, 1e-12)).all()
    # The doses of the arm are given, only that they do nothing more than the control's.
    assert (trial.doses.entry[active[trial.doses.participant]] == 1).all()


def test_link_off_keeps_the_arms_and_cuts_the_link_within_them(large):
    def within(trial):
        mine = of_arm(trial, "il2")
        score = trial.scores["hdrs"].part("total")
        gain = (score[:, 0] - score[:, -1]) / score[:, 0]
        seen = mine & np.isfinite(gain) & np.isfinite(log_fold(trial))
        return np.corrcoef(log_fold(trial)[seen], gain[seen])[0, 1], np.nanmean(gain[mine])

    on, gain_on = within(large["planned"])
    off, gain_off = within(large["link-off"])
    assert on > 0.2
    assert abs(off) < 4.5 / math.sqrt(1700)
    assert abs(gain_on - gain_off) < 0.03
    first, other = (large[name].cells["treg", "%CD4"] for name in ("planned", "link-off"))
    both = np.isfinite(first) & np.isfinite(other)
    assert np.array_equal(first[both], other[both])  # the cells are the same people's


def test_items_sum_to_totals_between_floor_and_ceiling(loaded):
    sick = "[assumptions.mechanistic.instruments.hdrs]\nintercept = {}\nnoise = 4\n"
    for shift, end in ((-25, 0), (35, 52)):
        trial = simulate_arrays(loaded(added="\n" + sick.format(shift)), 1)
        scores, scale = trial.scores["hdrs"], trial.plan.protocol.scale("hdrs")
        total = scores.part("total")
        seen = np.isfinite(total)
        assert (total[seen] == end).any()
        assert total[seen].min() >= 0
        assert total[seen].max() <= 52
        forms = np.stack([scores.part(str(n))[seen] for n in range(1, 18)], axis=1)
        assert np.array_equal(score_items(scale, forms).total.score, total[seen])


def cohort(plan, given, until):
    n = len(given)
    arms = np.ones(n, dtype=np.int64)
    covariates = {"diagnosis": np.arange(n) % 2, "sex": np.arange(n) % 2, "age": np.full(n, 40.0)}
    names = ("patients", "measurement", "ratings")
    return mechanistic_cohort(
        plan, "planned", arms, arms, covariates, given, until,
        {name: stream(1, name) for name in names},
    )  # fmt: skip


def test_missed_and_stopped_doses_lower_the_response(il2):
    """The same people and the same noise: only the doses differ."""
    plan = plan_simulation(il2).mechanism
    n, never = 200, np.full(200, np.inf)
    everything = np.ones((n, 9), dtype=bool)
    skipped = everything.copy()
    skipped[:, 1:3] = False
    full, missed = cohort(plan, everything, never), cohort(plan, skipped, never)
    stopped = cohort(plan, everything, np.full(n, 2.5))
    none = cohort(plan, ~everything, never)
    same = cohort(plan, skipped & False, np.full(n, 0.0))
    treg = ("treg", "%CD4")
    day5 = {name: c.cells[treg][:, 1] for name, c in
            (("full", full), ("missed", missed), ("stopped", stopped), ("none", none))}  # fmt: skip
    assert (day5["missed"] < day5["full"]).mean() > 0.99
    # A day after a single injection part of the cells is still out of the blood.
    assert (day5["missed"] / day5["none"]).mean() > 1.01
    assert (day5["full"] / day5["none"]).mean() > 1.1
    assert (full.scores["hdrs"][:, -1] < none.scores["hdrs"][:, -1]).mean() > 0.99
    # Before the first dose that differs nothing does; without doses it does not matter why.
    assert np.array_equal(full.cells[treg][:, 0], missed.cells[treg][:, 0])
    assert np.array_equal(none.scores["hdrs"], same.scores["hdrs"])
    assert (stopped.cells[treg][:, 2] < full.cells[treg][:, 2]).mean() > 0.99


@pytest.mark.parametrize("trial", range(3))
def test_who_stops_or_leaves_gets_no_more_doses(loaded, trial):
    protocol = loaded(
        ("placebo = 0.03, il2 = 0.06", "placebo = 0.4, il2 = 0.4"),
        ("placebo = 0.10, il2 = 0.08", "placebo = 0.4, il2 = 0.4"),
    )
    found = simulate_arrays(protocol, 3, trial=trial)
    end = np.minimum(found.stopped, found.leaving)
    assert (found.doses.day < end[found.doses.participant]).all()
    assert not (np.isfinite(found.stopped) & (found.stopped >= found.leaving)).any()
    events = found.events
    assert (events.start < found.leaving[events.participant]).all()
    assert np.isfinite(found.stopped).any()
    # An event after a dose follows a dose that was given.
    dosed = set(zip(found.doses.participant.tolist(), found.doses.day.tolist(), strict=True))
    by_dose = [found.plan.terms.index(term) for term in found.plan.dose_events]
    after = np.isin(events.term, by_dose)
    assert after.any()
    for person, start in zip(events.participant[after], events.start[after], strict=True):
        assert any(p == person and 0 < start - d < 0.6 for p, d in dosed)


@pytest.mark.parametrize("amount", [0.1, 0.33, 1.0, 3.0])
def test_events_rise_with_the_dose_as_the_closed_form_says(loaded, amount):
    """Injections with a reaction among those given: binomial, within 4.5 standard errors."""
    protocol = loaded(
        *LARGE, ('drug = "aldesleukin", amount = 1,', f'drug = "aldesleukin", amount = {amount},')
    )
    trial = simulate_arrays(protocol, 2)
    event = trial.plan.dose_events["Injection site reaction"]
    term = trial.plan.terms.index("Injection site reaction")
    for arm, dose in (("placebo", 0.0), ("il2", amount)):
        mine = of_arm(trial, arm)
        given = mine[trial.doses.participant].sum()
        had = (mine[trial.events.participant] & (trial.events.term == term)).sum()
        expected = 0.003 + 0.14 * dose / (dose + 0.1)
        assert event.probability(np.array(dose)) == pytest.approx(expected, rel=1e-12)
        # An onset after leaving is not recorded: at most half a day after a dose, hardly any.
        assert abs(had - given * expected) < 4.5 * math.sqrt(given * expected) + 0.01 * had


def test_the_probability_rises_with_every_dose(il2):
    event = plan_simulation(il2).dose_events["Influenza like illness"]
    p = event.probability(np.array([0.0, 0.01, 0.1, 1.0, 10.0, 1e9]))
    assert (np.diff(p) > 0).all()
    assert p[0] == event.background
    assert p[-1] == pytest.approx(event.background + event.rise, rel=1e-6)


def test_covariates_of_the_protocol_shift_the_patients(loaded):
    changed = loaded(
        *LARGE, added="\n[assumptions.mechanistic.parameters]\nBmax_diagnosis_BD = 2.0\n"
    )
    trial = simulate_arrays(changed, 1)
    score = trial.scores["hdrs"].part("total")
    placebo, bipolar = of_arm(trial, "placebo"), trial.covariates["diagnosis"] == 1
    assert np.nanmean(score[placebo & bipolar, -1]) < np.nanmean(score[placebo & ~bipolar, -1]) - 4


def test_statistical_patients_on_request_are_those_without_the_mechanism(loaded, il2):
    from tests.conftest import protocol_text

    text = protocol_text("il2-depression")
    table = text[text.index("[assumptions.mechanistic]") :]
    plain = loaded((table, ""))
    one, two = eq.simulate(il2, 3, patients="statistical"), eq.simulate(plain, 3)
    for name, frame in one.frames().items():
        assert frame.equals(two.frames()[name]), name
    assert one.manifest.source == "statistical patients"
    assert eq.simulate(il2, 3, trial=2).manifest.source == "trial 2 of this seed"
    assert not eq.simulate(il2, 3).scores.equals(one.scores)


def test_kinds_of_patients_that_are_not_there_are_refused(il2, antidepressant):
    with pytest.raises(eq.EquipoiseError, match="did you mean `mechanistic`"):
        eq.simulate(il2, 1, patients="mechanistc")
    with pytest.raises(eq.EquipoiseError, match=r"add \[assumptions.mechanistic\]"):
        eq.simulate(antidepressant, 1, patients="mechanistic")


@pytest.mark.parametrize("patients", ["mechanistic", "statistical"])
def test_what_is_asked_for_is_drawn_as_in_the_whole_trial(patients):
    protocol = eq.load_protocol("il2-depression")
    for asked in (
        frozenset({"treg_percent", "hdrs_change"}),
        frozenset(protocol.endpoints),
    ):
        whole = simulate_arrays(protocol, 5, trial=3, patients=patients)
        part = simulate_arrays(protocol, 5, trial=3, patients=patients, asked=asked)
        for name in ("arm", "stratum", "days", "leaving"):
            np.testing.assert_array_equal(getattr(whole, name), getattr(part, name))
        for table in ("cells", "labs"):
            for key, values in getattr(part, table).items():
                np.testing.assert_array_equal(values, getattr(whole, table)[key])
        points = [protocol.endpoints[key] for key in asked]
        assert {key for key, _ in part.cells} == {p.cells for p in points if p.cells}
        assert set(part.labs) == {p.lab for p in points if p.lab}
        for key, scores in part.scores.items():
            for name in scores.parts:
                np.testing.assert_array_equal(whole.scores[key].part(name), scores.part(name))
        for name in ("participant", "start", "serious"):
            np.testing.assert_array_equal(getattr(whole.events, name), getattr(part.events, name))
        assert (part.doses, part.medications, part.screening) == (None, None, None)
