"""What the mathematics guarantees: limiting cases and invariances.

Closed forms agree to rounding and to the optimiser's last step; 1e-9 is far above both.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.stats
import statsmodels.formula.api as smf
from test_mmrm_twin import random_trial

from equipoise.stats import MMRMFit, mmrm

EXACT = 1e-9


def wide_trial(seed: int = 3, n: int = 24) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    base = rng.normal(20.0, 4.0, size=n)
    arm = np.arange(n) % 2
    root = np.array([[3.0, 0.0], [2.0, 1.5]])
    y = 0.5 * base[:, None] + arm[:, None] * [1.0, -2.0] + rng.normal(size=(n, 2)) @ root.T
    return y, base, arm


def long_frame(y: np.ndarray, base: np.ndarray, arm: np.ndarray) -> pl.DataFrame:
    n, visits = y.shape
    return pl.DataFrame(
        {
            "id": np.repeat(np.arange(n), visits),
            "visit": np.tile(np.arange(1, visits + 1), n),
            "arm": np.repeat(np.where(arm == 1, "drug", "control"), visits),
            "base": np.repeat(base, visits),
            "y": y.ravel(),
        }
    )


@pytest.mark.parametrize("df", ["kenward-roger", "kenward-roger-firstorder", "satterthwaite"])
def test_two_visits_without_covariates_are_a_paired_t_test(df: str) -> None:
    y, base, arm = wide_trial()
    fit = mmrm("y ~ visit", long_frame(y, base, arm), subject="id", visit="visit", df=df)
    expected = scipy.stats.ttest_rel(y[:, 1], y[:, 0])
    row = fit.contrasts("visit").row(0, named=True)
    assert row["contrast"] == "2 - 1"
    assert row["t"] == pytest.approx(expected.statistic, rel=EXACT)
    assert row["df"] == pytest.approx(len(y) - 1, rel=EXACT)
    assert row["p"] == pytest.approx(expected.pvalue, rel=1e-8)
    interval = expected.confidence_interval(0.95)
    assert (row["lower"], row["upper"]) == pytest.approx((interval.low, interval.high), rel=1e-8)


@pytest.mark.parametrize("df", ["kenward-roger", "satterthwaite"])
def test_complete_data_with_crossed_covariates_are_an_ancova_at_each_visit(df: str) -> None:
    y, base, arm = wide_trial()
    data = long_frame(y, base, arm)
    fit = mmrm("y ~ base*visit + arm*visit", data, subject="id", visit="visit", df=df)
    contrasts = fit.contrasts("arm", reference="control", by="visit")
    means = fit.lsmeans("arm", by="visit")
    for visit in (1, 2):
        frame = pd.DataFrame({"y": y[:, visit - 1], "base": base, "arm": arm})
        ancova = smf.ols("y ~ base + arm", frame).fit()
        row = contrasts.filter(pl.col("visit") == str(visit)).row(0, named=True)
        assert row["estimate"] == pytest.approx(ancova.params["arm"], rel=EXACT)
        assert row["se"] == pytest.approx(ancova.bse["arm"], rel=EXACT)
        assert row["df"] == pytest.approx(ancova.df_resid, rel=EXACT)
        assert row["p"] == pytest.approx(ancova.pvalues["arm"], rel=1e-8)
        at_mean = ancova.get_prediction(pd.DataFrame({"base": [base.mean()], "arm": [1]}))
        mean = means.filter((pl.col("visit") == str(visit)) & (pl.col("arm") == "drug"))
        assert mean["estimate"][0] == pytest.approx(at_mean.predicted_mean[0], rel=EXACT)
        assert mean["se"][0] == pytest.approx(at_mean.se_mean[0], rel=EXACT)


@pytest.mark.parametrize("df", ["kenward-roger", "satterthwaite", "residual"])
def test_one_visit_is_ordinary_regression(df: str) -> None:
    y, base, arm = wide_trial()
    data = long_frame(y[:, :1], base, arm)
    fit = mmrm("y ~ base + arm", data, subject="id", visit="visit", df=df)
    ols = smf.ols("y ~ arm + base", pd.DataFrame({"y": y[:, 0], "base": base, "arm": arm})).fit()
    ours = fit.coefficients.sort("term")  # Intercept, arm[T.drug], base
    assert fit.covariance[0, 0] == pytest.approx(ols.mse_resid, rel=EXACT)
    assert ours["estimate"].to_numpy() == pytest.approx(ols.params.to_numpy(), rel=EXACT)
    assert ours["se"].to_numpy() == pytest.approx(ols.bse.to_numpy(), rel=EXACT)
    assert ours["df"].to_numpy() == pytest.approx(np.full(3, ols.df_resid), rel=EXACT)


def test_residual_degrees_of_freedom_are_rows_minus_columns() -> None:
    fit = mmrm("y ~ arm*week", random_trial(1), subject="id", visit="week", df="residual")
    expected = fit.n_observations - len(fit.terms)
    assert fit.coefficients["df"].to_list() == [expected] * len(fit.terms)
    assert fit.test(np.eye(len(fit.terms))[1:3]).df2 == expected


def same(a: MMRMFit, b: MMRMFit, factor: float = 1.0) -> None:
    one = a.contrasts("arm", reference="control", by="week")
    other = b.contrasts("arm", reference="control", by="week")
    for name, scale in (("estimate", factor), ("se", factor), ("df", 1.0), ("t", 1.0)):
        assert (one[name] * scale).to_numpy() == pytest.approx(other[name].to_numpy(), rel=1e-8)


FORMULA = "y ~ age + arm*week"


def fit_random(data: pl.DataFrame, **options: str) -> MMRMFit:
    return mmrm(FORMULA, data, subject="id", visit="week", **options)


def test_order_of_the_rows_does_not_matter() -> None:
    data = random_trial(2)
    same(fit_random(data), fit_random(data.sample(fraction=1.0, shuffle=True, seed=9)))


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_units_do_not_matter(factor: float) -> None:
    data = random_trial(2)
    scaled = data.with_columns(pl.col("y") * factor, pl.col("age") / factor)
    one, other = fit_random(data), fit_random(scaled)
    same(one, other, factor)
    n, p = one.n_observations, len(one.terms)
    # (n − p) log c² from the response, − 2 log c for the one column that was divided by c
    shift = 2.0 * (n - p) * np.log(factor) - 2.0 * np.log(factor)
    assert other.minus2_log_likelihood - one.minus2_log_likelihood == pytest.approx(shift, rel=1e-9)


def test_labels_of_the_visits_do_not_matter() -> None:
    data = random_trial(2)
    renamed = data.with_columns(
        pl.col("week").replace_strict({"W0": 30, "W1": 2, "W2": 11}, return_dtype=pl.Int64)
    )
    fit = mmrm(FORMULA, renamed, subject="id", visit="week", visit_levels=[30, 2, 11])
    assert fit.visits == ("30", "2", "11")
    same(fit_random(data), fit)


def test_reference_levels_do_not_matter() -> None:
    data = random_trial(2)
    turned = data.with_columns(pl.col("arm").cast(pl.Enum(["drug", "control"])))
    one, other = fit_random(data), fit_random(turned)
    assert other.terms != one.terms
    same(one, other)
    assert one.minus2_log_likelihood == pytest.approx(other.minus2_log_likelihood, abs=1e-8)


def test_a_visit_without_data_changes_nothing_and_is_named() -> None:
    data = random_trial(2)
    empty = data.filter(pl.col("week") == "W0").with_columns(
        pl.lit("W9").alias("week"), pl.lit(None, pl.Float64).alias("y")
    )
    fit = fit_random(pl.concat([data, empty]), df="satterthwaite")
    same(fit_random(data, df="satterthwaite"), fit)
    assert fit.dropped_levels == {}
    levels = ["W0", "W1", "W2", "W9"]
    declared = pl.concat([data, empty]).with_columns(pl.col("week").cast(pl.Enum(levels)))
    assert fit_random(declared).dropped_levels == {"week": ("W9",)}


def test_rows_without_a_response_are_dropped_and_counted() -> None:
    data = random_trial(2)
    fit = fit_random(data)
    missing = int(data["y"].is_nan().sum())
    assert fit.n_dropped == missing
    assert fit.n_observations == len(data) - missing
    same(fit, fit_random(data.filter(pl.col("y").is_not_nan())))


def test_type_one_error_under_the_null_is_near_its_level() -> None:
    """400 small trials without effect; 5 % +- 3 binomial SD is 1.7 to 8.3 %."""
    rejected = 0
    trials = 400
    for seed in range(trials):
        data = random_trial(1000 + seed, n=18, visits=2, loss=0.1)
        fit = mmrm("y ~ arm*week", data, subject="id", visit="week")
        p = fit.contrasts("arm", by="week")["p"][1]
        rejected += p < 0.05
    assert 0.017 * trials <= rejected <= 0.083 * trials
