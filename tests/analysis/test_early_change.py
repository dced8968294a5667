"""The landmark association of a trial: a plain twin from the records, who is lost, the blind."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from tests.analysis.small_trial import PEOPLE, frame, small_records

import equipoise as eq
from equipoise.analysis import result_tables
from equipoise.analysis.allocation_counts import count_allocation
from equipoise.analysis.dataset import make_dataset
from equipoise.analysis.groups import make_groups
from equipoise.analysis.prediction import analyse_prediction
from equipoise.analysis.small_cells import smallest_shown
from equipoise.report import early_change_words, tables
from equipoise.report.early_change_figures import early_change_figures


def predicted(protocol, records):
    """The association alone, without the mixed models of a whole analysis."""
    groups = make_groups(protocol, records)
    keys = [key for key, point in protocol.endpoints.items() if point.scale.continuous]
    data = {key: make_dataset(protocol, records, groups, key) for key in keys}
    return analyse_prediction(protocol, records, groups, data, smallest_shown(protocol, records))


def with_prediction(protocol, **fields):
    """The plan changed; with predictors of its own it has nothing that names other markers."""
    plan = protocol.analysis.prediction
    if "predictors" in fields:
        parts = {
            name: None for name, field in type(plan).model_fields.items() if field.default is None
        }
        fields = {"labs": (), "composites": {}, **parts, **fields}
    plan = plan.model_copy(update=fields)
    analysis = protocol.analysis.model_copy(update={"prediction": plan})
    return protocol.model_copy(update={"analysis": analysis})


def values(table, **where):
    for key, value in where.items():
        table = table.filter(pl.col(key) == value)
    column = "score" if "score" in table.columns else "value"
    return {(p, v): x for p, v, x in table.select("participant", "visit", column).iter_rows()}


def by_hand(records, population, unit, *, among, adjusted=False):
    """Least squares with the columns written out, by statsmodels."""
    arm = dict(records.allocation.select("participant", "arm").iter_rows())
    diagnosis = dict(records.participants.select("participant", "diagnosis").iter_rows())
    score = values(records.scores, instrument="hdrs", item="total")
    cells = values(records.cells, population=population, unit=unit)
    y, x = [], []
    for p in records.participants["participant"]:
        needed = [score.get((p, "baseline")), score.get((p, "week8")), cells.get((p, "baseline")),
                  cells.get((p, "day5"))]  # fmt: skip
        if None in needed or (among in ("il2", "placebo") and arm[p] != among):
            continue
        if adjusted and (p, "day5") not in score:
            continue
        before, after, first, fifth = needed
        row = [math.log(fifth) - math.log(first), 1.0, before, math.log(first)]
        row.append(float(diagnosis[p] == "BD"))
        if among == "within-arms":
            row.append(float(arm[p] == "il2"))
        if adjusted:
            row.append(score[p, "day5"] - before)
        y.append(after - before)
        x.append(row)
    return sm.OLS(np.array(y), np.array(x)).fit(), np.array(x)


@pytest.mark.parametrize(
    ("key", "population", "unit"),
    [("treg_percent", "treg", "%CD4"), ("naive_cd8_count", "naive_cd8", "cells/uL")],
)
@pytest.mark.parametrize(
    ("among", "adjusted"),
    [("within-arms", False), ("within-arms", True), ("il2", False), ("all-arms", False)],
)
def test_slopes_equal_least_squares_from_the_records(
    il2_records, il2_results, key, population, unit, among, adjusted
):
    marker = next(m for m in il2_results.prediction.markers if m.endpoint == key)
    ours = marker.slope(among, adjusted=adjusted)
    fit, design = by_hand(il2_records, population, unit, among=among, adjusted=adjusted)
    assert ours.n == len(design)
    assert ours.df == fit.df_resid
    # closed forms on both sides
    low, high = fit.conf_int()[0]
    assert (ours.estimate, ours.lower, ours.upper) == pytest.approx((fit.params[0], low, high))
    assert ours.p == pytest.approx(fit.pvalues[0])
    arms = design[:, [1, 5]] if among == "within-arms" else design[:, [1]]
    spread = sm.OLS(design[:, 0], arms).fit()
    assert ours.sd == pytest.approx(math.sqrt(spread.ssr / spread.df_resid))
    assert ours.per_sd_lower == pytest.approx(low * ours.sd)
    assert ours.per_doubling_upper == pytest.approx(high * math.log(2))
    # The permutation p is near that of t, and there is none where the arm moves both.
    if among == "all-arms":
        assert ours.permutation_p is None
    else:
        assert ours.permutation_p == pytest.approx((ours.as_extreme + 1) / 5000)
        assert ours.permutation_p == pytest.approx(ours.p, abs=0.08)


def test_curvature_and_slopes_by_arm_equal_least_squares_per_sd(il2_records, il2_results):
    marker = il2_results.prediction.markers[0]
    fit, design = by_hand(il2_records, "treg", "%CD4", among="within-arms")
    y, early = fit.model.endog, design[:, 0]
    for term, column, factor in (
        (marker.added[0], early**2, marker.headline.sd**2),
        (marker.added[1], early * design[:, 5], marker.headline.sd),
    ):
        whole = sm.OLS(y, np.column_stack([column, design])).fit()
        found = (term.estimate, term.se, *(term.lower, term.upper))
        wanted = (whole.params[0], whole.bse[0], *whole.conf_int()[0])
        assert found == pytest.approx([value * factor for value in wanted])
        assert (term.p, term.df) == pytest.approx((whole.pvalues[0], whole.df_resid))


def test_who_is_lost_is_counted_by_hand(il2_records, il2_results):
    marker = il2_results.prediction.markers[0]
    cells = values(il2_records.cells, population="treg", unit="%CD4")
    score = values(il2_records.scores, instrument="hdrs", item="total")
    for count in marker.counts:
        people = il2_records.allocation.filter(arm=count.group)["participant"]
        early = [p for p in people if {(p, "baseline"), (p, "day5")} <= cells.keys()]
        used = [p for p in early if {(p, "baseline"), (p, "week8")} <= score.keys()]
        assert count.randomised == len(people)
        assert count.no_early == len(people) - len(early)
        assert count.no_outcome == len(early) - len(used)
        assert count.used == len(used)
    assert marker.headline.n == sum(count.used for count in marker.counts)


def test_the_plan_is_what_is_answered(il2, il2_results):
    found = il2_results.prediction
    plan = il2.analysis.prediction
    assert [m.endpoint for m in found.markers] == [
        *plan.predictors, *plan.labs, *plan.composites,
    ]  # fmt: skip
    assert [m.kind for m in found.markers[-3:]] == ["lab", "lab", "composite"]
    assert (found.early_visit, found.landmark, found.better) == ("day5", "week8", "lower")
    assert found.remarks == ()
    kinds = [(s.among, s.adjusted_for_early_outcome) for s in found.markers[0].slopes]
    assert kinds == [
        ("within-arms", False), ("within-arms", True), ("placebo", False), ("il2", False),
        ("all-arms", False),
    ]  # fmt: skip
    assert [(t.term, t.arm) for t in found.markers[0].added] == [
        ("curvature", None), ("slope-difference", "il2"),
    ]  # fmt: skip
    assert any("early changes at Day 5" in text for text in il2_results.plan.further_analyses)


def test_nothing_while_blinded(il2, il2_records, blinded_results):
    assert predicted(il2, il2_records.without_allocation()) is None
    assert blinded_results.prediction is None
    assert blinded_results.allocation is None
    assert not [name for name in result_tables(blinded_results) if name.startswith("early_")]


def test_where_nothing_is_planned_nothing_is_there(il2, il2_records):
    analysis = il2.analysis.model_copy(update={"prediction": None})
    assert predicted(il2.model_copy(update={"analysis": analysis}), il2_records) is None


def test_people_are_shown_when_simulated_and_hidden_when_observed(il2, il2_records, il2_results):
    marker = il2_results.prediction.markers[0]
    assert len(marker.pairs) == marker.headline.n
    assert list(marker.pairs) == sorted(
        marker.pairs, key=lambda p: (p.group != "placebo", p.early, p.outcome)
    )
    observed = eq.records_from_tables(il2, il2_records.frames(), origin="observed")
    real = predicted(il2, observed).markers[0]
    assert real.pairs == ()
    assert real.headline == marker.headline
    options = il2.report.model_copy(update={"individual_data": True})
    allowed = predicted(il2.model_copy(update={"report": options}), observed).markers[0]
    assert allowed.pairs == marker.pairs


def test_neither_the_order_of_records_nor_the_time_changes_it(il2, il2_records, il2_results):
    frames = il2_records.frames()
    turned = {name: table.reverse() for name, table in frames.items()}
    records = eq.records_from_tables(il2, turned, manifest=il2_records.manifest)
    assert predicted(il2, records) == il2_results.prediction
    other = predicted(with_prediction(il2, seed=6), il2_records).markers[0].headline
    first = il2_results.prediction.markers[0].headline
    assert other.as_extreme != first.as_extreme
    assert other.permutation_p == pytest.approx(first.permutation_p, abs=0.02)
    assert other.estimate == first.estimate


def test_without_samples_or_without_spread_the_reason_is_said(il2, il2_records, il2_results):
    plan = with_prediction(il2, predictors=("treg_percent",), permutations=19)
    none = il2_records.cells.filter(
        ~((pl.col("population") == "treg") & (pl.col("visit") == "day5"))
    )
    frames = il2_records.frames()
    records = eq.records_from_tables(
        il2, {**frames, "cells": none}, manifest=il2_records.manifest
    )  # fmt: skip
    marker = predicted(plan, records).markers[0]
    assert marker.headline.failure == (
        "too few people have all values (0) for a slope and its covariates"
    )
    assert [c.no_early for c in marker.counts] == [12, 24]
    assert marker.centres == ()
    flat = il2_records.cells.with_columns(
        value=pl.when(pl.col("population") == "treg").then(5.0).otherwise(pl.col("value"))
    )
    records = eq.records_from_tables(
        il2, {**frames, "cells": flat}, manifest=il2_records.manifest
    )  # fmt: skip
    marker = predicted(plan, records).markers[0]
    assert marker.headline.n == il2_results.prediction.markers[0].headline.n
    assert "does not vary" in marker.headline.failure
    assert all("does not vary enough" in term.failure for term in marker.added)


def test_the_sister_trial_says_what_fourteen_people_allow():
    protocol = eq.load_protocol("il2-bipolar")
    found = predicted(protocol, eq.simulate(protocol, seed=3))
    assert found.remarks == (
        "MADRS total is not measured at Day 5: whether people had already improved by then cannot "
        "be adjusted for",
    )
    assert [s.among for s in found.markers[0].slopes] == [
        "within-arms", "placebo", "il2", "all-arms",
    ]  # fmt: skip
    assert found.markers[0].headline.n <= 14
    assert found.markers[0].slopes[1].df is None or found.markers[0].slopes[1].df <= 2


def tiny(il2, *, observed):
    """Six people, two of them on placebo, with both values."""
    scores = [
        (p, visit, day, "hdrs", "total", float(value))
        for i, p in enumerate(PEOPLE)
        for visit, day, value in (("baseline", 0.0, 20 + i), ("week8", 56.0, 15 - i % 3))
    ]
    cells = [
        (p, visit, day, "treg", "%CD4", 5.0 + 0.3 * i + (0.2 * (i % 4) if visit == "day5" else 0))
        for i, p in enumerate(PEOPLE)
        for visit, day in (("baseline", 0.0), ("day5", 4.0))
    ]
    return small_records(
        il2,
        observed=observed,
        scores=frame("participant visit day instrument item score", scores),
        cells=frame("participant visit day population unit value", cells),
    )


def test_arms_of_very_few_observed_people_have_no_slope_of_their_own(il2):
    plan = with_prediction(il2, predictors=("treg_percent",), permutations=19)
    marker = predicted(plan, tiny(il2, observed=True)).markers[0]
    assert marker.slope("placebo").failure == "too few people for an estimate that may be shown"
    assert marker.slope("placebo").estimate is None
    # Slopes by arm would be given back by their difference.
    assert marker.added == ()
    assert [c.group for c in marker.centres] == ["il2"]
    simulated = predicted(plan, tiny(il2, observed=False)).markers[0]
    assert [c.group for c in simulated.centres] == ["placebo", "il2"]
    assert "too few people have all values" in simulated.slope("placebo").failure


def test_allocation_is_counted_by_stratum_against_the_ratio(il2, il2_records, il2_results):
    found = il2_results.allocation
    assert found.ratio == (1, 2)
    assert found.factors == ("Diagnosis",)
    assert [(row.stratum, row.counts, row.planned) for row in found.rows] == [
        ("MDD", (6, 12), (6.0, 12.0)), ("BD", (6, 12), (6.0, 12.0)),
    ]  # fmt: skip
    assert all(row.as_planned for row in found.rows)
    few = tiny(il2, observed=False)
    rows = count_allocation(il2, few, make_groups(il2, few), 1).rows
    assert [(row.stratum, row.counts) for row in rows] == [("MDD", (1, 2)), ("BD", (1, 2))]
    few = tiny(il2, observed=True)
    hidden = count_allocation(il2, few, make_groups(il2, few), 5)
    assert hidden.hidden
    assert hidden.rows == ()


def test_tables_hold_the_numbers(il2_results):
    tables = result_tables(il2_results)
    slopes = tables["early_change_slopes"]
    assert set(slopes["origin"]) == {"SIMULATED"}
    first = il2_results.prediction.markers[0].headline
    row = slopes.filter(endpoint="treg_percent", among="within-arms").row(0, named=True)
    assert (row["per_sd"], row["permutation_p"]) == (first.per_sd, first.permutation_p)
    assert tables["early_change_counts"].height == 22
    assert tables["early_change_proportion"].height == 22
    assert tables["allocation"]["n"].to_list() == [6, 12, 6, 12]


def test_three_arms(il2, il2_records, il2_results):
    high = il2.arms["il2"].model_copy(update={"label": "High dose"})
    three = il2.model_copy(update={"arms": {**il2.arms, "high": high}})
    plan = with_prediction(three, predictors=("treg_percent", "th2_percent"), permutations=19)
    moved = il2_records.allocation.with_columns(
        arm=pl.when((pl.col("sequence") % 2 == 0) & (pl.col("arm") == "il2"))
        .then(pl.lit("high"))
        .otherwise(pl.col("arm"))
    )
    records = dataclasses.replace(il2_records, allocation=moved)
    found = predicted(plan, records)
    marker = found.markers[0]
    assert [s.among for s in marker.slopes][2:] == ["placebo", "il2", "high", "all-arms"]
    assert [(t.term, t.arm) for t in marker.added][1:] == [
        ("slope-difference", "il2"), ("slope-difference", "high"),
    ]  # fmt: skip
    assert sum(c.used for c in marker.counts) == marker.headline.n
    groups = make_groups(plan, records).groups
    results = il2_results.model_copy(update={"prediction": found, "groups": groups})
    said = early_change_words.proportion(results, found, marker)
    assert "(Aldesleukin against Placebo)" in said
    assert "(High dose against Placebo)" in said
    assert "High dose against Placebo" in tables.proportion_table(results, found)
    assert "High dose alone" in tables.claims_table(results, found, marker)
    assert "High dose (n = " in early_change_figures(results)["early-change"].inline
    short = early_change_words.in_short(results, found, marker)
    assert short.count("difference of the slopes") == 2
