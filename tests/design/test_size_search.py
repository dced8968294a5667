"""The search for a size: against power that is known, at its edges, and its line by its twin."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from equipoise.design.size_search import crossing, fit_probit_line, search_size

SIZES = list(range(12, 361, 12))


def coin(power, seed):
    """Counts of a test whose power at a size is known, the same trials asked twice the same."""
    generator, kept = np.random.default_rng(seed), {}

    def count(size, trials):
        there = kept.setdefault(size, np.zeros(0, dtype=bool))
        new = generator.random(trials - len(there)) < power(size)
        kept[size] = np.concatenate([there, new])
        return int(kept[size].sum())

    return count


def z_test(size, effect=0.5):
    return stats.norm.cdf(effect * np.sqrt(size / 4) - 1.959964)


TRUE = 4 * ((1.959964 + stats.norm.ppf(0.9)) / 0.5) ** 2


def test_the_line_is_the_maximum_of_the_likelihood():
    x, made, trials = [6.0, 7.0, 8.5, 9.0], [40, 95, 150, 190], [200, 200, 200, 210]
    line = fit_probit_line(x, made, trials)

    def minus(beta):
        p = stats.norm.cdf(beta[0] + beta[1] * np.array(x))
        return -stats.binom.logpmf(made, trials, p).sum()

    twin = optimize.minimize(minus, [-5, 0.7], method="Nelder-Mead",
                             options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 10_000})  # fmt: skip
    assert (line.intercept, line.slope) == pytest.approx(twin.x, rel=1e-6)
    # The inverse of the expected information, by numerical differentiation of the probabilities.
    design = np.column_stack([np.ones(4), x])
    eta = design @ twin.x
    weight = (
        np.array(trials) * stats.norm.pdf(eta) ** 2 / (stats.norm.cdf(eta) * stats.norm.sf(eta))
    )
    expected = np.linalg.inv(design.T @ (weight[:, None] * design))
    assert line.covariance / line.scale == pytest.approx(expected, rel=1e-6)


def test_fieller_is_where_the_line_is_just_not_rejected():
    line = fit_probit_line([6.0, 7.0, 8.5], [40, 95, 150], [200, 200, 200])
    at, lower, upper = crossing(line, 0.5)
    assert at == pytest.approx(-line.intercept / line.slope)
    for x in (lower, upper):
        row = np.array([1.0, x])
        z = (line.intercept + line.slope * x) / np.sqrt(row @ line.covariance @ row)
        assert abs(z) == pytest.approx(1.959964, abs=1e-6)


def test_its_interval_holds_the_size_as_often_as_it_says():
    held, trials = 0, []
    for seed in range(60):
        found = search_size(coin(z_test, seed), SIZES, 0.9, start=[24, 36, 72])
        held += found.lower <= TRUE <= found.upper
        trials.append(found.trials)
        assert found.size in (156, 168, 180, 192)
    assert held >= 52  # 2.2 standard errors below 57
    assert np.mean(trials) < 6000


def test_power_that_follows_no_line_is_met_near_the_answer():
    """Two tests must both hit: far below the answer the product follows another line."""

    def power(size):
        return z_test(size) * z_test(size, 0.45) ** 2

    truth = optimize.brentq(lambda n: power(n) - 0.8, 12, 400)
    close = [search_size(coin(power, seed), SIZES, 0.8, start=[24, 36, 72]) for seed in range(20)]
    assert sum(one.lower <= truth <= one.upper for one in close) >= 16


def test_a_target_beyond_all_sizes_says_the_best_that_was_seen():
    found = search_size(coin(lambda n: 0.3 * z_test(n), 1), SIZES, 0.9, start=[24, 36, 72])
    assert found.size is None
    assert "no size in the range reaches it" in found.said
    assert f"{100 * found.best.power:.1f} %" in found.said


def test_power_that_falls_is_told():
    found = search_size(coin(lambda n: 0.9 - n / 500, 1), SIZES, 0.95, start=[24, 36, 72],
                        most_trials=3000)  # fmt: skip
    assert found.size is None
    assert "does not rise" in found.said


def test_a_jump_has_no_line_and_says_so():
    found = search_size(coin(lambda n: float(n >= 100), 1), SIZES, 0.9, start=[24, 36, 72])
    assert found.size is not None or "no size" in found.said
    if found.size is not None:
        assert found.size >= 100
        assert "jumps" in found.said or found.line is not None


def test_never_more_trials_than_allowed():
    found = search_size(coin(z_test, 2), SIZES, 0.9, start=[24, 36, 72], most_trials=1500)
    assert found.trials <= 1500
