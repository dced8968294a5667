"""Mediation: against its definition, closed forms, statsmodels and R's boot."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from tests.conftest import ROOT

from equipoise.stats.errors import ArgumentError
from equipoise.stats.mediation import (
    bca_interval,
    bootstrap,
    confounded,
    estimate,
    left_out,
    mediation_data,
    percentile_interval,
    product_of_slopes,
    quasi_bayesian,
    resampled_counts,
    without_assay_error,
)


def trial(n=36, seed=1, k=1, a=0.6, b=-0.8, extra=0.0):
    """A trial 1 : 2 within two strata: outcome, mediators, treatment, covariates, block."""
    g = np.random.default_rng(seed)
    t = np.tile([0.0, 1.0, 1.0], n // 3)
    s = np.repeat([0.0, 1.0], [n // 2, n - n // 2])
    x = g.normal(size=n)
    m = a * t[:, None] + 0.4 * x[:, None] + g.normal(size=(n, k))
    y = -0.5 * t + (m * (b + extra * t[:, None])).sum(axis=1) + 0.5 * s + g.normal(size=n)
    return y, m, t, np.column_stack([s, x]), (2 * t + s).astype(int)


def ols(columns, y):
    return np.linalg.lstsq(columns, y, rcond=None)[0]


def plain(y, m, t, x, interaction):
    """Natural effects for linear models, by predicting everybody under every combination."""
    n, k = m.shape
    one = np.ones(n)
    alpha = [ols(np.column_stack([one, t, x]), m[:, j]) for j in range(k)]

    def right(treated, mediators):
        parts = [one, treated, mediators, x]
        if interaction:
            parts.append(mediators * treated[:, None])
        return np.column_stack(parts)

    beta = ols(right(t, m), y)

    def mediators(treated):
        return np.column_stack([np.column_stack([one, treated, x]) @ c for c in alpha])

    def mean(treated, under):
        return float((right(treated * one, mediators(under * one)) @ beta).mean())

    return {
        "total": mean(1, 1) - mean(0, 0),
        "indirect_control": mean(0, 1) - mean(0, 0),
        "indirect_treated": mean(1, 1) - mean(1, 0),
        "direct_control": mean(1, 0) - mean(0, 0),
        "direct_treated": mean(1, 1) - mean(0, 1),
    }


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("interaction", [False, True])
def test_effects_are_those_of_the_definition(k, interaction):
    y, m, t, x, block = trial(k=k, extra=0.4, seed=3)
    found = estimate(mediation_data(y, m, t, x, block, interaction=interaction))
    for name, value in plain(y, m, t, x, interaction).items():
        assert float(getattr(found, name)[0]) == pytest.approx(value, abs=1e-10)
    assert found.total == pytest.approx(found.indirect_treated + found.direct_control, abs=1e-12)
    assert found.total == pytest.approx(found.indirect + found.direct, abs=1e-12)


def test_a_bootstrap_sample_is_the_fit_of_the_people_in_it():
    y, m, t, x, block = trial(k=2)
    data = mediation_data(y, m, t, x, block)
    counts = resampled_counts(block, 20, np.random.default_rng(5))
    found = estimate(data, counts)
    for place, count in enumerate(counts.astype(int)):
        who = np.repeat(np.arange(len(y)), count)
        again = plain(y[who], m[who], t[who], x[who], True)
        assert found.indirect_treated[place] == pytest.approx(again["indirect_treated"], abs=1e-8)
        assert found.direct_control[place] == pytest.approx(again["direct_control"], abs=1e-8)


def test_people_are_resampled_within_their_block():
    block = np.array([0, 0, 0, 1, 1, 2])
    counts = resampled_counts(block, 400, np.random.default_rng(1))
    for number, size in ((0, 3), (1, 2), (2, 1)):
        assert (counts[:, block == number].sum(axis=1) == size).all()
    assert counts[:, 0].mean() == pytest.approx(1.0, abs=0.15)


def test_without_interaction_the_indirect_effect_is_a_times_b_with_sobels_error():
    y, m, t, x, block = trial()
    data = mediation_data(y, m, t, x, block, interaction=False)
    n = len(y)
    left, right = (np.column_stack([np.ones(n), t, x]), np.column_stack([np.ones(n), t, x, m]))

    def slope(columns, values, place):
        c = ols(columns, values)
        spare = n - columns.shape[1]
        variance = ((values - columns @ c) ** 2).sum() / spare
        return c[place], variance * np.linalg.inv(columns.T @ columns)[place, place]

    (a, va), (b, vb) = slope(left, m[:, 0], 1), slope(right, y, 4)
    found = product_of_slopes(data)
    assert found.estimate == pytest.approx(a * b, rel=1e-10)
    assert found.se == pytest.approx(math.sqrt(a * a * vb + b * b * va), rel=1e-10)
    both = math.sqrt(a * a * vb + b * b * va + va * vb)
    assert found.se_second_order == pytest.approx(both, rel=1e-10)
    assert float(estimate(data).indirect[0]) == pytest.approx(a * b, rel=1e-10)
    # coefficients are independent normals, so that their product has just that spread
    drawn = quasi_bayesian(data, 200_000, np.random.default_rng(2)).indirect
    assert drawn.std() == pytest.approx(found.se_second_order, rel=0.01)
    assert drawn.mean() == pytest.approx(found.estimate, abs=5 * drawn.std() / math.sqrt(200_000))


def test_statsmodels_finds_the_same():
    """Without interaction, and as arrays: with formulas it takes a quarter of a second a draw."""
    import statsmodels.api as sm
    from statsmodels.stats.mediation import Mediation

    y, m, t, x, block = trial(n=90, seed=7)
    base = np.column_stack([np.ones(len(y)), t])
    outcome = sm.OLS(y, np.column_stack([base, m, x]))
    mediator = sm.OLS(m[:, 0], np.column_stack([base, x]))
    np.random.seed(11)  # statsmodels draws from the global generator
    reps = 100
    table = (
        Mediation(outcome, mediator, (1, 1), mediator=2)
        .fit(method="parametric", n_rep=reps)
        .summary()
    )
    data = mediation_data(y, m, t, x, block, interaction=False)
    draws = quasi_bayesian(data, 40_000, np.random.default_rng(4))
    names = {
        "ACME (control)": "indirect_control",
        "ACME (treated)": "indirect_treated",
        "ADE (control)": "direct_control",
        "ADE (treated)": "direct_treated",
        "Total effect": "total",
    }
    for theirs, ours in names.items():
        mine = getattr(draws, ours)
        row = table.loc[theirs]
        # The mean of their draws within five Monte-Carlo errors. They draw the mediator's own
        # error anew under either arm, which widens their intervals by a tenth or so at n = 90.
        width = row["Upper CI bound"] - row["Lower CI bound"]
        assert mine.mean() == pytest.approx(
            row["Estimate"], abs=5 * 1.3 * mine.std() / math.sqrt(reps)
        )
        lower, upper = np.quantile(mine, [0.025, 0.975])
        assert 0.85 < width / (upper - lower) < 1.35


def reference():
    path = ROOT / "tests" / "reference" / "mediation.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", reference()["cases"], ids=lambda c: c["name"])
def test_r_finds_the_same_intervals_on_the_same_samples(case):
    """lm and boot.ci of R, on counts that this reference drew: tests/reference/mediation.R."""
    columns = {key: np.array(value) for key, value in case["data"].items()}
    x = np.column_stack([columns["s"], columns["x"]])
    data = mediation_data(
        columns["y"], columns["m"], columns["t"], x, columns["block"],
        interaction=case["interaction"],
    )  # fmt: skip
    seen = estimate(data)
    assert float(seen.indirect[0]) == pytest.approx(case["indirect"], rel=1e-9)
    assert float(seen.direct[0]) == pytest.approx(case["direct"], rel=1e-9)
    draws = estimate(data, np.array(case["counts"], dtype=float)).indirect
    np.testing.assert_allclose(draws, case["draws"], rtol=1e-7, atol=1e-10)
    without = left_out(data).indirect
    found = bca_interval(draws, float(seen.indirect[0]), without, data.block)
    # boot interpolates order statistics on the normal scale, numpy on the straight one: they
    # differ by less than the gap between neighbouring draws, about 1/200 of the width here
    width = case["bca"][1] - case["bca"][0]
    assert found.lower == pytest.approx(case["bca"][0], abs=0.01 * width)
    assert found.upper == pytest.approx(case["bca"][1], abs=0.01 * width)
    plain_one = percentile_interval(draws)
    assert plain_one.lower == pytest.approx(case["percentile"][0], abs=0.01 * width)
    assert plain_one.upper == pytest.approx(case["percentile"][1], abs=0.01 * width)


def test_correlated_errors_bias_the_estimate_as_the_sensitivity_says():
    """Errors correlated by rho: at that rho the formula gives the true effect back."""
    g = np.random.default_rng(8)
    n, rho, a, b = 200_000, 0.4, 0.7, -0.5
    t = np.tile([0.0, 1.0], n // 2)
    e = g.multivariate_normal([0, 0], [[1, rho * 1.5], [rho * 1.5, 2.25]], size=n)
    m = a * t + e[:, 0]
    y = 0.3 * t + b * m + e[:, 1]
    data = mediation_data(y, m, t, np.zeros((n, 0)), t.astype(int), interaction=False)
    found = confounded(data, np.array([0.0, rho]))
    assert float(found.indirect[0, 0]) == pytest.approx(float(estimate(data).indirect[0]), rel=1e-9)
    assert abs(float(found.indirect[0, 0]) - a * b) > 0.2  # taken at face value it is wrong
    assert float(found.indirect[0, 1]) == pytest.approx(a * b, abs=0.02)


def test_at_the_vanishing_correlation_nothing_is_left():
    y, m, t, x, block = trial(seed=4)
    data = mediation_data(y, m, t, x, block, interaction=False)
    at = float(confounded(data, np.array([0.0])).vanishing[0])
    assert float(confounded(data, np.array([at])).indirect[0, 0]) == pytest.approx(0.0, abs=1e-12)
    # it is the correlation of what treatment and covariates leave of mediator and outcome
    base = np.column_stack([np.ones(len(y)), t, x])
    left = [v - base @ ols(base, v) for v in (m[:, 0], y)]
    assert at == pytest.approx(float(np.corrcoef(*left)[0, 1]), rel=1e-10)


def test_assay_error_is_taken_out():
    """A marker measured with error at both visits: corrected, the true effect comes back."""
    g = np.random.default_rng(12)
    n, cv, a, b = 200_000, 0.15, 0.25, -8.0
    s = math.sqrt(math.log1p(cv * cv))
    t = np.tile([0.0, 1.0], n // 2)
    first = g.normal(1.8, 0.25, n)
    change = a * t - 0.3 * (first - 1.8) + g.normal(0, 0.15, n)
    y = -2.0 * t + b * change - 3.0 * (first - 1.8) + g.normal(0, 5, n)
    e0, e1 = g.normal(0, s, n), g.normal(0, s, n)
    seen, base = change + e1 - e0, first + e0
    data = mediation_data(y, seen, t, base[:, None], t.astype(int), interaction=False)
    naive = float(estimate(data).indirect[0])
    assert abs(naive) < 0.75 * abs(a * b)
    assert float(without_assay_error(data, 0, cv)[0]) == pytest.approx(a * b, rel=0.03)
    assert float(without_assay_error(data, 0, 0.0)[0]) == pytest.approx(naive, rel=1e-9)


def test_an_error_larger_than_what_was_seen_leaves_nothing():
    y, m, t, x, block = trial()
    data = mediation_data(y, 0.1 * m, t, x, block, interaction=False)
    assert math.isnan(without_assay_error(data, None, 0.5)[0])


def test_units_and_order_do_not_matter():
    y, m, t, x, block = trial(k=2)
    seen = estimate(mediation_data(y, m, t, x, block))
    turned = np.random.default_rng(1).permutation(len(y))
    other = estimate(
        mediation_data(
            10 * y[turned] + 3, 7 * m[turned] - 1, t[turned], 2 * x[turned] + 5, block[turned]
        )
    )
    np.testing.assert_allclose(other.indirect, 10 * seen.indirect, rtol=1e-9)
    np.testing.assert_allclose(other.direct_control, 10 * seen.direct_control, rtol=1e-9)
    np.testing.assert_allclose(other.to_mediator, 7 * seen.to_mediator, rtol=1e-9)


def test_whoever_lacks_a_value_is_left_out_and_a_spare_covariate_too():
    y, m, t, x, block = trial()
    seen = estimate(mediation_data(y, m, t, x, block))
    more = [np.append(v, v[:1], axis=0) for v in (y, m, t, x, block)]
    more[0][-1] = math.nan
    twice = np.column_stack([more[3], more[3][:, 0] * 2 + 1])
    found = mediation_data(more[0], more[1], more[2], twice, more[4])
    assert found.n == len(y)
    assert found.kept == (0, 1)
    np.testing.assert_allclose(estimate(found).total, seen.total, rtol=1e-9)


def test_samples_without_a_solution_are_counted_and_too_many_leave_no_interval():
    draws = np.concatenate([np.linspace(-1, 2, 97), [math.nan] * 3])
    assert percentile_interval(draws).failed == 3
    assert math.isfinite(percentile_interval(draws).lower)
    assert math.isnan(percentile_interval(np.concatenate([draws, [math.nan] * 3])).lower)
    # two people of the smaller arm share one value of the covariate in some samples
    y, m, t, x, block = trial(n=12)
    found = bootstrap(mediation_data(y, m, t, x, block), 300, np.random.default_rng(1))
    assert np.isfinite(found.indirect).mean() > 0.5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"t": np.zeros(36)}, "both arms have people"),
        ({"t": np.full(36, 2.0)}, "0 for control and 1 for active"),
        ({"m": np.ones((36, 1))}, "mediators: it does not vary beyond"),
        ({"y": np.ones(36)}, "outcome: it does not vary beyond"),
        ({"x": np.random.default_rng(1).normal(size=(36, 33))}, "too few people have all values"),
        ({"m": np.ones((35, 1))}, "36 people, as the outcome has"),
    ],
)
def test_what_cannot_be_is_refused(change, said):
    y, m, t, x, block = trial()
    given = {"y": y, "m": m, "t": t, "x": x} | change
    with pytest.raises(ArgumentError) as refused:
        mediation_data(given["y"], given["m"], given["t"], given["x"], block)
    assert said.split(": ")[-1] in str(refused.value)
    assert said.split(": ")[0].split(" ")[0] in str(refused.value)


def test_type_one_error_and_power_at_36():
    """No path a: the bootstrap finds an indirect effect in about alpha of trials, or fewer."""
    found = {0.0: 0, 1.2: 0}
    for a in found:
        for seed in range(100):
            y, m, t, x, block = trial(seed=seed, a=a)
            data = mediation_data(y, m, t, x, block, interaction=False)
            draws = bootstrap(data, 400, np.random.default_rng(seed)).indirect
            interval = percentile_interval(draws)
            found[a] += interval.lower > 0 or interval.upper < 0
    assert found[0.0] <= 5 + 5 * math.sqrt(100 * 0.05 * 0.95)
    assert found[1.2] > 60
