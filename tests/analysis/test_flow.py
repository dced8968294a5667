"""Counts nest, missing tables are not zeros, small cells are hidden."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import equipoise as eq
from equipoise.analysis.small_cells import suppressed


@pytest.mark.parametrize("seed", range(6))
def test_counts_nest(il2, seed):
    records = eq.simulate(il2, seed=seed)
    results = eq.analyse(il2, records)
    flow = results.flow
    assert flow.randomised == sum(c.randomised for c in flow.counts) == 36
    for count in flow.counts:
        assert count.randomised == count.completed + count.discontinued + count.status_unknown
        assert count.received_dose <= count.randomised
        reasons = [r.n for r in flow.reasons if r.group == count.group]
        assert sum(reasons) == count.discontinued
        seen = [v.seen for v in flow.visits if v.group == count.group]
        assert max(seen) <= count.randomised
    for row in flow.analysed:
        assert row.randomised == row.no_baseline + row.no_follow_up + row.analysed
    for key, result in results.endpoints.items():
        rows = [row for row in flow.analysed if row.endpoint == key]
        assert result.fit.participants == sum(row.analysed for row in rows)
        assert result.fit.observations == sum(o.n for o in result.observed)


def test_a_table_that_was_not_collected_is_not_a_zero(il2, il2_records):
    frames = il2_records.frames()
    kept = {name: frames[name] for name in ("participants", "allocation", "scores")}
    records = eq.records_from_tables(il2, kept, manifest=il2_records.manifest)
    results = eq.analyse(il2, records)
    for count in results.flow.counts:
        assert count.received_dose is None
        assert count.completed is None
        assert count.discontinued is None
    assert results.safety.summary == ()
    treg = results.endpoints["treg_percent"]
    assert treg.fit is None
    assert treg.failure
    assert results.endpoints["hdrs_change"].fit is not None
    assert results.answers[0].status == "not estimable"


def test_people_without_a_baseline_leave_the_analysis_and_are_counted(il2, il2_records):
    scores = il2_records.scores.filter(
        ~((pl.col("participant") == "P001") & (pl.col("visit") == "baseline"))
    )
    records = eq.records_from_tables(
        il2, il2_records.frames() | {"scores": scores}, manifest=il2_records.manifest
    )
    flow = eq.analyse(il2, records).flow
    assert sum(r.no_baseline for r in flow.analysed if r.endpoint == "hdrs_change") == 1


def test_values_of_zero_have_no_logarithm_and_are_said(il2, il2_records):
    zero = (
        (pl.col("participant") == "P001")
        & (pl.col("population") == "treg")
        & (pl.col("unit") == "%CD4")
        & (pl.col("visit") == "day5")
    )
    cells = il2_records.cells.with_columns(value=pl.when(zero).then(0.0).otherwise(pl.col("value")))
    records = eq.records_from_tables(
        il2, il2_records.frames() | {"cells": cells}, manifest=il2_records.manifest
    )
    results = eq.analyse(il2, records)
    assert any("1 values of 0 have no logarithm" in note for note in results.notes)


@given(counts=st.lists(st.integers(0, 30), min_size=1, max_size=6), smallest=st.integers(1, 10))
def test_a_hidden_count_cannot_be_had_back_from_the_total(counts, smallest):
    hidden = suppressed(counts, smallest)
    for count, hide in zip(counts, hidden, strict=True):
        if 0 < count < smallest:
            assert hide
    positive = sum(c > 0 for c in counts)
    if sum(hidden) == 1:
        assert positive == 1  # then the total is the count: the caller shows no other
    if smallest == 1:
        assert not any(hidden)


def test_small_cells_of_observed_people_are_hidden_everywhere(il2, il2_records, tmp_path):
    observed = eq.records_from_tables(il2, il2_records.frames(), origin="observed")
    results = eq.analyse(il2, observed)
    for row in results.baseline.rows:
        for value in row.values:
            if value.count is not None:
                assert value.count == 0 or value.count >= 5
    for row in results.safety.terms:
        for rate in row.rates:
            assert rate.suppressed or rate.events == 0 or rate.events >= 5
            if rate.suppressed:
                assert (rate.rate, rate.lower, rate.upper) == (None, None, None)
                assert row.differences == ()
    for reason in results.flow.reasons:
        assert reason.n is None or reason.n >= 5
    eq.write_results(results, tmp_path)
    eq.write_report(results, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "small count, not shown" in page
    assert "SIMULATED" not in page
