"""Empirical covariances against clubSandwich, against a plain twin, and at their limits."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
from stats_reference import STORED, read_data, term_key, term_position
from test_mmrm_twin import random_trial

from equipoise.stats import ArgumentError, CoefficientCovariance, MMRMFit, mmrm
from equipoise.stats.sandwich import with_sandwich
from equipoise.stats.small_samples import joint_test, linear_combinations

EMPIRICAL = ["cr0", "cr2", "cr2-root", "cr3"]


@cache
def reference() -> dict[str, Any]:
    return json.loads((STORED / "sandwich.json").read_text(encoding="utf-8"))


def cases() -> dict[str, dict[str, Any]]:
    return {case["id"]: case for case in reference()["cases"]}


def orthodont() -> pl.DataFrame:
    frame = pl.DataFrame(reference()["orthodont"], strict=False)
    return frame.with_columns(
        pl.col("age").cast(pl.Int64).cast(pl.String).cast(pl.Enum(["8", "10", "12", "14"]))
        .alias("week"),
        (pl.col("subject") == "M09").cast(pl.Float64).alias("alone"),
    )  # fmt: skip


@cache
def fit_like(key: str, df: str = "satterthwaite", vcov: str = "model") -> MMRMFit:
    """The model of a reference case; its formula is R's, in the names of our frames."""
    formula = cases()[key]["formula"]
    options: dict[str, Any] = {"covariance": key.rpartition("_")[2]}
    if key.startswith("fev"):
        levels = {
            "RACE": ["Asian", "Black or African American", "White"],
            "SEX": ["Male", "Female"],
            "ARMCD": ["PBO", "TRT"],
        }
        data = read_data("fev_data.csv").with_columns(
            pl.col(name).cast(pl.Enum(values)) for name, values in levels.items()
        )
        options |= {"subject": "USUBJID", "visit": "AVISIT"}
        if "weighted" in key:
            options["weights"] = "WEIGHT"
    elif key.startswith("orthodont"):
        data = orthodont()
        options |= {"subject": "subject", "visit": "week"}
    else:
        data = read_data("synth1.csv").with_columns(
            pl.col("arm").cast(pl.Enum(["CONTROL", "ACTIVE"])),
            pl.col("visit").alias("visit_f"),
            (1.0 + pl.col("base").abs() / 30.0).alias("weight"),
        )
        options |= {"subject": "subject", "visit": "visit_f"}
        if "weighted" in key:
            options["weights"] = "weight"
    return mmrm(formula, data, df=df, vcov=vcov, **options)


def at_covariance(fit: MMRMFit, sigma: np.ndarray) -> MMRMFit:
    """The same model with another covariance matrix: generalised least squares, densely."""
    data = fit.data
    same = data.subject[:, None] == data.subject[None, :]
    v = np.where(same, sigma[np.ix_(data.visit, data.visit)], 0.0)
    if data.weights is not None:
        v /= np.sqrt(np.outer(data.weights, data.weights))
    precision = np.linalg.inv(v)
    phi = np.linalg.inv(data.design.T @ precision @ data.design)
    effects = replace(
        fit.effects,
        estimate=phi @ data.design.T @ precision @ data.response,
        root=np.linalg.cholesky(phi),
        adjusted=None,
    )
    estimate = replace(fit.covariance_estimate, matrices=sigma[None])
    return replace(fit, covariance=sigma, covariance_estimate=estimate, effects=effects)


def order_of(fit: MMRMFit, case: dict[str, Any]) -> np.ndarray:
    """Our position of each of R's coefficients."""
    position = term_position(fit)
    return np.array([position[term_key(name)] for name in case["estimate"]])


PAIRS = [(key, kind) for key in cases() for kind in cases()[key]["vcov"]]


@pytest.mark.parametrize(("key", "kind"), PAIRS)
def test_formulas_equal_clubsandwich_at_the_same_covariance(key: str, kind: str) -> None:
    """At R's covariance matrix only rounding is left: 1e-8, df through its fourth powers 1e-7."""
    case = cases()[key]
    fit = at_covariance(fit_like(key), np.array(case["covariance"]))
    at = order_of(fit, case)
    assert fit.effects.estimate[at] == pytest.approx(list(case["estimate"].values()), rel=1e-8)
    robust = with_sandwich(fit, CoefficientCovariance[kind])
    stored = case["vcov"][kind]
    ours = robust.coefficient_covariance[np.ix_(at, at)]
    error = np.abs(ours - np.array(stored["matrix"]))
    assert np.max(error / np.outer(stored["se"], stored["se"])) < 1e-8
    _, se, df = linear_combinations(robust.effects, np.eye(len(at))[at])
    assert se == pytest.approx(stored["se"], rel=1e-8)
    assert df == pytest.approx(stored["df"], rel=1e-7)
    for joint in stored["joint"]:
        test = joint_test(robust.effects, np.eye(len(at))[at[np.atleast_1d(joint["rows"])]])
        assert test.statistic == pytest.approx(joint["statistic"], rel=1e-7)
        assert test.df1 == joint["df1"]
        assert test.df2 == pytest.approx(joint["df2"], rel=1e-7)
        assert test.scale == pytest.approx(joint["delta"], rel=1e-7)
        assert test.p == pytest.approx(joint["p"], rel=1e-5)


@pytest.mark.parametrize(("key", "kind"), PAIRS)
def test_whole_fits_equal_gls_with_clubsandwich(key: str, kind: str) -> None:
    """Our optimum against nlme's: its stopping rule leaves about six digits."""
    case = cases()[key]
    fit = fit_like(key, vcov=kind.lower())
    at = order_of(fit, case)
    frame = fit.coefficients
    stored = case["vcov"][kind]
    model = fit_like(key).coefficients["se"].to_numpy()[at]
    error = frame["estimate"].to_numpy()[at] - np.array(list(case["estimate"].values()))
    assert np.max(np.abs(error) / model) < 1e-4
    assert frame["se"].to_numpy()[at] == pytest.approx(stored["se"], rel=1e-4)
    assert frame["df"].to_numpy()[at] == pytest.approx(stored["df"], rel=1e-4)
    assert frame["p"].to_numpy()[at] == pytest.approx(stored["p"], rel=1e-2, abs=1e-8)


SAS = json.loads((STORED / "sas_empirical.json").read_text(encoding="utf-8"))
SAS_CASES = [(weights, word) for weights in ("unweighted", "weighted by WEIGHT")
             for word in SAS["cr0"][weights]]  # fmt: skip


def fev_by_arm(covariance: str, vcov: str, *, weighted: bool = False) -> np.ndarray:
    options: dict[str, Any] = {"weights": "WEIGHT"} if weighted else {}
    if covariance == "sp_exp":
        options["coordinates"] = ["VISITN", "VISITN2"]
    fit = mmrm(
        "FEV1 ~ ARMCD", read_data("fev_data.csv"), subject="USUBJID", visit="AVISIT",
        covariance=covariance, vcov=vcov, df="residual", **options,
    )  # fmt: skip
    return fit.coefficient_covariance


@pytest.mark.parametrize(("weights", "word"), SAS_CASES)
def test_cr0_equals_sas_empirical(weights: str, word: str) -> None:
    """SAS stops early: its variances carry up to 1.2e-4 of a standard error (../shared/data)."""
    ours = fev_by_arm(word, "cr0", weighted=weights != "unweighted")
    intercept, arm = SAS["cr0"][weights][word]
    assert ours[0, 0] == pytest.approx(intercept, rel=2.4e-4)
    assert ours[0, 1] == pytest.approx(-intercept, rel=2.4e-4)
    assert ours[1, 1] == pytest.approx(arm, rel=2.4e-4)


@pytest.mark.parametrize("kind", ["cr0", "cr2-root", "cr3"])
def test_the_three_of_r_mmrm(kind: str) -> None:
    """Its optimiser leaves about 1e-7; cr2 itself is another number by 1e-4."""
    ours = fev_by_arm("ar1", kind)
    intercept, arm = SAS["r_mmrm"][kind]
    assert (ours[0, 0], ours[1, 1]) == pytest.approx((intercept, arm), rel=1e-6)
    if kind == "cr2-root":
        other = fev_by_arm("ar1", "cr2")
        assert 1e-4 < abs(other[0, 0] / intercept - 1.0) < 1e-3


def dense_sandwich(fit: MMRMFit, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The definition with full matrices: covariance, Phi, and G whose columns weigh e ~ N(0, V).

    CR2 solves A (V − X Phi X')_ii A = V_ii through the geometric mean of matrices, as such.
    """
    data = fit.data
    n, p = data.design.shape
    same = data.subject[:, None] == data.subject[None, :]
    v = np.where(same, fit.covariance[np.ix_(data.visit, data.visit)], 0.0)
    w = np.linalg.inv(v)
    phi = np.linalg.inv(data.design.T @ w @ data.design)
    residual = data.response - data.design @ phi @ data.design.T @ w @ data.response
    project = np.eye(n) - data.design @ phi @ data.design.T @ w
    meat = np.zeros((p, p))
    weights = np.zeros((data.n_subjects, p, n))
    for i in range(data.n_subjects):
        rows = np.flatnonzero(data.subject == i)
        own = np.ix_(rows, rows)
        x = data.design[rows]
        a = np.eye(len(rows))
        if kind == "cr3":
            a = np.linalg.inv(project[own])
        elif kind == "cr2":
            s = (project @ v)[own]
            a = np.linalg.inv(s) @ principal_root(s @ v[own])
        elif kind == "cr2-root":
            a = np.linalg.inv(principal_root(project[own]))
        score = phi @ x.T @ w[own] @ a
        weights[i] = score @ project[rows]
        meat += np.outer(score @ residual[rows], score @ residual[rows])
    return meat, v, weights


def principal_root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eig(matrix)
    return np.real((vectors * np.sqrt(values)) @ np.linalg.inv(vectors))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", EMPIRICAL)
def test_sandwich_equals_its_twin(seed: int, kind: str) -> None:
    """From quadratic forms of full matrices; they lose a few digits more than we do."""
    data = random_trial(seed, n=24)
    fit = mmrm("y ~ age + dose + arm*week", data, subject="id", visit="week", vcov=kind)
    covariance, v, weights = dense_sandwich(fit, kind)
    assert fit.coefficient_covariance == pytest.approx(covariance, rel=1e-7, abs=1e-10)
    L = np.random.default_rng(seed).normal(size=(3, len(fit.terms)))
    frame = fit.linear(L)
    for row, ours in zip(L, frame.to_dicts(), strict=True):
        g = row @ weights
        form = g @ v @ g.T
        assert ours["se"] == pytest.approx(np.sqrt(row @ covariance @ row), rel=1e-7)
        assert ours["df"] == pytest.approx(np.trace(form) ** 2 / np.sum(form**2), rel=1e-7)


def test_hotelling_equals_its_moments() -> None:
    """nu is q (q + 1) over the summed variances of the elements of a standardised D."""
    fit = mmrm("y ~ age + arm*week", random_trial(4, n=20), subject="id", visit="week", vcov="cr2")
    covariance, v, weights = dense_sandwich(fit, "cr2")
    L = np.eye(len(fit.terms))[-3:]
    g = np.einsum("qp,ipn->qin", L, weights)
    form = np.einsum("sin,nm,tjm->stij", g, v, g)
    expected = np.einsum("stii->st", form)
    values, vectors = np.linalg.eigh(expected)
    root = (vectors / np.sqrt(values)) @ vectors.T
    form = np.einsum("as,stij,tb->abij", root, form, root)
    total = np.einsum("stij,tsij->", form, form) + np.einsum("ssij,ttij->", form, form)
    nu = 3 * 4 / total
    value = L @ fit.effects.estimate
    wald = value @ np.linalg.solve(L @ covariance @ L.T, value) / 3
    test = fit.test(L)
    assert test.df2 == pytest.approx(nu - 2, rel=1e-7)
    assert test.statistic == pytest.approx((nu - 2) / nu * wald, rel=1e-7)


def test_cr3_is_the_jackknife_at_fixed_covariance() -> None:
    fit = mmrm("y ~ age + arm*week", random_trial(7), subject="id", visit="week", vcov="cr3")
    data = fit.data
    total = np.zeros((len(fit.terms), len(fit.terms)))
    for i in range(data.n_subjects):
        kept = data.subject != i
        same = data.subject[kept][:, None] == data.subject[kept][None, :]
        v = np.where(same, fit.covariance[np.ix_(data.visit[kept], data.visit[kept])], 0.0)
        x = data.design[kept]
        estimate = np.linalg.solve(
            x.T @ np.linalg.solve(v, x), x.T @ np.linalg.solve(v, data.response[kept])
        )
        change = estimate - fit.effects.estimate
        total += np.outer(change, change)
    assert fit.coefficient_covariance == pytest.approx(total, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("kind", ["cr2", "cr2-root"])
def test_bias_reduction_is_exact_under_the_fitted_covariance(kind: str) -> None:
    fit = mmrm("y ~ age + arm*week", random_trial(8), subject="id", visit="week", vcov=kind)
    _, v, weights = dense_sandwich(fit, kind)
    expected = np.einsum("ipn,nm,iqm->pq", weights, v, weights)
    phi = fit.effects.root @ fit.effects.root.T
    assert expected == pytest.approx(phi, rel=1e-8, abs=1e-10)
    small = mmrm("y ~ age + arm*week", random_trial(8), subject="id", visit="week", vcov="cr0")
    _, v, weights = dense_sandwich(small, "cr0")
    below = np.einsum("ipn,nm,iqm->pq", weights, v, weights)
    assert np.all(np.diagonal(below) < 0.97 * np.diagonal(phi))


def test_two_groups_at_one_visit_are_welch() -> None:
    """CR2 is s1²/n1 + s2²/n2; its df are Bell and McCaffrey's, not Welch's."""
    rng = np.random.default_rng(2)
    y = np.concatenate([rng.normal(0.0, 1.0, 7), rng.normal(1.0, 3.0, 12)])
    data = pl.DataFrame(
        {"id": range(19), "visit": "end", "arm": ["a"] * 7 + ["b"] * 12, "y": y}
    )  # fmt: skip
    row = mmrm("y ~ arm", data, subject="id", visit="visit", vcov="cr2").coefficients.to_dicts()[1]
    variances = y[:7].var(ddof=1) / 7, y[7:].var(ddof=1) / 12
    assert row["se"] == pytest.approx(np.sqrt(sum(variances)), rel=1e-9)
    n1, n2 = 7, 12
    df = (n1 + n2) ** 2 * (n1 - 1) * (n2 - 1) / (n2**2 * (n2 - 1) + n1**2 * (n1 - 1))
    assert row["df"] == pytest.approx(df, rel=1e-9)


def test_cr2_is_not_the_root_form_and_both_are_said() -> None:
    """R mmrm's Empirical-Bias-Reduced is the root form; on FEV-like data they differ by 1e-3."""
    data = random_trial(1)
    one, other = (
        mmrm("y ~ age + dose + arm*week", data, subject="id", visit="week", vcov=kind)
        for kind in ("cr2", "cr2-root")
    )
    ratio = one.coefficients["se"] / other.coefficients["se"]
    assert 1e-4 < np.max(np.abs(ratio.to_numpy() - 1.0)) < 0.02
    assert "empirical, bias-reduced (CR2; R clubSandwich)" in repr(one)
    assert "R mmrm Empirical-Bias-Reduced" in repr(other)


@pytest.mark.parametrize("kind", ["cr2", "cr2-root"])
def test_a_participant_who_alone_identifies_a_coefficient(kind: str) -> None:
    """CR2 takes a pseudo-inverse for them and says so; clubSandwich's numbers are stored."""
    fit = fit_like("orthodont_alone_us", vcov=kind)
    assert fit.effects.sandwich is not None
    assert fit.effects.sandwich.singular == ("M09",)
    assert "pseudo-inverse for M09" in repr(fit)
    assert fit.to_dict()["pseudo_inverse_for"] == ["M09"]
    assert fit_like("orthodont_us", vcov=kind).to_dict()["pseudo_inverse_for"] == []


def test_a_jackknife_that_cannot_leave_somebody_out_is_refused() -> None:
    message = re.escape(
        "vcov='cr3': without a participant a coefficient cannot be estimated: M09. The jackknife "
        "leaves out every participant in turn."
    )
    with pytest.raises(ArgumentError, match=message):
        fit_like("orthodont_alone_us", vcov="cr3")


def test_refusals_and_defaults() -> None:
    data = random_trial(1)

    def fit(**options: str) -> MMRMFit:
        return mmrm("y ~ arm*week", data, subject="id", visit="week", **options)

    with pytest.raises(ArgumentError, match="Kenward–Roger does not go with an empirical") as error:
        fit(df="kenward-roger", vcov="cr2")
    assert "satterthwaite, between-within, residual" in str(error.value)
    with pytest.raises(ArgumentError, match=r"vcov: unknown word \(got 'CR2'\).*Did you mean 'cr2"):
        fit(vcov="CR2")
    assert fit().df_method.word == "kenward-roger"
    assert fit(vcov="cr0").df_method.word == "satterthwaite"
    residual = fit(vcov="cr2", df="residual")
    assert set(residual.coefficients["df"]) == {residual.n_observations - 6.0}
    test = residual.test(np.eye(6)[4:])
    assert (test.scale, test.df2) == (1.0, residual.n_observations - 6.0)


def test_lsmeans_use_the_sandwich() -> None:
    fit = mmrm("y ~ arm*week", random_trial(1), subject="id", visit="week", vcov="cr2")
    _, L = fit.lsmeans_matrix("arm", by="week")
    se = np.sqrt(np.diagonal(L @ fit.coefficient_covariance @ L.T))
    assert fit.lsmeans("arm", by="week")["se"].to_numpy() == pytest.approx(se, rel=1e-12)


def test_row_order_does_not_matter() -> None:
    data = random_trial(3)
    shuffled = data.sample(fraction=1.0, shuffle=True, seed=5)
    for kind in EMPIRICAL:
        one, other = (
            mmrm("y ~ age + arm*week", d, subject="id", visit="week", vcov=kind).coefficients
            for d in (data, shuffled)
        )
        for name in ("se", "df"):
            assert one[name].to_numpy() == pytest.approx(other[name].to_numpy(), rel=1e-8)


def test_only_the_root_form_is_free_of_the_units_of_single_visits() -> None:
    """One visit in another unit: the same model, the same CR0, root form and CR3; CR2 moves."""
    data = random_trial(3)
    factor = pl.when(pl.col("week") == "W1").then(10.0).otherwise(1.0)
    other = data.with_columns(pl.col("y") * factor)
    for kind in EMPIRICAL:
        one, two = (
            mmrm("y ~ week + arm:week", d, subject="id", visit="week", vcov=kind).linear(
                np.eye(6)[-2]
            )["se"][0]
            for d in (data, other)
        )
        ratio = two / (10.0 * one)
        if kind == "cr2":
            assert 1e-5 < abs(ratio - 1.0) < 0.02
        else:
            assert ratio == pytest.approx(1.0, rel=1e-7)


def test_type_three_and_adjusted_contrasts_use_the_sandwich() -> None:
    fit = mmrm("y ~ age + arm*week", random_trial(1), subject="id", visit="week", vcov="cr2")
    hypothesis = np.zeros((2, len(fit.terms)))
    hypothesis[0, -2] = hypothesis[1, -1] = 1.0
    test = fit.test(hypothesis)
    row = fit.type3().filter(pl.col("term") == "arm:week").to_dicts()[0]
    assert (row["F"], row["df2"]) == pytest.approx((test.statistic, test.df2), rel=1e-9)
    assert test.df2 != mmrm(
        "y ~ age + arm*week", random_trial(1), subject="id", visit="week", df="satterthwaite"
    ).test(hypothesis).df2  # fmt: skip
    plain = fit.contrasts("week", kind="pairwise")
    adjusted = fit.contrasts("week", kind="pairwise", adjust="bonferroni")
    assert adjusted["se"].to_list() == plain["se"].to_list()
    assert adjusted["df"].to_list() == plain["df"].to_list()


@pytest.mark.parametrize("kind", EMPIRICAL)
def test_a_nearly_singular_covariance_costs_no_digits(kind: str) -> None:
    """200-bit arithmetic at condition number 4.6e5; 1e-8 leaves room for the optimum itself."""
    stored = json.loads((STORED / "sandwich_synth6.json").read_text(encoding="utf-8"))
    fit = mmrm(
        "y ~ base + arm*visit", read_data("synth6.csv"), subject="subject", visit="visit", vcov=kind
    )
    assert list(fit.terms) == stored["terms"]
    assert stored["condition_number"] > 4e5
    assert fit.coefficients["se"].to_numpy() == pytest.approx(stored["se"][kind], rel=1e-8)
