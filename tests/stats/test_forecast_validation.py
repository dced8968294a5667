"""Honest validation: plain twins, scikit-learn's measures, leaks, chance, Riley's published examples."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from equipoise.stats import ArgumentError
from equipoise.stats.forecast import (
    Target,
    bootstrap_optimism,
    calibration_groups,
    drawn_on,
    fit_ridge_forecast,
    gains,
    learning_curve,
    leave_pair_out,
    measure_intervals,
    nested_validation,
    outer_folds,
    permuted_orders,
    predictor_columns,
    recalibrate,
    riley_binary,
    riley_continuous,
    score_line,
)
from equipoise.stats.forecast.corrected_resampling import resampled
from equipoise.stats.forecast.performance import count_pairs
from equipoise.stats.forecast.sample_size import largest_cox_snell

PENALTIES = np.array([0.01, 0.1, 1.0, 10.0, 1000.0])


def trial(seed: int, n: int = 36, p: int = 8, link: float = 2.0):
    """Columns, target and blocks: 2 : 1 in two strata, response by halving the score."""
    rng = np.random.default_rng(seed)
    arm, stratum = (np.arange(n) % 3 != 0) * 1.0, (np.arange(n) < n // 2) * 1.0
    score = np.round(rng.normal(22, 4, n))
    x = np.column_stack([arm, stratum, score, rng.normal(size=(n, p - 3))])
    y = -4 * arm - 0.3 * (score - 22) - link * x[:, 3] - 8 + rng.normal(size=n) * 4
    limit = -0.5 * score
    columns = predictor_columns(x, np.arange(p) > 2)
    return columns, Target(y, limit, y <= limit), (2 * arm + stratum).astype(int)


def validated(columns, target, blocks, *, repeats=3, draws=0, seed=1, folds=5, **more):
    rng = np.random.default_rng(seed)
    fold = more.pop("fold", None)
    fold = outer_folds(blocks, folds, repeats, rng) if fold is None else fold
    given = {
        "orders": permuted_orders(blocks, draws, rng), "penalties": PENALTIES, "inner_folds": 4,
        "generator": np.random.default_rng(seed + 1), **more,
    }  # fmt: skip
    return nested_validation(columns, target, blocks=blocks, fold=fold, **given)


def test_left_out_forecasts_are_those_of_a_model_trained_without_them():
    """One penalty: every fold fitted by itself with the single fit, which has its own twin."""
    columns, target, blocks = trial(1)
    run = validated(columns, target, blocks, penalties=np.array([0.5]))
    for labels, mean, se, chance in zip(run.fold, run.mean, run.se, run.probability, strict=True):
        for k in range(5):
            out = labels == k
            alone = fit_ridge_forecast(
                columns.x[~out], target.y[~out], columns.penalised, penalties=[0.5],
                generator=np.random.default_rng(0),
            ).predict(columns.x[out])  # fmt: skip
            np.testing.assert_allclose(mean[out], alone.mean, rtol=1e-9)
            np.testing.assert_allclose(se[out], alone.se, rtol=1e-9)
            np.testing.assert_allclose(
                chance[out], alone.probability_below(target.limit[out]), rtol=1e-9
            )


def test_measures_are_those_of_scikit_learn():
    columns, target, blocks = trial(2)
    run = validated(columns, target, blocks, repeats=2)
    found = run.measures()
    pairs, right, brier = 0, 0.0, []
    for labels, chance in zip(run.fold, run.probability, strict=True):
        brier.append(brier_score_loss(target.response, chance))
        for k in range(5):
            r, p = target.response[labels == k], chance[labels == k]
            count = int(r.sum() * (~r).sum())
            if count:
                right += count * roc_auc_score(r, p)
                pairs += count
    assert found["auc"][0] == pytest.approx(right / pairs, rel=1e-12)
    assert found["brier"][0] == pytest.approx(np.mean(brier), rel=1e-12)
    errors = target.y - run.mean
    known = np.array([
        [target.y[labels != labels[i]].mean() for i in range(36)] for labels in run.fold
    ])  # fmt: skip
    r2 = 1 - (errors**2).sum() / ((target.y - known) ** 2).sum()
    assert found["r2"][0] == pytest.approx(r2, rel=1e-10)
    assert found["mae"][0] == pytest.approx(np.abs(errors).mean(), rel=1e-10)


def test_ties_count_one_half_and_weights_their_product():
    rng = np.random.default_rng(3)
    chance, response = rng.integers(0, 4, (1, 30, 1)) / 4.0, rng.random((1, 30, 1)) < 0.4
    weight = rng.integers(0, 3, (1, 30)).astype(float)
    right, pairs = count_pairs(chance, response.astype(float), weight)
    plain = roc_auc_score(response[0, :, 0], chance[0, :, 0], sample_weight=weight[0])
    assert right[0, 0] / pairs[0, 0] == pytest.approx(plain, rel=1e-12)


def test_a_persons_forecast_does_not_know_his_own_outcome():
    """Leak test: an outcome changed beyond all bounds moves no forecast of its owner."""
    columns, target, blocks = trial(3)
    run = validated(columns, target, blocks)
    for person in (0, 17, 35):
        y = target.y.copy()
        y[person] = 1e4
        changed = validated(columns, dataclasses.replace(target, y=y), blocks)
        np.testing.assert_array_equal(changed.mean[:, person], run.mean[:, person])
        np.testing.assert_array_equal(changed.probability[:, person], run.probability[:, person])
        assert np.abs(changed.mean - run.mean).max() > 1.0


def test_gaps_are_filled_within_the_training_folds():
    """Leak test: a left-out person's predictors say nothing to another's gap."""
    columns, target, blocks = trial(4)
    x = columns.x.copy()
    x[5, 4] = np.nan
    gaps = predictor_columns(x, columns.penalised)
    run = validated(gaps, target, blocks)
    mates = run.fold[0] == run.fold[0][5]
    moved = x.copy()
    moved[mates, 5:] += 50.0
    moved[5] = x[5]
    other = validated(predictor_columns(moved, columns.penalised), target, blocks)
    assert other.mean[0, 5] == pytest.approx(run.mean[0, 5], rel=1e-12)


def test_permuted_outcomes_go_through_the_very_same_procedure():
    """A column of permuted outcomes is the run on these outcomes alone, to rounding."""
    columns, target, blocks = trial(5)
    orders = permuted_orders(blocks, 3, np.random.default_rng(1))
    assert (blocks[orders] == blocks).all()
    run = validated(columns, target, blocks, orders=orders)
    for place, order in enumerate(orders):
        lent = Target(target.y[order], target.limit, target.response[order])
        alone = validated(columns, lent, blocks, orders=orders[:1])
        for name, values in run.measures().items():
            assert values[place] == pytest.approx(alone.measures()[name][0], rel=1e-9), name


def test_shuffled_outcomes_lie_in_their_own_distribution():
    """Leak test: of an outcome that nothing predicts, p is as often small as it says."""
    p = []
    for seed in range(60):
        columns, target, blocks = trial(seed, link=0.0)
        order = permuted_orders(blocks, 1, np.random.default_rng(seed))[1]
        null = Target(target.y[order], target.limit, target.response[order])
        values = validated(columns, null, blocks, repeats=1, draws=39, seed=seed).measures()["auc"]
        p.append((1 + (values[1:] >= values[0] - 1e-12).sum()) / 40)
    assert np.mean(np.array(p) <= 0.1) < 0.22  # 0.1 + 3 SE of 60 trials
    assert np.mean(p) == pytest.approx(0.5, abs=0.12)


def pooled(x, r):
    """Ridge (1 per participant, intercept free) on the class, each left out by the hat matrix."""
    about = x - x.mean(axis=0)
    inverse = np.linalg.inv(about.T @ about + len(x) * np.eye(x.shape[1]))
    hat = 1 / len(x) + about @ inverse @ about.T
    y = 2.0 * r - 1.0
    return y - (y - hat @ y) / (1.0 - np.diag(hat))


def test_pooled_leave_one_out_is_below_a_half_where_nothing_is_to_be_found():
    """Ridge under the null at n = 36, eight markers: 0.41 pooled, 0.50 within folds."""
    rng = np.random.default_rng(36)
    below, within = [], []
    for trial_number in range(400):
        x, r = rng.normal(size=(36, 8)), rng.permutation(np.repeat([True, False], 18))
        left = pooled(x, r)
        below.append(roc_auc_score(r, left))
        if trial_number == 0:
            model = RidgeClassifier(alpha=36.0)
            again = cross_val_predict(model, x, r, cv=LeaveOneOut(), method="decision_function")
            np.testing.assert_allclose(left, again, rtol=1e-9)
        run = validated(
            predictor_columns(x, np.ones(8, dtype=bool)), Target(-1.0 * r, np.full(36, -0.5), r),
            np.zeros(36, dtype=int), repeats=2, penalties=np.array([1.0]),
        )  # fmt: skip
        within.append(run.measures()["auc"][0])
    # Monte-Carlo errors: 0.006 and 0.005.
    assert np.mean(below) == pytest.approx(0.41, abs=0.02)
    assert np.mean(within) == pytest.approx(0.50, abs=0.015)


def test_pairs_left_out_are_those_of_models_without_them():
    columns, target, blocks = trial(6)
    found, count = leave_pair_out(
        columns, target, blocks=blocks, most=10_000, penalties=np.array([0.5]), inner_folds=4,
        generator=np.random.default_rng(1),
    )  # fmt: skip
    right = []
    for i in np.flatnonzero(target.response):
        for j in np.flatnonzero(~target.response):
            kept = np.delete(np.arange(36), [i, j])
            model = fit_ridge_forecast(
                columns.x[kept], target.y[kept], columns.penalised, penalties=[0.5],
                generator=np.random.default_rng(0),
            ).predict(columns.x[[i, j]])  # fmt: skip
            one, two = model.probability_below(target.limit[[i, j]])
            right.append(one > two)
    assert (found, count) == (pytest.approx(np.mean(right), rel=1e-12), len(right))


def test_what_the_training_people_show_is_too_good():
    columns, target, blocks = trial(7, link=0.0)
    given = {
        "blocks": blocks, "penalties": PENALTIES, "inner_folds": 4,
        "generator": np.random.default_rng(1),
    }  # fmt: skip
    found = bootstrap_optimism(columns, target, draws=60, inner_repeats=1, alpha=0.05, **given)
    for name in ("r2", "auc"):
        one = found[name]
        assert one.optimism > 0.0, name
        assert one.corrected == pytest.approx(one.apparent - one.optimism)
        assert one.lower < one.corrected < one.upper + 0.2
    assert found["brier"].optimism < 0.0
    plain = fit_ridge_forecast(
        columns.x, target.y, columns.penalised, penalties=[1.0], generator=given["generator"]
    ).predict(columns.x)
    one_penalty = bootstrap_optimism(
        columns, target, draws=20, inner_repeats=1, alpha=0.05,
        **{**given, "penalties": np.array([1.0])},
    )  # fmt: skip
    r2 = 1 - ((target.y - plain.mean) ** 2).sum() / ((target.y - target.y.mean()) ** 2).sum()
    assert one_penalty["r2"].apparent == pytest.approx(r2, rel=1e-9)
    chance = plain.probability_below(target.limit)
    assert one_penalty["auc"].apparent == pytest.approx(roc_auc_score(target.response, chance))


def test_recalibration_is_logistic_regression():
    rng = np.random.default_rng(8)
    chance = rng.uniform(0.05, 0.95, (2, 200))
    response = rng.random(200) < chance[0]
    found = recalibrate(chance, response)
    logit = np.log(chance / (1 - chance))
    fits = [sm.Logit(response * 1.0, sm.add_constant(row)).fit(disp=0) for row in logit]
    np.testing.assert_allclose(found.slope, np.mean([f.params[1] for f in fits]), rtol=1e-6)
    np.testing.assert_allclose(
        found.covariance, np.mean([f.cov_params() for f in fits], axis=0), rtol=1e-5
    )
    levels = [
        sm.GLM(response * 1.0, np.ones(200), sm.families.Binomial(), offset=row).fit()
        for row in logit
    ]
    np.testing.assert_allclose(found.level, np.mean([f.params[0] for f in levels]), atol=1e-8)


def test_where_responders_are_parted_there_is_no_slope():
    response = np.arange(20) >= 10
    found = recalibrate(np.where(response, 0.9, 0.1)[None], response)
    assert np.isnan(found.slope)
    assert found.repeats == 0
    assert recalibrate(np.full((1, 5), 0.5), np.ones(5, dtype=bool)).repeats == 0


def test_groups_and_lines_of_calibration():
    chance = np.linspace(0.1, 0.9, 30)[None]
    groups = calibration_groups(chance, np.arange(30) % 2 == 0, 3)
    assert groups.n.tolist() == [10, 10, 10]
    assert groups.responders.tolist() == [5, 5, 5]
    rng = np.random.default_rng(9)
    mean = rng.normal(size=(1, 50))
    y = 1.0 + 0.5 * mean[0] + rng.normal(size=50)
    level, _, slope, se = score_line(mean, y)
    fit = sm.OLS(y, sm.add_constant(mean[0])).fit()
    assert (slope, se) == (pytest.approx(fit.params[1]), pytest.approx(fit.bse[1]))
    assert level == pytest.approx((y - mean[0]).mean())


def test_the_corrected_resampled_t_from_its_formula():
    over, under = np.random.default_rng(10).normal(2, 1, 50), np.ones(50)
    found = resampled(over, under, folds=5, alpha=0.05)
    variance = (1 / 50 + 1 / 4) * over.var(ddof=1)
    assert found.estimate == pytest.approx(over.mean())
    assert (found.upper - found.lower) / 2 == pytest.approx(2.009575 * np.sqrt(variance), rel=1e-5)
    alone = resampled(over[:1], under[:1], folds=5, alpha=0.05)
    assert np.isnan(alone.lower)


def test_a_gain_is_seen_where_it_is_and_not_where_it_is_not():
    """400 people: what a marker adds is found, and a marker of nothing adds nothing."""
    for link, seen in ((2.0, True), (0.0, False)):
        columns, target, blocks = trial(11, n=400, p=5, link=link)
        fold = outer_folds(blocks, 5, 5, np.random.default_rng(1))
        with_it = validated(columns, target, blocks, fold=fold)
        less = predictor_columns(columns.x[:, [0, 1, 2, 4]], [False, False, False, True])
        without = validated(less, target, blocks, fold=fold)
        found = gains(with_it.sums, without.sums, folds=5, alpha=0.05)
        for name in ("r2", "auc", "brier"):
            assert (found[name].lower > 0.0) == seen, (link, name)
        whole = measure_intervals(with_it.sums, folds=5, alpha=0.05)
        before = measure_intervals(without.sums, folds=5, alpha=0.05)
        assert found["brier"].estimate == pytest.approx(
            before["brier"].estimate - whole["brier"].estimate
        )


def test_more_people_forecast_better():
    columns, target, blocks = trial(12, n=300, p=15, link=1.5)
    curve = learning_curve(
        columns, target, blocks=blocks, shares=[0.1, 0.3, 0.7], draws=30, penalties=PENALTIES,
        inner_folds=4, generator=np.random.default_rng(1),
    )  # fmt: skip
    assert curve.sizes.tolist() == [30, 90, 210]
    assert np.all(np.diff(curve.measures["r2"]) > 0.0)
    assert np.all(curve.low["r2"] < curve.high["r2"])


def test_what_is_drawn_on_is_a_line_in_one_over_n():
    sizes = np.array([10, 20, 40])
    np.testing.assert_allclose(drawn_on(sizes, 0.8 - 3 / sizes, np.array([100])), [0.77])
    assert np.isnan(drawn_on(sizes[:2], np.ones(2), np.array([9]))).all()


def test_rileys_published_examples():
    """Part I (pmsampsize's example), part II (Chagas disease), and both of BMJ 2020;368:m441."""
    found = riley_continuous(0.2, 25, mean=1.9, sd=0.6)
    assert [n for _, n in found.criteria] == [918, 401, 259, 918]
    assert riley_continuous(0.9, 20, mean=26.7, sd=8.7).needed == 254  # fat-free mass
    chagas = riley_binary(0.288, 24, 0.174)
    assert [n for _, n in chagas.criteria] == [623, 662, 221]
    assert chagas.needed * 0.174 / 24 == pytest.approx(4.8, abs=0.01)  # events a parameter
    assert largest_cox_snell(0.05) == pytest.approx(0.33, abs=0.005)
    assert riley_binary(0.05, 30, 0.05).needed == 5249  # pre-eclampsia


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: riley_continuous(0.0, 5, 1.0, 1.0), "between 0 and 1"),
        (lambda: riley_continuous(0.5, 0, 1.0, 1.0), "at least one"),
        (lambda: riley_binary(0.1, 5, 1.0), "a share between 0 and 1"),
        (lambda: riley_binary(0.8, 5, 0.5), "below 0.750"),
    ],
)
def test_what_riley_cannot_answer_is_refused(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()


def test_too_few_people_are_refused_and_one_class_has_no_auc():
    columns, target, blocks = trial(13, n=7)
    with pytest.raises(ArgumentError, match="too few people in the training folds"):
        validated(columns, target, blocks, folds=4, penalties=np.array([1.0]))
    columns, target, blocks = trial(13)
    every = Target(target.y, np.full(36, 1e6), np.ones(36, dtype=bool))
    found = validated(columns, every, blocks, repeats=1).measures()
    assert np.isnan(found["auc"][0])
    assert np.isfinite(found["r2"][0])
