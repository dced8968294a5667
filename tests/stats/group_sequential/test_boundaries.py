"""Group-sequential boundaries against published tables, a plain twin and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from equipoise.stats.errors import ArgumentError
from equipoise.stats.group_sequential import (
    Spending,
    crossing_probabilities,
    efficacy_boundaries,
    futility_boundaries,
    inflation,
    spent,
    wang_tsiatis_constant,
)

FIVE = [k / 5 for k in range(1, 6)]


@pytest.mark.parametrize(
    ("looks", "pocock", "obrien_fleming"),
    [(2, 2.178, 1.977), (3, 2.289, 2.004), (4, 2.361, 2.024), (5, 2.413, 2.040)],
)
def test_classical_constants_are_those_of_jennison_and_turnbull(looks, pocock, obrien_fleming):
    """Jennison and Turnbull (2000), tables 2.1 and 2.3, two-sided level 5 %."""
    assert wang_tsiatis_constant(looks, 0.05, 0.5) == pytest.approx(pocock, abs=6e-4)
    assert wang_tsiatis_constant(looks, 0.05, 0.0) == pytest.approx(obrien_fleming, abs=6e-4)


@pytest.mark.parametrize(
    ("looks", "pocock", "obrien_fleming"),
    [(2, 1.100, 1.007), (3, 1.151, 1.016), (4, 1.183, 1.022), (5, 1.207, 1.026)],
)
def test_inflation_is_that_of_jennison_and_turnbull(looks, pocock, obrien_fleming):
    """The same, tables 2.2 and 2.4: power 90 %."""
    shares = [k / looks for k in range(1, looks + 1)]
    for shape, expected in ((0.5, pocock), (0.0, obrien_fleming)):
        constant = wang_tsiatis_constant(looks, 0.05, shape)
        upper = [constant * share ** (shape - 0.5) for share in shares]
        assert inflation(shares, upper, 0.9, 0.05) == pytest.approx(expected, abs=1.1e-3)


def test_spending_boundaries_are_those_of_lan_and_demets():
    """Five equal looks, two-sided 5 %: the boundaries that LanDeMets programs print."""
    found = efficacy_boundaries(FIVE, 0.05, Spending.OBRIEN_FLEMING)
    assert found.upper == pytest.approx((4.8769, 3.3569, 2.6803, 2.2898, 2.0310), abs=6e-4)
    found = efficacy_boundaries(FIVE, 0.05, Spending.POCOCK)
    assert found.upper == pytest.approx((2.4380, 2.4268, 2.4101, 2.3966, 2.3859), abs=1.5e-3)


def test_the_default_design_of_gsdesign():
    """gsDesign(): three looks, one-sided 2.5 %, power 90 %, Hwang-Shih-DeCani -4 and -2."""
    shares = [1 / 3, 2 / 3, 1.0]
    found = efficacy_boundaries(
        shares, 0.025, Spending.HWANG_SHIH_DECANI, parameter=-4.0, two_sided=False
    )
    assert found.upper == pytest.approx((3.0107, 2.5465, 1.9992), abs=1e-4)
    # Its non-binding futility: the drift at which power, ending at futility too, is 90 %.
    low, high = 2.0, 5.0
    for _ in range(60):
        drift = 0.5 * (low + high)
        lower = futility_boundaries(shares, found.upper, 0.1, drift)
        reached = crossing_probabilities(shares, found.upper, lower, drift)
        # The last look spends what is left of the type-II error: power is then 1 - beta.
        low, high = (drift, high) if reached.power < 0.9 else (low, drift)
    assert lower == pytest.approx((-0.24, 0.94, 2.00), abs=6e-3)
    fixed = stats.norm.ppf(0.975) + stats.norm.ppf(0.9)
    assert (drift / fixed) ** 2 == pytest.approx(1.070, abs=1e-3)


def twin(information, upper, lower, drift):
    """Crossing probabilities from the multivariate normal distribution, by its own function."""
    information = np.array(information)
    covariance = np.sqrt(np.minimum.outer(information, information)
                         / np.maximum.outer(information, information))  # fmt: skip
    mean = drift * np.sqrt(information)
    above, under = [], []
    for k in range(len(information)):

        def inside(low, high, k=k):
            return stats.multivariate_normal.cdf(
                np.array(high), mean[: k + 1], covariance[: k + 1, : k + 1],
                lower_limit=np.array(low), abseps=1e-8, releps=1e-8, maxpts=1_000_000, rng=1,
            )  # fmt: skip

        before = list(lower[:k]), list(upper[:k])
        above.append(inside([*before[0], upper[k]], [*before[1], np.inf]))
        under.append(inside([*before[0], -np.inf], [*before[1], lower[k]]))
    return above, under


@pytest.mark.parametrize("drift", [0.0, 1.3, 3.2])
def test_crossing_probabilities_are_those_of_their_twin(drift):
    information = [0.2, 0.55, 0.7, 1.0]
    upper, lower = [3.4, 2.6, 2.4, 2.0], [-1.0, 0.1, 0.6, 2.0]
    found = crossing_probabilities(information, upper, lower, drift)
    above, under = twin(information, upper, lower, drift)
    assert found.upper == pytest.approx(above, abs=2e-6)
    assert found.lower == pytest.approx(under, abs=2e-6)
    assert found.upper.sum() + found.lower.sum() == pytest.approx(1.0, abs=1e-8)


def test_they_are_those_of_simulated_walks():
    g = np.random.default_rng(1)
    steps = np.diff([0.0, 0.3, 0.7, 1.0])
    score = np.cumsum(g.normal(1.8 * steps, np.sqrt(steps), (200_000, 3)), axis=1)
    z = score / np.sqrt(np.cumsum(steps))
    found = efficacy_boundaries([0.3, 0.7, 1.0], 0.05)
    out = np.abs(z) >= found.upper
    first = np.where(out.any(axis=1), out.argmax(axis=1), -1)
    theirs = crossing_probabilities([0.3, 0.7, 1.0], found.upper, found.lower, 1.8)
    for k in range(3):
        seen = ((first == k) & (z[:, k] > 0)).mean()
        assert seen == pytest.approx(theirs.upper[k], abs=4 * math.sqrt(0.25 / 200_000))


@pytest.mark.parametrize("function", list(Spending))
def test_the_level_is_spent_whole_at_any_shares(function):
    parameter = {"power": 2.0, "hwang-shih-decani": -4.0}.get(function)
    for shares in ([1.0], [0.5, 1.0], [0.1, 0.15, 0.9, 1.0], [0.4, 0.8, 0.95]):
        found = efficacy_boundaries(shares, 0.05, function, parameter=parameter)
        crossed = crossing_probabilities(shares, found.upper, found.lower)
        assert crossed.upper.sum() + crossed.lower.sum() == pytest.approx(0.05, abs=1e-7)
        spends = [2 * spent(function, 0.025, s, parameter=parameter) for s in shares[:-1]]
        cumulative = np.cumsum(crossed.upper + crossed.lower)[:-1]
        assert cumulative == pytest.approx(spends, abs=1e-7)
    assert found.nominal == pytest.approx(stats.norm.sf(found.upper))


def test_spending_functions_are_their_formulas():
    for t in (0.1, 0.5, 0.9):
        assert spent("power", 0.025, t, parameter=3.0) == pytest.approx(0.025 * t**3)
        assert spent("pocock", 0.025, t) == pytest.approx(0.025 * math.log(1 + (math.e - 1) * t))
        z = stats.norm.ppf(1 - 0.0125)
        expected = 2 * stats.norm.sf(z / math.sqrt(t))
        assert spent("obrien-fleming", 0.025, t) == pytest.approx(expected)
        expected = 0.025 * (1 - math.exp(4 * t)) / (1 - math.exp(4))
        assert spent("hwang-shih-decani", 0.025, t, parameter=-4.0) == pytest.approx(expected)
        assert spent("hwang-shih-decani", 0.025, t, parameter=0.0) == pytest.approx(0.025 * t)
    for function in ("obrien-fleming", "pocock"):
        assert (spent(function, 0.025, 0.0), spent(function, 0.025, 1.7)) == (0.0, 0.025)


def test_one_look_is_no_interim_look():
    assert efficacy_boundaries([1.0], 0.05).upper == pytest.approx((1.959964,), abs=1e-6)
    assert inflation([1.0], [1.959964], 0.9, 0.05) == pytest.approx(1.0, abs=1e-6)


def test_expected_information_counts_where_trials_end():
    found = crossing_probabilities([0.5, 1.0], [2.5, 2.0], [-2.5, -2.0], 3.0)
    early = found.upper[0] + found.lower[0]
    assert found.expected([0.5, 1.0]) == pytest.approx(0.5 * early + 1.0 * (1 - early))


@pytest.mark.parametrize(
    "call",
    [
        lambda: efficacy_boundaries([0.5, 0.5], 0.05),
        lambda: efficacy_boundaries([], 0.05),
        lambda: efficacy_boundaries([0.5, 1.0], 1.5),
        lambda: spent("pocok", 0.05, 0.5),
        lambda: spent("power", 0.05, 0.5),
        lambda: spent("power", 0.05, 0.5, parameter=-1.0),
        lambda: spent("pocock", 0.0, 0.5),
        lambda: spent("pocock", 0.05, -0.5),
        lambda: crossing_probabilities([0.5, 1.0], [2.0]),
        lambda: crossing_probabilities([0.5, 1.0], [2.0, 2.0], [2.5, 2.0]),
        lambda: futility_boundaries([0.5, 1.0], [2.0], 0.1, 3.0),
        lambda: wang_tsiatis_constant(0, 0.05, 0.5),
        lambda: wang_tsiatis_constant(2, 1.0, 0.5),
    ],
)
def test_what_is_none_is_refused(call):
    with pytest.raises(ArgumentError):
        call()
