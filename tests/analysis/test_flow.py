"""Counts nest, missing tables are not zeros, small cells are hidden."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.light_study import light_fixtures

import equipoise as eq
from equipoise.analysis.small_cells import too_small

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()


@pytest.mark.parametrize("seed", range(6))
def test_counts_nest(il2, seed):
    records = eq.simulate(il2, seed=seed)
    results = eq.analyse(il2, records)
    flow = results.flow
    assert flow.randomised == sum(c.randomised for c in flow.counts) == 36
    for count in flow.counts:
        ends = (count.completed, count.discontinued, count.lost, count.died, count.status_unknown)
        assert count.randomised == sum(ends)
        assert count.received_dose <= count.randomised
        for event, total in (
            ("discontinued", count.discontinued),
            ("lost-to-follow-up", count.lost),
            ("stopped-study-drug", count.stopped_drug),
        ):
            mine = [r.n for r in flow.reasons if (r.group, r.event) == (count.group, event)]
            assert sum(mine) == total
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
def test_a_breakdown_with_a_small_count_is_hidden_whole(counts, smallest):
    assert too_small(counts, smallest) == (min((c for c in counts if c), default=99) < smallest)
    assert not too_small(counts, 1)


def test_small_cells_of_observed_people_are_hidden_everywhere(il2, il2_records, tmp_path):
    observed = eq.records_from_tables(il2, il2_records.frames(), origin="observed")
    results = eq.analyse(il2, observed)
    shown: dict[tuple[str, str], list] = {}
    for row in results.baseline.rows:
        for value in row.values:
            if row.level is not None:
                shown.setdefault((row.variable, value.group), []).append(value.count)
    hidden = 0
    for counts in shown.values():
        # All or none of a breakdown: no count can be had from the total and the others.
        assert all(c is None for c in counts) or all(c is None or c == 0 or c >= 5 for c in counts)
        hidden += None in counts
        assert None not in counts or set(counts) == {None}
    assert hidden
    for row in results.safety.terms:
        assert all(rate.events == 0 or rate.events >= 5 for rate in row.rates)
    assert results.safety.hidden_terms > 0
    # Names of hidden terms stand nowhere either: with the summary they would say who had what.
    names = {row.label for row in results.safety.terms}
    for term in set(il2_records.adverse_events["term"]) - names:
        assert term not in results.model_dump_json()
    for reason in results.flow.reasons:
        assert reason.n is None or reason.n >= 5
        assert reason.n is not None or "not shown" in reason.reason
    assert "Lack of efficacy" not in results.model_dump_json()
    eq.write_results(results, tmp_path)
    eq.write_report(results, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "small count, not shown" in page
    assert "SIMULATED" not in page


def test_a_mean_of_few_observed_people_is_not_given(il2, il2_records):
    placebo = il2_records.allocation.filter(pl.col("arm") == "placebo")["participant"]
    gone = placebo[2:]
    scores = il2_records.scores.filter(
        ~(pl.col("participant").is_in(gone.implode()) & (pl.col("visit") == "week8"))
    )
    frames = il2_records.frames() | {"scores": scores}
    observed = eq.analyse(il2, eq.records_from_tables(il2, frames, origin="observed"))
    rows = [o for o in observed.endpoints["hdrs_change"].observed if o.n < 5]
    assert rows
    assert all(o.mean is None and o.sd is None for o in rows)
    simulated = eq.records_from_tables(il2, frames, manifest=il2_records.manifest)
    rows = [o for o in eq.analyse(il2, simulated).endpoints["hdrs_change"].observed if 1 < o.n < 5]
    assert all(o.mean is not None for o in rows)


def test_death_is_never_lost_behind_another_reason(il2, il2_records):
    left = il2_records.disposition.filter(pl.col("event") == "discontinued")
    person, day = left.row(0)[0], left.row(0)[2]
    death = pl.DataFrame(
        {"participant": [person], "event": ["death"], "day": [day + 1], "reason": [None]},
        schema=il2_records.disposition.schema,
    )
    for order in ((il2_records.disposition, death), (death, il2_records.disposition)):
        frames = il2_records.frames() | {"disposition": pl.concat(order)}
        records = eq.records_from_tables(il2, frames, manifest=il2_records.manifest)
        flow = eq.analyse(il2, records).flow
        assert sum(c.died for c in flow.counts) == 1
        assert sum(c.discontinued for c in flow.counts) == left.height - 1
        assert sum(r.n for r in flow.reasons if r.event == "discontinued") == left.height - 1


def test_a_covariate_may_have_any_name_that_is_not_taken(write_protocol, il2_results):
    """`group` was once a column of our own: every count came out 0."""
    protocol = eq.load_protocol(
        write_protocol(
            ("[population.covariates.sex]", "[population.covariates.group]"),
            ("sex = { probabilities", "group = { probabilities"),
            ('related = ["diagnosis", "sex", "age"]', 'related = ["diagnosis", "group", "age"]'),
            ('modifiers = ["diagnosis", "sex"', 'modifiers = ["diagnosis", "group"'),
            ('characteristics = ["sex"', 'characteristics = ["group"'),
        )
    )
    results = eq.analyse(protocol, eq.simulate(protocol, seed=1))
    rows = [r for r in results.baseline.rows if r.variable == "group"]
    assert sum(v.count for r in rows for v in r.values) == 36
    for taken in ("se", "p", "estimate", "lower", "visit"):
        path = write_protocol(
            ("[population.covariates.sex]", f"[population.covariates.{taken}]"),
            ("sex = { probabilities", f"{taken} = {{ probabilities"),
        )
        with pytest.raises(eq.EquipoiseError, match="a column of its own"):
            eq.load_protocol(path)


def test_nothing_of_one_or_two_observed_people_is_estimated(il2, il2_records):
    """Neither a mean, nor a contrast, nor an effect by subgroup, nor quartiles of few."""
    placebo = il2_records.allocation.filter(pl.col("arm") == "placebo")["participant"]
    keep = placebo[:2]
    scores = il2_records.scores.filter(
        ~pl.col("participant").is_in(placebo.implode())
        | pl.col("participant").is_in(keep.implode())
        | (pl.col("visit") != "week8")
    )
    frames = il2_records.frames() | {"scores": scores}
    results = eq.analyse(il2, eq.records_from_tables(il2, frames, origin="observed"))
    hdrs = results.endpoints["hdrs_change"]
    assert "week8" not in {c.visit for c in hdrs.contrasts}
    assert ("placebo", "week8") not in {(m.group, m.visit) for m in hdrs.means}
    assert "week8" not in {c.visit for c in hdrs.subgroup.effects}
    assert "week6" in {c.visit for c in hdrs.contrasts}
    answer = next(a for a in results.answers if a.endpoint == "hdrs_change")
    assert answer.status == "not estimable"
    assert "too few people" in answer.why
    ages = next(r for r in results.baseline.rows if r.variable == "age")
    by_group = {v.group: v for v in ages.values}
    assert (by_group["placebo"].n, by_group["placebo"].median) == (12, None)
    assert by_group["placebo"].mean is not None
    assert by_group["il2"].median is not None


def test_what_is_hidden_in_one_arm_is_hidden_in_all(il2, il2_records):
    """A blinded report shows the sum of the arms: one arm would give the other back."""
    observed = eq.analyse(il2, eq.records_from_tables(il2, il2_records.frames(), origin="observed"))
    by_variable: dict[str, set[bool]] = {}
    for row in observed.baseline.rows:
        if row.level is not None:
            by_variable.setdefault(row.variable, set()).update(v.suppressed for v in row.values)
    assert all(len(flags) == 1 for flags in by_variable.values())
    assert {True} in by_variable.values()
    for event in {r.event for r in observed.flow.reasons}:
        mine = {(r.reason, r.n) for r in observed.flow.reasons if r.event == event}
        assert len(mine) == 1
