"""Simulated trials that end by the protocol's own looks: each as the analysis would end it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tests.analysis.test_interim import PLAN, of_first, with_looks

import equipoise as eq
from equipoise.design import compare_looks
from equipoise.design.characteristics import MADE
from equipoise.design.chunks import prepare, run_chunk
from equipoise.design.interim_results import SpendingRule
from equipoise.design.sequential_trials import ENDS_WITH, records_of_first
from equipoise.design.settings import make_settings
from equipoise.design.trial_values import serious_among
from equipoise.protocol.changes import change_protocol
from equipoise.simulation import simulate_arrays

KEY = "estimand:depression_week6"


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    path = tmp_path_factory.mktemp("looks") / "protocol.toml"
    path.write_text(with_looks(PLAN.replace("[0.5]", "[0.4, 0.7]")), encoding="utf-8")
    return eq.load_protocol(path)


@pytest.fixture(scope="module")
def strong(planned):
    """With an effect that ends most trials before the last look."""
    field = "assumptions.statistical.scores.hdrs.change.drug.week6"
    return change_protocol(planned, {field: -9.0}).protocol


def ended_by_hand(protocol, records):
    """Look by look with the functions of the analysis, until a boundary is crossed."""
    n, before = records.participants.height, None
    sizes = [-(-n * 4 // 10), -(-n * 7 // 10), n]
    for size in sizes:
        found = eq.analyse(protocol, of_first(records, size), interim=size < n, after=before)
        if found.interim.crossed or size == n:
            return found
        before = found.interim
    raise AssertionError


@pytest.mark.parametrize("trials", [6])
def test_each_trial_ends_as_the_analysis_ends_it(strong, trials):
    work = prepare(strong, 5)
    rows = run_chunk(work, 0, trials)
    keys = [made.quantity.key for made in work.quantities]
    claims = [made.claim.key for made in work.claims]
    ends = []
    for trial in range(trials):
        found = ended_by_hand(strong, eq.simulate(strong, 5, trial=trial))
        last = found.interim.looks[-1]
        ends.append(last.participants)
        assert rows.estimate[trial, keys.index(ENDS_WITH)] == last.participants
        at = keys.index(f"{KEY}:drug")
        assert rows.estimate[trial, at] == pytest.approx(last.estimate, rel=1e-8)
        assert rows.se[trial, at] == pytest.approx(last.se, rel=1e-8)
        made = rows.hits[trial, claims.index(KEY)] == MADE
        assert made == (bool(found.answers[0].significant) and last.estimate < 0)
    assert len(set(ends)) > 1  # some end early, some later


def test_power_is_that_of_the_looks_compared(planned):
    """Two ways through the code: trials that end, and looks laid over whole trials."""
    trials = 120
    found = eq.operating_characteristics(planned, trials, 2, scenarios=["planned"], workers=1)
    whole = compare_looks(
        planned, [0.4, 0.7], trials, 2, efficacy=SpendingRule("pocock"), scenarios=["planned"],
        workers=1,
    )  # fmt: skip
    assert whole.planned
    assert whole.information == 1.2
    assert found.tally("planned", KEY).made == whole.scenarios[0].shown.made
    expected = found.performance("planned", ENDS_WITH).mean
    assert expected == pytest.approx(whole.scenarios[0].expected)
    assert expected < planned.population.size


def test_trials_without_a_plan_of_looks_have_no_end_of_their_own(antidepressant):
    work = prepare(antidepressant, 1)
    assert work.sequence is None
    assert ENDS_WITH not in [made.quantity.key for made in work.quantities]


def test_harms_and_records_are_of_those_who_enrolled_before_the_end(il2):
    trial = simulate_arrays(il2, 1)
    assert serious_among([trial], np.array([trial.size])) >= serious_among([trial], np.array([5]))
    events = dataclasses.replace(trial.events, serious=np.ones(len(trial.events.serious), bool))
    everybody = dataclasses.replace(trial, events=events)
    who = set(events.participant.tolist())
    assert serious_among([everybody], np.array([10])) == len([one for one in who if one < 10])
    records = eq.simulate(il2, 1)
    first = records_of_first(records, 7)
    assert (
        first.participants["participant"].to_list()
        == (records.participants["participant"].to_list()[:7])
    )
    assert set(first.scores["participant"]) <= set(first.participants["participant"])
    assert records_of_first(records, 36) is records


def test_the_planned_information_goes_with_the_size_and_the_shares(planned):
    """Half as many people: half of it; else a look would count as the whole trial."""
    half = change_protocol(planned, {"population.size": 86})
    assert half.protocol.analysis.interim.information == pytest.approx(0.6)
    assert "analysis.interim.information = 0.6" in half.followed
    skewed = change_protocol(planned, {"arms.drug.ratio": 2})
    assert skewed.protocol.analysis.interim.information == pytest.approx(1.2 * (2 / 9) / (1 / 4))
    given = change_protocol(planned, {"population.size": 86, "analysis.interim.information": 0.9})
    assert given.protocol.analysis.interim.information == 0.9
    # A trial that enrols fewer than it planned keeps its plan.
    (setting,) = make_settings(planned, ["slower-recruitment"])
    assert setting.protocol.population.size == 129
    assert setting.protocol.analysis.interim.information == 1.2
