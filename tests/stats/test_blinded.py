"""A variance that knows no arm, and the sizes that follow: against definitions and searches."""

from __future__ import annotations

import numpy as np
import pytest

from equipoise.stats.power import (
    ancova_power,
    blinded_variance,
    size_by_spread,
    smallest_size,
    variance_excess,
)


def test_the_variance_is_that_of_the_residuals():
    rng = np.random.default_rng(4)
    y, x = rng.normal(3.0, 2.0, 20), rng.normal(size=(20, 2))
    y[4], x[7, 1] = np.nan, np.nan
    used = np.delete(np.arange(20), [4, 7])
    columns = np.column_stack([np.ones(18), x[used]])
    beta = np.linalg.solve(columns.T @ columns, columns.T @ y[used])
    left = y[used] - columns @ beta
    found = blinded_variance(y, x)
    assert (found.participants, found.df) == (18, 15)
    assert found.variance == pytest.approx(left @ left / 15, rel=1e-12)
    assert found.sd**2 == pytest.approx(found.variance)
    # A column that repeats another costs nothing; large units change nothing.
    again = blinded_variance(y, np.column_stack([x, 1e9 * x[:, 0] + 7.0, np.full(20, 5.0)]))
    assert (again.df, again.variance) == (15, pytest.approx(found.variance, rel=1e-8))
    alone = blinded_variance(y[used], np.zeros((18, 0)))
    assert alone.variance == pytest.approx(np.var(y[used], ddof=1), rel=1e-12)


@pytest.mark.parametrize("ratio", [(1, 1), (2, 1)])
def test_it_expects_the_excess_that_is_stated(ratio):
    """sigma² + pi(1 - pi) delta² n/(n - 1), over all allocations in the ratio."""
    rng = np.random.default_rng(7)
    n, sd, effect, trials = 30, 2.0, 3.0, 40_000
    arm = np.repeat([1.0, 0.0], [n * ratio[0] // sum(ratio), n * ratio[1] // sum(ratio)])
    y = effect * arm + sd * rng.standard_normal((trials, n))
    seen = np.array([blinded_variance(row, np.zeros((n, 0))).variance for row in y[:4000]])
    np.testing.assert_allclose(seen, y[:4000].var(axis=1, ddof=1), rtol=1e-10)
    expected = sd**2 + variance_excess(effect, ratio) * n / (n - 1)
    mean, error = y.var(axis=1, ddof=1).mean(), y.var(axis=1, ddof=1).std() / np.sqrt(trials)
    assert abs(mean - expected) < 3.3 * error
    assert mean - sd**2 > 20 * error


def test_excess_at_two_to_one_is_two_ninths():
    assert variance_excess(3.0, (2, 1)) == pytest.approx(2.0)
    assert variance_excess(-3.0, (1, 1)) == pytest.approx(9 / 4)


@pytest.mark.parametrize(("ratio", "covariates", "power"), [((2, 1), 2, 0.9), ((1, 1), 1, 0.8)])
def test_sizes_are_those_of_a_search(ratio, covariates, power):
    table = size_by_spread(-4.0, ratio, most=120, power=power, covariates=covariates)
    unit = sum(ratio)
    assert table.totals[-1] == 120
    assert np.all(np.diff(table.totals) == unit)
    assert np.all(np.diff(table.largest_sd) > 0)
    for sd in (2.0, 4.3, 6.5):
        searched = smallest_size(
            lambda sizes, sd=sd: ancova_power(
                -4.0, sd, sizes, correlation=0.0, covariates=covariates
            ),
            power,
            ratio=ratio,
            least=-(-(covariates + 3) // unit),
        )
        found = int(table.completers(sd))
        assert found == (searched.total if searched.total <= 120 else -1)
    assert table.completers(100.0) == -1


@pytest.mark.parametrize(("alpha", "power"), [(0.0005, 0.9), (0.05, 0.06), (0.45, 0.5)])
def test_sizes_at_unusual_levels(alpha, power):
    """A level that five people cannot reach, and targets near it."""
    table = size_by_spread(2.0, (1, 1), most=40, alpha=alpha, power=power)
    assert np.all(np.diff(table.largest_sd) > 0)
    for total, sd in zip(table.totals, table.largest_sd, strict=True):
        if sd > 0:
            sizes = (int(total) // 2, int(total) // 2)
            found = ancova_power(2.0, float(sd), sizes, alpha, correlation=0.0)
            assert found == pytest.approx(power, abs=1e-6)
    assert (table.largest_sd[0] == 0.0) == (alpha < 0.001)


def test_losses_and_bounds():
    table = size_by_spread(4.0, (2, 1), most=120, covariates=2)
    sds = [1.0, 4.0, 4.0, 6.0, 50.0]
    needed, taken = table.sizes(sds, [1.0, 1.0, 0.8, 0.5, 1.0], 36, 90)
    completers = table.completers(sds)
    assert needed.tolist() == [
        completers[0], completers[1], 3 * int(np.ceil(completers[1] / 0.8 / 3)),
        3 * int(np.ceil(completers[3] / 0.5 / 3)), -1,
    ]  # fmt: skip
    assert taken.tolist() == [36, *np.clip(needed[1:4], 36, 90), 90]
    assert taken[3] == 90 < needed[3]
    # A share that is exact in decimals does not add a participant.
    whole = table.largest_sd[table.totals == 48][0]
    assert table.sizes([whole], [0.8], 3, 120)[0].tolist() == [60]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: blinded_variance([1.0, np.nan, 2.0], np.zeros((3, 0))), "1 degrees of freedom"),
        (lambda: blinded_variance([np.nan], [[1.0]]), "0 participants with outcome"),
        (lambda: variance_excess(np.nan, (1, 1)), "effect = nan"),
        (lambda: variance_excess(1.0, (0, 1)), r"ratio = \(0, 1\)"),
        (lambda: size_by_spread(0.0, (1, 1), most=20), "size of the effect = 0.0"),
        (lambda: size_by_spread(1.0, (1, 1), most=4), "most = 4"),
        (lambda: size_by_spread(1.0, (1, 1), most=40, power=0.04), "power = 0.04"),
        (lambda: size_by_spread(1.0, (1, 1), most=40, alpha=1.0), "alpha = 1.0"),
        (lambda: size_by_spread(1.0, (1, 0), most=40), "ratio"),
    ],
)
def test_refusals(call, words):
    with pytest.raises(ValueError, match=words):
        call()
