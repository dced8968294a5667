"""Graphical procedure and Hochberg: special cases, a published graph, the closed test as twin."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from equipoise.stats import ArgumentError, graphical_procedure_p, hochberg, holm

probabilities = st.lists(st.floats(0.0, 1.0), min_size=2, max_size=6)


def everyone_to_everyone(m: int) -> np.ndarray:
    return (np.ones((m, m)) - np.eye(m)) / (m - 1)


@given(probabilities)
def test_equal_shares_are_holm(p: list[float]) -> None:
    m = len(p)
    found = graphical_procedure_p(p, np.full(m, 1 / m), everyone_to_everyone(m))
    assert found == pytest.approx(holm(p), abs=1e-9)


@given(probabilities)
def test_a_chain_is_the_fixed_sequence(p: list[float]) -> None:
    m = len(p)
    found = graphical_procedure_p(p, np.eye(m)[0], np.eye(m, k=1))
    assert found == pytest.approx(np.maximum.accumulate(p), abs=1e-12)


@given(probabilities)
def test_no_arrows_are_weighted_bonferroni(p: list[float]) -> None:
    m = len(p)
    weights = np.arange(1, m + 1) / (m * (m + 1) / 2)
    found = graphical_procedure_p(p, weights, np.zeros((m, m)))
    assert found == pytest.approx(np.minimum(np.array(p) / weights, 1.0))


def closed_test(p: np.ndarray, weights: np.ndarray, transitions: np.ndarray) -> np.ndarray:
    """The twin: every intersection by weighted Bonferroni, its weights by deleting the others."""
    m = len(p)
    adjusted = np.zeros(m)
    for size in range(1, m + 1):
        for members in itertools.combinations(range(m), size):
            w, g = (
                dict(enumerate(weights)),
                {(a, b): transitions[a, b] for a in range(m) for b in range(m)},
            )
            present = set(range(m))
            for j in set(range(m)) - set(members):
                present.remove(j)
                new = {}
                for a in present:
                    w[a] += w[j] * g[j, a]
                    for b in present:
                        loop = g[a, j] * g[j, a]
                        new[a, b] = (
                            (g[a, b] + g[a, j] * g[j, b]) / (1 - loop)
                            if a != b and loop < 1 - 1e-9
                            else 0.0
                        )
                g.update(new)
            found = min((p[a] / w[a] if w[a] > 0 else math.inf) for a in members)
            for a in members:
                adjusted[a] = max(adjusted[a], min(found, 1.0))
    return adjusted


@pytest.mark.parametrize("seed", range(12))
def test_it_is_the_closed_test(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m = int(rng.integers(2, 6))
    weights = rng.dirichlet(np.ones(m)) * rng.choice([1.0, 0.8])
    transitions = rng.random((m, m)) * (rng.random((m, m)) < 0.7)
    np.fill_diagonal(transitions, 0.0)
    transitions /= np.maximum(transitions.sum(axis=1, keepdims=True), 1.0)
    p = rng.random(m) ** 4
    found = graphical_procedure_p(p, weights, transitions)
    assert found == pytest.approx(closed_test(p, weights, transitions), rel=1e-10)


def test_parallel_gatekeeping_by_hand() -> None:
    """Two primaries that pass half each to two secondaries, which share with each other."""
    weights = [0.5, 0.5, 0.0, 0.0]
    transitions = [[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.5], [0, 0, 0, 1], [0, 0, 1, 0]]
    found = graphical_procedure_p([0.01, 0.01, 0.03, 0.04], weights, transitions)
    assert found == pytest.approx([0.02, 0.02, 0.06, 0.06])
    blocked = graphical_procedure_p([0.2, 0.6, 0.0, 0.0], weights, transitions)
    assert blocked == pytest.approx([0.4, 1.0, 0.4, 0.4])
    never = graphical_procedure_p([0.5, 0.0], [1.0, 0.0], np.zeros((2, 2)))
    assert never.tolist() == [0.5, 1.0]


def test_family_wise_error_under_negative_dependence() -> None:
    """2,000 families of three true hypotheses; Monte-Carlo error 0.5 %."""
    rng = np.random.default_rng(3)
    z = rng.multivariate_normal(np.zeros(3), 1.5 * np.eye(3) - 0.5, size=2000)
    p = 2 * scipy.stats.norm.sf(np.abs(z))
    transitions = np.array([[0, 0.7, 0.3], [0.5, 0, 0.5], [1.0, 0, 0]])
    some = [graphical_procedure_p(row, [0.6, 0.3, 0.1], transitions).min() <= 0.05 for row in p]
    assert np.mean(some) < 0.05 + 3 * 0.0049


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=10))
def test_hochberg_equals_statsmodels_and_never_exceeds_holm(p: list[float]) -> None:
    ours = hochberg(p)
    assert ours == pytest.approx(multipletests(p, method="simes-hochberg")[1], abs=1e-12)
    assert np.all(ours <= holm(p) + 1e-12)


def test_hochberg_by_hand() -> None:
    assert hochberg([0.04, 0.03, 0.045]).tolist() == pytest.approx([0.045, 0.045, 0.045])
    with pytest.raises(ArgumentError, match="none is missing"):
        hochberg([0.1, math.nan])


@pytest.mark.parametrize(
    ("weights", "transitions", "message"),
    [
        ([0.6, 0.6], np.zeros((2, 2)), "weights are not negative and at most 1 in all"),
        ([-0.1, 0.5], np.zeros((2, 2)), "weights are not negative"),
        ([0.5, math.nan], np.zeros((2, 2)), "weights are not negative"),
        ([1.0], np.zeros((2, 2)), "one weight a hypothesis, 2 in all"),
        ([0.5, 0.5], np.zeros((2, 3)), "a matrix of 2 rows and columns"),
        ([0.5, 0.5], [[0, 1], [0.2, 0.1]], r"transitions\[1\]: transitions are not negative.*0 on the diagonal"),
        ([0.5, 0.5], [[0, 1.2], [1, 0]], r"transitions\[0\].*at most 1 in a row"),
    ],
)  # fmt: skip
def test_impossible_graphs_are_refused(weights: object, transitions: object, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        graphical_procedure_p([0.1, 0.2], weights, transitions)  # pyright: ignore


def test_p_values_are_checked() -> None:
    with pytest.raises(ArgumentError, match="p-values lie between 0 and 1"):
        graphical_procedure_p([0.1, 1.2], [0.5, 0.5], np.zeros((2, 2)))
