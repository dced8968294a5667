"""Families by every method: plain twins, R, and what a missing member costs the others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from equipoise.analysis.family_adjustment import adjusted_members
from equipoise.protocol.multiplicity_plan import Adjustment, Graph
from equipoise.stats import benjamini_hochberg, fixed_sequence, hochberg, holm

REFERENCE = Path(__file__).parents[1] / "reference" / "p_adjust.json"
CASES = json.loads(REFERENCE.read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_r_adjusts_alike(case):
    for name, ours in (("holm", holm), ("hochberg", hochberg), ("BH", benjamini_hochberg)):
        # R prints 15 significant digits.
        np.testing.assert_allclose(ours(case["p"]), case[name], rtol=1e-13, atol=0)


def test_false_discovery_and_fixed_sequence_by_hand():
    p = [0.01, 0.04, 0.03, 0.005, 0.5]
    wanted = [0.025, 0.05, 0.05, 0.025, 0.5]
    np.testing.assert_allclose(benjamini_hochberg(p), wanted, rtol=1e-14)
    assert fixed_sequence([0.01, 0.2, 0.03]).tolist() == [0.01, 0.2, 0.2]
    assert benjamini_hochberg([]).tolist() == fixed_sequence([]).tolist() == []


P = {("a", "x"): 0.03, ("b", "x"): 0.01, ("c", "x"): 0.02}


def by_method(method, known, graph=None):
    found = adjusted_members(Adjustment(method), ["a", "b", "c"], ["x"], known, graph)
    return [found[name, "x"] for name in "abc"]


GRAPH = Graph(weights={"a": 1.0, "b": 0.0, "c": 0.0}, transitions={"a": {"b": 1}, "b": {"c": 1}})


@pytest.mark.parametrize(
    ("method", "wanted"),
    [
        ("holm", [0.04, 0.03, 0.04]),
        ("hochberg", [0.03, 0.03, 0.03]),
        ("bh", [0.03, 0.03, 0.03]),
        ("fixed-sequence", [0.03, 0.03, 0.03]),
        ("max-t", [0.04, 0.03, 0.04]),  # where nothing is drawn again
        ("none", [None, None, None]),
    ],
)
def test_each_method_adjusts_as_it_says(method, wanted):
    assert by_method(method, P) == pytest.approx(wanted)


def test_a_graph_in_one_line_is_a_fixed_sequence():
    assert by_method("graphical", P, GRAPH) == pytest.approx(by_method("fixed-sequence", P))


@pytest.mark.parametrize("method", ["holm", "hochberg", "bh", "fixed-sequence", "graphical"])
@pytest.mark.parametrize("lost", ["a", "b", "c"])
def test_a_member_that_cannot_be_had_makes_nothing_easier(method, lost):
    whole = by_method(method, P, GRAPH)
    unknown = {**P, (lost, "x"): None}
    absent = {place: p for place, p in P.items() if place != (lost, "x")}
    for known in (unknown, absent):
        left = by_method(method, known, GRAPH)
        assert left["abc".index(lost)] == 1.0
        assert all(x >= y - 1e-15 for x, y in zip(left, whole, strict=True))


def test_with_two_arms_an_order_decides_on_the_endpoint_by_the_larger_p_adjusted_over_arms():
    known = {("a", "x"): 0.01, ("a", "y"): 0.03, ("b", "x"): 0.02, ("b", "y"): 0.001}
    found = adjusted_members(Adjustment.FIXED_SEQUENCE, ["a", "b"], ["x", "y"], known, None)
    assert found == pytest.approx(
        {("a", "x"): 0.03, ("a", "y"): 0.03, ("b", "x"): 0.03, ("b", "y"): 0.03}
    )
    each = adjusted_members(Adjustment.HOLM, ["a", "b"], ["x", "y"], known, None)
    assert each["b", "y"] == pytest.approx(0.004)
