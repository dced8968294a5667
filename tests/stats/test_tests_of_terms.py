"""Type III tests against SAS (FEV), car and nlme, and by what they must not depend on."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest
from ls_means_reference import REFERENCE, fev, frame, growth, one_visit
from stats_reference import find_case, fit_case
from test_least_squares_means import trial

from equipoise.stats import DesignError, mmrm
from equipoise.stats.tests_of_terms import type_three_hypotheses

LINEAR = REFERENCE["one_visit"]["type3"]


def by_term(fit) -> dict[frozenset[str], dict[str, float]]:
    return {frozenset(row["term"].split(":")): row for row in fit.type3().iter_rows(named=True)}


@pytest.mark.parametrize("block", LINEAR, ids=lambda block: block["formula"])
def test_linear_models_against_car(block) -> None:
    """Factors, covariates, their interactions; sum-to-zero contrasts on R's side."""
    fit = one_visit(block["formula"])
    ours = by_term(fit)
    assert len(ours) == len(block["rows"])
    for row in block["rows"]:
        mine = ours[frozenset(row["term"].split(":"))]
        assert mine["F"] == pytest.approx(row["F"], rel=1e-8)
        assert mine["df1"] == row["df1"]
        assert mine["df2"] == pytest.approx(row["df2"], rel=1e-9)
        assert mine["p"] == pytest.approx(row["p"], rel=1e-6)


@pytest.mark.parametrize(("model", "tolerance"), [(growth, 1e-5), (fev, 2e-4)])
def test_unstructured_models_against_nlme(model, tolerance: float) -> None:
    """Wald F with the model-based covariance, to the digits of gls's optimum."""
    ours = by_term(model())
    rows = REFERENCE[model.__name__]["type3"]
    assert len(ours) == len(rows)
    for row in rows:
        mine = ours[frozenset(row["term"].split(":"))]
        assert mine["F"] == pytest.approx(row["F"], rel=tolerance)
        assert mine["df1"] == row["df1"]


def test_sas_prints_these_tests() -> None:
    """Also checked, from contrasts of cell means, in test_mmrm_reference."""
    block = find_case("fev_us_reml_full_sas")["expected"]["inference"]["satterthwaite"]["type3"]
    ours = by_term(fit_case("fev_us_reml_full_sas", "satterthwaite"))
    assert len(ours) == len(block)
    for row in block:
        mine = ours[frozenset(row["effect"].split("*"))]
        assert mine["df1"] == row["num_df"]
        assert abs(mine["F"] - row["F"]) < row["F_hw"] + 1e-4 * row["F"]  # SAS stops early
        assert abs(mine["df2"] - row["den_df"]) < row["den_df_hw"] + 1e-3 * row["den_df"]


@pytest.mark.parametrize(
    "formula",
    ["y ~ age + arm*week*diagnosis", "y ~ arm + arm:week + age:diagnosis", "y ~ 0 + arm*week",
     "y ~ poly(age, 2)*arm + week", "y ~ C(arm)*week + age:arm:week", "y ~ arm:week + dose"],
)  # fmt: skip
def test_neither_reference_nor_coding_matters(formula: str) -> None:
    data = trial()
    fit = mmrm(formula, data, subject="id", visit="week")
    turned = data.with_columns(
        pl.col("arm").cast(pl.Enum(["drug", "control"])),
        pl.col("diagnosis").cast(pl.Enum(["uni", "bi"])),
        pl.col("week").cast(pl.Enum(["W2", "W0", "W1"])),
    )
    other = mmrm(formula, turned, subject="id", visit="week")
    one, two = by_term(fit), by_term(other)
    assert one.keys() == two.keys()
    for term, row in one.items():
        for name in ("F", "df1", "df2"):
            assert row[name] == pytest.approx(two[term][name], rel=1e-7)


def test_the_order_of_terms_does_not_matter() -> None:
    """The same model, coded otherwise: full indicators for the second of two factors."""
    forward = mmrm("y ~ arm + week + arm:week + age", trial(), subject="id", visit="week")
    backward = mmrm("y ~ age + week:arm + week + arm", trial(), subject="id", visit="week")
    one, two = by_term(forward), by_term(backward)
    for term, row in one.items():
        assert row["F"] == pytest.approx(two[term]["F"], rel=1e-7)


def test_hypotheses_are_contrasts_of_equally_weighted_cells() -> None:
    """The plain twin: LS means of the term's factors, and the products of their differences."""
    fit = mmrm("y ~ age + arm*week*diagnosis", trial(), subject="id", visit="week")
    for term, L in type_three_hypotheses(fit.data).items():
        if term == "age":
            continue
        names = term.split(":")
        sizes = [len(fit.data.levels[n]) for n in names]
        _, rows = fit.lsmeans_matrix(names)
        differences = np.eye(1)
        for size in sizes:
            differences = np.kron(differences, np.eye(size)[1:] - np.eye(size)[0])
        plain = differences @ rows
        assert np.linalg.matrix_rank(np.vstack([plain, L]), tol=1e-9) == len(L) == len(plain)


def test_slopes_are_averaged_over_the_factor() -> None:
    """age with age:arm in the model: the mean of the arms' slopes; arm: at age 0."""
    fit = mmrm("y ~ age*arm + week", trial(), subject="id", visit="week")
    hypotheses = type_three_hypotheses(fit.data)
    at = {name: i for i, name in enumerate(fit.terms)}
    slope = np.zeros(len(fit.terms))
    slope[at["age"]], slope[at["age:arm[T.drug]"]] = 1.0, 0.5
    (row,) = hypotheses["age"]
    assert row / row[at["age"]] == pytest.approx(slope, abs=1e-12)
    (row,) = hypotheses["arm"]
    assert np.flatnonzero(np.abs(row) > 1e-12).tolist() == [at["arm[T.drug]"]]


def test_emmeans_joint_tests_differ_where_a_covariate_interacts() -> None:
    """Known difference: they hold age at its mean; `test_contrasts` asks the same question."""
    block = REFERENCE["one_visit"]["joint_tests"]
    theirs = {row["model term"]: row for row in block["rows"]}
    fit = one_visit(block["formula"])
    ours = {row["term"]: row for row in fit.type3().iter_rows(named=True)}
    for term in ("age", "sex", "age:arm"):
        assert abs(ours[term]["F"] - theirs[term]["F.ratio"]) <= 5.0001e-4  # printed
    assert abs(ours["arm"]["F"] - theirs["arm"]["F.ratio"]) > 5.0
    at_mean = fit.test_contrasts("arm").row(0, named=True)
    assert abs(at_mean["F"] - theirs["arm"]["F.ratio"]) <= 5.0001e-4


def test_nested_visits_are_tested_within_arms() -> None:
    fit = mmrm("y ~ arm + arm:week", trial(), subject="id", visit="week")
    rows = {row["term"]: row for row in fit.type3().iter_rows(named=True)}
    assert [rows[t]["df1"] for t in ("arm", "arm:week")] == [1.0, 4.0]
    _, L = fit.lsmeans_matrix(["arm", "week"])
    within = [L[3 * a + w] - L[3 * a] for a, w in itertools.product(range(2), (1, 2))]
    assert rows["arm:week"]["F"] == pytest.approx(fit.test(within).statistic, rel=1e-9)


def test_without_an_intercept_the_means_are_tested() -> None:
    fit = mmrm("y ~ 0 + week", trial(), subject="id", visit="week")
    (row,) = fit.type3().to_dicts()
    assert row["df1"] == 3.0
    assert row["F"] == pytest.approx(fit.test(np.eye(3)).statistic, rel=1e-9)


def test_columns_of_one_covariate_are_tested_together() -> None:
    fit = mmrm("y ~ bs(dose, df=4)*arm + week", trial(), subject="id", visit="week")
    rows = {row["term"]: row for row in fit.type3().iter_rows(named=True)}
    assert rows["bs(dose, df=4)"]["df1"] == rows["bs(dose, df=4):arm"]["df1"] == 4.0
    at = [i for i, t in enumerate(fit.terms) if t.startswith("bs(") and "arm" in t]
    joint = fit.test(np.eye(len(fit.terms))[at])
    assert rows["bs(dose, df=4):arm"]["F"] == pytest.approx(joint.statistic, rel=1e-9)


def test_an_empty_cell_is_refused_with_the_interaction_and_not_without() -> None:
    data = trial().filter((pl.col("arm") == "drug") | (pl.col("week") != "W2"))
    with pytest.raises(DesignError, match=r"arm\[T.drug\]:week\[T.W2\]|week\[T.W2\]"):
        mmrm("y ~ arm*week", data, subject="id", visit="week")
    fit = mmrm("y ~ arm + week", data, subject="id", visit="week")
    assert fit.type3()["df1"].to_list() == [1.0, 2.0]


def test_the_intercept_alone_has_no_test() -> None:
    fit = mmrm("y ~ 1", frame(REFERENCE["one_visit"]), subject="id", visit="week")
    assert fit.type3().height == 0
    assert fit.type3().columns == ["term", "F", "df1", "df2", "p"]


def test_two_factors_without_an_intercept() -> None:
    """The first keeps its contrasts only: its mean is not told apart from the second's."""
    fit = mmrm("y ~ 0 + arm + week", trial(), subject="id", visit="week")
    assert fit.type3()["df1"].to_list() == [1.0, 2.0]
    assert fit.type3()["F"][0] == pytest.approx(fit.contrasts("arm")["t"].item() ** 2, rel=1e-9)


def test_a_term_of_which_nothing_is_estimable_is_null() -> None:
    fit = mmrm("y ~ arm + week", trial(), subject="id", visit="week")
    fit.data.cache["type3"] = {"arm": np.empty((0, len(fit.terms)))}
    row = fit.type3().row(0, named=True)
    assert row == {"term": "arm", "F": None, "df1": 0.0, "df2": None, "p": None}
