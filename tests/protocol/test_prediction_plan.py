"""The plan of the landmark association: what it says, and what is refused at loading."""

from __future__ import annotations

import pytest
from tests.conftest import protocol_text

import equipoise as eq
from equipoise.protocol import check_protocol

PLAN = protocol_text("il2-depression").split("[analysis.prediction]")[1].split("[safety")[0]


def test_the_twin_plans_it_and_a_trial_need_not(il2, write_protocol):
    plan = il2.analysis.prediction
    assert (plan.early_visit, plan.landmark, plan.outcome) == ("day5", "week8", "hdrs_change")
    assert plan.predictors[0] == "treg_percent"
    assert set(plan.predictors) <= set(il2.endpoints)
    parts = ('"analysis.prediction', '"analysis.stratification')
    said = [x for x in protocol_text("il2-depression").splitlines() if x.startswith(parts)]
    cut = [(f"[analysis.prediction]{PLAN}", ""), *((line, "") for line in said)]
    without = eq.load_protocol(write_protocol(*cut))
    assert without.analysis.prediction is None
    assert without.hash != il2.hash
    assert "assumed" in str(il2.provenance["analysis.prediction"])


#: change to the twin → field, part of the rule, part of the remedy
CASES = {
    "no such early visit": (
        ('early_visit = "day5"', 'early_visit = "day6"'),
        "early_visit", "`day6` is no visit of visits", "did you mean `day5`?",
    ),
    "no such landmark": (
        ('landmark = "week8"', 'landmark = "week9"'),
        "landmark", "`week9` is no visit of visits", "week8",
    ),
    "an early visit that is the baseline": (
        ('early_visit = "day5"', 'early_visit = "baseline"'),
        "early_visit", "changes are counted from baseline", "name a visit after baseline",
    ),
    "a landmark before the early visit": (
        ('early_visit = "day5"\noutcome = "hdrs_change"\nlandmark = "week8"',
         'early_visit = "week4"\noutcome = "hdrs_change"\nlandmark = "week2"'),
        "landmark", "`week4` is on day 28, `week2` on day 14", "name a later visit",
    ),
    "a landmark at the early visit": (
        ('landmark = "week8"', 'landmark = "day5"'),
        "landmark", "the outcome lies after the early change", "name a later visit",
    ),
    "no such outcome": (
        ('outcome = "hdrs_change"', 'outcome = "hdrs_chnage"'),
        "outcome", "`hdrs_chnage` is no endpoint", "did you mean `hdrs_change`?",
    ),
    "an outcome that is a rate": (
        ('outcome = "hdrs_change"', 'outcome = "hdrs_response"'),
        "outcome", "on the scale `response`", "change or log_fold",
    ),
    "no such lab": (
        ('labs = ["crp", ', 'labs = ["cpr", '),
        "labs.0", "`cpr` is no laboratory value", "did you mean `crp`?",
    ),
    "a lab twice": (
        ('labs = ["crp", "eosinophils"]', 'labs = ["crp", "crp"]'),
        "labs.1", "each marker stands once", "take this one out",
    ),
    "a composite of something else": (
        ("th2_percent = 1, naive_cd4_percent = 1,", "alp = 1,"),
        "composites.stimulation.members.alp", "`alp` is no marker", "treg_percent",
    ),
    "a composite with a member of weight 0": (
        ("th2_percent = 1, naive_cd4_percent = 1,", "th2_percent = 0,"),
        "composites.stimulation.members.th2_percent", "a member of weight 0 is none", "take it out",
    ),
    "a composite named like a marker": (
        ("prediction.composites.stimulation]", "prediction.composites.treg_percent]"),
        "composites.treg_percent", "a name of its own", "name it otherwise",
    ),
    "no such predictor": (
        ('predictors = [\n  "treg_percent"', 'predictors = [\n  "treg_percnt"'),
        "predictors.0", "`treg_percnt` is no endpoint", "did you mean `treg_percent`",
    ),
    "a predictor twice": (
        ('predictors = [\n  "treg_percent", "treg_count"', 'predictors = [\n  "treg_percent", "treg_percent"'),
        "predictors.1", "each predictor stands once", "take the second one out",
    ),
    "the outcome as its own predictor": (
        ('predictors = [\n  "treg_percent"', 'predictors = [\n  "hdrs_change"'),
        "predictors.0", "not its own predictor", "take it out",
    ),
    "a predictor that is not measured then": (
        ('early_visit = "day5"', 'early_visit = "week2"'),
        "predictors.0", "`treg_percent` is not measured at `week2`", "choose another visit",
    ),
    "too few permutations": (
        ("permutations = 4999", "permutations = 5"),
        "permutations", "greater than or equal to 19", "nearest valid: 19",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_does_not_go_together_is_refused(name, write_protocol):
    change, field, rule, remedy = CASES[name]
    assert protocol_text("il2-depression").count(change[0]) == 1
    protocol, faults = check_protocol(write_protocol(change))
    assert protocol is None
    found = [f for f in faults if f.field == f"analysis.prediction.{field}"]
    assert found, [str(f) for f in faults]
    assert rule in found[0].rule
    assert remedy in found[0].remedy
    assert ", line " in found[0].where
