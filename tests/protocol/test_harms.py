"""Vital signs, reference limits, liver tests and stopping rules: what is refused, and why."""

from __future__ import annotations

import pytest

import equipoise as eq
from equipoise.protocol import check_protocol

#: change to the twin → (field, part of the rule, part of the remedy)
CASES = {
    "vital sign at no visit": (
        ('label = "Heart rate"', 'label = "Heart rate"\nvisits = ["baseline", "week3"]'),
        "vitals.heart_rate.visits.1", "`week3` is no visit", "week",
    ),
    "vital sign without a baseline": (
        ('label = "Heart rate"', 'label = "Heart rate"\nvisits = ["day5"]'),
        "vitals.heart_rate.visits", "taken at the baseline visit", 'add "baseline"',
    ),
    "marked limits the wrong way round": (
        ("marked_low = 35", "marked_low = 39"),
        "vitals.temperature.marked_high", "marked_low = 39 lies below marked_high", "correct one",
    ),
    "reference limit beyond the range": (
        ("normal_low = 40\nnormal_high = 130", "normal_low = 40\nnormal_high = 4000"),
        "labs.alp.maximum", "normal_high = 4000 lies below maximum", "correct one",
    ),
    "liver test that is no laboratory value": (
        ('alt = "alt"', 'alt = "gpt"'),
        "safety.liver.alt", "`gpt` is no laboratory value", "alt",
    ),
    "liver test without a limit": (
        ("maximum = 800\nnormal_high = 21", "maximum = 800"),
        "safety.liver.bilirubin", "multiples of the upper reference limit",
        "labs.bilirubin.normal_high",
    ),
    "liver flags without a transaminase": (
        ('alt = "alt"\nast = "ast"', ""),
        "safety.liver", "need `alt` or `ast`", "name one",
    ),
    "stopping rule for an unknown event": (
        ('event = "severe"', 'event = "sever"'),
        "safety.stopping.severe.event", "no kind of event or term", "severe",
    ),
    "stopping rule for an unknown arm": (
        ('event = "severe"', 'event = "severe"\narms = ["il3"]'),
        "safety.stopping.severe.arms.0", "`il3` is no arm", "il2",
    ),
    "looks out of order": (
        ("looks = [6, 12, 18, 24]", "looks = [6, 18, 12]"),
        "safety.stopping.severe.looks", "looks rise", "sort",
    ),
    "look beyond the trial": (
        ("looks = [6, 12, 18, 24]", "looks = [6, 37]"),
        "safety.stopping.severe.looks", "population.size = 36", "drop",
    ),
    "assumed sign that is not planned": (
        ("[assumptions.statistical.vitals.systolic]", "[assumptions.statistical.vitals.sistolic]"),
        "assumptions.statistical.vitals.sistolic", "no vital sign", "systolic",
    ),
    "planned sign that is not assumed": (
        ("[assumptions.statistical.vitals.systolic]", "[assumptions.statistical.vitals.sistolic]"),
        "assumptions.statistical.vitals", "systolic has none", "add it",
    ),
    "shift of an unknown arm": (
        ("shift = { il2 = { day5 = 0.3 } }", "shift = { il3 = { day5 = 0.3 } }"),
        "assumptions.statistical.vitals.temperature.shift.il3", "no arm", "il2",
    ),
    "shift at baseline": (
        ("shift = { il2 = { day5 = 0.3 } }", "shift = { il2 = { baseline = 0.3 } }"),
        "assumptions.statistical.vitals.temperature.shift.il2.baseline", "visit after baseline",
        "day5",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_rule_is_broken_once_and_named(name, write_protocol):
    change, field, rule, remedy = CASES[name]
    if "visits = " in change[1]:  # the visits that stood there give way
        path = write_protocol(change)
        head, tail = path.read_text(encoding="utf-8").split(change[1])
        lines = tail.split("\n")
        lines.remove('visits = ["baseline", "day5", "week2", "week4", "week6", "week8"]')
        path.write_text(head + change[1] + "\n".join(lines), encoding="utf-8")
    else:
        path = write_protocol(change)
    protocol, faults = check_protocol(path)
    assert protocol is None
    matching = [f for f in faults if f.field == field and f.code == "protocol-inconsistent"]
    assert matching, [str(f) for f in faults]
    assert rule in matching[0].rule
    assert remedy in matching[0].remedy
    assert matching[0].where.startswith("protocol.toml, line ")


def test_what_is_left_out_does_not_change_the_hash_of_older_protocols(antidepressant):
    """Vital signs, limits and rules are optional: a protocol without them is the same plan."""
    canonical = antidepressant.canonical()
    for name in ("vitals", "normal_high", "stopping", "liver"):
        assert f'"{name}"' not in canonical


def test_the_twin_states_what_the_safety_sections_need():
    protocol = eq.load_protocol("il2-depression")
    assert set(protocol.vitals) == {"temperature", "systolic", "diastolic", "heart_rate"}
    assert protocol.vitals["temperature"].unblinding
    assert protocol.safety.liver is not None
    assert protocol.safety.stopping["severe"].looks == (6, 12, 18, 24)
    for path in ("vitals", "labs", "assumptions.statistical.vitals"):
        assert protocol.provenance[path].assumed
