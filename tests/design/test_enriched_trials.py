"""Rules of enrichment on simulated trials: who is enrolled, what is counted, what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from tests.forecasts import observed, planned, trained

import equipoise as eq
from equipoise.analysis.stratification.enrichment_rule import rules_on_grid
from equipoise.design.enriched_trial import enlarged, enrol_kept
from equipoise.design.enrichment_results import EVERYBODY
from equipoise.design.trial_markers import markers_of_trial
from equipoise.simulation.array_trial import simulate_arrays

TREG = eq.MarkerMeasure("treg_percent", "early")
LOW = eq.MarkerMeasure("th2_percent")


@pytest.fixture(scope="module")
def compared():
    rules = (
        *rules_on_grid(LOW, (8.0, 10.0), "at-most"),
        *rules_on_grid(TREG, (0.0, 1.1, 99.0)),
    )
    return eq.compare_enrichment(planned(), rules, 12, 4)


def test_everybody_is_the_trial_as_it_is_simulated(compared):
    """Its effect is the mean of analyses of covariance of the trials themselves."""
    found = []
    for trial in range(12):
        one = simulate_arrays(enlarged(planned(), 8), 4, trial=trial)
        all_in = enrol_kept(planned(), one, np.ones(one.size, dtype=bool), 4, trial)
        table = markers_of_trial(planned(), one, planned().analysis.prediction)
        at = all_in.chosen
        used = at[np.isfinite(table.outcome[at])]
        x = np.column_stack(
            [np.ones(len(used)), table.arm[used], table.outcome_baseline[used], table.stratum[used]]
        )
        found.append(sm.OLS(table.outcome[used], x.astype(float)).fit().params[1])
    row = compared.rows[0]
    assert row.rule == EVERYBODY
    assert row.effect == pytest.approx(np.mean(found), rel=1e-8)
    assert row.effect_se == pytest.approx(np.std(found, ddof=1) / math.sqrt(12), rel=1e-8)
    assert row.share_kept == 1.0
    assert row.screened == 36.0


def test_a_rule_that_keeps_everybody_changes_nothing_and_one_that_keeps_nobody_stops_all(compared):
    rows = {(row.when, row.threshold): row for row in compared.rows}
    whole, all_kept, none_kept = rows["none", None], rows["early", 0.0], rows["early", 99.0]
    # Whoever has no sample at the early visit is not kept.
    assert all_kept.share_kept > 0.85
    assert all_kept.exposure_saved < 0.1
    assert all_kept.effect == pytest.approx(whole.effect, abs=0.5)
    assert none_kept.share_kept == 0.0
    assert none_kept.effect_kept is None
    # The sample is taken before the fifth of nine doses; some would have been missed anyway.
    assert none_kept.exposure_saved == pytest.approx(5 / 9, abs=0.04)
    assert abs(none_kept.effect) < abs(whole.effect)


def test_who_is_enrolled_is_kept_and_fills_the_list():
    protocol = planned()
    pool = simulate_arrays(enlarged(protocol, 8), 9)
    table = markers_of_trial(protocol, pool, protocol.analysis.prediction)
    kept = eq.enrich(pool, eq.EnrichmentRule(LOW, 10.0, "at-most"))
    assert kept.share == kept.kept.mean()
    np.testing.assert_array_equal(
        kept.measure, np.exp(table.baseline[:, table.place("th2_percent")])
    )
    entered = enrol_kept(protocol, pool, kept.kept, 9, 0)
    assert entered.filled
    assert len(set(entered.chosen)) == 36
    assert kept.kept[entered.chosen].all()
    # Each stratum has its planned size, and each arm its share of it.
    for stratum in range(2):
        mine = entered.chosen[pool.stratum[entered.chosen] == stratum]
        assert len(mine) == 18
        arms = [protocol.arm_order.index(pool.plan.arms[a]) for a in pool.arm[mine]]
        assert sum(arms) == 12
    # Screening stops in each stratum with the one who fills it.
    expected = 0
    for stratum in range(2):
        mine = np.flatnonzero(pool.stratum == stratum)
        expected += 1 + int(np.flatnonzero(np.cumsum(kept.kept[mine]) == 18)[0])
    assert entered.screened == expected


def test_fewer_kept_means_more_screened(compared):
    rows = [row for row in compared.rows if row.when == "baseline"]
    narrow, wide = rows
    assert narrow.share_kept < wide.share_kept < 1
    assert narrow.screened > wide.screened > 36
    assert narrow.screened == pytest.approx(36 / narrow.share_kept, rel=0.15)
    assert narrow.screened_per_enrolled == 1 / narrow.share_kept
    assert narrow.effect_left_out is not None
    assert narrow.effect_kept == narrow.effect


def test_stopping_changes_nothing_before_it():
    protocol = planned()
    whole = simulate_arrays(protocol, 5)
    until = np.where(np.arange(whole.size) % 2, 5.0, np.inf)
    after = simulate_arrays(protocol, 5, dosed_until=until)
    first = markers_of_trial(protocol, whole, protocol.analysis.prediction)
    second = markers_of_trial(protocol, after, protocol.analysis.prediction)
    np.testing.assert_array_equal(first.early, second.early)
    np.testing.assert_array_equal(first.baseline, second.baseline)
    stopped = np.isfinite(until)
    np.testing.assert_array_equal(first.outcome[~stopped], second.outcome[~stopped])
    active = stopped & (first.arm == 1) & np.isfinite(first.outcome + second.outcome)
    assert (second.outcome[active] >= first.outcome[active]).mean() > 0.6
    assert (after.doses.day[stopped[after.doses.participant]] < 5.0).all()


def test_a_forecast_keeps_whom_it_keeps_alone():
    """The rule in arrays and the forecast of a person by himself are the same."""
    protocol, model = planned(), observed()
    trial = simulate_arrays(protocol, 9)
    table = markers_of_trial(protocol, trial, protocol.analysis.prediction)
    kept = eq.enrich(trial, eq.EnrichmentRule(eq.ForecastMeasure(model, "il2"), 0.5))
    from equipoise.analysis.stratification.forecast_request import check_person
    from equipoise.analysis.stratification.outlooks import forecast_person

    levels = protocol.population.covariates["diagnosis"].levels
    refused = 0
    for i in range(trial.size):
        values = {
            "diagnosis": levels[trial.covariates["diagnosis"][i]],
            "age": float(trial.covariates["age"][i]),
            "hdrs_baseline": table.outcome_baseline[i],
            "treg_percent_baseline": math.exp(table.baseline[i, table.place("treg_percent")]),
            "th2_percent_baseline": math.exp(table.baseline[i, table.place("th2_percent")]),
        }
        person, _ = check_person(model, values, str)
        outlooks, _ = forecast_person(model, person, str, ["il2"])
        if outlooks:
            assert kept.measure[i] == pytest.approx(outlooks[0].response, rel=1e-12)
        else:
            refused += 1
            assert np.isnan(kept.measure[i])
            assert not kept.kept[i]
    assert 0 < refused < trial.size


def test_a_benefit_needs_interactions():
    trial = simulate_arrays(planned(), 9)
    flat = eq.enrich(trial, eq.EnrichmentRule(eq.ForecastMeasure(trained(), "il2", "benefit"), 0.0))
    assert np.nanstd(flat.measure) < 1e-9
    other = eq.ForecastMeasure(trained(interactions=True), "il2", "benefit")
    bent = eq.enrich(trial, eq.EnrichmentRule(other, 0.0))
    assert np.nanstd(bent.measure) > 0.01


def test_the_table_is_marked_and_the_same_again(compared):
    frame = compared.table
    assert frame["origin"].unique().to_list() == ["SIMULATED"]
    assert frame.height == len(compared.rows)
    assert any("not protected" in note or "protected by" in note for note in compared.notes)
    again = eq.compare_enrichment(planned(), rules_on_grid(TREG, (1.1,)), 12, 4)
    # Whatever rules stand beside it, but for the pool from which people are taken.
    twice = eq.compare_enrichment(planned(), rules_on_grid(TREG, (1.1,)) * 2, 12, 4)
    assert again.rows == twice.rows


def test_what_a_rule_was_learned_from_is_told():
    rule = eq.EnrichmentRule(eq.ForecastMeasure(trained(), "il2"), 0.5)
    found = eq.compare_enrichment(planned(), [rule], 2, 4)
    assert any(trained().data_hash[:12] in note and "SIMULATED" in note for note in found.notes)
    assert found.rows[1].learned


def test_all_faults_come_at_once():
    rules = [
        eq.EnrichmentRule(eq.MarkerMeasure("treg"), 1.0),
        eq.EnrichmentRule(eq.ForecastMeasure(trained(), "il-2", "benefit", "early"), math.inf),
        eq.EnrichmentRule(eq.MarkerMeasure("age", "early"), 3.0),
    ]
    with pytest.raises(eq.EquipoiseError) as error:
        eq.compare_enrichment(planned(), rules, 1, 1, patients="statistical")
    assert [fault.code for fault in error.value.faults] == [
        "enrichment-trials", "enrichment-needs-doses", "enrichment-marker-unknown",
        "enrichment-forecast-unfit", "enrichment-threshold-not-finite", "enrichment-marker-unknown",
    ]  # fmt: skip
