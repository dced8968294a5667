"""Interim looks of simulated trials: the model on who enrolled first, boundaries by information."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import polars as pl
import pytest

import equipoise as eq
from equipoise.design.chunks import prepare, run_chunk
from equipoise.design.interim_looks import InterimLooks
from equipoise.design.interim_results import SpendingRule, _limits_of_trials, compare_looks
from equipoise.stats.group_sequential import efficacy_boundaries


@pytest.fixture(scope="module")
def small():
    return eq.load_protocol("antidepressant-example")


def of_first(records, participants):
    """Records of those who enrolled first alone."""
    names = records.participants["participant"].to_list()[:participants]
    tables = {
        field.name: table.filter(pl.col("participant").is_in(names))
        for field in dataclasses.fields(records)
        if isinstance(table := getattr(records, field.name), pl.DataFrame)
        and "participant" in table.columns
    }
    return dataclasses.replace(records, **tables)


@pytest.mark.parametrize(
    ("study", "estimand"),
    [("antidepressant-example", None), ("il2-depression", "depression_week8")],
)
def test_a_look_is_the_analysis_of_who_enrolled_first(study, estimand):
    protocol = eq.load_protocol(study)
    key = estimand or next(iter(protocol.estimands))
    looks = InterimLooks(key, (0.6, 0.8))
    work = prepare(protocol, 3, looks=looks)
    rows = run_chunk(work, 2, 3)
    records = eq.simulate(protocol, 3, trial=2)
    asked = protocol.estimands[key]
    plain = protocol.analysis.model_copy(
        update={"sensitivity": {}, "prediction": None, "stratification": None}
    )
    lean = protocol.model_copy(update={"analysis": plain})
    for place, share in enumerate(looks.shares):
        n = math.ceil(share * protocol.population.size)
        results = eq.analyse(lean, of_first(records, n))
        [theirs] = [
            c for c in results.endpoints[asked.endpoint].contrasts if c.visit == asked.visit
        ]
        arm = protocol.active_arms[0]
        column = [q.quantity.key for q in work.quantities].index(f"look:{place}:{key}:{arm}")
        assert rows.estimate[0, column] == pytest.approx(theirs.estimate, rel=1e-8)
        assert rows.se[0, column] == pytest.approx(theirs.se, rel=1e-8)
        assert rows.df[0, column] == pytest.approx(theirs.df, rel=1e-8)


def test_looks_change_nothing_else(small):
    looks = InterimLooks(next(iter(small.estimands)), (0.5,))
    with_looks = run_chunk(prepare(small, 1, looks=looks), 0, 5)
    without = run_chunk(prepare(small, 1), 0, 5)
    np.testing.assert_array_equal(with_looks.hits, without.hits)
    width = without.estimate.shape[1]
    np.testing.assert_array_equal(with_looks.estimate[:, :width], without.estimate)


def test_boundaries_follow_each_trials_own_information():
    share = np.array([[0.5, 1.0], [0.3, 0.9], [0.8, 0.7], [np.nan, 1.1], [0.5, np.nan]])
    known = np.isfinite(share)
    rule = SpendingRule()
    found = _limits_of_trials(share, known, 0.05, rule)
    for trial, levels in ((0, (0.5, 1.0)), (1, (0.3, 0.9)), (2, (0.8, 0.801))):
        nominal = efficacy_boundaries(levels, 0.05).nominal
        assert found[trial] == pytest.approx([2 * p for p in nominal])
    # A look without an estimate is not taken; a trial without its end has not spent all.
    assert found[3] == pytest.approx([0.0, 0.05])
    early = efficacy_boundaries([0.5], 0.05, last=False).nominal[0]
    assert found[4] == pytest.approx([2 * early, 0.0])
    assert found[4, 0] == pytest.approx(found[0, 0])


@pytest.fixture(scope="module")
def compared(small):
    return compare_looks(
        small, [0.5], 300, 1, workers=1, futility=SpendingRule("hwang-shih-decani", -2.0)
    )


def test_its_numbers_hang_together(compared, small):
    planned, null = compared.scenarios
    for one in (planned, null):
        assert sum(look.efficacy.made for look in one.looks) == one.shown.made
        assert one.followed.made <= one.shown.made
        n = [look.participants for look in one.looks]
        early = one.looks[0].efficacy.made / 300
        assert one.expected == pytest.approx(early * n[0] + (1 - early) * n[1])
        assert one.expected_followed < one.expected
        assert one.looks[0].participants == math.ceil(0.5 * small.population.size)
    # The level with looks is near that without; both near 5 %.
    assert null.shown.lower < 0.05 < null.shown.upper + 0.02
    assert planned.without.proportion - planned.shown.proportion < 0.05
    assert planned.looks[1].information == pytest.approx(1.0)
    assert planned.looks[0].information == pytest.approx(0.5, abs=0.05)
    boundary = efficacy_boundaries([0.5, 1.0], small.analysis.alpha).nominal
    assert [look.boundary for look in planned.looks] == pytest.approx([2 * p for p in boundary])
    # Who stops early has seen more than there is.
    assert abs(planned.naive) > abs(planned.final)


def test_the_same_without_futility_and_kept(small, tmp_path, compared):
    again = compare_looks(small, [0.5], 300, 1, workers=2, store=tmp_path)
    for one, two in zip(again.scenarios, compared.scenarios, strict=True):
        assert one.shown == two.shown
        assert one.followed is None
    assert again.inflation < compared.inflation


def test_looks_stand_on_the_sheet(small, compared, tmp_path):
    worlds = eq.map_characteristics(small, {}, 5, 1, workers=1)
    path = eq.write_design(worlds, tmp_path, interim=compared)
    page = path.read_text(encoding="utf-8")
    assert 'id="looks"' in page
    assert "They are no part of the protocol" in page
    table = pl.read_csv(tmp_path / "design" / "looks.csv")
    assert table.height == 4
    assert set(table["origin"]) == {"SIMULATED"}
    assert table["efficacy"].to_list() == [
        look.efficacy.proportion for one in compared.scenarios for look in one.looks
    ]
