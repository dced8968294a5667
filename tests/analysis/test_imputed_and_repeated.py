"""The association with imputed values and from every visit: closed cases, and what is said."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest
from tests.analysis.test_early_change import predicted, values, with_prediction

import equipoise as eq
from equipoise.analysis import result_tables
from equipoise.analysis.dataset import make_dataset
from equipoise.analysis.groups import make_groups
from equipoise.analysis.prediction import analyse_prediction
from equipoise.report import early_change_words, surrogacy_words, tables


@pytest.fixture(scope="module")
def plan(il2):
    return with_prediction(il2, predictors=("treg_percent",), permutations=19, imputations=20)


@pytest.fixture(scope="module")
def complete(il2, il2_records):
    """Everybody seen everywhere: gaps of scores and cells filled with what others have."""
    people = il2_records.participants["participant"]
    scores = il2_records.scores.filter(instrument="hdrs", item="total")
    visits = scores["visit"].unique(maintain_order=True)
    rng = np.random.default_rng(4)
    known = values(scores)
    mean = {v: np.mean([x for (_, w), x in known.items() if w == v]) for v in visits}
    rows = [
        (p, v, known.get((p, v), float(mean[v] + rng.normal(0, 4)))) for p in people for v in visits
    ]
    filled = pl.DataFrame(rows, schema=["participant", "visit", "score"], orient="row")
    days = dict(scores.select("visit", "day").unique("visit").iter_rows())
    filled = filled.with_columns(
        pl.col("visit").replace_strict(days, return_dtype=pl.Float64).alias("day"),
        instrument=pl.lit("hdrs"),
        item=pl.lit("total"),
    ).select(scores.columns)
    cells = il2_records.cells.filter(population="treg", unit="%CD4")
    seen = set(cells.filter(visit="day5")["participant"])
    again = cells.filter((pl.col("visit") == "baseline") & ~pl.col("participant").is_in(seen))
    again = again.with_columns(
        visit=pl.lit("day5").cast(cells["visit"].dtype), value=pl.col("value") * 1.3
    )
    return dataclasses.replace(
        il2_records,
        scores=filled.cast(dict(zip(scores.columns, scores.dtypes, strict=True))),
        cells=pl.concat([cells, again]),
    )


def test_nobody_missing_every_visit_gives_the_landmark_slope_and_nothing_is_imputed(plan, complete):
    marker = predicted(plan, complete).markers[0]
    assert marker.headline.n == 36
    assert marker.imputed == ()
    assert marker.repeated.participants == 36
    # With every covariate crossed with the visit and nobody missing the mixed model is the
    # analysis of covariance at each visit: equal within the optimiser's tolerance.
    last = marker.repeated.at("week8")
    assert last.estimate == pytest.approx(marker.headline.estimate, rel=1e-6)
    assert last.se == pytest.approx(marker.headline.se, rel=1e-3)
    assert last.df == pytest.approx(marker.headline.df, rel=1e-3)
    assert [s.visit for s in marker.repeated.slopes] == ["week2", "week4", "week6", "week8"]


def test_imputed_stands_beside_complete_cases(plan, il2_records, il2_results):
    marker = predicted(plan, il2_records).markers[0]
    assert [(s.among, s.adjusted_for_early_outcome) for s in marker.imputed] == [
        ("within-arms", False), ("within-arms", True), ("all-arms", False),
    ]  # fmt: skip
    row = marker.imputed[0]
    counts = marker.counts
    assert row.n == 36 == sum(c.randomised for c in counts)
    assert row.imputed_early == sum(c.no_early for c in counts)
    assert row.per_sd == pytest.approx(row.estimate * marker.headline.sd)
    assert row.df < marker.headline.df + 5
    assert 0 < row.missing_information < 1
    assert row.per_sd == pytest.approx(marker.headline.per_sd, abs=marker.headline.se)
    text = early_change_words.missing(il2_results, marker)
    assert f"complete cases (n = {marker.headline.n})" in text
    assert "with 20 imputations (n = 36)" in text


def test_early_samples_lost_by_half_still_give_both(plan, il2_records, il2_results):
    lost = il2_records.participants["participant"][::2].to_list()
    cells = il2_records.cells.filter(
        ~((pl.col("visit") == "day5") & pl.col("participant").is_in(lost))
    )
    marker = predicted(plan, dataclasses.replace(il2_records, cells=cells)).markers[0]
    assert marker.imputed[0].imputed_early >= 18
    assert marker.imputed[0].estimate is not None
    assert marker.imputed[0].missing_information > 0.3
    assert marker.headline.n + marker.imputed[0].imputed_early <= 36


def test_where_nothing_can_be_imputed_the_reason_is_said(plan, il2_records, il2_results):
    cells = il2_records.cells.filter(
        ~((pl.col("visit") == "day5") & (pl.col("population") == "treg"))
    )
    marker = predicted(plan, dataclasses.replace(il2_records, cells=cells)).markers[0]
    assert {s.failure for s in marker.imputed} == {
        "values could not be imputed: early: nobody has a value"
    }
    assert marker.repeated.failure == "nobody has an early change and a later outcome"
    said = early_change_words.failures(il2_results, marker)
    assert "Within arms, imputed: not estimated: values could not be imputed: early: nobody " in (
        " ".join(said)
    )
    assert "could not be imputed" in early_change_words.missing(il2_results, marker)


def test_a_landmark_that_all_have_left(plan, il2_records):
    scores = il2_records.scores.filter(pl.col("visit") != "week8")
    marker = predicted(plan, dataclasses.replace(il2_records, scores=scores)).markers[0]
    assert [c.used for c in marker.counts] == [0, 0]
    assert "too few people have all values (0)" in marker.headline.failure
    assert "nobody has a value" in marker.imputed[0].failure
    # The other visits still have their slopes.
    assert [s.visit for s in marker.repeated.slopes] == ["week2", "week4", "week6"]


def test_one_later_visit_has_no_mixed_model():
    protocol = eq.load_protocol("il2-bipolar")
    found = predicted(protocol, eq.simulate(protocol, seed=3))
    marker = found.markers[0]
    if len(protocol.endpoint_visits("madrs_change")) == 1:
        assert marker.repeated is None
    else:
        assert marker.repeated.slopes or marker.repeated.failure


def test_rows_stand_in_tables_and_page(il2_results):
    marker = il2_results.prediction.markers[0]
    rows = result_tables(il2_results)
    assert rows["early_change_visits"].height == 4 * 11
    assert rows["early_change_imputed"].height == 3 * 11
    page = tables.claims_table(il2_results, il2_results.prediction, marker)
    assert "Within arms, imputed" in page
    assert "Within arms, from every visit" in page
    assert early_change_words.imputed_text(marker.imputed[0]) in page
    visits = tables.visits_table(il2_results, il2_results.prediction)
    assert "T-cell stimulation" in visits
    said = early_change_words.every_visit(il2_results, il2_results.prediction, marker)
    assert "All visits at once: p" in said


def test_a_single_arm_has_slopes_and_a_curve_but_nothing_to_compare(plan, il2_records, il2_results):
    """Only the people of one arm, and one group: no term for the arm, no surrogacy."""
    groups = make_groups(plan, il2_records)
    one = dataclasses.replace(
        groups,
        groups=tuple(g for g in groups.groups if g.key == "il2"),
        members=groups.members.filter(pl.col("_group") == "il2"),
    )
    keys = [key for key, point in plan.endpoints.items() if point.scale.continuous]
    data = {key: make_dataset(plan, il2_records, one, key) for key in keys}
    found = analyse_prediction(plan, il2_records, one, data, 1)
    marker = found.markers[0]
    assert [s.among for s in marker.slopes] == ["within-arms", "within-arms"]
    assert marker.surrogacy == ()
    assert [t.term for t in marker.added] == ["curvature"]
    assert marker.dose.p is not None
    assert marker.repeated.slopes
    assert "arm" not in marker.repeated.formula
    # It is the slope of that arm in the whole trial.
    whole = predicted(plan, il2_records).markers[0].slope("il2")
    assert marker.headline.estimate == pytest.approx(whole.estimate)
    results = il2_results.model_copy(update={"prediction": found})
    assert surrogacy_words.surrogacy(results, found, marker) == []
    assert tables.surrogacy_table(results, found) is None
