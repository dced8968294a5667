"""The plan of all early changes together: what it says, and what is refused at loading."""

from __future__ import annotations

import pytest
from tests.conftest import protocol_text

import equipoise as eq
from equipoise.protocol import check_protocol
from equipoise.protocol.multivariate_plan import MultivariatePlan

MIXING = "mixing = [0.0, 0.5]"


def test_the_twin_plans_it_and_owns_up_to_what_is_assumed(il2):
    plan = il2.analysis.prediction.multivariate
    assert plan.rule == "best"
    assert plan.predictors == ()
    assert 0.0 in plan.mixing
    assert "assumed" in str(il2.provenance["analysis.prediction.multivariate"])


def test_left_out_it_changes_no_hash(write_protocol):
    text = protocol_text("il2-depression")
    start = text.index("[analysis.prediction.multivariate]")
    table = text[start : text.index("# What can be foretold", start)]
    said = next(x for x in text.splitlines() if x.startswith('"analysis.prediction.multivariate"'))
    without = eq.load_protocol(write_protocol((table, ""), (said, "")))
    assert without.analysis.prediction.multivariate is None
    assert "multivariate" not in without.analysis.prediction.model_dump(exclude_defaults=True)
    assert MultivariatePlan().model_dump(exclude_defaults=True) == {}


#: change to the twin → field, part of the rule, part of the remedy
CASES = {
    "no such marker": (
        (MIXING, f'predictors = ["tregs"]\n{MIXING}'),
        "predictors.0", "`tregs` is no marker", "treg",
    ),
    "a marker twice": (
        (MIXING, f'predictors = ["treg_percent", "treg_percent"]\n{MIXING}'),
        "predictors.1", "each predictor stands once", "take it out",
    ),
    "a mixing twice": (
        (MIXING, "mixing = [0.5, 0.5]"),
        "mixing.1", "each mixing stands once", "take it out",
    ),
    "a mixing above 1": (
        (MIXING, "mixing = [2.0]"),
        "mixing.0", "less than or equal to 1", "nearest valid: 1",
    ),
    "no such rule": (
        (MIXING, f'rule = "bset"\n{MIXING}'),
        "rule", "best", "best",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_does_not_go_together_is_refused(name, write_protocol):
    change, field, rule, remedy = CASES[name]
    protocol, faults = check_protocol(write_protocol(change))
    assert protocol is None
    found = [f for f in faults if f.field == f"analysis.prediction.multivariate.{field}"]
    assert found, [str(f) for f in faults]
    assert rule in found[0].rule
    assert remedy in found[0].remedy


def test_a_composite_is_no_marker_beside_its_members(write_protocol):
    composite = (
        '[analysis.prediction.composites.regulation]\nlabel = "Regulation"\n'
        "members = { treg_percent = 1.0, th2_percent = 1.0 }\n\n[analysis.prediction.multivariate]\n"
        'predictors = ["regulation"]\n'
    )
    text = protocol_text("il2-depression")
    assert text.count("[analysis.prediction.multivariate]\n") == 1
    _, faults = check_protocol(write_protocol(("[analysis.prediction.multivariate]\n", composite)))
    assert ["a sum of its members" in f.rule for f in faults] == [True]
