"""Surrogacy in one trial: R's figures, Fieller's three shapes and their coverage, a plain twin."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import statsmodels.api as sm
from tests.stats.stats_reference import STORED

from equipoise.stats.errors import ArgumentError
from equipoise.stats.surrogate_effects import fieller, surrogacy


@pytest.fixture(scope="module")
def stored():
    return json.loads((STORED / "surrogacy.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def columns(stored):
    return {
        key: np.array([row.get(key, np.nan) for row in stored["data"]], dtype=float)
        for key in ("arm", "stratum", "base_score", "base_cells", "early", "outcome")
    }


def analysed(columns):
    others = [columns[key] for key in ("base_score", "base_cells", "stratum")]
    return surrogacy(columns["outcome"], columns["early"], columns["arm"], others)


def test_figures_equal_those_of_r(stored, columns):
    found, wanted = analysed(columns), stored["surrogacy"]
    assert (found.n, found.df) == (wanted["n"], wanted["df"])
    for name in ("outcome_effect", "marker_effect", "direct_effect", "association"):
        ours = getattr(found, name)
        assert (ours.value, ours.lower, ours.upper) == pytest.approx(wanted[name], rel=1e-9)
    ratio, limits = found.relative_effect, wanted["relative_limits"]
    assert ratio.value == pytest.approx(wanted["relative_effect"], rel=1e-9)
    assert ratio.shape == limits["shape"]
    # R's polyroot iterates.
    assert (ratio.lower, ratio.upper) == pytest.approx((limits["lower"], limits["upper"]), rel=1e-7)
    kept, part = wanted["kept_limits"], found.proportion_explained
    assert part.value == pytest.approx(wanted["proportion"], rel=1e-9)
    assert part.shape == kept["shape"]
    assert part.lower == pytest.approx(1 - kept["upper"], rel=1e-7)
    assert part.upper == pytest.approx(1 - kept["lower"], rel=1e-7)


def test_fieller_equals_r_in_each_shape(stored):
    shapes = set()
    for row in stored["fieller"]:
        a, b, va, vb, c = row["case"]
        found = fieller(a, b, (va, vb, c), 20)
        assert found.shape == row["shape"]
        shapes.add(found.shape)
        if found.shape == "whole line":
            assert math.isnan(found.lower)
            assert 123.0 in found
        else:
            limits = (row["lower"], row["upper"])
            assert (found.lower, found.upper) == pytest.approx(limits, rel=1e-7)
            inside = 0.5 * (found.lower + found.upper)
            assert (inside in found) == (found.shape == "interval")
            assert found.value in found
    assert shapes == {"interval", "two rays", "whole line"}


def test_membership_is_the_test_of_the_definition():
    """A value lies in the set where the t test of a - r b = 0 does not reject it."""
    rng = np.random.default_rng(3)
    for _ in range(200):
        a, b = rng.normal(0, 2, 2)
        c = rng.uniform(-0.9, 0.9)
        found = fieller(a, b, (1.0, 1.0, c), 12)
        for r in rng.normal(0, 4, 5):
            t = abs(a - r * b) / math.sqrt(1 - 2 * r * c + r * r)
            assert (r in found) == (t <= 2.1788128296634177)  # qt(0.975, 12)


def test_limits_at_infinity():
    from scipy.special import ndtri

    z = float(ndtri(0.975))
    edge = fieller(3.0, z, (1.0, 1.0, 0.0), math.inf)
    assert edge.shape in ("interval", "two rays")
    assert edge.value in edge
    assert fieller(0.0, 1.0, (1.0, 1.0, 0.0), math.inf).shape == "whole line"


def test_plain_twin_of_the_bivariate_model(columns):
    """Generalised least squares with the stacked responses and the covariance of the residuals."""
    found = analysed(columns)
    names = ["outcome", "early", "arm", "base_score", "base_cells", "stratum"]
    rows = np.column_stack([columns[name] for name in names])
    rows = rows[np.isfinite(rows).all(axis=1)]
    design = np.column_stack([rows[:, 2], np.ones(len(rows)), rows[:, 3:]])
    fits = [sm.OLS(rows[:, k], design).fit() for k in (0, 1)]
    left = np.column_stack([fit.resid for fit in fits])
    sigma = left.T @ left / fits[0].df_resid
    stacked = np.kron(np.eye(2), design)
    inverse = np.kron(np.linalg.inv(sigma), np.eye(len(rows)))
    information = stacked.T @ inverse @ stacked
    response = np.concatenate([rows[:, 0], rows[:, 1]])
    beta = np.linalg.solve(information, stacked.T @ inverse @ response)
    covariance = np.linalg.inv(information)
    k = design.shape[1]
    plain = fieller(
        beta[0], beta[k], (covariance[0, 0], covariance[k, k], covariance[0, k]), found.df
    )
    assert plain.value == pytest.approx(found.relative_effect.value, rel=1e-9)
    assert plain.lower == pytest.approx(found.relative_effect.lower, rel=1e-9)
    assert plain.upper == pytest.approx(found.relative_effect.upper, rel=1e-9)


def simulated(seed, trials, marker_effect, n=36):
    rng = np.random.default_rng(seed)
    arm = np.tile([0.0, 1.0, 1.0], n // 3)
    for _ in range(trials):
        early = marker_effect * arm + rng.normal(size=n)
        outcome = -2.0 * marker_effect * arm - 0.8 * (early - marker_effect * arm)
        yield surrogacy(outcome + rng.normal(size=n), early, arm, [rng.normal(size=n)])


@pytest.mark.parametrize("effect", [0.4, 1.5])
def test_fieller_covers_the_relative_effect_where_it_is_weak_and_where_it_is_strong(effect):
    """Exact for known-df normal errors: within three binomial errors of 95 % in 800 trials."""
    found = list(simulated(5, 800, effect))
    covered = np.mean([-2.0 in one.relative_effect for one in found])
    assert abs(covered - 0.95) < 3 * math.sqrt(0.05 * 0.95 / 800)
    shapes = {one.relative_effect.shape for one in found}
    assert ("whole line" in shapes) == (effect < 1)


def test_no_proportion_while_the_total_includes_zero():
    found = list(simulated(6, 200, 0.4))
    assert {one.proportion_explained is not None for one in found} == {True, False}
    for one in found:
        assert (one.proportion_explained is not None) == one.outcome_effect.excludes_zero


def test_units_and_the_order_of_people_do_not_matter(columns):
    found = analysed(columns)
    turned = {key: values[::-1] for key, values in columns.items()}
    turned["early"] = 100 * turned["early"] + 3
    other = analysed(turned)
    assert other.relative_effect.value == pytest.approx(found.relative_effect.value / 100)
    assert other.association.value == pytest.approx(found.association.value)
    assert other.proportion_explained.lower == pytest.approx(found.proportion_explained.lower)


def test_too_few_people_or_no_variation_have_none():
    y, arm = np.array([1.0, 2.0, 4.0, 3.0]), np.array([0.0, 0.0, 1.0, 1.0])
    assert surrogacy(y[:3], y[:3], arm[:3]) is None
    assert surrogacy(y, np.ones(4), arm) is None
    assert surrogacy(y, y, np.ones(4)) is None
    assert surrogacy(np.full(4, np.nan), y, arm) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: surrogacy([1.0, 2.0], [1.0], [0, 1]), r"marker: the same participants as the"),
        (lambda: surrogacy([1.0, 2.0], [1.0, 2.0], [1, 2]), r"treated: 0 for the control and 1"),
        (lambda: fieller(math.nan, 1, (1, 1, 0), 5), r"numerator: a finite number \(got nan\)\."),
        (lambda: fieller(1, 1, (1, 0, 0), 5), r"variances: two positive variances and a cov"),
        (lambda: fieller(1, 1, (1, 1, 2), 5), r"variances: two positive variances and a cov"),
        (lambda: fieller(1, 1, (1, 1, 0), 0), r"df: a positive number \(got 0\)\."),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()
