"""Multivariate t and studentised range against mvtnorm, R's ptukey and closed forms."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import scipy.stats
from stats_reference import STORED

from equipoise.stats import ArgumentError
from equipoise.stats.distributions import two_sided_t
from equipoise.stats.multivariate_t import MaximumT, _tabulate, maximum_t
from equipoise.stats.studentised_range import (
    studentised_range_quantile,
    studentised_range_tail,
)

REFERENCE = json.loads((STORED / "multiplicity.json").read_text(encoding="utf-8"))
MATRICES = {name: np.array(block["correlation"]) for name, block in REFERENCE["tails"].items()}
#: Absolute, of the lattice: docs/methods/multiple-comparisons.md.
LATTICE = 1e-4


@pytest.mark.parametrize("name", MATRICES)
def test_tails_against_mvtnorm(name: str) -> None:
    """Within mvtnorm's own error estimate (three standard errors; four of them) and ours."""
    largest = maximum_t(MATRICES[name])
    for point in REFERENCE["tails"][name]["points"]:
        df = float(point["df"]) or math.inf
        tail, error = largest.tail(point["q"], df)
        assert abs(tail - point["tail"]) < 4.0 * point["error"] + error + 1e-10
        assert error < (1e-15 if largest.method == "exact" else 2e-3)


def test_which_are_exact() -> None:
    exact = {name for name, matrix in MATRICES.items() if maximum_t(matrix).method == "exact"}
    assert {"two", "two_negative", "three_equal", "product", "independent"} <= exact
    assert not exact & {"ar4", "ar6", "random5", "singular4", "singular6", "pairs3"}


def plain_tail(matrix: np.ndarray, q: float, df: float, n: int = 400_000) -> tuple[float, float]:
    """By simulation: the definition."""
    rng = np.random.default_rng(1)
    values, vectors = np.linalg.eigh(matrix)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    z = rng.normal(size=(n, len(matrix))) @ root.T
    largest = np.max(np.abs(z), axis=1) / np.sqrt(rng.chisquare(df, size=n) / df)
    p = float(np.mean(largest > q))
    return p, math.sqrt(p * (1.0 - p) / n)


@pytest.mark.parametrize("name", ["product", "ar4", "random5", "singular6", "pairs4"])
def test_tails_against_their_definition(name: str) -> None:
    p, se = plain_tail(MATRICES[name], 2.2, 7.5)
    assert abs(maximum_t(MATRICES[name]).tail(2.2, 7.5)[0] - p) < 4.0 * se + LATTICE


@pytest.mark.parametrize("k", [2, 3, 5, 9])
@pytest.mark.parametrize("rho", [0.1, 0.5, 0.8])
def test_the_lattice_against_quadrature(k: int, rho: float) -> None:
    """The same matrix both ways; the lattice's own error estimate holds."""
    matrix = np.full((k, k), rho) + (1.0 - rho) * np.eye(k)
    exact, lattice = maximum_t(matrix), MaximumT(_tabulate(matrix, 5), "lattice")
    assert exact.method == "exact"
    for df in (2.5, 12.3, 300.0, math.inf):
        for q in (0.3, 1.0, 2.0, 2.8, 4.0, 7.0):
            p = exact.tail(q, df)[0]
            other, error = lattice.tail(q, df)
            assert abs(other - p) < LATTICE
            assert abs(other - p) < error + 1e-12
    assert lattice.quantile(0.05, 12.3) == pytest.approx(exact.quantile(0.05, 12.3), abs=1e-3)


def test_pairs_are_the_studentised_range() -> None:
    """All pairs of m independent means: a singular matrix whose answer is known otherwise."""
    for name, m in (("pairs3", 3), ("pairs4", 4)):
        largest = maximum_t(MATRICES[name])
        for q, df in ((1.0, 5.5), (2.4, 12.3), (4.0, 60.0)):
            exact = studentised_range_tail(q * math.sqrt(2.0), m, df)
            assert largest.tail(q, df)[0] == pytest.approx(exact, abs=LATTICE)


def test_one_comparison_and_perfect_correlation_are_one_t() -> None:
    ones = np.array([[1.0, -1.0, 1.0], [-1.0, 1.0, -1.0], [1.0, -1.0, 1.0]])
    for matrix in (np.eye(1), ones):
        for q, df in ((0.5, 3.3), (2.1, 11.0), (9.0, 40.0)):
            assert maximum_t(matrix).tail(q, df)[0] == pytest.approx(
                float(two_sided_t(q, df)), rel=1e-9
            )


def test_independent_comparisons_given_the_scale() -> None:
    """With infinite degrees of freedom: Šidák's formula, exactly."""
    q = 2.3
    one = math.erfc(q / math.sqrt(2.0))
    assert maximum_t(np.eye(6)).tail(q, math.inf)[0] == pytest.approx(1 - (1 - one) ** 6, rel=1e-12)


def test_small_tails_keep_their_digits() -> None:
    """Far out the comparisons never meet: the tail is Bonferroni's sum."""
    for name in ("product", "random5"):
        k = len(MATRICES[name])
        tail = maximum_t(MATRICES[name]).tail(9.0, 400.0)[0]
        assert tail == pytest.approx(k * float(two_sided_t(9.0, 400.0)), rel=2e-2)
        assert 0.0 < tail < 1e-15


@pytest.mark.parametrize("name", ["product", "ar4", "singular4"])
def test_quantiles_invert_tails(name: str) -> None:
    largest = maximum_t(MATRICES[name])
    for alpha in (0.001, 0.05, 0.5):
        for df in (2.2, 33.0, math.inf):
            assert largest.tail(largest.quantile(alpha, df), df)[0] == pytest.approx(
                alpha, rel=1e-9
            )


def test_the_seed_is_the_only_chance() -> None:
    one = maximum_t(MATRICES["ar6"], seed=1).tail(2.0, 9.0)
    assert one == maximum_t(MATRICES["ar6"], seed=1).tail(2.0, 9.0)
    other = maximum_t(MATRICES["ar6"], seed=2).tail(2.0, 9.0)
    assert one != other
    assert abs(one[0] - other[0]) < LATTICE


def test_order_and_sign_do_not_matter() -> None:
    matrix = MATRICES["random3"]
    order, sign = [2, 0, 1], np.array([1.0, -1.0, -1.0])
    turned = (matrix * np.outer(sign, sign))[np.ix_(order, order)]
    assert maximum_t(turned).tail(1.7, 8.0)[0] == pytest.approx(
        maximum_t(matrix).tail(1.7, 8.0)[0], abs=LATTICE
    )


def test_studentised_range_against_r() -> None:
    """R's ptukey loses digits at few degrees of freedom; scipy, which integrates anew, does not."""
    for row in REFERENCE["ranges"]:
        ours = studentised_range_tail(row["q"], row["k"], row["df"])
        assert abs(ours - row["tail"]) < (3e-5 if row["df"] < 5 else 5e-9)
        theirs = scipy.stats.studentized_range.sf(row["q"], row["k"], row["df"])
        assert abs(ours - theirs) < 1e-12
    for row in REFERENCE["range_quantiles"]:  # qtukey stops at 1e-4
        ours = studentised_range_quantile(row["alpha"], row["k"], row["df"])
        assert ours == pytest.approx(row["q"], rel=2e-4)


def test_the_range_of_two_is_a_t() -> None:
    for t, df in ((0.1, 3.7), (2.0, 9.9), (6.0, 120.0), (40.0, 5.0)):
        tail = studentised_range_tail(t * math.sqrt(2.0), 2, df)
        assert tail == pytest.approx(float(two_sided_t(t, df)), rel=1e-7)


@pytest.mark.parametrize(
    "matrix",
    [[[1.0, 0.5]], [[1.0, 0.4], [0.5, 1.0]], [[1.0, 1.5], [1.5, 1.0]], [[2.0, 0.0], [0.0, 1.0]],
     [[1.0, math.nan], [math.nan, 1.0]], np.empty((0, 0))],
)  # fmt: skip
def test_no_correlation_matrix(matrix) -> None:
    with pytest.raises(ArgumentError, match=r"not a correlation matrix.*positive semidefinite"):
        maximum_t(matrix)
