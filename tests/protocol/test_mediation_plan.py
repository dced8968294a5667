"""The plan of the mediation analysis: what it says, and what is refused at loading."""

from __future__ import annotations

import pytest
from tests.conftest import protocol_text

from equipoise.protocol import check_protocol

HEAD = "[analysis.prediction.mediation]\n"
JOINT = 'joint = ["treg_percent", "th2_percent", "crp"]\n'
FIRST = 'mediators = [\n  "treg_percent", "treg_count"'


def test_the_twin_plans_it_and_says_that_it_is_assumed(il2):
    plan = il2.analysis.prediction.mediation
    assert plan.joint == ("treg_percent", "th2_percent", "crp")
    assert plan.early_score
    assert plan.interval == "percentile"
    assert plan.rho[0] == -0.9
    assert plan.rho[9] == 0.0
    assert "assumed" in str(il2.provenance["analysis.prediction.mediation"])


#: change to the twin → field, part of the rule, part of the remedy
CASES = {
    "no such mediator": (
        (FIRST, 'mediators = [\n  "treg_prcent", "treg_count"'),
        "mediators", "`treg_prcent` is no marker", "did you mean `treg_percent`",
    ),
    "a mediator twice": (
        (FIRST, 'mediators = [\n  "treg_count", "treg_count"'),
        "mediators", "each mediator stands once", "take it out",
    ),
    "the outcome as its own mediator": (
        (JOINT, 'joint = ["treg_percent", "hdrs_change"]\n'),
        "joint", "the outcome is not its own mediator", "take it out",
    ),
    "one mediator together": (
        (JOINT + "early_score = true", 'joint = ["treg_percent"]'),
        "joint", "two mediators or more", "name another",
    ),
    "a correlation of 1": (
        (HEAD, HEAD + "rho = [0.0, 1.0]\n"),
        "rho", "between -1 and 1", "ascending",
    ),
    "correlations that do not ascend": (
        (HEAD, HEAD + "rho = [0.5, 0.0]\n"),
        "rho", "and ascend", "ascending",
    ),
    "an error of what is no mediator": (
        ("assay_cv = { treg_percent", "assay_cv = { tregs"),
        "assay_cv", "`tregs` is no mediator", "treg",
    ),
    "an impossible error": (
        ("assay_cv = { treg_percent = 0.05", "assay_cv = { treg_percent = 5.0"),
        "assay_cv", "between 0 and 2", "as 0.05",
    ),
    "an error of what is no ratio": (
        ("assay_cv = { treg_percent", 'assay_cv = { both = 0.1, treg_percent'),
        "assay_cv", "error of a ratio", "take it out",
    ),
    "an early visit at which the outcome is not measured": (
        ('early_visit = "day5"', 'early_visit = "day2"'),
        "early_score", "is not measured at `day2`", "leave it out",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_refused_in_words(name, write_protocol):
    change, field, rule, remedy = CASES[name]
    text = protocol_text("il2-depression")
    assert change[0] in text
    changes = [change]
    if "both" in change[1]:
        changes += [
            (HEAD, '[analysis.prediction.composites.both]\nlabel = "Both"\n'
             'members = { treg_percent = 1, th2_percent = 1 }\n\n' + HEAD),
            (FIRST, 'mediators = [\n  "both", "treg_percent", "treg_count"'),
        ]  # fmt: skip
    protocol, faults = check_protocol(write_protocol(*changes))
    assert protocol is None
    found = [f for f in faults if f.field.startswith(f"analysis.prediction.mediation.{field}")]
    assert found, [str(f) for f in faults]
    assert any(rule in f.rule for f in found), [f.rule for f in found]
    assert any(remedy in f.remedy for f in found), [f.remedy for f in found]
