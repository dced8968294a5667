"""The plans of immune profiles and effect modifiers: what is refused at loading."""

from __future__ import annotations

import pytest
from tests.conftest import protocol_text

from equipoise.protocol import check_protocol

#: change to the twin → end of the field, part of the rule, part of the remedy
CASES = {
    "a modifier that nobody measures": (
        ('modifiers = ["diagnosis", "sex"', 'modifiers = ["diagnosis", "sxe"'),
        "modifiers.1",
        "`sxe` is no modifier",
        "did you mean `sex`?",
    ),
    "a profile of one marker": (
        (
            'markers = ["treg_percent", "th2_percent", "naive_cd4_percent", "naive_cd8_percent"]\nrel',
            'markers = ["treg_percent"]\nrel',
        ),
        "profiles.markers",
        "a profile is of several markers",
        "at least two",
    ),
    "cut-offs of no laboratory value": (
        ('inflammation = "crp"', "most = 2"),
        "profiles.cutoffs",
        "go together",
        "give both, or neither",
    ),
    "a share outside its limits": (
        ("above = 3, percent = 27", "above = 3, percent = 77"),
        "cutoffs.1.percent",
        "it lies within its limits",
        "correct it",
    ),
    "a relation stated twice": (
        ('related = ["diagnosis", "sex", "age"]', 'related = ["sex", "sex"]'),
        "related.1",
        "each stands once",
        "take this one out",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_does_not_go_together_is_refused(name, write_protocol):
    change, field, rule, remedy = CASES[name]
    assert protocol_text("il2-depression").count(change[0]) == 1
    protocol, faults = check_protocol(write_protocol(change))
    assert protocol is None
    found = [f for f in faults if f.field and f.field.endswith(field)]
    assert len(found) == 1, [str(f) for f in faults]
    assert rule in found[0].rule
    assert remedy in found[0].remedy


def test_without_a_prediction_there_is_no_outcome_and_no_marker(write_protocol):
    text = protocol_text("il2-depression")
    plan = (
        "[analysis.prediction]"
        + text.split("[analysis.prediction]")[1].split("# Who people are at baseline")[0]
    )
    said = next(x for x in text.splitlines() if x.startswith('"analysis.prediction"'))
    protocol, faults = check_protocol(write_protocol((plan, ""), (said, "")))
    assert protocol is None
    fields = {f.field for f in faults}
    assert "analysis.stratification.heterogeneity" in fields
    assert "analysis.stratification.profiles.markers" in fields
