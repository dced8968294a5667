"""Stratified Miettinen–Nurminen: published limits, R's CMH test, and a plain twin."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import scipy.optimize
from stats_reference import STORED

from equipoise.stats import (
    ArgumentError,
    ConvergenceError,
    miettinen_nurminen,
    miettinen_nurminen_stratified,
)
from equipoise.stats.stratified_risk_difference import _Strata

CASES = json.loads((STORED / "binomial_tables.json").read_text(encoding="utf-8"))["cmh"]

# Hartung and Knapp's cisapride trials, as in Laud PJ (2017) Pharm Stat 16:334–348, appendix B
CISAPRIDE = (
    [15, 12, 29, 42, 14, 44, 14, 29, 10, 17, 38, 19, 21],
    [16, 16, 34, 56, 22, 54, 17, 58, 14, 26, 44, 29, 38],
    [9, 1, 18, 31, 6, 17, 7, 23, 3, 6, 12, 22, 19],
    [16, 16, 34, 56, 22, 55, 15, 58, 15, 27, 45, 30, 38],
)
LU = ([3, 4, 18], [5, 10, 35], [1, 3, 2], [15, 10, 25])
HARMS = (
    [0, 1, 0, 0, 0, 2, 5, 1, 4, 1, 1, 0, 0, 0, 0, 0, 4],
    [432, 375, 80, 248, 50, 251, 605, 466, 525, 80, 375, 189, 55, 110, 85, 170, 1030],
    [0, 0, 0, 1, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    [142, 125, 40, 84, 24, 85, 209, 231, 175, 40, 124, 59, 27, 56, 85, 85, 350],
)


@pytest.mark.parametrize(
    ("counts", "lower", "upper", "digits"),
    [
        # printed in tests/v_scoreci.sas of github.com/PeteLaud/ratesci-sas (commit 192fdd8):
        # R ratesci and Klingenberg's own code, six digits
        (CISAPRIDE, 0.245286, 0.369981, 6),
        # Lu K (2008) Joint Statistical Meetings, as quoted there
        (LU, 0.1963, 0.5381, 4),
        # Klingenberg B (2014) Stat Med 33:2968–2983, adverse events, as quoted there
        (HARMS, -0.0027, 0.0038, 4),
    ],
)
def test_published_limits_with_mantel_haenszel_weights(
    counts: tuple[list[int], ...], lower: float, upper: float, digits: int
) -> None:
    found = miettinen_nurminen_stratified(*counts, weights="mantel-haenszel")
    # half a unit of the last printed digit
    assert (found.lower, found.upper) == pytest.approx((lower, upper), abs=0.5 * 10**-digits)


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
@pytest.mark.parametrize("weights", ["miettinen-nurminen", "mantel-haenszel"])
def test_at_zero_it_is_the_cochran_mantel_haenszel_test(case: dict, weights: str) -> None:
    counts = case["e1"], case["n1"], case["e0"], case["n0"]
    found = miettinen_nurminen_stratified(*counts, weights=weights)  # pyright: ignore[reportArgumentType]
    # R prints 15 digits; the statistic is a closed form on both sides
    assert found.z**2 == pytest.approx(case["statistic"], rel=1e-11)
    assert found.p == pytest.approx(case["p"], rel=1e-10)
    assert (found.p < 0.05) == (not found.lower <= 0.0 <= found.upper)


@pytest.mark.parametrize("counts", [(56, 70, 48, 80), (9, 10, 3, 10), (5, 56, 0, 29), (0, 9, 0, 7)])
@pytest.mark.parametrize("weights", ["miettinen-nurminen", "mantel-haenszel"])
def test_one_stratum_is_the_unstratified_interval(
    counts: tuple[int, int, int, int], weights: str
) -> None:
    plain = miettinen_nurminen(*counts)
    found = miettinen_nurminen_stratified(*([c] for c in counts), weights=weights)  # pyright: ignore
    assert (found.estimate, found.lower, found.upper) == pytest.approx(
        (plain.estimate, plain.lower, plain.upper), abs=1e-13
    )
    assert found.weights == (1.0,)


def twin_score(counts: tuple[list[int], ...], delta: float, *, iterate: bool) -> float:
    """The definition: restricted likelihood by numerical search, weights by many rounds."""
    p1, p0 = [], []
    for e1, n1, e0, n0 in zip(*counts, strict=True):

        def minus(p: float, e1: int = e1, n1: int = n1, e0: int = e0, n0: int = n0) -> float:
            terms = ((e1, p + delta), (n1 - e1, 1 - p - delta), (e0, p), (n0 - e0, 1 - p))
            return -sum(k * math.log(max(q, 1e-300)) for k, q in terms if k)

        low, high = max(0.0, -delta), min(1.0, 1.0 - delta)
        p = scipy.optimize.minimize_scalar(
            minus, bounds=(low, high), method="bounded", options={"xatol": 1e-13}
        ).x
        p0.append(p)
        p1.append(p + delta)
    n1, n0 = np.array(counts[1], float), np.array(counts[3], float)
    difference = np.array(counts[0]) / n1 - np.array(counts[2]) / n0
    p1, p0 = np.array(p1), np.array(p0)
    n = n1 + n0
    variance = (p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0) * n / (n - 1)
    w = n1 * n0 / n
    for _ in range(300 if iterate else 0):
        r1, r0 = np.average(p1, weights=w), np.average(p0, weights=w)
        w = 1.0 / (r1 * (1 - r1) / (r0 * (1 - r0)) / n1 + 1.0 / n0)
    w = w / w.sum()
    return float((w @ difference - delta) / math.sqrt(w**2 @ variance))


@pytest.mark.parametrize("counts", [LU, ([25, 34, 28, 52], [33, 50, 50, 67], [4, 17, 15, 22], [17, 25, 25, 33]), ([5, 7, 1], [12, 12, 4], [1, 2, 1], [6, 6, 2])])  # fmt: skip
@pytest.mark.parametrize("weights", ["miettinen-nurminen", "mantel-haenszel"])
def test_limits_are_where_the_twin_rejects(counts: tuple[list[int], ...], weights: str) -> None:
    """No outside tool with these iterated weights was at hand: the twin is the check."""
    found = miettinen_nurminen_stratified(*counts, weights=weights)  # pyright: ignore
    iterate = weights == "miettinen-nurminen"
    # the search finds p to about the root of the rounding error, hence 2e-5
    for limit, sign in ((found.lower, 1.0), (found.upper, -1.0)):
        z = twin_score(counts, limit, iterate=iterate)
        assert z == pytest.approx(sign * 1.959963984540054, rel=2e-5)
    assert twin_score(counts, found.estimate, iterate=iterate) == pytest.approx(0.0, abs=1e-5)
    assert sum(found.weights) == pytest.approx(1.0)
    assert found.lower < found.estimate < found.upper


def test_the_two_weights_differ_away_from_zero() -> None:
    one = miettinen_nurminen_stratified(*LU)
    other = miettinen_nurminen_stratified(*LU, weights="mantel-haenszel")
    assert abs(one.upper - other.upper) > 1e-3
    assert one.p == pytest.approx(other.p)


def test_order_of_strata_and_of_arms_do_not_matter() -> None:
    found = miettinen_nurminen_stratified(*LU)
    shuffled = miettinen_nurminen_stratified(*([row[i] for i in (2, 0, 1)] for row in LU))
    assert (shuffled.lower, shuffled.upper) == pytest.approx((found.lower, found.upper), abs=1e-12)
    mirrored = miettinen_nurminen_stratified(LU[2], LU[3], LU[0], LU[1])
    assert (-mirrored.upper, -mirrored.lower) == pytest.approx(
        (found.lower, found.upper), abs=1e-12
    )
    assert mirrored.z == pytest.approx(-found.z)


def test_a_stratum_with_an_empty_arm_is_left_out_and_counted() -> None:
    found = miettinen_nurminen_stratified([2, 3, 2, 5], [3, 5, 5, 6], [0, 1, 1, 2], [0, 2, 2, 3])
    without = miettinen_nurminen_stratified([3, 2, 5], [5, 5, 6], [1, 1, 2], [2, 2, 3])
    assert (found.lower, found.upper, found.p) == (without.lower, without.upper, without.p)
    assert (found.strata_used, found.strata_left_out, found.participants_left_out) == (3, 1, 3)
    assert found.weights == (0.0, *without.weights)


def test_no_events_and_all_events_have_an_interval() -> None:
    none = miettinen_nurminen_stratified([0, 0], [12, 12], [0, 0], [6, 6])
    assert (none.estimate, none.p) == (0.0, 1.0)
    assert none.lower < -0.1
    assert none.upper > 0.1
    every = miettinen_nurminen_stratified([12, 12], [12, 12], [0, 0], [6, 6])
    assert every.upper == 1.0
    assert 0.5 < every.lower < 1.0


@pytest.mark.parametrize("weights", ["miettinen-nurminen", "mantel-haenszel"])
def test_sparse_strata_reject_nothing_inside_and_everything_outside(weights: str) -> None:
    """The limits come from a search outwards: the set not rejected has no holes or islands."""
    rng = np.random.default_rng(0)
    for _ in range(15):
        size = int(rng.integers(2, 6))
        n1, n0 = rng.integers(1, 12, size), rng.integers(1, 12, size)
        e1, e0 = rng.binomial(n1, rng.random()), rng.binomial(n0, rng.random())
        found = miettinen_nurminen_stratified(e1, n1, e0, n0, weights=weights)  # pyright: ignore
        strata = _Strata(np.stack([e1, n1, e0, n0], axis=1), fixed=weights == "mantel-haenszel")
        for delta in np.linspace(-0.99, 0.99, 60):
            kept = abs(strata.score(float(delta))) <= 1.959963984540054
            assert kept == (found.lower <= delta <= found.upper)


def test_coverage_in_three_strata() -> None:
    """600 trials of 36, seeded; Monte-Carlo error 0.9 %."""
    rng = np.random.default_rng(42)
    n1, n0, p0, delta = np.array([12, 8, 4]), np.array([6, 4, 2]), np.array([0.2, 0.3, 0.5]), 0.3
    inside, seen = 0, {}
    for _ in range(600):
        key = (*rng.binomial(n1, p0 + delta).tolist(), *rng.binomial(n0, p0).tolist())
        if key not in seen:
            found = miettinen_nurminen_stratified(
                key[:3], n1, key[3:], n0, weights="mantel-haenszel"
            )
            seen[key] = found.lower <= delta <= found.upper
        inside += seen[key]
    assert 0.925 < inside / 600 < 0.98


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([3], [2], [0], [4]), r"stratum 0: events lie between 0 and n \(got \(3, 2, 0, 4\)\)"),
        (([1.5], [2], [0], [4]), "counts are whole numbers"),
        (([1], [2, 3], [0], [4]), "four rows of one length"),
        (([1, 0], [2, 0], [0, 1], [0, 4]), "no stratum has participants in both arms"),
    ],
)
def test_impossible_counts_are_refused(arguments: tuple[list[int], ...], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        miettinen_nurminen_stratified(*arguments)


def test_weights_that_do_not_settle_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("equipoise.stats.stratified_risk_difference._ITERATIONS", 1)
    with pytest.raises(ConvergenceError, match=r"weights did not settle.*mantel-haenszel"):
        miettinen_nurminen_stratified(*LU)
    assert miettinen_nurminen_stratified(*LU, weights="mantel-haenszel").p < 0.05


def test_unknown_weights_are_refused() -> None:
    with pytest.raises(ArgumentError, match="One of: miettinen-nurminen, mantel-haenszel"):
        miettinen_nurminen_stratified([1], [2], [0], [4], weights="equal")  # pyright: ignore
    with pytest.raises(ArgumentError, match="alpha lies between"):
        miettinen_nurminen_stratified([1], [2], [0], [4], alpha=0.0)
