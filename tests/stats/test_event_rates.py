"""Poisson rates and their ratio: R's poisson.test, stored raw, and the definition."""

from __future__ import annotations

import json
import math

import pytest
import scipy.stats
from stats_reference import STORED

from equipoise.stats import ArgumentError, event_rate, rate_ratio

REFERENCE = json.loads((STORED / "binomial_tables.json").read_text(encoding="utf-8"))


def number(value: float | str) -> float:
    return math.inf if value == "Inf" else float(value)


@pytest.mark.parametrize("case", REFERENCE["rates"], ids=range(len(REFERENCE["rates"])))
def test_rates_equal_r(case: dict) -> None:
    found = event_rate(case["events"], case["exposure"], case["alpha"])
    expected = [case[k] for k in ("estimate", "lower", "upper")]
    # R prints 15 digits; both sides invert the gamma distribution to about that
    assert (found.estimate, found.lower, found.upper) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("case", REFERENCE["ratios"], ids=range(len(REFERENCE["ratios"])))
def test_ratios_equal_r(case: dict) -> None:
    (x1, x0), (t1, t0) = case["events"], case["exposure"]
    found = rate_ratio(x1, t1, x0, t0, case["alpha"])
    expected = [number(case[k]) for k in ("estimate", "lower", "upper")]
    assert (found.estimate, found.lower, found.upper) == pytest.approx(expected, rel=1e-9)
    assert (found.p <= case["alpha"]) == (not found.lower <= 1.0 <= found.upper)


def test_known_difference_of_the_p_value() -> None:
    """R adds all outcomes no likelier than the one seen; that p can contradict its limits."""
    case = REFERENCE["ratios"][1]
    (x1, x0), (t1, t0) = case["events"], case["exposure"]
    found = rate_ratio(x1, t1, x0, t0)
    assert case["p"] < 0.05 < found.p
    assert case["lower"] < 1.0 < case["upper"]
    assert found.p == pytest.approx(2 * (1 / 3) ** 3, rel=1e-12)


def test_limits_are_where_the_poisson_tails_are() -> None:
    for events in (1, 4, 30):
        found = event_rate(events, 2.5, 0.1)
        assert scipy.stats.poisson.sf(events - 1, 2.5 * found.lower) == pytest.approx(0.05)
        assert scipy.stats.poisson.cdf(events, 2.5 * found.upper) == pytest.approx(0.05)


def test_no_events() -> None:
    assert event_rate(0, 24.0).upper == pytest.approx(-math.log(0.025) / 24.0)
    neither = rate_ratio(0, 10.0, 0, 5.0)
    assert math.isnan(neither.estimate)
    assert (neither.lower, neither.upper, neither.p) == (0.0, math.inf, 1.0)


def test_unit_and_order() -> None:
    one, other = rate_ratio(5, 30.0, 9, 20.0), rate_ratio(9, 20.0 / 7, 5, 30.0 / 7)
    assert (1 / other.estimate, 1 / other.upper, 1 / other.lower, other.p) == pytest.approx(
        (one.estimate, one.lower, one.upper, one.p)
    )


@pytest.mark.parametrize("mean", [0.5, 3.0, 12.0])
def test_coverage_by_summing(mean: float) -> None:
    covered = sum(
        scipy.stats.poisson.pmf(x, mean)
        for x in range(80)
        if event_rate(x, 1.0).lower <= mean <= event_rate(x, 1.0).upper
    )
    assert covered >= 0.95


@pytest.mark.parametrize("events", [-1, 1.5])
def test_what_is_refused(events: int) -> None:
    with pytest.raises(ArgumentError, match="events: events are a whole number of at least 0"):
        event_rate(events, 3.0)
    with pytest.raises(ArgumentError, match="events0: events are a whole number"):
        rate_ratio(1, 3.0, events, 3.0)


@pytest.mark.parametrize("exposure", [0.0, -2.0, math.inf, math.nan])
def test_exposure_is_positive(exposure: float) -> None:
    with pytest.raises(ArgumentError, match="exposure: time under observation is positive"):
        event_rate(1, exposure)
    with pytest.raises(ArgumentError, match="exposure1: time under observation"):
        rate_ratio(1, exposure, 1, 2.0)
