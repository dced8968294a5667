"""Imputation of markers: its own definition, closed cases, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from equipoise.stats.early_change import impute_markers
from equipoise.stats.early_change.marker_imputation import augmented_draws, monotone_draws
from equipoise.stats.errors import ArgumentError


def rng(seed=1):
    return np.random.default_rng(seed)


def gaps(values, share, seed=3):
    """Some values of each column but the first made missing, by chance."""
    holes = rng(seed).random(values.shape) < share
    holes[:, 0] = False
    return np.where(holes, np.nan, values)


def test_known_covariance_is_recovered():
    n = 6000
    true = np.array([[1.0, 0.6, -0.4], [0.6, 2.0, 0.3], [-0.4, 0.3, 1.5]])
    arm = np.arange(n) % 2
    values = rng().multivariate_normal(np.zeros(3), true, size=n) + arm[:, None] * [1, 2, 3.0]
    full = impute_markers(gaps(values, 0.4), arm[:, None], 4, rng(2))
    left = full - np.stack([full[:, arm == a].mean(axis=1) for a in (0, 1)], axis=1)[:, arm]
    found = np.einsum("dni,dnj->ij", left, left) / (4 * (n - 2))
    # The largest entry has a sampling error of 2 * sqrt(2/n) / sqrt(0.6) = 0.05.
    np.testing.assert_allclose(found, true, atol=0.12)
    # Against the same people complete: 40 % missing leave an error of about 0.03.
    moved = full.mean(axis=0) - values
    shift = moved[arm == 1].mean(axis=0) - moved[arm == 0].mean(axis=0)
    np.testing.assert_allclose(shift, 0.0, atol=0.09)


def test_what_is_observed_is_never_changed_and_the_seed_decides():
    values = rng().normal(5, 2, (36, 20))
    holed = gaps(values, 0.15)
    fixed = np.column_stack([np.arange(36) % 3 == 0, np.arange(36) < 18]).astype(float)
    full = impute_markers(holed, fixed, 5, rng(2))
    assert np.isfinite(full).all()
    seen = np.isfinite(holed)
    assert (full[:, seen] == holed[seen]).all()
    np.testing.assert_array_equal(full, impute_markers(holed, fixed, 5, rng(2)))
    assert (full[0] != impute_markers(holed, fixed, 5, rng(4))[0]).any()
    # Every gap differs between draws.
    assert (full[:, ~seen].std(axis=0) > 0).all()


def test_one_column_is_rubin_s_normal_regression():
    """Mean and variance of a gap in closed form: those of a predictive t."""
    n, lost = 20, 3
    x = rng().normal(size=n)
    y = 1 + 2 * x + rng(5).normal(size=n)
    holed = y.copy()
    holed[:lost] = np.nan
    draws = 40_000
    drawn = impute_markers(holed[:, None], x[:, None], draws, rng(6))[:, :lost, 0]
    design = np.column_stack([np.ones(n), x])
    own = design[lost:]
    fit, ssr = np.linalg.lstsq(own, y[lost:], rcond=None)[:2]
    df = n - lost - 2
    mean = design[:lost] @ fit
    lever = np.einsum("ij,jk,ik->i", design[:lost], np.linalg.inv(own.T @ own), design[:lost])
    variance = ssr[0] / (df - 2) * (1 + lever)
    error = np.sqrt(variance / draws)
    assert (np.abs(drawn.mean(axis=0) - mean) < 4 * error).all()
    np.testing.assert_allclose(drawn.var(axis=0), variance, rtol=0.04)
    # Between imputations, the mean over all varies as those of the gaps do together.
    shared = design[:lost].mean(axis=0)
    between = (
        ssr[0] / (df - 2) / n**2 * (lost + lost**2 * shared @ np.linalg.inv(own.T @ own) @ shared)
    )
    whole = impute_markers(holed[:, None], x[:, None], draws, rng(7))[:, :, 0].mean(axis=1)
    assert whole.var() == pytest.approx(between, rel=0.04)


def test_exact_draws_and_chains_are_of_one_distribution():
    n = 24
    values = rng(8).multivariate_normal(np.zeros(3), np.eye(3) * 0.4 + 0.6, size=n)
    values[:6, 1] = np.nan
    values[:9, 2] = np.nan
    basis = np.full((n, 1), 1 / math.sqrt(n))
    exact = monotone_draws(values, basis, np.array([0, 1, 2]), 20_000, rng(9))
    chain = augmented_draws(values, basis, 20_000, rng(10))
    hole = ~np.isfinite(values)
    a, b = exact[:, hole], chain[:, hole]
    spread = a.std(axis=0)
    # four Monte-Carlo errors
    assert (np.abs(a.mean(axis=0) - b.mean(axis=0)) < 4 * spread * math.sqrt(2 / 20_000)).all()
    np.testing.assert_allclose(b.var(axis=0), a.var(axis=0), rtol=0.06)
    np.testing.assert_allclose(np.corrcoef(b.T), np.corrcoef(a.T), atol=0.04)


def test_units_do_not_matter():
    values = gaps(rng().normal(size=(30, 4)), 0.2)
    fixed = (np.arange(30) % 2)[:, None]
    one = impute_markers(values, fixed, 3, rng(2))
    other = impute_markers(values * [1, 1e6, 1e-3, 7] + [0, 5, 1, -2], fixed * 9.0, 3, rng(2))
    np.testing.assert_allclose(other, one * [1, 1e6, 1e-3, 7] + [0, 5, 1, -2], rtol=1e-6)


def test_complete_values_are_given_back():
    values = rng().normal(size=(10, 2))
    full = impute_markers(values, np.empty((10, 0)), 2, rng())
    np.testing.assert_array_equal(full, [values, values])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v, f: (v[:, 0], f), r"values: people by columns, at least one \(got \(12,\)\)\."),
        (lambda v, f: (v, f[:5]), r"fixed: the people of `values` \(got \(5, 1\)\)\."),
        (
            lambda v, f: (v, np.where(f > 0, np.nan, f)),
            r"fixed: a value is missing or infinite\. Fixed columns are complete\. Put the column "
            r"among `values`, where it is imputed\.",
        ),
        (lambda v, f: (np.where(v > 1, np.inf, v), f), r"values: values are finite, or NaN"),
        (
            lambda v, f: (np.where([True, False], v, np.nan), f),
            r"values\[:, 1\]: nobody has a value\. A column is imputed from those who have it\. "
            r"Leave the column out\.",
        ),
        (
            lambda v, f: (np.where([True, False], v, 3.0), f),
            r"values\[:, 1\]: the values do not vary \(got 3\.0\)\. Leave the column out\.",
        ),
        (
            lambda v, f: (np.where([True, False], v, 2 * f), f),
            r"values\[:, 1\]: the values do not vary beyond the fixed columns\.",
        ),
        (
            lambda v, f: (np.where((f == 0) & [False, True], np.nan, v), f),
            r"values\[:, 1\]: an arm, stratum or level has nobody with a value\. Every fixed",
        ),
        (
            lambda v, f: (np.where((np.arange(12)[:, None] > 2) & [False, True], np.nan, v), f),
            r"values\[:, 1\]: too few people have a value \(got 3\)\. At least two more than the 2 "
            r"fixed columns\.",
        ),
    ],
)
def test_what_cannot_be_imputed_is_refused(change, message):
    values = rng().normal(size=(12, 2))
    fixed = (np.arange(12) % 2)[:, None].astype(float)
    with pytest.raises(ArgumentError, match=message):
        impute_markers(*change(values, fixed), 2, rng())


@pytest.mark.parametrize("draws", [0, True, 2.0])
def test_draws_are_a_whole_number(draws):
    with pytest.raises(ArgumentError, match="draws: a whole number of at least 1"):
        impute_markers(np.ones((3, 1)), np.ones((3, 1)), draws, rng())
