"""Stopping rules from the records: order of treatment, crossing, and what the blind allows."""

from __future__ import annotations

import pytest
from scipy import stats
from tests.analysis.small_trial import frame, small_safety

import equipoise as eq

SEVERE = frame(
    "participant term start_day end_day grade serious related outcome",
    [
        ("P3", "Nausea", 1.0, 2.0, 3, False, False, None),
        ("P4", "Nausea", 1.0, 2.0, 3, False, False, None),
        ("P4", "Headache", 1.0, 2.0, 4, False, False, None),
        ("P6", "Nausea", 1.0, 2.0, 2, False, False, None),
        ("P1", "Nausea", 1.0, 2.0, 3, False, False, None),
    ],
)
DOSES = frame(
    "participant day kit drug amount unit route",
    [(p, 0.0, None, "study drug", 0.5, "mL", "subcutaneous") for p in ("P1", "P3", "P4", "P6")],
)


def rule(write_protocol, **fields):
    """The twin with its rule changed; a field given as None is taken out."""
    text = {"event": '"severe"', "accepted_rate": "0.10", "alpha": "0.05",
            "looks": "[1, 2, 3, 4]", "rates": "[0.1, 0.5]", **fields}  # fmt: skip
    old = (
        'label = "Events of grade 3 or higher"\nevent = "severe"\naccepted_rate = 0.10\n'
        "alpha = 0.05\nlooks = [6, 12, 18, 24]\nrates = [0.05, 0.10, 0.20, 0.30, 0.40]"
    )
    label = text.pop("label", '"Events of grade 3 or higher"')
    new = "\n".join([f"label = {label}", *(f"{k} = {v}" for k, v in text.items())])
    return eq.load_protocol(write_protocol((old, new)))


def test_a_rule_by_hand(write_protocol):
    """On il2 P3, P4 and P6 were treated, in this order; P5 got no dose. Two had the event."""
    protocol = rule(write_protocol)
    (found,) = small_safety(protocol, adverse_events=SEVERE, doses=DOSES).stopping
    assert (found.treated, found.events, found.arms) == (3, 2, "Aldesleukin")
    boundaries = {}
    for n in (1, 2, 3, 4):  # smallest b with P(X >= b) <= 0.05 at a rate of 0.1
        fits = [b for b in range(1, n + 1) if stats.binom.sf(b - 1, n, 0.1) <= 0.05]
        boundaries[n] = min(fits) if fits else None
    assert boundaries == {1: None, 2: 2, 3: 2, 4: 3}
    assert [(x.n, x.boundary, x.events, x.crossed) for x in found.looks] == [
        (1, None, 1, False), (2, 2, 2, True), (3, 2, 2, True), (4, 3, None, None),
    ]  # fmt: skip
    assert found.crossed_at == 2
    # At a rate of 1/2: stops after 2 with probability 1/4, after 3 when exactly one of the
    # first two and the third had it: 1/4; after 4 with 3 of 4 it would need 2 of 3 before.
    half = found.characteristics[1]
    assert half.stop == pytest.approx(0.5)
    assert half.expected_n == pytest.approx(0.25 * 2 + 0.25 * 3 + 0.5 * 4)


def test_the_kinds_of_events(write_protocol):
    for event, count in (("any", 3), ("fatal", 0), ("Nausea", 3), ("Headache", 1)):
        protocol = rule(write_protocol, event=f'"{event}"')
        (found,) = small_safety(protocol, adverse_events=SEVERE, doses=DOSES).stopping
        assert found.events == count, event


def test_without_doses_everybody_counts_as_treated_and_it_is_said(write_protocol):
    safety = small_safety(rule(write_protocol), adverse_events=SEVERE)
    assert safety.stopping[0].treated == 4
    assert any("so everybody counts as treated" in text for text in safety.remarks)


def test_without_events_no_rule_is_evaluated(write_protocol):
    safety = small_safety(rule(write_protocol), doses=DOSES)
    assert safety.stopping == ()
    assert "Stopping rules: adverse events are not part of these records" in safety.remarks


def test_blinded_only_a_rule_over_all_arms_for_an_open_term_is_evaluated(write_protocol):
    arms = '["placebo", "il2"]'
    tables = {"adverse_events": SEVERE, "doses": DOSES, "blinded": True}
    for fields in (
        {}, {"arms": arms}, {"event": '"Nausea"'},
        {"event": '"Injection site reaction"', "arms": arms},
    ):  # fmt: skip
        safety = small_safety(rule(write_protocol, **fields), **tables)
        assert safety.stopping == ()
        assert any("1 stopping rule of the protocol cannot be" in t for t in safety.remarks)
    protocol = rule(
        write_protocol, event='"Nausea"', arms=arms, label='"Nausea on aldesleukin or placebo"'
    )
    (found,) = small_safety(protocol, **tables).stopping
    assert (found.treated, found.events) == (4, 4)
    assert found.label == "Stopping rule 1"  # the label named a drug
    assert found.arms == "All participants"
