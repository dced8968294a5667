"""Landmark association: R's lm, statsmodels, a plain twin, batches, size, the permutation test."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm
from stats_reference import STORED

from equipoise.stats import ArgumentError
from equipoise.stats.early_change import (
    LandmarkData,
    associate,
    associate_ranks,
    curvature,
    landmark_data,
    permute_residuals,
    slope_difference,
)

REFERENCE = json.loads((STORED / "early_change.json").read_text(encoding="utf-8"))


def column(name: str) -> np.ndarray:
    return np.array([np.nan if row.get(name) is None else row[name] for row in REFERENCE["data"]])


def reference_data(*more: str) -> LandmarkData:
    covariates = [column(name) for name in ("base_score", "base_cells", *more)]
    arm, stratum = column("arm").astype(int), column("stratum").astype(int)
    return landmark_data(column("outcome"), column("early"), covariates, arm, stratum)


def drawn(seed: int, trials: int = 1, n: int = 36, link: float = 0.0) -> LandmarkData:
    """Trials of 2 : 1 in two strata; treatment moves both, `link` ties them within arms."""
    rng = np.random.default_rng(seed)
    arm, stratum = np.tile([1, 1, 0], n // 3), np.repeat([0, 1], n // 2)
    score, cells = rng.normal(22, 4, (trials, n)), rng.normal(2, 0.3, (trials, n))
    early = 0.2 * arm - 0.3 * (cells - 2) + rng.normal(0, 0.15, (trials, n))
    outcome = -4 * arm - 0.4 * (score - 22) + stratum + rng.normal(0, 4, (trials, n))
    outcome = outcome + link * (early - 0.2 * arm)
    outcome[rng.random((trials, n)) < 0.08] = np.nan
    early[rng.random((trials, n)) < 0.05] = np.nan
    return landmark_data(outcome, early, [score, cells], arm, stratum, strata=2)


def one(data: LandmarkData, trial: int) -> LandmarkData:
    covariates = [c[trial] for c in data.covariates]
    return landmark_data(
        data.outcome[trial], data.early[trial], covariates, data.arm[trial], data.stratum[trial],
        strata=data.strata,
    )  # fmt: skip


def design(data: LandmarkData, among: object) -> tuple[np.ndarray, np.ndarray]:
    """Outcome and model matrix of one trial, early change first, by hand."""
    rows = [
        i
        for i in range(data.outcome.shape[1])
        if not np.isnan([data.outcome[0, i], data.early[0, i]]).any()
        and not any(np.isnan(c[0, i]) for c in data.covariates)
        and (isinstance(among, str) or data.arm[0, i] == among)
    ]
    matrix = []
    for i in rows:
        row = [data.early[0, i], 1.0, *(c[0, i] for c in data.covariates)]
        row += [float(data.stratum[0, i] == s) for s in range(1, data.strata)]
        if among == "within-arms":
            row += [float(data.arm[0, i] == a) for a in range(1, data.arms)]
        matrix.append(row)
    return data.outcome[0, rows], np.array(matrix)


@pytest.mark.parametrize(
    ("key", "among"), [("within_arms", "within-arms"), ("all_arms", "all-arms"), ("arm_1", 1)]
)
def test_slopes_and_correlations_are_rs(key: str, among: str | int) -> None:
    theirs, ours = REFERENCE[key], associate(reference_data(), among)
    # closed forms on both sides; 15 digits are stored
    for name, mine in {
        "estimate": ours.slope, "se": ours.se, "lower": ours.lower, "upper": ours.upper,
        "p": ours.p, "sd": ours.sd, "correlation": ours.correlation,
    }.items():  # fmt: skip
        assert mine == pytest.approx(theirs[name], rel=1e-10), name
    assert (ours.n, ours.df) == (theirs["n"], theirs["df"])
    assert ours.slope.shape == ()
    if "rank_correlation" in theirs:
        ranks = associate_ranks(reference_data(), among)
        assert ranks.correlation == pytest.approx(theirs["rank_correlation"], rel=1e-10)


def test_the_interval_on_ranks_is_fiellers() -> None:
    ours = associate_ranks(drawn(0, link=-6))
    n, k = int(ours.n[0]), 4  # two baselines, a stratum, an arm
    reach = 1.959964 * np.sqrt(1.06 / (n - k - 3))
    middle = np.arctanh(ours.correlation[0])
    limits = np.tanh([middle - reach, middle + reach])
    assert (ours.correlation_lower[0], ours.correlation_upper[0]) == pytest.approx(tuple(limits))


@pytest.mark.parametrize("key", ["curvature", "slope_difference", "early_score"])
def test_proportion_and_the_adjusted_slope_are_rs(key: str) -> None:
    theirs = REFERENCE[key]
    if key == "early_score":
        found = associate(reference_data("early_score"))
        estimate = found.slope
    else:
        data = reference_data()
        found = curvature(data) if key == "curvature" else slope_difference(data, 1)
        estimate = found.estimate
    assert estimate == pytest.approx(theirs["estimate"], rel=1e-9)
    for name in ("n", "df", "se", "p", "lower", "upper"):
        assert getattr(found, name) == pytest.approx(theirs[name], rel=1e-9), name


@pytest.mark.parametrize("among", ["within-arms", "all-arms", 0, 1])
@pytest.mark.parametrize("seed", range(3))
def test_a_plain_twin_agrees(seed: int, among: str | int) -> None:
    data = drawn(seed, link=-6)
    y, x = design(data, among)
    fit = sm.OLS(y, x).fit()
    ours = associate(data, among)
    solved = np.linalg.lstsq(x, y, rcond=None)[0]
    assert ours.slope[0] == pytest.approx(solved[0], rel=1e-9)
    assert ours.se[0] == pytest.approx(fit.bse[0], rel=1e-9)
    assert (ours.lower[0], ours.upper[0]) == pytest.approx(tuple(fit.conf_int()[0]), rel=1e-9)
    assert ours.p[0] == pytest.approx(fit.pvalues[0], rel=1e-8)
    # r = t / sqrt(t² + df), and Fisher's interval by hand
    t = fit.tvalues[0]
    r = t / np.sqrt(t * t + fit.df_resid)
    assert ours.correlation[0] == pytest.approx(r, rel=1e-9)
    reach = scipy.stats.norm.ppf(0.975) / np.sqrt(len(y) - (x.shape[1] - 2) - 3)
    limits = np.tanh(np.arctanh(r) + np.array([-reach, reach]))
    assert (ours.correlation_lower[0], ours.correlation_upper[0]) == pytest.approx(tuple(limits))


def test_what_the_mathematics_guarantees() -> None:
    data = drawn(5, link=-6)
    ours = associate(data)
    level = landmark_data(
        data.outcome + data.covariates[0], data.early, data.covariates, data.arm, data.stratum
    )
    # The value at the landmark, or the change: the baseline is among the covariates.
    assert associate(level).slope == pytest.approx(ours.slope, rel=1e-10)
    shuffled = np.random.default_rng(1).permutation(36)
    moved = landmark_data(
        data.outcome[:, shuffled], data.early[:, shuffled] / np.log(2),
        [c[:, shuffled] for c in data.covariates], data.arm[:, shuffled],
        data.stratum[:, shuffled],
    )  # fmt: skip
    other = associate(moved)
    assert other.slope * np.log(2) ** -1 == pytest.approx(ours.slope, rel=1e-10)
    assert other.slope * other.sd == pytest.approx(ours.slope * ours.sd, rel=1e-10)
    assert other.p == pytest.approx(ours.p, rel=1e-8)
    # Without covariates, arm or stratum it is Pearson's correlation with its test.
    x, y = np.random.default_rng(2).normal(size=(2, 20))
    plain = associate(landmark_data(y, x, [], np.zeros(20, int), arms=1), "all-arms")
    theirs = scipy.stats.pearsonr(x, y)
    assert (plain.correlation, plain.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    rank = associate_ranks(landmark_data(np.round(y), x, [], np.zeros(20, int), arms=1))
    assert rank.correlation == pytest.approx(scipy.stats.spearmanr(x, np.round(y)).statistic)


def test_a_batch_has_the_numbers_of_single_trials_to_the_last_bit() -> None:
    data = drawn(11, trials=40, link=-4)
    data.early[3, data.stratum[3] == 1] = np.nan  # a trial whose second stratum is empty
    data.outcome[7] = np.nan
    for call in (
        associate, associate_ranks, lambda d: associate(d, 0), lambda d: associate(d, "all-arms"),
        curvature, lambda d: slope_difference(d, 1),
    ):  # fmt: skip
        together = call(data)
        for trial in range(40):
            alone = call(one(data, trial))
            for name in together.__slots__:
                both = getattr(together, name)[trial], getattr(alone, name)
                np.testing.assert_array_equal(*both, err_msg=name)
    grid = landmark_data(
        data.outcome.reshape(8, 5, 36), data.early.reshape(8, 5, 36),
        [c.reshape(8, 5, 36) for c in data.covariates], data.arm[0], data.stratum[0],
    )  # fmt: skip
    np.testing.assert_array_equal(associate(grid).slope.ravel(), associate(data).slope)


def test_what_cannot_be_had_is_nan_and_counted() -> None:
    data = drawn(3, trials=3)
    data.early[0] = 0.25  # does not vary
    data.early[1] = data.covariates[1][1]  # the marker's baseline says all of it
    data.outcome[2, 5:] = np.nan  # five people, five covariates
    found = associate(data)
    assert np.isnan(found.slope).all()
    assert np.isnan(found.correlation).all()
    assert found.n[2] <= 5
    assert np.isnan(slope_difference(drawn(3), 0).estimate).all()
    assert np.isnan(permute_residuals(one(data, 0), 19, np.random.default_rng(1)).p)


def test_size_within_arms_and_what_treatment_alone_produces() -> None:
    data = drawn(20, trials=4000)
    within = (associate(data).p < 0.05).mean()
    # The t test is exact for normal errors: 99.9 % binomial limits of 4,000 trials.
    assert 0.0387 < within < 0.0613
    # No link within arms, yet all arms together show one: treatment moves both.
    assert (associate(data, "all-arms").p < 0.05).mean() > 0.2
    found = associate(drawn(21, trials=4000, link=-8))
    assert ((found.lower < -8) & (found.upper > -8)).mean() == pytest.approx(0.95, abs=0.0113)


@pytest.mark.parametrize("among", ["within-arms", 1])
def test_the_permutation_test_is_its_definition(among: str | int) -> None:
    """Every order within arm and stratum, the whole model refitted for each."""
    rng = np.random.default_rng(4)
    arm, stratum = np.array([0, 0, 1, 1, 1, 1, 1, 1, 1]), np.array([0, 0, 0, 0, 0, 0, 1, 1, 1])
    score, early = rng.normal(22, 4, 9), rng.normal(0.2, 0.2, 9)
    outcome = -10 * early + rng.normal(0, 3, 9)
    data = landmark_data(outcome, early, [score], arm, stratum)
    y, x = design(data, among)
    reduced = x[:, 1:]
    expected = reduced @ np.linalg.lstsq(reduced, y, rcond=None)[0]
    residuals = y - expected
    seen = abs(sm.OLS(y, x).fit().tvalues[0])
    inside = [i for i in range(9) if among == "within-arms" or arm[i] == among]
    blocks = [
        [k for k, i in enumerate(inside) if (arm[i], stratum[i]) == cell]
        for cell in ((0, 0), (1, 0), (1, 1))
    ]
    extreme = total = 0
    for orders in itertools.product(*(itertools.permutations(b) for b in blocks)):
        moved = residuals.copy()
        for block, order in zip(blocks, orders, strict=True):
            moved[block] = residuals[list(order)]
        t = abs(sm.OLS(expected + moved, x).fit().tvalues[0])
        extreme += t >= seen * (1 - 1e-9)
        total += 1
    exact = extreme / total
    found = permute_residuals(data, 20_000, np.random.default_rng(9), among)
    # four Monte-Carlo standard errors
    assert found.p == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_000))
    assert found.p == (found.as_extreme + 1) / 20_001
    assert found.movable == len(inside)


def test_the_permutation_test_holds_its_size_and_repeats() -> None:
    data = drawn(31, trials=400)
    ps = np.array(
        [permute_residuals(one(data, k), 99, np.random.default_rng(k)).p for k in range(400)]
    )
    # 99.9 % binomial limits of 400 at 10 %
    assert 0.055 < (ps <= 0.10).mean() < 0.155
    again = permute_residuals(one(data, 7), 99, np.random.default_rng(7))
    assert again.p == ps[7]
    strong = permute_residuals(drawn(32, link=-40), 999, np.random.default_rng(1))
    assert strong.p == 0.001


def test_more_permutations_than_are_held_at_a_time() -> None:
    data = drawn(8)
    found = permute_residuals(data, 9000, np.random.default_rng(2))
    assert found.p == pytest.approx(float(associate(data).p[0]), abs=0.03)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: landmark_data(5.0, 1.0, [], 0), "outcome: participants on the last axis"),
        (lambda d: landmark_data(d.outcome, [1.0, 2.0], [], d.arm), "early: the same participants"),
        (lambda d: landmark_data(d.outcome, d.early, [np.inf], d.arm), r"covariates\[0\]: values are"),
        (lambda d: landmark_data(d.outcome, d.early, [], d.arm * 1.0), "arm: whole numbers from 0"),
        (lambda d: landmark_data(d.outcome, d.early, [], d.arm + 1), "arm: whole numbers from 0 to 1"),
        (lambda d: landmark_data(d.outcome, d.early, [], d.arm, d.arm - 1), "stratum: whole numbers"),
        (lambda d: associate(d, 2), "One of: within-arms, all-arms, or the number of an arm, 0 to 1"),
        (lambda d: associate(d, "both"), "among: who is looked at"),  # type: ignore[arg-type]
        (lambda d: associate(d, alpha=0), "alpha lies between 0 and 1"),
        (lambda d: permute_residuals(d, 5, np.random.default_rng(1)), "draws: a whole number of at"),
        (lambda d: permute_residuals(d, 19, np.random.default_rng(1), "all-arms"), "only what is within arms"),
    ],
)  # fmt: skip
def test_faults(call: object, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call(drawn(1))  # type: ignore[operator]


def test_several_trials_are_not_permuted_together() -> None:
    with pytest.raises(ArgumentError, match="data: one trial at a time"):
        permute_residuals(drawn(1, trials=2), 19, np.random.default_rng(1))


def test_three_arms() -> None:
    rng = np.random.default_rng(6)
    arm = np.tile([0, 1, 2], 20)
    early, score = rng.normal(size=60), rng.normal(size=60)
    outcome = arm + early * (1 + arm) + rng.normal(size=60)
    data = landmark_data(outcome, early, [score], arm, arms=3)
    dummies = np.stack([np.ones(60), score, arm == 1, arm == 2], axis=1)
    fit = sm.OLS(
        outcome, np.column_stack([dummies, early, early * (arm == 1), early * (arm == 2)])
    ).fit()
    for k in (1, 2):
        found = slope_difference(data, k)
        assert (found.estimate, found.p) == pytest.approx(
            (fit.params[4 + k], fit.pvalues[4 + k]), rel=1e-8
        )
