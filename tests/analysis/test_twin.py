"""The analyses against plain twins, written from the definitions with Python's own tools."""

from __future__ import annotations

import math
import statistics

import numpy as np
import polars as pl
import pytest
from scipy import stats
from tests.light_study import light_fixtures
from tests.stats.mmrm_twin import fit_twin

import equipoise as eq

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()


def design(rows, visits, control):
    """change ~ baseline*visit + diagnosis*visit + arm*visit, written out as cells by visit.

    With every factor crossed with the visit the columns can be set out visit by visit: a
    constant, the baseline, the diagnosis and the arm, each times the indicator of the visit.
    """
    columns = []
    for visit in visits:
        at = np.array([row["visit"] == visit for row in rows], dtype=float)
        columns += [
            at,
            at * [row["baseline"] for row in rows],
            at * [row["diagnosis"] == "BD" for row in rows],
            at * [row["arm"] != control for row in rows],
        ]
    return np.column_stack(columns)


def rows_of(records, population, unit, visits):
    arm = dict(records.allocation.select("participant", "arm").iter_rows())
    diagnosis = dict(records.participants.select("participant", "diagnosis").iter_rows())
    if population == "hdrs":
        table = records.scores.filter(
            (pl.col("instrument") == "hdrs") & (pl.col("item") == "total")
        )
        value, log = "score", lambda x: x
    else:
        table = records.cells.filter(
            (pl.col("population") == population) & (pl.col("unit") == unit)
        )
        value, log = "value", math.log
    cells = {(p, v): x for p, v, x in table.select("participant", "visit", value).iter_rows()}
    return [
        {
            "participant": p,
            "visit": v,
            "arm": arm[p],
            "diagnosis": diagnosis[p],
            "baseline": log(cells[p, "baseline"]),
            "y": log(cells[p, v]) - log(cells[p, "baseline"]),
        }
        for p in records.participants["participant"]
        for v in visits
        if (p, v) in cells and (p, "baseline") in cells
    ]


@pytest.mark.parametrize(
    ("endpoint", "population", "unit"),
    [("hdrs_change", "hdrs", None), ("treg_percent", "treg", "%CD4"), ("treg_count", "treg", "cells/uL")],
)  # fmt: skip
def test_contrasts_equal_the_plain_twin(il2, il2_records, il2_results, endpoint, population, unit):
    result = il2_results.endpoints[endpoint]
    visits = [c.visit for c in result.contrasts]
    rows = rows_of(il2_records, population, unit, visits)
    X = design(rows, visits, "placebo")
    y = np.array([row["y"] for row in rows])
    unit_size = y.std()  # the twin's Newton wants numbers of ordinary size
    people = np.array([row["participant"] for row in rows])
    at = np.array([visits.index(row["visit"]) for row in rows])
    fit = fit_twin(X, y / unit_size, people, at, len(visits))
    for position, contrast in enumerate(result.contrasts):
        L = np.zeros(X.shape[1])
        L[4 * position + 3] = 1
        estimate, se, df = fit.one_row(L, adjusted=True)
        estimate, se = estimate * unit_size, se * unit_size
        # The twin's optimiser stops at a gradient of about 1e-8 of -2 log L.
        assert contrast.estimate == pytest.approx(estimate, abs=1e-5 * se)
        assert contrast.se == pytest.approx(se, rel=1e-5)
        assert contrast.df == pytest.approx(df, rel=1e-4)
        half = stats.t.ppf(0.975, df) * se
        assert contrast.lower == pytest.approx(estimate - half, abs=1e-4 * se)
        assert contrast.p == pytest.approx(2 * stats.t.sf(abs(estimate / se), df), rel=1e-3)


def test_ratios_are_exponentials_of_the_log_scale(il2_results):
    for result in il2_results.endpoints.values():
        for row in (*result.means, *result.contrasts):
            if result.scale == "log_fold":
                assert row.ratio == pytest.approx(math.exp(row.estimate), rel=1e-12)
                assert row.ratio_lower == pytest.approx(math.exp(row.lower), rel=1e-12)
            else:
                assert row.ratio is None


def test_the_interaction_is_the_difference_of_the_effects(il2_results):
    sub = il2_results.endpoints["hdrs_change"].subgroup
    effects = {(c.visit, c.subgroup): c for c in sub.effects}
    assert len(sub.interaction) == 5
    for c in sub.interaction:
        assert c.subgroup == "BD - MDD"
        expected = effects[c.visit, "BD"].estimate - effects[c.visit, "MDD"].estimate
        assert c.estimate == pytest.approx(expected, abs=1e-10)


def test_a_family_is_adjusted_by_holm_from_its_definition(il2_results):
    family = il2_results.families[0]
    found = [c for contrasts in family.contrasts.values() for c in contrasts]
    assert len(found) == 7
    running = 0.0
    for rank, c in enumerate(sorted(found, key=lambda c: c.p)):
        running = max(running, min(1.0, (len(found) - rank) * c.p))
        assert c.adjusted_p == pytest.approx(running, rel=1e-12)


def test_baseline_by_hand(il2_records, il2_results):
    arm = dict(il2_records.allocation.select("participant", "arm").iter_rows())
    ages = {"placebo": [], "il2": []}
    for p, age in il2_records.participants.select("participant", "age").iter_rows():
        ages[arm[p]].append(age)
    row = next(r for r in il2_results.baseline.rows if r.variable == "age")
    for value in row.values:
        mine = ages[value.group]
        assert value.mean == pytest.approx(statistics.fmean(mine))
        assert value.sd == pytest.approx(statistics.stdev(mine))
        assert value.median == pytest.approx(statistics.median(mine))
    pooled = math.sqrt(
        (statistics.variance(ages["il2"]) + statistics.variance(ages["placebo"])) / 2
    )
    expected = (statistics.fmean(ages["il2"]) - statistics.fmean(ages["placebo"])) / pooled
    assert row.standardised_difference == pytest.approx(expected)
    sex = [r for r in il2_results.baseline.rows if r.variable == "sex"]
    assert [sum(v.count for v in r.values) for r in sex] == [
        (il2_records.participants["sex"] == level).sum() for level in ("female", "male")
    ]


def test_harms_by_hand(il2_records, il2_results):
    events = il2_records.adverse_events.join(
        il2_records.allocation.select("participant", "arm"), on="participant"
    )
    for row in il2_results.safety.terms:
        for rate in row.rates:
            people = {
                p for p, t, a in events.select("participant", "term", "arm").iter_rows()
                if t == row.label and a == rate.group
            }  # fmt: skip
            assert rate.events == len(people)
            assert rate.rate == pytest.approx(len(people) / rate.n)
            exact = stats.binomtest(len(people), rate.n).proportion_ci(0.95, "exact")
            assert (rate.lower, rate.upper) == pytest.approx((exact.low, exact.high), abs=1e-9)
        reference, active = row.rates
        (difference,) = row.differences
        assert difference.estimate == pytest.approx(active.rate - reference.rate)
        assert difference.lower < difference.estimate < difference.upper
    serious = next(r for r in il2_results.safety.summary if r.key == "serious")
    active = next(r for r in serious.rates if r.group == "il2")
    # 0 of 24 leaves an upper 95 % limit of 14 %: 1 - 0.025 ** (1 / 24).
    assert (active.events, active.n) == (0, 24)
    assert active.upper == pytest.approx(1 - 0.025 ** (1 / 24), rel=1e-10)
    assert round(active.upper, 2) == 0.14


def test_suicidality_and_mania_are_counted_after_baseline_only(il2, il2_records):
    hdrs = pl.col("instrument") == "hdrs"
    # Without the other items: the total would contradict them once item 3 is changed.
    scores = il2_records.scores.filter(~hdrs | pl.col("item").is_in(["total", "3"]))
    item = hdrs & (pl.col("item") == "3")
    only_baseline = scores.with_columns(
        score=pl.when(item & (pl.col("visit") == "baseline")).then(4.0)
        .when(item).then(0.0).otherwise(pl.col("score"))
    )  # fmt: skip
    one_later = scores.with_columns(
        score=pl.when(item & (pl.col("visit") == "week2") & (pl.col("participant") == "P001"))
        .then(3.0).when(item).then(0.0).otherwise(pl.col("score"))
    )  # fmt: skip
    for frame, expected in ((only_baseline, 0), (one_later, 1)):
        records = eq.records_from_tables(
            il2, il2_records.frames() | {"scores": frame}, manifest=il2_records.manifest
        )
        results = eq.analyse(il2, records)
        row = next(r for r in results.safety.watched if r.key == "suicidality")
        assert sum(rate.events for rate in row.rates) == expected


def test_who_was_never_assessed_is_not_counted_as_free_of_harm(il2, il2_records):
    baseline_only = il2_records.scores.filter(pl.col("visit") == "baseline")
    nulls = il2_records.scores.with_columns(
        score=pl.when(pl.col("visit") == "baseline").then(pl.col("score"))
    )
    for frame in (baseline_only, nulls):
        records = eq.records_from_tables(
            il2, il2_records.frames() | {"scores": frame}, manifest=il2_records.manifest
        )
        safety = eq.analyse(il2, records).safety
        assert safety.watched == ()
        assert sum("nobody has a score after baseline" in t for t in safety.not_collected) == 2
    person = il2_records.allocation.filter(pl.col("arm") == "il2")["participant"][0]
    one_less = il2_records.scores.filter(
        (pl.col("participant") != person) | (pl.col("visit") == "baseline")
    )
    records = eq.records_from_tables(
        il2, il2_records.frames() | {"scores": one_less}, manifest=il2_records.manifest
    )
    row = next(r for r in eq.analyse(il2, records).safety.watched if r.key == "suicidality")
    assert next(rate.n for rate in row.rates if rate.group == "il2") == 23
