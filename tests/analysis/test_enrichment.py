"""Rules of enrichment in the trial itself: who is kept, the effect among them, what is hidden."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import statsmodels.api as sm
from tests.forecasts import called_observed, simulated, with_plan

import equipoise as eq
from equipoise.analysis.dataset import make_dataset
from equipoise.analysis.groups import make_groups
from equipoise.analysis.prediction.marker_table import make_marker_table
from equipoise.analysis.small_cells import smallest_shown
from equipoise.analysis.stratification.enrichment import _left_out, analyse_enrichment
from equipoise.protocol import check_protocol
from equipoise.protocol.enrichment_plan import EnrichmentPlan, EnrichmentRulePlan

RULES = {
    "rise": EnrichmentRulePlan(
        label="Rise", marker="treg_percent", when="early", at_least=(1.0, 1.05, 1.1)
    ),
    "low": EnrichmentRulePlan(label="Low", marker="th2_percent", at_most=(9.0,)),
    "forecast": EnrichmentRulePlan(label="Forecast", forecast="improvement", at_least=(12.0,)),
    "early": EnrichmentRulePlan(
        label="Early forecast", forecast="response", when="early", at_least=(0.5,)
    ),
}


@pytest.fixture(scope="module")
def protocol():
    made = with_plan(eq.load_protocol("il2-depression"))
    stratification = made.analysis.stratification.model_copy(
        update={"enrichment": EnrichmentPlan(rules=RULES, repeats=2)}
    )
    analysis = made.analysis.model_copy(update={"stratification": stratification})
    return made.model_copy(update={"analysis": analysis})


def parts_of(protocol, records):
    groups = make_groups(protocol, records)
    keys = [k for k, point in protocol.endpoints.items() if point.scale.continuous]
    datasets = {key: make_dataset(protocol, records, groups, key) for key in keys}
    return groups, datasets


def found_in(protocol, records):
    groups, datasets = parts_of(protocol, records)
    return analyse_enrichment(
        protocol, records, groups, datasets, smallest_shown(protocol, records)
    )


@pytest.fixture(scope="module")
def found(protocol):
    return found_in(protocol, simulated())


@pytest.fixture(scope="module")
def table(protocol):
    groups, datasets = parts_of(protocol, simulated())
    return make_marker_table(protocol, simulated(), groups, datasets, protocol.analysis.prediction)


def ancova(table, among):
    """The effect by least squares on a design matrix built by hand."""
    used = among & np.isfinite(table.outcome) & np.isfinite(table.outcome_baseline)
    strata = [(table.stratum == s).astype(float) for s in range(1, table.strata)]
    x = np.column_stack([np.ones(len(used)), table.arm == 1, table.outcome_baseline, *strata])
    fit = sm.OLS(table.outcome[used], x[used].astype(float)).fit()
    return fit.params[1], fit.bse[1], fit.conf_int()[1]


def test_a_rule_on_a_marker_is_that_of_its_values(found, table):
    rise = np.exp(table.early[:, table.place("treg_percent")])
    for rule in [r for r in found.rules if r.rule == "rise"]:
        kept = rise >= rule.threshold
        assert (rule.kept, rule.unknown) == (kept.sum(), np.isnan(rise).sum())
        assert rule.share == kept.mean()
        assert rule.screened == 1 / kept.mean()
        assert not rule.cross_validated
        for effects, among in ((rule.among_kept, kept), (rule.among_others, ~kept)):
            estimate, se, (lower, upper) = ancova(table, among)
            assert effects[0].estimate == pytest.approx(estimate, rel=1e-8)
            assert effects[0].se == pytest.approx(se, rel=1e-8)
            assert (effects[0].lower, effects[0].upper) == pytest.approx((lower, upper), rel=1e-7)
    low = next(r for r in found.rules if r.rule == "low")
    assert low.kept == (np.exp(table.baseline[:, table.place("th2_percent")]) <= 9.0).sum()
    estimate, se, _ = ancova(table, np.ones(len(rise), dtype=bool))
    assert found.everybody[0].estimate == pytest.approx(estimate, rel=1e-8)
    assert found.everybody[0].se == pytest.approx(se, rel=1e-8)


def test_nobody_is_kept_by_his_own_outcome(protocol, table):
    """Another outcome of one person changes what is forecast of others, and not of him."""
    plan = protocol.analysis.stratification.enrichment
    for key in ("forecast", "early"):
        before = _left_out(protocol, table, plan, key, RULES[key])
        person = int(np.flatnonzero(np.isfinite(table.outcome))[7])
        outcome = table.outcome.copy()
        outcome[person] += 40.0
        changed = dataclasses.replace(table, outcome=outcome)
        after = _left_out(protocol, changed, plan, key, RULES[key])
        assert after[person] == before[person]
        others = np.arange(len(before)) != person
        moved = np.abs(after - before)[others & np.isfinite(before)] > 1e-6
        assert moved.mean() > 0.75  # all but who shared his fold in every repeat


def test_forecasts_are_cross_validated_and_come_back(found, protocol):
    again = found_in(protocol, simulated())
    assert again == found
    forecasts = [r for r in found.rules if r.rule in ("forecast", "early")]
    assert all(rule.cross_validated for rule in forecasts)
    assert all(0 < rule.kept < rule.n for rule in forecasts)


def test_small_counts_of_people_are_hidden(protocol):
    found = found_in(protocol, called_observed(simulated()))
    shown = [rule for rule in found.rules if not rule.suppressed]
    assert shown
    for rule in shown:
        assert rule.kept == 0 or rule.kept >= 5
        assert rule.n - rule.kept >= 5
    rises = [rule.kept for rule in shown if rule.rule == "rise"]
    assert all(abs(a - b) >= 5 or a == b for a, b in itertools.pairwise(rises))
    hidden = [rule for rule in found.rules if rule.suppressed]
    assert hidden
    for rule in hidden:
        assert rule.kept is rule.share is rule.unknown is None
        assert not rule.among_kept


def test_two_thresholds_do_not_give_away_the_few_between_them(protocol):
    records = simulated()
    groups, datasets = parts_of(protocol, records)
    table = make_marker_table(protocol, records, groups, datasets, protocol.analysis.prediction)
    rises = np.sort(np.exp(table.baseline[:, table.place("treg_percent")]))[::-1]
    # Kept by the first threshold: 20 people; by the second: 18.
    thresholds = tuple(sorted(((rises[19] + rises[20]) / 2, (rises[17] + rises[18]) / 2)))
    rule = EnrichmentRulePlan(
        label="Near", marker="treg_percent", when="baseline", at_least=thresholds
    )
    plan = EnrichmentPlan(rules={"near": rule}, repeats=2)
    stratification = protocol.analysis.stratification.model_copy(update={"enrichment": plan})
    analysis = protocol.analysis.model_copy(update={"stratification": stratification})
    near = protocol.model_copy(update={"analysis": analysis})
    everything = analyse_enrichment(near, records, groups, datasets, 1)
    assert [rule.kept for rule in everything.rules] == [20, 18]
    told = analyse_enrichment(near, records, groups, datasets, 3)
    assert [rule.kept for rule in told.rules] == [20, None]
    assert told.rules[1].suppressed


def test_nothing_while_blinded(protocol):
    assert found_in(protocol, simulated().without_allocation()) is None


#: Case -> (old, new) in the built-in protocol, what is said.
CASES = {
    "two measures": ('marker = "treg_percent"\nwhen', 'marker = "treg_percent"\nforecast = "response"\nwhen',
                     "a rule is on a marker or on the forecast"),
    "no measure": ('marker = "treg_percent"\nwhen', "when", "a rule is on a marker or on the forecast"),
    "another marker": ('marker = "treg_percent"\nwhen', 'marker = "treg"\nwhen', "`treg` is no marker"),
    "no threshold": ("at_least = [1.0, 1.1, 1.2]", "", "a rule has thresholds"),
    "both sides": ("at_least = [1.0, 1.1, 1.2]", "at_least = [1.0]\nat_most = [2.0]", "a rule has thresholds"),
    "out of order": ("at_least = [1.0, 1.1, 1.2]", "at_least = [1.1, 1.0]", "thresholds rise"),
    "benefit early": ('forecast = "response"\nat_least', 'forecast = "benefit"\nwhen = "early"\nat_least',
                      "under the other arm is not identified"),
    "no probability": ('response = "hdrs_response"\n', "", "no probability of response"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_does_not_go_together_is_refused(name, write_protocol):
    old, new, said = CASES[name]
    protocol, faults = check_protocol(write_protocol((old, new)))
    assert protocol is None
    assert any(said in fault.rule for fault in faults)
