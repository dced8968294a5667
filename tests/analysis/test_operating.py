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

TRIALS = 200
ERROR = math.sqrt(0.05 * 0.95 / TRIALS)


def rows(protocol, scenario, endpoint, visit):
    """estimate, se, p, lower, upper of the contrast at a visit, trial by trial."""
    model = protocol.analysis.models[protocol.endpoints[endpoint].model]
    L = None
    for trial in range(TRIALS):
        # Statistical participants: what is put in is known, and the arms' variances are equal.
        records = eq.simulate(
            protocol, seed=2026, scenario=scenario, trial=trial, patients="statistical"
        )
        data = make_dataset(protocol, records, make_groups(protocol, records), endpoint)
        fit = eq.mmrm(model.formula, data.frame, subject="participant", visit="visit", df=model.df)
        if L is None:
            # The arm is in no interaction but with the visit: its contrast is the same
            # combination of coefficients in every trial.
            levels, means = fit.lsmeans_matrix("arm", by="visit")
            at = levels.select("visit", "arm").cast(str).rows()
            L = means[at.index((visit, "il2"))] - means[at.index((visit, "placebo"))]
            terms = fit.terms
        assert fit.terms == terms
        yield fit.linear(L).row(0, named=True)


@pytest.mark.parametrize(
    ("endpoint", "visit"), [("hdrs_change", "week8"), ("treg_percent", "day5")]
)
def test_false_positives_under_the_null(il2, endpoint, visit):
    found = list(rows(il2, "null", endpoint, visit))
    rate = sum(c["p"] < 0.05 for c in found) / TRIALS
    assert 0.045 - 4 * ERROR < rate < 0.057 + 4 * ERROR
    # Both directions: a sign error would put all of them on one side.
    assert 0 < sum(c["p"] < 0.05 and c["estimate"] > 0 for c in found) < rate * TRIALS


def test_intervals_cover_what_was_put_in(il2):
    plan = il2.assumptions.statistical.scores["hdrs"].change
    truth = plan["il2"]["week8"] - plan["placebo"]["week8"]
    found = list(rows(il2, "planned", "hdrs_change", "week8"))
    covered = sum(c["lower"] <= truth <= c["upper"] for c in found) / TRIALS
    assert 0.943 - 4 * ERROR < covered < 0.955 + 4 * ERROR
    mean = sum(c["estimate"] for c in found) / TRIALS
    spread = math.sqrt(sum((c["estimate"] - mean) ** 2 for c in found) / (TRIALS - 1))
    assert abs(mean - truth) < 4 * spread / math.sqrt(TRIALS) + 0.2  # scores are cut at 0
    # The model's standard errors are those that the estimates really have.
    average = sum(c["se"] for c in found) / TRIALS
    assert abs(average / spread - 1) < 4 / math.sqrt(2 * TRIALS)
