"""Interactions: against least squares by definition, and the shrunken ones against integration."""

from __future__ import annotations

import numpy as np
import pytest

from equipoise.stats.errors import ArgumentError
from equipoise.stats.heterogeneity import fit_interactions, interaction_data, shrink_interactions


def trial(n=36, seed=1, theta=(0.0, 0.0, 0.0)):
    """y, treatment, covariates, modifiers (a factor and two numbers), which are factors."""
    g = np.random.default_rng(seed)
    t = np.tile([0.0, 1.0, 1.0], n // 3)
    factor = np.repeat([0.0, 1.0], [n // 2, n - n // 2])
    z = np.column_stack([factor, g.normal(48, 10, n), g.normal(2, 0.3, n)])
    inside = (z - z.mean(axis=0)) / np.array([1.0, 20.0, 0.6])
    base = g.normal(22, 4, n)
    y = -8 - 5 * t - 0.4 * (base - 22) + t * (inside @ np.array(theta)) + g.normal(0, 5, n)
    return y, t, np.column_stack([base, factor]), z, np.array([True, False, False])


def plain(data):
    """(estimate, covariance) of all coefficients by the textbook."""
    x = np.column_stack([data.fixed, data.products])
    inverse = np.linalg.inv(x.T @ x)
    found = inverse @ x.T @ data.outcome
    left = data.outcome - x @ found
    return found, inverse * (left @ left) / (len(x) - x.shape[1])


def test_interactions_are_those_of_the_textbook():
    from scipy import stats

    data = interaction_data(*trial(theta=(2.0, -3.0, 1.0)))
    found, covariance = plain(data)
    fit = fit_interactions(data)
    k, f = 3, data.fixed.shape[1]
    np.testing.assert_allclose(fit.estimate, found[f:], rtol=1e-9)
    np.testing.assert_allclose(fit.se, np.sqrt(np.diag(covariance)[f:]), rtol=1e-9)
    assert fit.effect == pytest.approx(found[1], rel=1e-9)
    theta, block = found[f:], covariance[f:, f:]
    statistic = theta @ np.linalg.inv(block) @ theta / k
    assert fit.joint_f == pytest.approx(statistic, rel=1e-9)
    assert fit.joint_p == pytest.approx(stats.f.sf(statistic, k, data.df), rel=1e-8)


def test_statsmodels_finds_the_same_joint_test_and_the_same_interaction_alone():
    import statsmodels.formula.api as smf
    from pandas import DataFrame

    y, t, x, z, factors = trial(theta=(2.0, -3.0, 1.0))
    fit = fit_interactions(interaction_data(y, t, x, z, factors))
    frame = DataFrame({"y": y, "t": t, "b": x[:, 0], "d": z[:, 0], "age": z[:, 1], "m": z[:, 2]})
    full = smf.ols("y ~ t*(d + age + m) + b", frame).fit()
    joint = full.f_test("t:d = 0, t:age = 0, t:m = 0")
    assert fit.joint_f == pytest.approx(float(joint.fvalue), rel=1e-8)
    assert fit.joint_p == pytest.approx(float(joint.pvalue), rel=1e-6)
    alone = smf.ols("y ~ t + d + age + m + t:age + b", frame).fit()
    unit = 2 * np.std(z[:, 1], ddof=1)
    assert fit.alone[1] == pytest.approx(alone.params["t:age"] * unit, rel=1e-8)
    assert fit.alone_se[1] == pytest.approx(alone.bse["t:age"] * unit, rel=1e-8)
    assert fit.alone_df[1] == alone.df_resid


def test_the_posterior_is_that_of_brute_force():
    """Grid over width and residual variance, normal given both: the definition itself."""
    data = interaction_data(*trial(theta=(4.0, -6.0, 0.0), seed=5))
    scale = 0.5
    found = shrink_interactions(data, scale)
    x = np.column_stack([data.fixed, data.products])
    f, k = data.fixed.shape[1], 3
    free = x[:, :f]
    # Fixed coefficients without prior: integrate them out by working with what they leave.
    q, _ = np.linalg.qr(free, mode="complete")
    rest = q[:, f:]
    y, p = rest.T @ data.outcome, rest.T @ data.products
    # on the logarithm of the width: its prior density there is that of the width times the width
    widths = scale * np.exp(np.linspace(-8, 8, 400))
    variances = np.exp(np.linspace(np.log(2), np.log(300), 400))
    log, mean = np.empty((400, 400)), np.empty((400, k))
    for i, w in enumerate(widths):
        h = np.eye(len(y)) + w**2 * p @ p.T
        _, logdet = np.linalg.slogdet(h)
        quadratic = y @ np.linalg.solve(h, y)
        mean[i] = np.linalg.solve(p.T @ p + np.eye(k) / w**2, p.T @ y)
        # Jeffreys prior 1/sigma² has the density 1 on the grid of its logarithm
        log[i] = (
            -0.5 * len(y) * np.log(variances) - 0.5 * logdet - 0.5 * quadratic / variances
            - np.log1p((w / scale) ** 2) + np.log(w)
        )  # fmt: skip
    weight = np.exp(log - log.max()).sum(axis=1)
    weight /= weight.sum()
    expected = weight @ mean
    rows = np.hstack([np.zeros((k, f)), np.eye(k)])
    middle, lower, upper = found.combine(rows)
    np.testing.assert_allclose(middle, expected, atol=0.01)
    assert found.expected_width == pytest.approx(float(weight @ widths), rel=0.005)
    assert (lower < middle).all()
    assert (middle < upper).all()
    # the interval holds 95 % of the mixture
    np.testing.assert_allclose(
        [found.below(rows[[j]], upper[j])[0] for j in range(k)], 0.975, atol=1e-6
    )


def test_a_narrow_prior_gives_one_effect_for_all_and_a_wide_one_least_squares():
    data = interaction_data(*trial(theta=(6.0, -6.0, 3.0), seed=2))
    rows = np.hstack([np.zeros((3, data.fixed.shape[1])), np.eye(3)])
    narrow, _, _ = shrink_interactions(data, 1e-4).combine(rows)
    np.testing.assert_allclose(narrow, 0.0, atol=1e-4)
    effect = np.zeros((1, rows.shape[1]))
    effect[0, 1] = 1.0
    without = np.linalg.lstsq(data.fixed, data.outcome, rcond=None)[0][1]
    assert shrink_interactions(data, 1e-4).combine(effect)[0][0] == pytest.approx(without, abs=1e-3)
    wide, lower, upper = shrink_interactions(data, 1e4).combine(rows)
    fit = fit_interactions(data)
    np.testing.assert_allclose(wide, fit.estimate, atol=0.01)
    # its degrees of freedom are those before interactions are estimated, so a shade narrower
    assert ((upper - lower) / fit.se > 3.4).all()


def test_shrinking_draws_towards_nothing():
    for theta, narrower in (((6.0, -6.0, 3.0), False), ((0.0, 0.0, 0.0), True)):
        data = interaction_data(*trial(theta=theta, seed=2))
        fit = fit_interactions(data)
        rows = np.hstack([np.zeros((3, data.fixed.shape[1])), np.eye(3)])
        middle, lower, upper = shrink_interactions(data, 0.5).combine(rows)
        assert np.linalg.norm(middle) < 0.8 * np.linalg.norm(fit.estimate)
        if narrower:
            assert (upper - lower < 2 * 2.06 * fit.se).all()


def test_units_do_not_matter():
    y, t, x, z, factors = trial(theta=(6.0, -6.0, 3.0))
    one = fit_interactions(interaction_data(y, t, x, z, factors))
    other = fit_interactions(
        interaction_data(10 * y + 3, t, 5 * x - 1, z * np.array([1.0, 7.0, 0.1]) + 4, factors)
    )
    np.testing.assert_allclose(other.estimate, 10 * one.estimate, rtol=1e-8)
    assert other.joint_p == pytest.approx(one.joint_p, rel=1e-8)


def test_without_heterogeneity_the_joint_test_keeps_its_level_and_intervals_cover():
    hits, covered = 0, 0
    for seed in range(150):
        data = interaction_data(*trial(seed=seed))
        hits += fit_interactions(data).joint_p < 0.05
        rows = np.hstack([np.zeros((3, data.fixed.shape[1])), np.eye(3)])
        _, lower, upper = shrink_interactions(data, 0.5).combine(rows)
        covered += int(((lower < 0) & (upper > 0)).sum())
    assert abs(hits - 7.5) < 5 * np.sqrt(150 * 0.05 * 0.95)
    assert covered > 0.95 * 450  # shrunk towards the truth: they cover more often than 95 %


@pytest.mark.parametrize(
    ("change", "where", "said"),
    [
        ({"z": np.ones((36, 3))}, "modifiers[0]", "does not vary within each arm"),
        ({"z": np.tile(np.arange(36.0)[:, None], 3)}, "modifiers", "none repeats"),
        ({"t": np.ones(36)}, "treatment", "people in both"),
        ({"y": np.ones(36)}, "outcome", "does not vary beyond"),
        ({"x": np.random.default_rng(1).normal(size=(36, 30))}, "outcome", "too few people"),
    ],
)
def test_what_cannot_be_is_refused(change, where, said):
    y, t, x, z, factors = trial()
    given = {"y": y, "t": t, "x": x, "z": z} | change
    with pytest.raises(ArgumentError, match=said) as refused:
        interaction_data(given["y"], given["t"], given["x"], given["z"], factors)
    assert refused.value.where == where


def test_interactions_that_few_people_cannot_tell_apart_are_refused():
    """Two factors that agree in everybody on treatment: their products there are the same."""
    y, t, x, _, _ = trial(n=36)
    first = np.tile([0.0, 0.0, 1.0, 1.0, 1.0, 0.0], 6)
    second = np.where(t == 1.0, first, np.roll(first, 3))
    with pytest.raises(ArgumentError, match="to tell the interactions apart"):
        interaction_data(y, t, x[:, :1], np.column_stack([first, second]), [True, True])


def test_a_prior_without_width_is_refused():
    with pytest.raises(ArgumentError, match="above 0"):
        shrink_interactions(interaction_data(*trial()), 0.0)
