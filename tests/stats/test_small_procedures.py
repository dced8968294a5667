"""Holm, exact and score intervals, standardised differences: published values and twins."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
    score_test_proportions_2indep,
)

from equipoise.stats import (
    ArgumentError,
    clopper_pearson,
    holm,
    miettinen_nurminen,
    standardised_difference_mean,
    standardised_difference_proportions,
    upper_limit_excluded,
)
from equipoise.stats.score_intervals import restricted_p2

# -- Holm -----------------------------------------------------------------------------------


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12))
def test_holm_is_the_step_down_procedure(p: list[float]) -> None:
    ours = holm(p)
    for alpha in (0.01, 0.05, 0.2):
        rejected = set()
        for rank, index in enumerate(np.argsort(p, kind="stable")):
            if p[index] > alpha / (len(p) - rank):
                break
            rejected.add(int(index))
        margin = np.abs(ours - alpha) > 1e-12
        assert {i for i in range(len(p)) if ours[i] <= alpha and margin[i]} == {
            i for i in rejected if margin[i]
        }


@pytest.mark.parametrize("seed", range(5))
def test_holm_equals_statsmodels(seed: int) -> None:
    p = np.random.default_rng(seed).random(8) ** 3
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-12)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]).tolist() == []


@pytest.mark.parametrize("p", [[0.1, 1.2], [math.nan], [-0.1]])
def test_holm_refuses_what_is_not_a_p_value(p: list[float]) -> None:
    with pytest.raises(ArgumentError, match="between 0 and 1, and none is missing"):
        holm(p)
    with pytest.raises(ArgumentError, match="one row"):
        holm([p])


# -- Clopper and Pearson --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "n", "lower", "upper"),
    [
        # Newcombe RG (1998) Stat Med 17:857–872, table I, method 5, printed to four digits
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0.0, 0.1684),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_clopper_pearson_published(events: int, n: int, lower: float, upper: float) -> None:
    assert clopper_pearson(events, n) == pytest.approx((lower, upper), abs=5e-5)


@given(st.integers(1, 400), st.data())
def test_clopper_pearson_inverts_the_exact_test(n: int, data: st.DataObject) -> None:
    events = data.draw(st.integers(0, n))
    lower, upper = clopper_pearson(events, n)
    assert (lower, upper) == pytest.approx(proportion_confint(events, n, method="beta"), abs=1e-10)
    if events > 0:
        assert scipy.stats.binom.sf(events - 1, n, lower) == pytest.approx(0.025, rel=1e-8)
    if events < n:
        assert scipy.stats.binom.cdf(events, n, upper) == pytest.approx(0.025, rel=1e-8)


def test_what_no_event_excludes() -> None:
    assert upper_limit_excluded(0, 24) == pytest.approx(1.0 - 0.025 ** (1 / 24), rel=1e-12)
    assert round(upper_limit_excluded(0, 24), 3) == 0.142
    assert upper_limit_excluded(0, 24, alpha=0.1) == pytest.approx(1.0 - 0.05 ** (1 / 24))
    assert upper_limit_excluded(24, 24) == 1.0


@pytest.mark.parametrize(("events", "n"), [(3, 2), (-1, 5), (0, 0)])
def test_impossible_counts_are_refused(events: int, n: int) -> None:
    with pytest.raises(ArgumentError, match="events lie between 0 and n"):
        clopper_pearson(events, n)
    with pytest.raises(ArgumentError, match="e2, n2: events lie between"):
        miettinen_nurminen(1, 5, events, n)


def test_fractions_and_levels_are_refused() -> None:
    with pytest.raises(ArgumentError, match="whole numbers"):
        clopper_pearson(1.5, 4)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ArgumentError, match="alpha lies between"):
        clopper_pearson(1, 4, alpha=5.0)


# -- Miettinen and Nurminen -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "lower", "upper"),
    [
        # Newcombe RG (1998) Stat Med 17:873–890, table II, method 6, printed to four digits
        ((56, 70, 48, 80), 0.0528, 0.3382),
        ((9, 10, 3, 10), 0.1700, 0.8406),
    ],
)
def test_miettinen_nurminen_published(
    counts: tuple[int, int, int, int], lower: float, upper: float
) -> None:
    interval = miettinen_nurminen(*counts)
    assert (interval.lower, interval.upper) == pytest.approx((lower, upper), abs=5e-5)
    assert interval.estimate == pytest.approx(counts[0] / counts[1] - counts[2] / counts[3])


@pytest.mark.parametrize("counts", [(56, 70, 48, 80), (30, 100, 20, 90), (12, 40, 15, 44)])
def test_known_difference_from_statsmodels(counts: tuple[int, int, int, int]) -> None:
    """statsmodels 0.14 has events where the cubic's L1 has participants (M&N 1985, appendix).

    Its restricted estimates are therefore not the most likely ones under the difference; ours
    are, and ours reproduce the published limits above.
    """
    e1, n1, e2, n2 = counts
    ours = miettinen_nurminen(*counts)
    theirs = confint_proportions_2indep(*counts, method="score", compare="diff", correction=True)
    assert max(abs(ours.lower - theirs[0]), abs(ours.upper - theirs[1])) > 1e-3
    test = score_test_proportions_2indep(*counts, value=ours.upper, compare="diff")
    assert likelihood(counts, ours.upper, test.prop2_null) < likelihood(
        counts, ours.upper, restricted_p2(e1, n1, e2, n2, ours.upper)
    )


def likelihood(counts: tuple[int, int, int, int], delta: float, p2: float) -> float:
    e1, n1, e2, n2 = counts
    p1 = p2 + delta
    terms = ((e1, p1), (n1 - e1, 1.0 - p1), (e2, p2), (n2 - e2, 1.0 - p2))
    return sum(k * math.log(p) for k, p in terms if k)


@given(st.integers(2, 40), st.integers(2, 40), st.data())
def test_limits_are_where_the_score_test_rejects(n1: int, n2: int, data: st.DataObject) -> None:
    """By numerical maximisation of the restricted likelihood, not the cubic."""
    e1, e2 = data.draw(st.integers(0, n1)), data.draw(st.integers(0, n2))
    interval = miettinen_nurminen(e1, n1, e2, n2)
    assert -1.0 <= interval.lower <= interval.estimate <= interval.upper <= 1.0
    for delta in (interval.lower, interval.upper):
        if -0.999 < delta < 0.999:
            z = scored_by_search(e1, n1, e2, n2, delta)
            assert abs(z) == pytest.approx(1.959963984540054, rel=2e-4)
    mirrored = miettinen_nurminen(e2, n2, e1, n1)
    assert (-mirrored.upper, -mirrored.lower) == pytest.approx(
        (interval.lower, interval.upper), abs=1e-9
    )


def scored_by_search(e1: int, n1: int, e2: int, n2: int, delta: float) -> float:
    def minus_log_likelihood(p2: float) -> float:
        p1 = p2 + delta
        terms = ((e1, p1), (n1 - e1, 1.0 - p1), (e2, p2), (n2 - e2, 1.0 - p2))
        return -sum(k * math.log(max(p, 1e-300)) for k, p in terms if k)

    low, high = max(0.0, -delta), min(1.0, 1.0 - delta)
    p2 = scipy.optimize.minimize_scalar(
        minus_log_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-13}
    ).x
    p1 = p2 + delta
    n = n1 + n2
    variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * n / (n - 1)
    return (e1 / n1 - e2 / n2 - delta) / math.sqrt(max(variance, 1e-300))


# -- standardised differences ---------------------------------------------------------------


def test_standardised_difference_of_means() -> None:
    assert standardised_difference_mean(12.0, 3.0, 10.0, 4.0) == pytest.approx(
        2.0 / math.sqrt(12.5)
    )
    assert standardised_difference_mean(10.0, 3.0, 12.0, 4.0) < 0.0
    assert standardised_difference_mean(1.0, 0.0, 1.0, 0.0) == 0.0
    assert math.isnan(standardised_difference_mean(1.0, 0.0, 2.0, 0.0))
    with pytest.raises(ArgumentError, match="not negative"):
        standardised_difference_mean(1.0, -1.0, 2.0, 0.0)


def test_two_categories_are_the_familiar_formula() -> None:
    p, q = 0.3, 0.5
    expected = abs(p - q) / math.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    assert standardised_difference_proportions([p, 1 - p], [q, 1 - q]) == pytest.approx(expected)


def test_several_categories_are_a_mahalanobis_distance_whichever_is_left_out() -> None:
    p1, p2 = np.array([0.2, 0.3, 0.5]), np.array([0.35, 0.3, 0.35])
    ours = standardised_difference_proportions(p1, p2)
    for left_out in range(3):
        a, b = np.delete(p1, left_out), np.delete(p2, left_out)
        spread = np.zeros((2, 2))
        for k in range(2):
            for m in range(2):
                spread[k, m] = (
                    (a[k] * (1 - a[k]) + b[k] * (1 - b[k])) / 2
                    if k == m
                    else -(a[k] * a[m] + b[k] * b[m]) / 2
                )
        expected = math.sqrt((a - b) @ np.linalg.inv(spread) @ (a - b))
        assert ours == pytest.approx(expected, rel=1e-10)


def test_edges_of_standardised_differences() -> None:
    assert standardised_difference_proportions([1.0], [1.0]) == 0.0
    assert standardised_difference_proportions([0.4, 0.6, 0.0], [0.4, 0.6, 0.0]) == 0.0
    assert standardised_difference_proportions([1.0, 0.0], [0.0, 1.0]) == math.inf
    with_empty = standardised_difference_proportions([0.3, 0.7, 0.0], [0.5, 0.5, 0.0])
    assert with_empty == pytest.approx(standardised_difference_proportions([0.3, 0.7], [0.5, 0.5]))
    with pytest.raises(ArgumentError, match="one length"):
        standardised_difference_proportions([0.3, 0.7], [1.0])
    with pytest.raises(ArgumentError, match="sum to 1"):
        standardised_difference_proportions([0.3, 0.6], [0.5, 0.5])
