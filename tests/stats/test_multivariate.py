"""All early changes together: peers, plain twins, closed cases, leaks, and what chance gives."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cross_decomposition import PLSRegression
from sklearn.linear_model import ElasticNet, Ridge

from equipoise.stats.early_change import associate, landmark_data
from equipoise.stats.errors import ArgumentError
from equipoise.stats.multivariate import (
    STRENGTHS,
    CrossValidation,
    adjust_sets,
    choose_tuning,
    cross_validate,
    fit_elastic_net,
    fit_partial_least_squares,
    make_folds,
    net_penalty,
    permute_whole,
    resample_importance,
)


def trial(seed=1, n=36, p=6, link=0.0):
    """Correlated markers that fall where they began high; an outcome with its own baseline."""
    rng = np.random.default_rng(seed)
    arm, stratum = np.tile([1, 1, 0], n // 3), np.repeat([0, 1], n // 2)
    own, start = rng.normal(size=(n, p)), rng.normal(size=n)
    x = 0.7 * rng.normal(size=(n, 1)) + rng.normal(size=(n, p)) - 0.4 * own + arm[:, None]
    noise = rng.normal(size=n)
    y = -0.5 * start + 2.0 * arm + link * (x[:, 0] + 0.4 * own[:, 0] - arm) + noise
    common = np.column_stack([np.ones(n), stratum, arm, start])
    return x, own, common, y, 2 * arm + stratum


def whole(data):
    """The set of everybody: adjusted predictors, outcome, cross products."""
    x, own, common, y, _ = data
    sets = adjust_sets(x, own, common, np.ones((1, len(y))))
    left = sets.residuals(y[None])
    return sets, left[0, 0], sets.covariances(left)


def plain_adjust(x, own, common, train):
    """Residuals of everybody by least squares in the training set alone, per SD of that set."""
    found = np.empty_like(x)
    for j in range(x.shape[1]):
        columns = np.column_stack([common, own[:, j]])
        b = np.linalg.lstsq(columns[train], x[train, j], rcond=None)[0]
        left = x[:, j] - columns @ b
        found[:, j] = left / np.sqrt((left[train] ** 2).mean())
    return found


def nipals(x, y, components):
    """PLS1 by the loop of its definition, X deflated: coefficients of each number, weights, VIP."""
    a, b = x.copy(), y.copy()
    w, loads, q, squares, found = [], [], [], [], []
    for _ in range(components):
        direction = a.T @ b
        direction = direction / np.linalg.norm(direction)
        t = a @ direction
        load = a.T @ t / (t @ t)
        q.append(b @ t / (t @ t))
        a, b = a - np.outer(t, load), b - t * q[-1]
        w.append(direction)
        loads.append(load)
        squares.append(q[-1] ** 2 * (t @ t))
        ws, ps = np.array(w).T, np.array(loads).T
        found.append(ws @ np.linalg.solve(ps.T @ ws, np.array(q)))
    over = sum(s * d**2 for s, d in zip(squares, w, strict=True))
    return np.array(found), np.array(w), np.array(loads), np.sqrt(x.shape[1] * over / sum(squares))


def test_partial_least_squares_is_nipals_and_scikit_learns():
    sets, y, covariances = whole(trial())
    fit = fit_partial_least_squares(sets.gram, covariances, 5)
    coefficients, weights, loadings, importance = nipals(sets.x[0], y, 5)
    np.testing.assert_allclose(fit.coefficients[0, 0], coefficients, rtol=0, atol=1e-12)
    np.testing.assert_allclose(fit.weights[0, 0], weights, rtol=0, atol=1e-12)
    np.testing.assert_allclose(fit.loadings[0, 0], loadings, rtol=0, atol=1e-11)
    np.testing.assert_allclose(fit.importance[0, 0, -1], importance, rtol=1e-11)
    for a in range(1, 6):
        peer = PLSRegression(a, scale=False).fit(sets.x[0], y)
        np.testing.assert_allclose(fit.coefficients[0, 0, a - 1], peer.coef_[0], atol=1e-12)
    np.testing.assert_allclose(
        np.abs(fit.rotations[0, 0]), np.abs(peer.x_rotations_.T), rtol=0, atol=1e-11
    )
    # The peer's own scaling takes n - 1; coefficients in the units of X are the same.
    raw = sets.x[0] * np.arange(1.0, 7.0)
    scaled = PLSRegression(2, scale=True).fit(raw, y)
    own = fit.coefficients[0, 0, 1] / np.arange(1.0, 7.0)
    np.testing.assert_allclose(own, scaled.coef_[0], atol=1e-12)


def test_closed_cases_of_partial_least_squares():
    sets, y, covariances = whole(trial(2))
    fit = fit_partial_least_squares(sets.gram, covariances, 9)
    least_squares = np.linalg.lstsq(sets.x[0], y, rcond=None)[0]
    # All components are least squares, and there are no more of them.
    np.testing.assert_allclose(fit.coefficients[0, 0, 5], least_squares, rtol=1e-9)
    np.testing.assert_array_equal(fit.coefficients[0, 0, 5], fit.coefficients[0, 0, 8])
    np.testing.assert_array_equal(fit.weights[0, 0, 6:], 0.0)
    np.testing.assert_allclose((fit.importance[0, 0] ** 2).mean(axis=-1), 1.0, rtol=1e-12)
    explained = fit.outcome_explained[0, 0].sum() / (y @ y / len(y))
    r2 = 1.0 - ((y - sets.x[0] @ least_squares) ** 2).sum() / (y @ y)
    assert explained == pytest.approx(r2, rel=1e-9)
    assert fit.predictors_explained[0, 0].sum() == pytest.approx(6.0, rel=1e-9)
    # Orthogonal predictors: one component gives each its marginal slope, and the second nothing.
    q, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(20, 4)))
    c = (q.T @ np.arange(20.0))[None, None]
    one = fit_partial_least_squares(np.eye(4)[None], c, 2)
    np.testing.assert_allclose(one.coefficients[0, 0, 1], c[0, 0], rtol=1e-12)
    np.testing.assert_array_equal(one.weights[0, 0, 1], 0.0)


def test_with_one_marker_it_is_the_slope_of_the_landmark_association():
    x, own, common, y, _ = trial(4, p=1)
    sets, _, covariances = whole((x, own, common, y, None))
    slope = fit_partial_least_squares(sets.gram, covariances, 1).coefficients[0, 0, 0, 0]
    arm, stratum = common[:, 2].astype(int), common[:, 1].astype(int)
    found = associate(landmark_data(y, x[:, 0], [common[:, 3], own[:, 0]], arm, stratum))
    assert slope / sets.spread[0, 0] == pytest.approx(float(found.slope), rel=1e-11)


def test_covariates_are_taken_out_by_the_training_set_alone():
    x, own, common, y, _ = trial(5)
    train = np.arange(36) % 5 != 0
    sets = adjust_sets(x, own, common, train[None].astype(float))
    np.testing.assert_allclose(sets.x[0], plain_adjust(x, own, common, train), atol=1e-11)
    b = np.linalg.lstsq(common[train], y[train], rcond=None)[0]
    np.testing.assert_allclose(sets.residuals(y[None])[0, 0], y - common @ b, atol=1e-11)
    # Units and copies: a marker in other units, and people who count twice.
    other = adjust_sets(x * 1e6 + 3.0, own * 1e-3, common, train[None].astype(float))
    np.testing.assert_allclose(other.x, sets.x, atol=1e-9)
    twice = np.flatnonzero(train).repeat(2)
    double = adjust_sets(x[twice], own[twice], common[twice], np.ones((1, len(twice))))
    np.testing.assert_allclose(double.gram, sets.gram, atol=1e-11)


def test_ridge_and_elastic_net_are_scikit_learns():
    sets, y, covariances = whole(trial(6))
    spread = np.sqrt((y * y).mean())
    z = y / spread
    c = covariances / spread
    for mixing in (0.3, 1.0):
        for strength in (0.5, 0.1, 0.03):
            penalty = net_penalty(strength, mixing)
            found = fit_elastic_net(sets.gram, c, penalty, mixing, tolerance=1e-13)[0, 0]
            peer = ElasticNet(
                alpha=penalty, l1_ratio=mixing, fit_intercept=False, tol=1e-14, max_iter=100_000
            ).fit(sets.x[0], z)
            np.testing.assert_allclose(found, peer.coef_, atol=1e-9)
    ridge = fit_elastic_net(sets.gram, c, 0.7, 0.0)[0, 0]
    peer = Ridge(alpha=0.7 * 36, fit_intercept=False, tol=1e-12).fit(sets.x[0], z)
    np.testing.assert_allclose(ridge, peer.coef_, atol=1e-11)
    # Coordinate descent comes to the same as the closed form as mixing goes to 0.
    near = fit_elastic_net(sets.gram, c, 0.7, 1e-12, tolerance=1e-13)[0, 0]
    np.testing.assert_allclose(near, ridge, atol=1e-10)


def test_a_penalty_that_leaves_nothing_and_the_first_that_leaves_something():
    sets, y, covariances = whole(trial(7))
    c = covariances / np.sqrt((y * y).mean())
    largest = np.abs(c).max() / 0.5
    assert not fit_elastic_net(sets.gram, c, largest * 1.000001, 0.5).any()
    assert (fit_elastic_net(sets.gram, c, largest * 0.999, 0.5) != 0.0).sum() == 1
    assert not fit_elastic_net(sets.gram, c, net_penalty(STRENGTHS[0], 0.5), 0.5).any()


def test_many_outcomes_at_once_are_each_alone():
    sets, _, _ = whole(trial(8))
    c = np.random.default_rng(9).normal(size=(1, 40, 6)) * 0.2
    many = fit_elastic_net(sets.gram, c, 0.2, 0.5, tolerance=1e-12)
    for k in (0, 17, 39):
        alone = fit_elastic_net(sets.gram, c[:, k : k + 1], 0.2, 0.5, tolerance=1e-12)
        np.testing.assert_allclose(many[0, k], alone[0, 0], atol=1e-11)


def test_cross_validation_is_the_loop_of_its_definition():
    x, own, common, y, blocks = trial(10, link=0.6)
    folds = make_folds(x, own, common, blocks, 4, 2, np.random.default_rng(1))
    found = cross_validate(folds, y[None], components=3)
    net = cross_validate(folds, y[None], mixing=(0.0, 0.5))
    assert found.families == (0, 0, 0)
    assert net.errors.shape == (8, 1, 1 + 2 * len(STRENGTHS))
    place = STRENGTHS.index(0.25)
    for k, held in enumerate(folds.held > 0.0):
        train = ~held
        z = plain_adjust(x, own, common, train)
        b = np.linalg.lstsq(common[train], y[train], rcond=None)[0]
        left = y - common @ b
        base = float((left[held] ** 2).sum())
        assert found.errors[k, 0, 0] == pytest.approx(base, rel=1e-10)
        for a in range(1, 4):
            fit = nipals(z[train], left[train], a)[0][-1]
            error = float(((left - z @ fit)[held] ** 2).sum())
            assert found.errors[k, 0, a] == pytest.approx(error, rel=1e-9)
        spread = np.sqrt((left[train] ** 2).mean())
        peer = ElasticNet(alpha=0.5, l1_ratio=0.5, fit_intercept=False, tol=1e-12)
        fit = peer.fit(z[train], left[train] / spread).coef_ * spread
        error = float(((left - z @ fit)[held] ** 2).sum())
        # The path stops where a sweep moves nothing by 1e-5 of an SD.
        assert net.errors[k, 0, 1 + len(STRENGTHS) + place] == pytest.approx(error, rel=1e-4)
    total = found.errors.sum(axis=0)[0]
    np.testing.assert_allclose(found.q2[0], 1.0 - total / total[0], rtol=1e-12)


def test_folds_are_stratified_and_leave_everybody_out_once_a_repeat():
    x, own, common, _, blocks = trial(11)
    folds = make_folds(x, own, common, blocks, 5, 3, np.random.default_rng(1))
    np.testing.assert_array_equal(folds.held.reshape(3, 5, 36).sum(axis=1), 1.0)
    np.testing.assert_array_equal(folds.held + folds.sets.weights, 1.0)
    for block in np.unique(blocks):
        sizes = folds.held[:, blocks == block].sum(axis=1)
        assert sizes.max() - sizes.min() <= 1.0


def test_nobody_left_out_tells_his_own_outcome():
    x, own, common, y, blocks = trial(12, link=0.6)
    folds = make_folds(x, own, common, blocks, 5, 1, np.random.default_rng(1))
    person = int(np.flatnonzero(folds.held[0])[0])
    changed = y.copy()
    changed[person] += 100.0

    def prediction(outcome):
        left = folds.sets.residuals(outcome[None])
        fit = fit_partial_least_squares(folds.sets.gram, folds.sets.covariances(left), 2)
        base = outcome - left[0, 0]
        return (base + folds.sets.x[0] @ fit.coefficients[0, 0, 1])[person]

    assert prediction(changed) == pytest.approx(prediction(y), rel=1e-12)


def test_a_shuffled_outcome_is_not_predicted():
    """Beside the covariates noise only makes it worse: Q2 below 0 on average, and never chosen
    more often than chance."""
    x, own, common, y, blocks = trial(13)
    folds = make_folds(x, own, common, blocks, 5, 2, np.random.default_rng(1))
    shuffled = np.random.default_rng(2).permuted(np.tile(y, (300, 1)), axis=1)
    q2 = cross_validate(folds, shuffled, components=3).q2
    assert (q2[:, 1:].mean(axis=0) < 0.0).all()
    # A leak would make more components better; without one they are worse.
    assert (np.diff(q2.mean(axis=0)) < 0.0).all()


def test_the_rules_choose_what_they_say():
    errors = np.array([[10.0, 8.0, 7.5, 9.0], [10.0, 8.4, 7.9, 9.0], [10.0, 8.2, 7.7, 9.0]])
    found = CrossValidation(errors[:, None], np.full(3, 4.0), (0, 0, 0), 3)
    assert choose_tuning(found).chosen == [2]
    # Standard error over folds: SD of 7.5, 7.9, 7.7 over 4 people and root 3.
    assert found.standard_error[0, 2] == pytest.approx(0.2 / 4.0 / np.sqrt(3.0))
    wide = errors.copy()
    wide[:, 2] = [6.7, 8.7, 7.7]
    near = CrossValidation(wide[:, None], np.full(3, 4.0), (0, 0, 0), 3)
    assert choose_tuning(near).chosen == [2]
    assert choose_tuning(near, "one-standard-error").chosen == [1]
    worse = CrossValidation(errors[:, None] + [0.0, 5.0, 5.0, 5.0], np.full(3, 4.0), (0, 0, 0), 3)
    for rule in ("best", "one-standard-error"):
        none = choose_tuning(worse, rule)
        assert none.chosen == [0]
        assert none.model[0] > 0
        assert none.q2[0] < 0.0
    # Steps of another mixing are no plainer models of this one.
    apart = choose_tuning(
        CrossValidation(wide[:, None], np.full(3, 4.0), (1, 2, 2), 3), "one-standard-error"
    )
    assert apart.chosen == [2]


def test_the_permutation_is_the_loop_of_its_definition():
    x, own, common, y, blocks = trial(14, link=0.5)
    folds = make_folds(x, own, common, blocks, 4, 2, np.random.default_rng(1))
    test = permute_whole(folds, y, blocks, 99, np.random.default_rng(2), components=3)
    generator = np.random.default_rng(2)
    order = np.lexsort((generator.random((99, 36)), np.broadcast_to(blocks, (99, 36))))
    fitted = common @ np.linalg.lstsq(common, y, rcond=None)[0]
    home, null = np.argsort(blocks, kind="stable"), []
    for row in order:
        moved = np.empty(36)
        moved[home] = (y - fitted)[row]
        null.append(
            choose_tuning(cross_validate(folds, (fitted + moved)[None], components=3)).q2[0]
        )
    np.testing.assert_allclose(test.null, null, rtol=1e-9)
    seen = choose_tuning(cross_validate(folds, y[None], components=3)).q2[0]
    assert test.as_extreme == int((np.array(null) >= seen - 1e-9).sum())
    assert test.p == (test.as_extreme + 1) / 100
    assert test.movable == 36
    again = permute_whole(folds, y, blocks, 99, np.random.default_rng(2), components=3)
    np.testing.assert_array_equal(test.null, again.null)


def test_size_without_a_link_and_power_with_one():
    """5 % of 200 trials, within four binomial standard errors; the study is in tests/validate."""
    low = {0.0: 0, 1.0: 0}
    for link, trials in ((0.0, 200), (1.0, 30)):
        for seed in range(trials):
            x, own, common, y, blocks = trial(1000 + seed, link=link)
            folds = make_folds(x, own, common, blocks, 5, 1, np.random.default_rng(seed))
            test = permute_whole(folds, y, blocks, 39, np.random.default_rng(seed), components=2)
            low[link] += test.p <= 0.05
    assert low[0.0] / 200 == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 200))
    assert low[1.0] >= 20


def test_bootstrap_is_the_loop_of_its_definition():
    x, own, common, y, blocks = trial(15, link=0.8)
    found = resample_importance(
        x, own, common, y, blocks, 40, np.random.default_rng(1),
        components=1, folds=4, net=(0.25, 0.5),
    )  # fmt: skip
    generator = np.random.default_rng(1)
    home = np.argsort(blocks, kind="stable")
    sizes = np.unique(blocks, return_counts=True)[1]
    chance = generator.random((40, 36))
    for k in (0, 39):
        rows = []
        for block, size in enumerate(sizes):
            start = sizes[:block].sum()
            part = chance[k, start : start + size]
            rows += list(home[start + (part * size).astype(int)])
        rows = np.array(rows)
        assert (np.bincount(blocks[rows]) == np.bincount(blocks)).all()
        z = plain_adjust(x[rows], own[rows], common[rows], np.ones(36, dtype=bool))
        left = y[rows] - common[rows] @ np.linalg.lstsq(common[rows], y[rows], rcond=None)[0]
        coefficients, _, _, importance = nipals(z, left, 1)
        np.testing.assert_allclose(found.importance[k], importance, rtol=1e-8)
        np.testing.assert_allclose(found.coefficients[k], coefficients[0], rtol=1e-8)
        net = ElasticNet(alpha=0.5, l1_ratio=0.5, fit_intercept=False, tol=1e-12)
        kept = net.fit(z, left / np.sqrt((left**2).mean())).coef_ != 0.0
        np.testing.assert_array_equal(found.kept[k], kept)
    np.testing.assert_array_equal(found.components, 1)


def test_components_are_chosen_anew_and_no_copy_is_on_both_sides(monkeypatch):
    from equipoise.stats.multivariate import importance_intervals

    seen = []
    real = importance_intervals.fold_sets

    def watched(x, own, common, train, held, folds):
        seen.append((train.copy(), held.copy()))
        return real(x, own, common, train, held, folds)

    monkeypatch.setattr(importance_intervals, "fold_sets", watched)
    x, own, common, y, blocks = trial(16)
    found = resample_importance(
        x, own, common, y, blocks, 60, np.random.default_rng(1), components=4, folds=4
    )
    train, held = (np.concatenate(part) for part in zip(*seen, strict=True))
    assert not ((train > 0.0) & (held > 0.0)).any()
    np.testing.assert_array_equal((train + held).sum(axis=1), 36.0)
    assert len(np.unique(found.components)) > 1
    assert found.components.min() >= 1
    assert found.kept.shape == (0, 6)


def test_people_find_what_was_put_in():
    x, own, common, y, blocks = trial(17, n=402, p=6, link=0.6)
    folds = make_folds(x, own, common, blocks, 5, 2, np.random.default_rng(1))
    test = permute_whole(folds, y, blocks, 99, np.random.default_rng(2), components=3)
    assert test.p == 0.01
    drawn = resample_importance(
        x, own, common, y, blocks, 99, np.random.default_rng(3), components=3, folds=5
    )
    low, high = np.percentile(drawn.importance, [2.5, 97.5], axis=0)
    assert low[0] > high[1:].max()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda d: make_folds(*d[:3], d[4], 1, 2, np.random.default_rng(1)), "from 2 to the number"),
        (lambda d: adjust_sets(d[0], d[1][:, :2], d[2], np.ones((1, 36))), "one row a person"),
        (lambda d: adjust_sets(d[0], d[1], d[2], np.ones((1, 35))), "one weight a person"),
        (
            lambda d: adjust_sets(np.full_like(d[0], np.nan), d[1], d[2], np.ones((1, 36))),
            "values are there, and finite",
        ),
        (lambda d: fit_elastic_net(np.eye(2)[None], np.ones((1, 1, 2)), 0.0, 0.5), "above 0"),
        (lambda d: fit_elastic_net(np.eye(2)[None], np.ones((1, 1, 2)), 1.0, 1.5), "from 0 to 1"),
        (lambda d: fit_partial_least_squares(np.eye(2)[None], np.ones((1, 1, 3)), 1), "sets, outcomes"),
        (lambda d: fit_partial_least_squares(np.eye(2)[None], np.ones((1, 1, 2)), 0), "at least 1"),
    ],
)  # fmt: skip
def test_what_is_refused(call, said):
    with pytest.raises(ArgumentError, match=said):
        call(trial())


def test_tests_without_draws_or_candidates_are_refused():
    x, own, common, y, blocks = trial()
    folds = make_folds(x, own, common, blocks, 5, 1, np.random.default_rng(1))
    with pytest.raises(ArgumentError, match="at least 19"):
        permute_whole(folds, y, blocks, 5, np.random.default_rng(1), components=1)
    with pytest.raises(ArgumentError, match="components or a mixing"):
        permute_whole(folds, y, blocks, 19, np.random.default_rng(1))
    with pytest.raises(ArgumentError, match="best or one-standard-error"):
        choose_tuning(cross_validate(folds, y[None], components=1), "plainest")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="at least 1"):
        resample_importance(
            x, own, common, y, blocks, 0, np.random.default_rng(1), components=1, folds=5
        )
