"""The forecast's ridge regression: scikit-learn, a plain twin from the normal equations, limits."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from sklearn.linear_model import Ridge

from equipoise.stats import ArgumentError
from equipoise.stats.forecast import fit_ridge_forecast

PENALTIES = (0.01, 0.1, 1.0, 10.0, 1000.0)


def people(seed: int, n: int = 36, p: int = 9):
    """Columns (arm, stratum, score, then markers of all sizes) and an outcome."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) * rng.uniform(0.1, 5.0, p) + 3.0
    x[:, 0], x[:, 1] = np.arange(n) % 3 != 0, np.arange(n) < n // 2
    mask = np.arange(p) > 2
    return x, x @ rng.normal(size=p) + rng.normal(size=n) * 3.0, mask


def fitted(x, y, mask, **more):
    given = {"penalties": [0.3], "generator": np.random.default_rng(1), **more}
    return fit_ridge_forecast(x, y, mask, **given)


def products_of(x, mean, pairs):
    return np.column_stack([x[:, a] * (x[:, b] - mean[b]) for a, b in pairs])


def test_predictions_are_those_of_the_normal_equations():
    """Posterior mean and predictive t of the conjugate model, from one matrix inverted by hand."""
    x, y, mask = people(1)
    pairs = [(0, 3), (0, 4)]
    found = fitted(x, y, mask, products=pairs)
    mean = x.mean(axis=0)
    shrunk = np.column_stack([x[:, mask], products_of(x, mean, pairs)])
    centre, sd = shrunk.mean(axis=0), shrunk.std(axis=0)

    def design(rows):
        whole = np.column_stack([rows[:, mask], products_of(rows, mean, pairs)])
        return np.column_stack([np.ones(len(rows)), rows[:, ~mask], (whole - centre) / sd])

    steps = design(x)
    ridge = np.diag([0.0] * 4 + [0.3 * 36] * (steps.shape[1] - 4))
    inverse = np.linalg.inv(steps.T @ steps + ridge)
    b = inverse @ steps.T @ y
    variance = (np.sum((y - steps @ b) ** 2) + b @ ridge @ b) / (36 - 4)
    new = np.random.default_rng(2).normal(size=(5, 9)) * 2.0 + 3.0
    predicted = found.predict(new)
    rows = design(new)
    se = np.sqrt(variance * (1.0 + np.einsum("mi,ij,mj->m", rows, inverse, rows)))
    np.testing.assert_allclose(predicted.mean, rows @ b, rtol=1e-10)
    np.testing.assert_allclose(predicted.se, se, rtol=1e-10)
    np.testing.assert_allclose(
        predicted.upper, rows @ b + scipy.stats.t.ppf(0.975, 32) * se, rtol=1e-10
    )
    np.testing.assert_allclose(
        predicted.probability_below(-1.0), scipy.stats.t.cdf((-1.0 - rows @ b) / se, 32), rtol=1e-9
    )
    np.testing.assert_allclose(found.intercept + np.column_stack(
        [new, products_of(new, mean, pairs)]) @ found.coefficients, predicted.mean, rtol=1e-10
    )  # fmt: skip


def test_scikit_learn_after_clearing_what_is_not_penalised():
    x, y, mask = people(3)
    found = fitted(x, y, mask)
    fixed = np.column_stack([np.ones(36), x[:, ~mask]])
    clear = np.eye(36) - fixed @ np.linalg.pinv(fixed)
    sd = x[:, mask].std(axis=0)
    model = Ridge(alpha=0.3 * 36, fit_intercept=False).fit(clear @ (x[:, mask] / sd), clear @ y)
    np.testing.assert_allclose(found.coefficients[mask], model.coef_ / sd, rtol=1e-9)


def test_a_huge_penalty_is_least_squares_without_the_markers():
    x, y, mask = people(4)
    found = fitted(x, y, mask, penalties=[1e12])
    fixed = np.column_stack([np.ones(36), x[:, ~mask]])
    b, rss, *_ = np.linalg.lstsq(fixed, y, rcond=None)
    np.testing.assert_allclose(found.predict(x).mean, fixed @ b, rtol=1e-8)
    assert found.residual_variance == pytest.approx(rss[0] / 32, rel=1e-8)


def test_a_tiny_penalty_is_least_squares_with_them():
    x, y, mask = people(5)
    whole = np.column_stack([np.ones(36), x])
    b = np.linalg.lstsq(whole, y, rcond=None)[0]
    np.testing.assert_allclose(
        fitted(x, y, mask, penalties=[1e-13]).predict(x).mean, whole @ b, rtol=1e-7
    )


def test_units_order_and_empty_columns_change_nothing():
    x, y, mask = people(6)
    plain = fitted(x, y, mask).predict(x)
    order = np.random.default_rng(0).permutation(36)
    units = x * np.where(mask, 1000.0, 1.0)
    other = fitted(units[order], y[order], mask).predict(units)
    np.testing.assert_allclose(other.mean, plain.mean, rtol=1e-9)
    np.testing.assert_allclose(other.se, plain.se, rtol=1e-9)
    still = np.column_stack([x, np.full(36, 7.0), x[:, 0]])
    found = fitted(still, y, [*mask, True, False])
    np.testing.assert_allclose(found.predict(still).mean, plain.mean, rtol=1e-8)
    assert found.coefficients[-2] == 0.0


def test_the_penalty_is_the_one_with_the_smallest_error_left_out():
    """Every fold by hand, with the same dealing."""
    from equipoise.stats.forecast.fold_labels import fold_labels

    x, y, mask = people(7)
    blocks = x[:, 0] * 2 + x[:, 1]
    found = fitted(
        x, y, mask, penalties=PENALTIES, folds=6, repeats=3, blocks=blocks,
        generator=np.random.default_rng(5),
    )  # fmt: skip
    rng, errors = np.random.default_rng(5), np.zeros(len(PENALTIES))
    for _ in range(3):
        labels = fold_labels(blocks, np.ones((1, 36), dtype=bool), 6, rng)[0]
        for place, penalty in enumerate(PENALTIES):
            for fold in range(6):
                out = labels == fold
                part = fitted(x[~out], y[~out], mask, penalties=[penalty])
                errors[place] += np.sum((y[out] - part.predict(x[out]).mean) ** 2)
    assert found.penalty == PENALTIES[int(np.argmin(errors))]


def test_folds_share_out_every_block():
    from equipoise.stats.forecast.fold_labels import fold_labels

    blocks = np.repeat([0, 1, 2, 3], [12, 12, 6, 6])
    labels = fold_labels(blocks, np.ones((50, 36), dtype=bool), 5, np.random.default_rng(1))
    for fold in range(5):
        assert set((labels == fold).sum(axis=1)) <= {7, 8}
        for block, size in enumerate((12, 12, 6, 6)):
            counts = (labels[:, blocks == block] == fold).sum(axis=1)
            assert set(counts) <= {size // 5, size // 5 + 1}


def test_missing_predictors_are_filled_in_from_the_others():
    """With correlation 0.9 a missing value is near to what its neighbour says."""
    rng = np.random.default_rng(8)
    a = rng.normal(size=400)
    x = np.column_stack([a, 0.9 * a + np.sqrt(0.19) * rng.normal(size=400)])
    gaps = x.copy()
    gaps[:40, 1] = np.nan
    found = fitted(gaps, a + rng.normal(size=400), [True, True])
    np.testing.assert_allclose(found.fill(gaps)[:40, 1], 0.9 * x[:40, 0], atol=0.15)
    np.testing.assert_array_equal(found.fill(gaps)[40:], x[40:])
    assert np.isfinite(found.predict(np.array([[0.3, np.nan]])).mean).all()


def test_where_it_may_be_used():
    x, y, mask = people(9)
    found = fitted(x, y, mask)
    assert not found.outside(x).any()
    assert found.distance(x).max() == pytest.approx(found.furthest)
    far = x[:1].copy()
    far[0, 4] = x[:, 4].max() + 1.0
    np.testing.assert_array_equal(np.flatnonzero(found.outside(far)[0]), [4])
    # Each value within its range, but together as nobody had them.
    rng = np.random.default_rng(1)
    a = rng.normal(size=300)
    pair = np.column_stack([a, a + 0.1 * rng.normal(size=300)])
    tied = fitted(pair, a, [True, True])
    odd = np.array([[pair[:, 0].max() * 0.9, pair[:, 1].min() * 0.9]])
    assert not tied.outside(odd).any()
    assert tied.distance(odd)[0] > tied.furthest


def test_intervals_hold_the_share_of_new_people_that_they_promise():
    """250 trials of 36 with ten markers, tuned anew: 95 % intervals of 20 new people each."""
    rng = np.random.default_rng(10)
    inside = []
    for effect in (0.0, 0.3):
        for _ in range(125):
            x = rng.normal(size=(56, 12))
            x[:, 0] = np.arange(56) % 3 != 0
            y = 2.0 * x[:, 0] + effect * x[:, 2:].sum(axis=1) + rng.normal(size=56)
            found = fitted(
                x[:36], y[:36], np.arange(12) > 1, penalties=PENALTIES, repeats=2, generator=rng
            )
            new = found.predict(x[36:])
            inside.append(np.mean((y[36:] > new.lower) & (y[36:] < new.upper)))
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"penalties": []}, "finite numbers above 0"),
        ({"penalties": [0.0]}, "finite numbers above 0"),
        ({"folds": 37}, "from 2 to the number of people"),
        ({"products": [(0, 99)]}, "places of columns"),
    ],
)
def test_what_cannot_be_fitted_is_refused(change, message):
    x, y, mask = people(1)
    with pytest.raises(ArgumentError, match=message):
        fitted(x, y, mask, **change)


def test_unpenalised_gaps_and_too_few_people_are_refused():
    x, y, mask = people(1)
    gap = x.copy()
    gap[0, 2] = np.nan
    with pytest.raises(ArgumentError, match="unpenalised columns are complete"):
        fitted(gap, y, mask)
    with pytest.raises(ArgumentError, match="too few people"):
        fitted(x[:5], y[:5], mask, folds=2)
    with pytest.raises(ArgumentError, match="one finite outcome a row"):
        fitted(x, y[:-1], mask)
