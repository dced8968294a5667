"""LS means, contrasts and what a fit says about itself."""

from __future__ import annotations

import json
import math
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.stats
from stats_reference import fit_case
from test_mmrm_twin import random_trial

from equipoise.stats import ArgumentError, mmrm


def trial() -> pl.DataFrame:
    data = random_trial(4, n=48)
    number = pl.col("id").str.slice(1).cast(pl.Int64)
    return data.with_columns(
        pl.when(number % 4 < 2).then(pl.lit("uni")).otherwise(pl.lit("bi")).alias("diagnosis")
    )


FORMULA = "y ~ age + arm*week + diagnosis*arm*week"


def test_equal_weights_and_covariates_at_their_mean() -> None:
    fit = mmrm(FORMULA, trial(), subject="id", visit="week")
    used = trial().filter(pl.col("y").is_not_nan())
    assert fit.data.means == {"age": pytest.approx(used["age"].mean(), rel=1e-14)}
    by_diagnosis = fit.lsmeans("arm", by=["week", "diagnosis"])
    pooled = fit.lsmeans("arm", by="week")
    assert by_diagnosis.columns[:3] == ["arm", "week", "diagnosis"]
    for row in pooled.iter_rows(named=True):
        cells = by_diagnosis.filter((pl.col("arm") == row["arm"]) & (pl.col("week") == row["week"]))
        assert row["estimate"] == pytest.approx(cells["estimate"].mean(), rel=1e-12)


def test_lsmeans_are_predictions_at_the_reference_grid() -> None:
    fit = mmrm("y ~ poly(age, 2) + arm*week", trial(), subject="id", visit="week")
    row = fit.lsmeans("arm", by="week", at={"age": 50.0}).row(0, named=True)
    x = fit.data.design
    ages = trial().filter(pl.col("y").is_not_nan())["age"].to_numpy()
    columns = [i for i, term in enumerate(fit.terms) if term.startswith("poly")]
    values = [float(np.polynomial.Polynomial.fit(ages, x[:, c], 2)(50.0)) for c in columns]
    beta = fit.coefficients["estimate"].to_numpy()
    expected = beta[0] + sum(v * beta[c] for v, c in zip(values, columns, strict=True))
    assert row["estimate"] == pytest.approx(expected, rel=1e-9)


def test_contrasts_are_differences_of_lsmeans() -> None:
    fit = mmrm(FORMULA, trial(), subject="id", visit="week")
    contrasts = fit.contrasts("arm", reference="drug", by=("week", "diagnosis"))
    means = fit.lsmeans("arm", by=["week", "diagnosis"])
    assert contrasts.columns == [
        "week", "diagnosis", "contrast", "level", "reference",
        "estimate", "se", "df", "t", "p", "lower", "upper",
    ]  # fmt: skip
    assert contrasts.height == 6
    for row in contrasts.iter_rows(named=True):
        assert row["contrast"] == "control - drug"
        assert (row["level"], row["reference"]) == ("control", "drug")
        cell = means.filter(
            (pl.col("week") == row["week"]) & (pl.col("diagnosis") == row["diagnosis"])
        )
        by_arm = dict(zip(cell["arm"].to_list(), cell["estimate"].to_list(), strict=True))
        assert row["estimate"] == pytest.approx(by_arm["control"] - by_arm["drug"], rel=1e-12)


def test_interaction_contrast_from_the_matrix() -> None:
    fit = mmrm(FORMULA, trial(), subject="id", visit="week")
    levels, L = fit.lsmeans_matrix("arm", by=["diagnosis", "week"])
    at = {tuple(row): i for i, row in enumerate(levels.rows())}
    rows = [L[at["drug", d, "W2"]] - L[at["control", d, "W2"]] for d in ("uni", "bi")]
    difference = fit.linear(rows[0] - rows[1]).row(0, named=True)
    one, other = fit.linear(np.stack(rows))["estimate"]
    assert difference["estimate"] == pytest.approx(one - other, rel=1e-10)
    test = fit.test(rows[0] - rows[1], labels=["diagnosis by arm"])
    assert test.labels == ("diagnosis by arm",)
    assert test.statistic == pytest.approx(difference["t"] ** 2, rel=1e-10)
    assert test.p == pytest.approx(difference["p"], rel=1e-9)
    assert test.df2 == pytest.approx(difference["df"], rel=1e-10)


def test_a_factor_can_be_held_at_one_level() -> None:
    fit = mmrm(FORMULA, trial(), subject="id", visit="week")
    held = fit.lsmeans("arm", by="week", at={"diagnosis": "uni"})
    full = fit.lsmeans("arm", by=["week", "diagnosis"]).filter(pl.col("diagnosis") == "uni")
    assert held["estimate"].to_numpy() == pytest.approx(full["estimate"].to_numpy(), rel=1e-12)


def test_limits_and_p_values_follow_from_estimate_se_and_df() -> None:
    fit = mmrm(FORMULA, trial(), subject="id", visit="week", alpha=0.1)
    for row in fit.coefficients.iter_rows(named=True):
        t = scipy.stats.t(row["df"])
        assert row["p"] == pytest.approx(2.0 * t.sf(abs(row["t"])), rel=1e-10)
        half = t.ppf(0.95) * row["se"]
        assert row["upper"] - row["estimate"] == pytest.approx(half, rel=1e-9)
        assert row["estimate"] - row["lower"] == pytest.approx(half, rel=1e-9)


def test_p_values_are_accurate_far_into_the_tail() -> None:
    from equipoise.stats.distributions import f_tail, two_sided_t

    for t, df in ((30.0, 200.0), (1e-3, 3.3), (8.0, 12.7), (50.0, 1e5)):
        assert two_sided_t(t, df) == pytest.approx(2.0 * scipy.stats.t.sf(t, df), rel=1e-10)
        assert f_tail(t, 3, df) == pytest.approx(scipy.stats.f.sf(t, 3, df), rel=1e-10)
    assert math.isnan(f_tail(2.0, 3, math.nan))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f.lsmeans("arn"), "not a factor of the formula.*Did you mean 'arm'"),
        (lambda f: f.lsmeans("age"), "'age' is numeric: use at="),
        (lambda f: f.lsmeans("arm", by="arm"), "a factor stands twice"),
        (lambda f: f.lsmeans("arm", at={"age": "old"}), "'age' is not a number"),
        (lambda f: f.lsmeans("arm", at={"ages": 3.0}), "not a column of the formula"),
        (lambda f: f.lsmeans("arm", at={"week": "W7"}), "not a level of 'week'.*W0, W1, W2"),
        (lambda f: f.lsmeans("arm", at={"arm": "drug"}), "both listed and held"),
        (lambda f: f.contrasts("arm", reference="placebo"), "Levels: control, drug"),
        (lambda f: f.linear(np.ones(3)), "L has shape .*One column for each of the 13 terms"),
        (lambda f: f.linear(np.full(13, np.nan)), "L is not finite"),
        (lambda f: f.linear("arm"), r"L is not a matrix of numbers"),
        (lambda f: f.test(np.ones((2, 13))), "rows of L are linearly dependent"),
        (lambda f: f.test(np.zeros((1, 13))), "a row of L is zero"),
        (lambda f: f.test(np.eye(13)[:2], labels=["a"]), "1 labels for 2 rows"),
    ],
)
def test_wrong_questions_are_refused(call, message: str) -> None:
    fit = mmrm(FORMULA, trial(), subject="id", visit="week")
    with pytest.raises(ArgumentError, match=message):
        call(fit)


def test_summary_reads_like_a_statistician_s() -> None:
    fit = fit_case("synth1_us_reml", "kenward-roger")
    text = repr(fit)
    for piece in (
        "Mixed model for repeated measures",
        "y ~ base + arm * visit",
        "unstructured, 15 parameters, 5 visit(s): V1, V2, V3, V4, V5",
        "restricted maximum likelihood",
        "Kenward–Roger",
        f"{fit.n_observations} observations of 36 participants",
        "arm[T.ACTIVE]:visit[T.V5]",
        "-2 log L",
    ):
        assert piece in text


def test_to_dict_is_json_and_pickling_keeps_the_fit() -> None:
    fit = fit_case("synth1_us_reml", "kenward-roger")
    again = json.loads(json.dumps(fit.to_dict()))
    assert again["minus2_log_likelihood"] == fit.minus2_log_likelihood
    assert again["coefficients"] == fit.coefficients.to_dicts()
    assert again["convergence"]["converged"] is True
    copy = pickle.loads(pickle.dumps(fit))
    assert copy.lsmeans("arm", by="visit").equals(fit.lsmeans("arm", by="visit"))


def test_pandas_and_polars_frames_give_the_same_fit() -> None:
    data = trial()
    frame = pd.DataFrame({name: data[name].to_list() for name in data.columns})
    one = mmrm(FORMULA, data, subject="id", visit="week")
    other = mmrm(FORMULA, frame, subject="id", visit="week")
    lazy = mmrm(FORMULA, data.lazy(), subject="id", visit="week")
    assert one.coefficients.equals(other.coefficients)
    assert one.coefficients.equals(lazy.coefficients)


def test_order_of_levels() -> None:
    """Enum and pandas Categorical keep their order; pl.Categorical and text are sorted."""
    data = trial()
    order = ["drug", "control", "never"]
    enum = data.with_columns(pl.col("arm").cast(pl.Enum(order)))
    frame = pd.DataFrame({name: data[name].to_list() for name in data.columns})
    frame["arm"] = pd.Categorical(frame["arm"], categories=order)
    for given in (enum, frame):
        fit = mmrm("y ~ arm*week", given, subject="id", visit="week")
        assert fit.data.levels["arm"] == ("drug", "control")
        assert fit.dropped_levels == {"arm": ("never",)}
        assert "arm[T.control]" in fit.terms
    for given in (data, data.reverse().with_columns(pl.col("arm").cast(pl.Categorical))):
        fit = mmrm("y ~ arm*week", given, subject="id", visit="week")
        assert fit.data.levels["arm"] == ("control", "drug")


def test_an_integer_visit_is_a_factor_in_numeric_order() -> None:
    data = trial().with_columns(
        pl.col("week").replace_strict({"W0": 2, "W1": 10, "W2": 9}, return_dtype=pl.Int64)
    )
    fit = mmrm("y ~ arm*week", data, subject="id", visit="week")
    assert fit.visits == ("2", "9", "10")
    assert "week[T.10]" in fit.terms
