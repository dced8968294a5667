"""Biased coin, urn and minimisation: their definitions, their known laws, exact shares."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipoise.randomisation.biased_coin import biased_coin
from equipoise.randomisation.equal_parts import equal_parts
from equipoise.randomisation.minimisation import minimise
from equipoise.randomisation.urn import urn
from equipoise.streams import stream

LISTS = 20_000


def minimised_by_hand(levels, ratio, coin, numbers, weights, measure):
    """Pocock and Simon as their paper says it, over equal parts: nothing shared with ours."""
    divisor = math.gcd(*ratio)
    parts = [arm for arm, share in enumerate(ratio) for _ in range(share // divisor)]
    enrolled: list[tuple[tuple[int, ...], int]] = []
    for own, (tie, tossed) in zip(levels, numbers, strict=True):
        imbalance = []
        for candidate in range(len(parts)):
            total = 0.0
            for factor, level in enumerate(own):
                counts = [
                    sum(1 for others, part in enrolled if others[factor] == level and part == k)
                    + (k == candidate)
                    for k in range(len(parts))
                ]
                spread = (
                    max(counts) - min(counts)
                    if measure == "range"
                    else float(np.var(counts, ddof=1))
                )
                total += weights[factor] * spread
            imbalance.append(total)
        least = [k for k, d in enumerate(imbalance) if math.isclose(d, min(imbalance))]
        chosen = least[int(tie * len(least))]
        if tossed >= coin:
            rest = [k for k in range(len(parts)) if k != chosen]
            chosen = rest[int((tossed - coin) / (1 - coin) * len(rest))]
        enrolled.append((tuple(own), chosen))
    return [parts[chosen] for _, chosen in enrolled]


@pytest.mark.parametrize("measure", ["range", "variance"])
@pytest.mark.parametrize("ratio", [(1, 1), (2, 1), (2, 2), (1, 2, 3), (1, 1, 1)])
def test_minimisation_is_that_of_pocock_and_simon(ratio, measure):
    generator = stream(3, f"by hand {ratio}")
    levels = np.stack([generator.integers(0, k, size=40) for k in (2, 3, 4)], axis=1)
    numbers = generator.random((6, 40, 2))
    weights = np.array([1.0, 2.0, 0.5])
    found = minimise(levels, np.array(ratio), 0.7, numbers, weights=weights,
                     variance=measure == "variance")  # fmt: skip
    for mine, drawn in zip(found, numbers, strict=True):
        expected = minimised_by_hand(levels.tolist(), ratio, 0.7, drawn, weights, measure)
        assert mine.tolist() == expected
        # One sequence alone goes another way through the code, to the same arms.
        alone = minimise(levels, np.array(ratio), 0.7, drawn, weights=weights,
                         variance=measure == "variance")  # fmt: skip
        assert alone.tolist() == expected


@given(
    ratio=st.lists(st.integers(1, 3), min_size=2, max_size=3),
    factors=st.integers(1, 4),
    seed=st.integers(0, 2**32),
    variance=st.booleans(),
)
def test_one_sequence_and_many_give_the_same_arms(ratio, factors, seed, variance):
    generator = np.random.default_rng(seed)
    levels = generator.integers(0, 3, size=(25, factors))
    numbers = generator.random((3, 25, 2))
    coin = float(generator.uniform(0.6, 1.0))
    many = minimise(levels, np.array(ratio), coin, numbers, variance=variance)
    each = [minimise(levels, np.array(ratio), coin, one, variance=variance) for one in numbers]
    np.testing.assert_array_equal(many, each)


def test_an_arm_depends_on_those_before_alone():
    generator = stream(5, "before")
    levels = generator.integers(0, 2, size=(30, 3))
    numbers = generator.random((30, 2))
    whole = minimise(levels, np.array([2, 1]), 0.8, numbers)
    for n in (1, 7, 29):
        first = minimise(levels[:n], np.array([2, 1]), 0.8, numbers[:n])
        np.testing.assert_array_equal(first, whole[:n])


def test_efrons_coin_is_as_often_balanced_as_he_says():
    """Biometrika 58, 1971: with 2/3, half of all even sequences are balanced in the long run."""
    arms = biased_coin(60, np.array([1, 1]), 2 / 3, stream(1, "efron"), LISTS)
    balanced = (arms.sum(axis=1) == 30).mean()
    assert abs(balanced - 0.5) < 4 * math.sqrt(0.25 / LISTS)
    odd = np.abs(2 * arms[:, :59].sum(axis=1) - 59) == 1  # by 1: 1 - 1/r², r = 2
    assert abs(odd.mean() - 0.75) < 4 * math.sqrt(0.25 / LISTS)


@pytest.mark.parametrize(("start", "added"), [(0, 1), (1, 1), (3, 2)])
def test_the_urns_imbalance_has_the_variance_of_its_recursion(start, added):
    """E[D²] goes on by 1 - 2 β D² / (2 α + β n): from P(A) = 1/2 - β D / (2 (2 α + β n))."""
    n = 40
    expected = 0.0
    for i in range(n):
        total = 2 * start + added * i
        expected += 1 - (2 * added * expected / total if total else 0.0)
    arms = urn(n, np.array([1, 1]), start, added, stream(2, "urn"), LISTS)
    d = 2.0 * arms.sum(axis=1) - n
    assert abs((d**2).mean() - expected) < 4 * (d**2).std() / math.sqrt(LISTS)


def test_a_small_urn_has_the_probabilities_of_every_path():
    """Three parts, one ball each at the start, one added: all 27 paths of three places."""
    arms = urn(3, np.array([1, 1, 1]), 1, 1, stream(4, "paths"), 90_000)
    for path in itertools.product(range(3), repeat=3):
        balls, probability = np.ones(3), 1.0
        for part in path:
            probability *= balls[part] / balls.sum()
            balls += 1 - np.eye(3)[part]
        share = (arms == path).all(axis=1).mean()
        assert abs(share - probability) < 5 * math.sqrt(probability / 90_000)


@pytest.mark.parametrize("ratio", [(1, 2), (3, 1), (1, 2, 2)])
@pytest.mark.parametrize("method", ["coin", "urn", "minimisation"])
def test_every_place_has_the_allocation_ratio_exactly(ratio, method):
    """What rules of equal arms do not give to unequal ones (Kuznetsova and Tymofyeyev 2012)."""
    n, generator = 12, stream(6, f"{ratio} {method}")
    shares = np.array(ratio)
    if method == "coin":
        arms = biased_coin(n, shares, 0.8, generator, LISTS)
    elif method == "urn":
        arms = urn(n, shares, 0, 1, generator, LISTS)
    else:
        levels = generator.integers(0, 2, size=(n, 2))
        arms = minimise(levels, shares, 0.8, generator.random((LISTS, n, 2)))
    for arm, share in enumerate(shares / shares.sum()):
        found = (arms == arm).mean(axis=0)
        assert np.abs(found - share).max() < 4.5 * math.sqrt(share * (1 - share) / LISTS)


def test_what_is_restricted_more_is_balanced_more():
    """Spread of the second arm's count among 36 at 2 : 1, from free to restricted."""
    ratio, generator = np.array([1, 2]), stream(7, "spread")
    free = generator.binomial(36, 2 / 3, size=LISTS)
    weak = urn(36, ratio, 0, 1, generator, LISTS).sum(axis=1)
    strong = biased_coin(36, ratio, 0.8, generator, LISTS).sum(axis=1)
    assert free.std() > 1.2 * weak.std() > 2 * strong.std()


def test_minimisation_balances_every_factor_better_than_chance():
    generator = stream(8, "factors")
    levels = np.stack([generator.integers(0, 2, 48) for _ in range(4)], axis=1)
    arms = minimise(levels, np.array([1, 1]), 0.85, generator.random((2000, 48, 2)))
    free = generator.integers(0, 2, size=(2000, 48))
    for factor, level in itertools.product(range(4), range(2)):
        here = levels[:, factor] == level
        spread = [np.abs(2 * a[:, here].sum(axis=1) - here.sum()).mean() for a in (arms, free)]
        assert spread[0] < 0.6 * spread[1]


def test_the_heavier_factor_is_balanced_more():
    generator = stream(9, "weights")
    levels = np.stack([generator.integers(0, 2, 48) for _ in range(5)], axis=1)
    numbers = generator.random((2000, 48, 2))
    spread = []
    for weights in ([1, 1, 1, 1, 1], [10, 1, 1, 1, 1]):
        arms = minimise(levels, np.array([1, 1]), 0.85, numbers, weights=np.array(weights, float))
        here = levels[:, 0] == 0
        spread.append(np.abs(2 * arms[:, here].sum(axis=1) - here.sum()).mean())
    assert spread[1] < 0.9 * spread[0]


@pytest.mark.parametrize(
    ("ratio", "arms"), [((2, 4), [0, 1, 1]), ((1, 1), [0, 1]), ((3, 3, 3), [0, 1, 2])]
)
def test_parts_are_the_ratio_in_lowest_terms(ratio, arms):
    assert equal_parts(np.array(ratio)).tolist() == arms
