"""Closed forms of power against R, definitions and simulation."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats
from tests.conftest import ROOT

from equipoise.stats.power import (
    ancova_power,
    assurance,
    assurance_of_normal_test,
    estimate_variance,
    mmrm_power,
    smallest_size,
    two_proportions_power,
    two_sample_t_power,
    variance_inflation,
)
from equipoise.stats.power.repeated_measures import normal_test_power

R = json.loads((ROOT / "tests/reference/power_tables.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", R["t"])
def test_t_power_is_that_of_r(row):
    """1e-8: both sum the same distribution; `strict` counts the far tail."""
    found = two_sample_t_power(row["delta"], row["sd"], (row["n"], row["n"]), row["alpha"])
    assert found == pytest.approx(row["power"], abs=1e-8)


@pytest.mark.parametrize("row", R["fisher"])
def test_fisher_power_is_that_of_r(row):
    """1e-12: the same finite sum over R's own p-values."""
    found = two_proportions_power(row["first"], row["second"], tuple(row["sizes"]))
    assert found == pytest.approx(row["power"], abs=1e-12)


def test_size_is_that_of_r_rounded_up():
    found = smallest_size(lambda sizes: two_sample_t_power(1.0, 1.0, sizes), 0.9)
    assert found.sizes == (int(np.ceil(R["n90"])),) * 2
    less = two_sample_t_power(1.0, 1.0, (found.sizes[0] - 1,) * 2)
    assert less < 0.9 <= found.power


@pytest.mark.parametrize("covariates", [1, 2])
@pytest.mark.parametrize("sizes", [(24, 12), (4, 3)])
def test_ancova_power_is_the_integral_over_chance_imbalance(sizes, covariates):
    """The twin: T = non-central t given B, B a Beta, 200 Gauss-Legendre nodes.

    1e-6: the twin's quantile of B has a weak singularity at 0.
    """
    n, df = sum(sizes), sum(sizes) - 2 - covariates
    critical = stats.t.ppf(0.975, df)
    full = 3.0 / (5.0 * np.sqrt(1 - 0.6**2) * np.sqrt(1 / sizes[0] + 1 / sizes[1]))

    def at(u):
        ncp = full * np.sqrt(stats.beta.ppf(u, (n - 1 - covariates) / 2, covariates / 2))
        return stats.nct.sf(critical, df, ncp) + stats.nct.cdf(-critical, df, ncp)

    nodes, weights = np.polynomial.legendre.leggauss(200)
    twin = 0.5 * weights @ at(0.5 * (nodes + 1.0))
    found = ancova_power(3.0, 5.0, sizes, correlation=0.6, covariates=covariates)
    assert found == pytest.approx(twin, abs=1e-6)


def test_ancova_power_is_that_of_simulated_trials():
    """20,000 trials of 8 : 4, least squares written out; 4 Monte-Carlo errors."""
    rng = np.random.default_rng(20261123)
    arm = np.repeat([1.0, 0.0], [8, 4])
    x = rng.standard_normal((20_000, 12))
    y = 1.5 * arm + 0.6 * x + 0.8 * rng.standard_normal((20_000, 12))

    def within(v):
        centred = v.copy()
        centred[..., :8] -= v[..., :8].mean(-1, keepdims=True)
        centred[..., 8:] -= v[..., 8:].mean(-1, keepdims=True)
        return centred

    xw, yw = within(x), within(y)
    sxx = (xw**2).sum(1)
    slope = (xw * yw).sum(1) / sxx
    imbalance = x[:, :8].mean(1) - x[:, 8:].mean(1)
    effect = y[:, :8].mean(1) - y[:, 8:].mean(1) - slope * imbalance
    s2 = ((yw - slope[:, None] * xw) ** 2).sum(1) / 9
    t = effect / np.sqrt(s2 * (1 / 8 + 1 / 4 + imbalance**2 / sxx))
    share = (np.abs(t) > stats.t.ppf(0.975, 9)).mean()
    found = ancova_power(1.5, 1.0, (8, 4), correlation=0.6)
    assert abs(share - found) < 4 * np.sqrt(found * (1 - found) / 20_000)


def test_level_is_alpha_without_an_effect():
    assert ancova_power(0.0, 2.0, (5, 9), 0.03, correlation=0.4) == pytest.approx(0.03, abs=1e-9)
    assert two_sample_t_power(0.0, 2.0, (5, 9), 0.03) == pytest.approx(0.03, abs=1e-9)


SIGMA = np.array([[4.0, 2.0, 1.5], [2.0, 5.0, 3.0], [1.5, 3.0, 6.0]])


def test_mmrm_variance_is_that_of_generalised_least_squares():
    """The twin: every participant's rows, arm-by-visit means, (X'V⁻¹X)⁻¹. 1e-12: the same sum."""
    left = {0: (2, 3, 15), 1: (1, 0, 9)}
    information = np.zeros((6, 6))
    for arm, counts in left.items():
        for last, count in enumerate(counts, start=1):
            x = np.zeros((last, 6))
            x[np.arange(last), 3 * arm + np.arange(last)] = 1.0
            information += count * x.T @ np.linalg.inv(SIGMA[:last, :last]) @ x
    contrast = np.array([0, 0, 1.0, 0, 0, -1.0])
    twin = contrast @ np.linalg.inv(information) @ contrast
    seen = ([1.0, 18 / 20, 15 / 20], [1.0, 0.9, 0.9])
    found = estimate_variance(SIGMA, (20, 10), seen)
    assert found == pytest.approx(twin, rel=1e-12)
    power = mmrm_power(2.0, SIGMA, (20, 10), seen)
    assert power == pytest.approx(normal_test_power(2.0, np.sqrt(twin)), abs=1e-12)


def test_dropout_costs_nothing_or_everything_in_the_limits():
    assert variance_inflation(SIGMA, [1.0, 1.0, 1.0]) == pytest.approx(1.0)
    independent = variance_inflation(np.diag([1.0, 2.0, 3.0]), [1.0, 0.9, 0.6])
    assert independent == pytest.approx(1 / 0.6)
    two = np.array([[1.0, 0.8], [0.8, 1.0]])  # two visits: ρ² + (1 - ρ²)/r
    assert variance_inflation(two, [1.0, 0.5]) == pytest.approx(0.64 + 0.36 / 0.5)


def test_score_power_is_the_sum_over_tables():
    """The twin: the chi-squared of each table, one by one."""
    total = 0.0
    for x in range(14):
        for y in range(8):
            p = (x + y) / 20
            spread = p * (1 - p) * (1 / 13 + 1 / 7)
            if spread > 0 and abs(x / 13 - y / 7) / np.sqrt(spread) > stats.norm.ppf(0.975):
                total += stats.binom.pmf(x, 13, 0.6) * stats.binom.pmf(y, 7, 0.2)
    found = two_proportions_power(0.6, 0.2, (13, 7), test="score")
    assert found == pytest.approx(total, abs=1e-12)


def test_assurance_is_the_closed_form_and_the_drawn_mean():
    found = assurance(normal_test_power, mean=2.0, prior_sd=1.5, sd=0.8)
    assert found == pytest.approx(assurance_of_normal_test(2.0, 1.5, 0.8), abs=1e-10)
    rng = np.random.default_rng(5)
    effect, se = rng.normal(2.0, 1.5, 400_000), 0.8 * np.exp(0.3 * rng.standard_normal(400_000))
    kept = effect > 0
    drawn = stats.norm.sf(1.959964 - effect / se) + stats.norm.cdf(-1.959964 - effect / se)
    found = assurance(normal_test_power, mean=2.0, prior_sd=1.5, sd=0.8, sd_log_sd=0.3, lower=0.0)
    error = drawn[kept].std() / np.sqrt(kept.sum())
    assert abs(found - drawn[kept].mean()) < 4 * error


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: two_sample_t_power(1.0, 0.0, (5, 5)), "sd = 0.0: sd is a finite number above 0"),
        (lambda: two_sample_t_power(1.0, 1.0, (1, 1)), "3 in all"),
        (lambda: two_sample_t_power(1.0, 1.0, (5, 5), 1.0), "alpha = 1.0"),
        (lambda: two_sample_t_power(float("nan"), 1.0, (5, 5)), "effect = nan"),
        (lambda: ancova_power(1.0, 1.0, (5, 5), correlation=1.0), "correlation = 1.0"),
        (lambda: ancova_power(1.0, 1.0, (5, 5), correlation=0.1, covariates=0), "covariates = 0"),
        (lambda: variance_inflation(SIGMA, [1.0, 0.5, 0.6]), "never rising"),
        (lambda: variance_inflation(SIGMA, [1.0, 0.5]), "one row for each visit"),
        (lambda: variance_inflation(-SIGMA, [1.0, 1.0, 1.0]), "positive definite"),
        (lambda: two_proportions_power(1.2, 0.5, (5, 5)), "first = 1.2"),
        (lambda: two_proportions_power(0.2, 0.5, (5, 5), test="wald"), "one of fisher, score"),
        (lambda: smallest_size(lambda _: 0.3, 0.9, most=50), "not reached; at (50, 50)"),
        (lambda: smallest_size(lambda _: 0.3, 1.0), "target = 1.0"),
        (
            lambda: assurance(normal_test_power, mean=0.0, prior_sd=1.0, sd=1.0, lower=30.0),
            "no weight between the limits",
        ),
    ],
)
def test_refusals_name_the_value(call, said):
    with pytest.raises(ValueError) as caught:
        call()
    assert said in str(caught.value)


@pytest.mark.parametrize("size", [2, 20, 500])
def test_power_is_1_and_never_missing_for_large_effects(size):
    """`nctdtr` alone is NaN for some of these."""
    found = [two_sample_t_power(e, 1.0, (size, size)) for e in np.linspace(-60, 60, 241)]
    assert np.isfinite(found).all()
    assert found == pytest.approx(found[::-1], abs=1e-12)
    assert found[0] == pytest.approx(1.0, abs=1e-9)
