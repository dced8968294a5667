"""Response, remission, time to response, categories: against plain twins written from the rules."""

from __future__ import annotations

import math
from dataclasses import replace

import polars as pl
import pytest

import equipoise as eq
from equipoise.analysis.groups import make_groups
from equipoise.analysis.outcomes import analyse_outcome, outcome_data, reached
from equipoise.stats import (
    clopper_pearson,
    exact_risk_difference,
    kaplan_meier,
    miettinen_nurminen_stratified,
    restricted_mean_difference,
    win_probability,
)


def wide(records):
    """participant → visit → HDRS total, with arm and diagnosis."""
    totals = records.scores.filter(instrument="hdrs", item="total").drop_nulls("score")
    found: dict[str, dict] = {p: {} for p in records.participants["participant"]}
    days: dict[str, dict] = {p: {} for p in records.participants["participant"]}
    for person, visit, day, score in totals.select(
        "participant", "visit", "day", "score"
    ).iter_rows():
        found[person][visit] = score
        days[person][visit] = day
    arm = dict(records.allocation.select("participant", "arm").iter_rows())
    diagnosis = dict(records.participants.select("participant", "diagnosis").iter_rows())
    return found, days, arm, diagnosis


def twin_counts(records, visit, rule, missing):
    """(events, n) by (arm, diagnosis), from the definition."""
    found, _, arm, diagnosis = wide(records)
    counts = {(a, d): [0, 0] for a in ("il2", "placebo") for d in ("BD", "MDD")}
    for person, scores in found.items():
        cell = counts[arm[person], diagnosis[person]]
        known = visit in scores and (rule == "remission" or "baseline" in scores)
        if not known and missing == "observed":
            continue
        if not known:
            good = missing == "worst" and arm[person] == "placebo"
        elif rule == "remission":
            good = scores[visit] <= 7
        else:
            good = scores[visit] <= scores["baseline"] / 2
        cell[0] += good
        cell[1] += 1
    return counts


def columns(counts, arm):
    return [counts[arm, d][0] for d in ("BD", "MDD")], [counts[arm, d][1] for d in ("BD", "MDD")]


@pytest.mark.parametrize("rule", ["response", "remission"])
@pytest.mark.parametrize("visit", ["week2", "week8"])
def test_rates_and_differences_follow_the_definition(il2_records, il2_results, rule, visit):
    outcome = il2_results.outcomes[f"hdrs_{rule}"]
    counts = twin_counts(il2_records, visit, rule, "failure")
    (e1, n1), (e0, n0) = columns(counts, "il2"), columns(counts, "placebo")
    rows = {r.group: r for r in outcome.groups if r.visit == visit}
    assert (rows["il2"].events, rows["il2"].n) == (sum(e1), 24)
    assert (rows["placebo"].events, rows["placebo"].n) == (sum(e0), 12)
    assert (rows["il2"].lower, rows["il2"].upper) == pytest.approx(clopper_pearson(sum(e1), 24))
    (contrast,) = [c for c in outcome.contrasts if c.visit == visit]
    expected = miettinen_nurminen_stratified(e1, n1, e0, n0)
    assert contrast.measure == "rate difference"
    for name in ("estimate", "lower", "upper", "p"):
        assert getattr(contrast, name) == pytest.approx(getattr(expected, name), rel=1e-12)


def test_sensitivity_of_a_response_counts_missing_values_otherwise(il2_records, il2_results):
    other, worst, exact = il2_results.outcomes["hdrs_response"].sensitivity
    for item, missing in ((other, "observed"), (worst, "worst")):
        counts = twin_counts(il2_records, "week8", "response", missing)
        (e1, n1), (e0, n0) = columns(counts, "il2"), columns(counts, "placebo")
        (contrast,) = item.contrasts
        assert contrast.estimate == pytest.approx(
            miettinen_nurminen_stratified(e1, n1, e0, n0).estimate, rel=1e-12
        )
    counts = twin_counts(il2_records, "week8", "response", "failure")
    (e1, n1), (e0, n0) = columns(counts, "il2"), columns(counts, "placebo")
    expected = exact_risk_difference(sum(e1), sum(n1), sum(e0), sum(n0))
    (contrast,) = exact.contrasts
    assert (contrast.lower, contrast.upper) == pytest.approx((expected.lower, expected.upper))
    assert worst.contrasts[0].estimate <= other.contrasts[0].estimate


def test_half_of_an_odd_score_is_not_rounded(il2, il2_records):
    scores = il2_records.scores.with_columns(
        pl.when(pl.col("participant") == "P001", pl.col("instrument") == "hdrs",
                pl.col("item") == "total")
        .then(pl.when(pl.col("visit") == "baseline").then(21.0)
              .when(pl.col("visit") == "week2").then(11.0)
              .when(pl.col("visit") == "week4").then(10.0)
              .when(pl.col("visit") == "week6").then(8.0).otherwise(7.0))
        .otherwise(pl.col("score")).alias("score")
    )  # fmt: skip
    records = replace(il2_records, scores=scores)
    groups = make_groups(il2, records)
    found = reached(outcome_data(il2, records, groups, "hdrs_response"))
    assert found["P001", "week2"] is False
    assert found["P001", "week4"] is True
    remission = reached(outcome_data(il2, records, groups, "hdrs_remission"))
    assert remission["P001", "week6"] is False
    assert remission["P001", "week8"] is True


def test_time_to_response_is_the_first_visit_that_meets_the_rule(il2_records, il2_results):
    found, days, arm, diagnosis = wide(il2_records)
    order = ["day5", "week2", "week4", "week6", "week8"]
    rows = []
    for person, scores in found.items():
        seen = [v for v in order if v in scores]
        if "baseline" not in scores or not seen:
            continue
        hit = next((v for v in seen if scores[v] <= scores["baseline"] / 2), None)
        day = days[person][hit] if hit else max(days[person][v] for v in seen)
        rows.append((day, hit is not None, arm[person], diagnosis[person]))
    outcome = il2_results.outcomes["hdrs_time_to_response"]
    expected = restricted_mean_difference(
        [r[0] for r in rows], [r[1] for r in rows], [r[2] == "il2" for r in rows], 50.0,
        [r[3] for r in rows],
    )  # fmt: skip
    (contrast,) = outcome.contrasts
    assert contrast.visit == "week8"  # the horizon is the first day of its window: 50
    for name in ("estimate", "se", "lower", "upper", "p"):
        assert getattr(contrast, name) == pytest.approx(getattr(expected, name), rel=1e-12)
    curve = kaplan_meier(
        [r[0] for r in rows if r[2] == "il2"], [r[1] for r in rows if r[2] == "il2"]
    )
    mine = [p for p in outcome.curve if p.group == "il2"]
    shown = curve.time <= 50
    assert 0 < shown.sum() < len(curve.time)
    assert [p.day for p in mine] == pytest.approx(list(curve.time[shown]))
    assert [p.share for p in mine] == pytest.approx(list(curve.survival[shown]))


def test_a_composite_event_is_a_failure_and_never_a_response(il2, il2_records):
    from equipoise.analysis.dataset import values_of
    from equipoise.analysis.strategies import handle_events
    from equipoise.protocol.intercurrent import IntercurrentEvent

    groups = make_groups(il2, il2_records)
    plain = outcome_data(il2, il2_records, groups, "hdrs_response")
    responders = [p for (p, v), yes in reached(plain).items() if v == "week8" and yes]
    person = responders[0]
    events = pl.DataFrame({"participant": [person], "event": ["ect"], "day": [1.0]})
    plan = (IntercurrentEvent(event="ect", strategy="composite"),)

    def changed(key):
        handled = handle_events(il2, key, values_of(il2, il2_records, key), events, plan)
        return analyse_outcome(outcome_data(il2, il2_records, groups, key, handled=handled))

    before, after = analyse_outcome(plain), changed("hdrs_response")

    def total(outcome):
        return sum(r.events for r in outcome.groups if r.visit == "week8")

    assert total(after) == total(before) - 1
    times = changed("hdrs_time_to_response")
    assert sum(r.events for r in times.groups) <= total(before)


def test_blinded_outcomes_are_pooled_and_compare_nothing(blinded_results):
    for outcome in blinded_results.outcomes.values():
        assert {r.group for r in outcome.groups} == {"all"}
        assert outcome.contrasts == ()
        assert outcome.sensitivity == ()
    assert {r.group for r in blinded_results.events} == {"all"}


CGI = (
    ("[cells.treg]\n", '[instruments.cgi]\nscale = "cgi-s"\nvisits = ["baseline", "week8"]\n\n[cells.treg]\n'),
    ("[endpoints.hdrs_response]\n", '[endpoints.cgi]\nlabel = "CGI severity"\ninstrument = "cgi"\nscale = "ordinal"\nbetter = "lower"\n\n[endpoints.hdrs_response]\n'),
    ("[assumptions.statistical.scores.ymrs]\n", "[assumptions.statistical.scores.cgi]\nbaseline_mean = 5\ncorrelation = 0.5\nsd = { baseline = 0.8, week8 = 1.2 }\nchange = { placebo = { week8 = -1 }, il2 = { week8 = -2 } }\n\n[assumptions.statistical.scores.ymrs]\n"),
)  # fmt: skip


def test_categories_are_compared_by_the_probability_to_do_better(write_protocol):
    protocol = eq.load_protocol(write_protocol(*CGI))
    records = eq.simulate(protocol, seed=4)
    outcome = eq.analyse(protocol, records).outcomes["cgi"]
    frame = (
        records.scores.filter(instrument="cgi", visit="week8").drop_nulls("score")
        .join(records.allocation.select("participant", "arm"), on="participant")
        .join(records.participants.select("participant", "diagnosis"), on="participant")
    )  # fmt: skip
    expected = win_probability(
        (-frame["score"]).to_list(), (frame["arm"] == "il2").to_list(), frame["diagnosis"].to_list()
    )
    (contrast,) = outcome.contrasts
    assert contrast.measure == "win probability"
    assert contrast.estimate == pytest.approx(expected.estimate, rel=1e-12)
    assert (contrast.lower, contrast.upper) == pytest.approx((expected.lower, expected.upper))
    # From the definition, within strata: pairs won by the arm, ties half.
    parts, weights = [], []
    for _, mine in frame.group_by("diagnosis"):
        a = mine.filter(arm="il2")["score"].to_list()
        b = mine.filter(arm="placebo")["score"].to_list()
        wins = sum((x < y) + 0.5 * (x == y) for x in a for y in b)
        parts.append(wins / (len(a) * len(b)))
        weights.append(len(a) * len(b) / (len(a) + len(b)))
    twin = sum(p * w for p, w in zip(parts, weights, strict=True)) / sum(weights)
    assert contrast.estimate == pytest.approx(twin, rel=1e-12)
    counts = next(r for r in outcome.groups if r.group == "il2")
    assert sum(n for _, n in counts.categories) == counts.n
    assert counts.n + counts.missing == 24


def test_nobody_responding_is_said_and_no_interval_is_made_up(il2, il2_records, tmp_path):
    scores = il2_records.scores.with_columns(
        pl.when(pl.col("instrument") == "hdrs", pl.col("item") == "total")
        .then(pl.lit(25.0)).otherwise(pl.col("score")).alias("score")
    )  # fmt: skip
    records = replace(il2_records, scores=scores)
    groups = make_groups(il2, records)
    times = analyse_outcome(outcome_data(il2, records, groups, "hdrs_time_to_response"))
    assert times.contrasts == ()
    assert "nobody responded" in times.failure
    assert all(r.lower is None for r in times.groups)
    rates = analyse_outcome(outcome_data(il2, records, groups, "hdrs_response"))
    assert all(math.isfinite(c.lower) and math.isfinite(c.upper) for c in rates.contrasts)
    assert {r.events for r in rates.groups} == {0}


def test_observed_curves_end_where_few_are_at_risk(il2, il2_records):
    groups = make_groups(il2, il2_records)
    data = outcome_data(il2, il2_records, groups, "hdrs_time_to_response", smallest=5)
    assert min(p.at_risk for p in analyse_outcome(data).curve) >= 5
