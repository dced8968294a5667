"""Seeded simulation: false positives under the null, coverage under the plan.

200 trials of the twin, through simulation, data set and model as every trial goes. The limits
are four Monte-Carlo errors around the band that `evidence.md` declares for Kenward–Roger at
24 : 12 with equal variances (4.5 to 5.7 %): enough to catch an error of method, no proof of a
digit. The seed is fixed, so the result is a constant.
"""

from __future__ import annotations

import math

import pytest

import equipoise as eq
from equipoise.analysis.dataset import make_dataset
from equipoise.analysis.groups import make_groups
from equipoise.analysis.mixed_models import analyse_endpoint

TRIALS = 200
ERROR = math.sqrt(0.05 * 0.95 / TRIALS)


@pytest.fixture(scope="module")
def without_subgroups(il2):
    """The twin without the interaction models, which this does not need."""
    analysis = il2.analysis
    models = {
        key: model.model_copy(update={"subgroup": None, "subgroup_formula": None})
        for key, model in analysis.models.items()
    }
    return il2.model_copy(update={"analysis": analysis.model_copy(update={"models": models})})


def contrasts(protocol, plain, scenario, endpoint, visit):
    for trial in range(TRIALS):
        records = eq.simulate(protocol, seed=2026, scenario=scenario, trial=trial)
        groups = make_groups(plain, records)
        data = make_dataset(plain, records, groups, endpoint)
        result = analyse_endpoint(plain, groups, endpoint, data)
        assert result.failure is None
        yield next(c for c in result.contrasts if c.visit == visit)


@pytest.mark.parametrize(
    ("endpoint", "visit"), [("hdrs_change", "week8"), ("treg_percent", "day5")]
)
def test_false_positives_under_the_null(il2, without_subgroups, endpoint, visit):
    found = list(contrasts(il2, without_subgroups, "null", endpoint, visit))
    rate = sum(c.p < 0.05 for c in found) / TRIALS
    assert 0.045 - 4 * ERROR < rate < 0.057 + 4 * ERROR
    # Both directions: a sign error would put all of them on one side.
    assert 0 < sum(c.p < 0.05 and c.estimate > 0 for c in found) < rate * TRIALS


def test_intervals_cover_what_was_put_in(il2, without_subgroups):
    plan = il2.assumptions.statistical.scores["hdrs"].change
    truth = plan["il2"]["week8"] - plan["placebo"]["week8"]
    found = list(contrasts(il2, without_subgroups, "planned", "hdrs_change", "week8"))
    covered = sum(c.lower <= truth <= c.upper for c in found) / TRIALS
    assert 0.943 - 4 * ERROR < covered < 0.955 + 4 * ERROR
    mean = sum(c.estimate for c in found) / TRIALS
    spread = math.sqrt(sum((c.estimate - mean) ** 2 for c in found) / (TRIALS - 1))
    assert abs(mean - truth) < 4 * spread / math.sqrt(TRIALS) + 0.2  # scores are cut at 0
    # The model's standard errors are those that the estimates really have.
    average = sum(c.se for c in found) / TRIALS
    assert abs(average / spread - 1) < 4 / math.sqrt(2 * TRIALS)
