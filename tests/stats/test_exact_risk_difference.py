"""Exact risk difference: scipy's and R's exact tests, brute force, coverage by enumeration."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
import scipy.stats
from stats_reference import STORED

from equipoise.stats import ArgumentError, exact_risk_difference, miettinen_nurminen
from equipoise.stats.score_intervals import restricted_p2
from equipoise.stats.unconditional_risk_difference import (
    _binomial,
    _scores,
    fisher_exact,
    upper_tail,
)

CASES = json.loads((STORED / "binomial_tables.json").read_text(encoding="utf-8"))["fisher"]


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_fisher_equals_r(case: dict) -> None:
    found = fisher_exact(case["e1"], case["n1"], case["e0"], case["n0"])
    assert found == pytest.approx(case["p"], rel=1e-10)


@pytest.mark.parametrize(
    "counts", [(15, 24, 3, 12), (7, 24, 1, 12), (5, 10, 2, 10), (9, 17, 8, 13)]
)
def test_tail_at_zero_is_barnards_test(counts: tuple[int, int, int, int]) -> None:
    e1, n1, e0, n0 = counts
    table = [[e1, e0], [n1 - e1, n0 - e0]]
    theirs = scipy.stats.barnard_exact(table, alternative="greater", pooled=True, n=128).pvalue
    # both search for a maximum; theirs by simplicial homology to about 1e-8
    assert upper_tail(*counts, 0.0) == pytest.approx(theirs, rel=1e-6)


def brute_tail(e1: int, n1: int, e0: int, n0: int, delta: float) -> float:
    """Every table, one after the other, over 2,001 values of p0."""

    def score(a: int, b: int) -> float:
        distance = a / n1 - b / n0 - delta
        if abs(distance) < 1e-12:
            return 0.0
        p0 = restricted_p2(a, n1, b, n0, delta)
        p1 = min(max(p0 + delta, 0.0), 1.0)
        variance = p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0
        return distance / math.sqrt(variance) if variance > 1e-16 else math.copysign(1e12, distance)

    seen = score(e1, e0)
    counted = [
        (a, b)
        for a, b in itertools.product(range(n1 + 1), range(n0 + 1))
        if score(a, b) >= seen - 1e-9
    ]
    p0 = np.linspace(max(0.0, -delta), min(1.0, 1.0 - delta), 2001)
    p1 = np.clip(p0 + delta, 0.0, 1.0)
    first = {a: scipy.stats.binom.pmf(a, n1, p1) for a in {a for a, _ in counted}}
    second = {b: scipy.stats.binom.pmf(b, n0, p0) for b in {b for _, b in counted}}
    return float(sum(first[a] * second[b] for a, b in counted).max())


@pytest.mark.parametrize("counts", [(5, 8, 1, 6), (7, 12, 2, 6), (0, 7, 3, 4), (6, 6, 0, 5)])
@pytest.mark.parametrize("delta", [-0.6, -0.15, 0.0, 0.1, 0.45])
def test_tail_equals_brute_force(counts: tuple[int, int, int, int], delta: float) -> None:
    # 2,001 points come within about 1e-6 of the maximum
    assert upper_tail(*counts, delta) == pytest.approx(brute_tail(*counts, delta), rel=1e-5)


@pytest.mark.parametrize("counts", [(60, 150, 41, 140), (3, 190, 0, 60), (70, 80, 12, 60)])
@pytest.mark.parametrize("delta", [-0.2, 0.0, 0.05])
def test_the_largest_tail_is_found_in_large_samples(
    counts: tuple[int, int, int, int], delta: float
) -> None:
    """Against 3,001 values of p0 with the same tables: the search must miss no peak."""
    e1, n1, e0, n0 = counts
    scores = _scores(n1, n0, delta)
    region = (scores >= scores[e1, e0] - 1e-9).astype(float)
    p0 = np.linspace(max(0.0, -delta), min(1.0, 1.0 - delta), 3001)
    first, second = _binomial(n1, np.clip(p0 + delta, 0.0, 1.0)), _binomial(n0, p0)
    dense = float(((first @ region) * second).sum(axis=1).max())
    assert upper_tail(*counts, delta) >= dense * (1.0 - 1e-9)


@pytest.mark.parametrize("counts", [(5, 8, 1, 6), (3, 10, 3, 5), (12, 24, 3, 12)])
def test_limits_are_where_the_tails_cross(counts: tuple[int, int, int, int]) -> None:
    e1, n1, e0, n0 = counts
    found = exact_risk_difference(*counts)
    for delta in np.linspace(-0.99, found.lower - 0.003, 40):
        assert upper_tail(*counts, float(delta)) <= 0.025
    assert (
        upper_tail(*counts, found.lower - 1e-8) <= 0.025 < upper_tail(*counts, found.lower + 1e-8)
    )
    mirrored = e0, n0, e1, n1
    for delta in np.linspace(found.upper + 0.003, 0.99, 40):
        assert upper_tail(*mirrored, -float(delta)) <= 0.025
    tails = [upper_tail(*mirrored, -found.upper + step) for step in (-1e-8, 1e-8)]
    assert tails[0] <= 0.025 < tails[1]


@pytest.mark.parametrize(("n1", "n0"), [(5, 3)])
def test_coverage_is_at_least_its_level_everywhere(n1: int, n0: int) -> None:
    """Exact enumeration over a grid of both probabilities."""
    intervals = {
        (a, b): exact_risk_difference(a, n1, b, n0, alpha=0.1)
        for a, b in itertools.product(range(n1 + 1), range(n0 + 1))
    }
    grid = np.linspace(0.0, 1.0, 33)
    least = 1.0
    for p1, p0 in itertools.product(grid, grid):
        covered = sum(
            scipy.stats.binom._pmf(a, n1, p1) * scipy.stats.binom._pmf(b, n0, p0)
            for (a, b), interval in intervals.items()
            if interval.lower - 1e-9 <= p1 - p0 <= interval.upper + 1e-9
        )
        least = min(least, float(covered))
    assert 0.9 - 1e-9 <= least < 0.99


def test_it_is_wider_than_the_score_interval_and_agrees_in_large_samples() -> None:
    exact, score = exact_risk_difference(15, 24, 3, 12), miettinen_nurminen(15, 24, 3, 12)
    assert exact.estimate == score.estimate
    assert exact.lower < score.lower
    assert exact.upper == pytest.approx(score.upper, abs=0.03)
    large, other = exact_risk_difference(30, 60, 13, 40), miettinen_nurminen(30, 60, 13, 40)
    assert (large.lower, large.upper) == pytest.approx((other.lower, other.upper), abs=0.02)


def test_mirror_and_edges() -> None:
    one, other = exact_risk_difference(5, 9, 1, 6), exact_risk_difference(1, 6, 5, 9)
    assert (-other.upper, -other.lower, other.p) == pytest.approx((one.lower, one.upper, one.p))
    none = exact_risk_difference(0, 8, 0, 4)
    assert (none.p, none.fisher_p) == (1.0, 1.0)
    assert none.lower < -0.3
    assert none.upper > 0.2
    every = exact_risk_difference(8, 8, 0, 4)
    assert every.upper == 1.0
    assert (one.p <= 0.05) == (not one.lower <= 0.0 <= one.upper)


def test_what_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"at most 200 participants an arm \(got \(201, 12\)\).*Use the score interval"):  # fmt: skip
        exact_risk_difference(3, 201, 1, 12)
    with pytest.raises(ArgumentError, match="e0, n0: events lie between 0 and n"):
        exact_risk_difference(3, 20, 13, 12)
    with pytest.raises(ArgumentError, match="alpha lies between"):
        exact_risk_difference(3, 20, 3, 12, alpha=1.0)
