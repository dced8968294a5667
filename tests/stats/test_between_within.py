"""Between-within degrees of freedom against nlme's, and their rule."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from stats_reference import STORED, term_key, term_position
from test_mmrm_twin import random_trial
from test_sandwich import cases, fit_like, reference

from equipoise.stats import ArgumentError, mmrm


@pytest.mark.parametrize("key", list(reference()["between_within"]))
def test_each_coefficient_has_the_df_of_nlme(key: str) -> None:
    fit = fit_like(key, df="between-within")
    stored = {term_key(name): df for name, df in reference()["between_within"][key].items()}
    frame = fit.coefficients
    ours = {term_key(term): df for term, df in zip(fit.terms, frame["df"], strict=True)}
    assert ours == stored
    model = fit_like(key).coefficients
    assert frame["se"].to_list() == model["se"].to_list()


def test_a_combination_takes_the_smallest_df_of_what_it_uses() -> None:
    fit = fit_like("fev_us", df="between-within")
    between, within = 192.0, 334.0
    L = np.eye(len(fit.terms))
    arm, visit = fit.terms.index("ARMCD[T.TRT]"), fit.terms.index("AVISIT[T.VIS2]")
    rows = np.stack([L[arm] + L[visit], L[visit], L[visit] - L[visit + 1], L[0]])
    assert fit.linear(rows)["df"].to_list() == [between, within, within, within]
    assert fit.test(L[[arm, visit]]).df2 == between
    assert fit.test(L[visit : visit + 3]).df2 == within
    assert fit.test(L[visit : visit + 3]).scale == 1.0
    assert set(fit.contrasts("ARMCD", by="AVISIT")["df"]) == {between}


def test_joint_tests_of_r_mmrm() -> None:
    """Its F has four digits; the degrees of freedom are whole numbers."""
    stored = json.loads((STORED / "mmrm_between_within.json").read_text(encoding="utf-8"))
    fit = fit_like("fev_us", df="between-within")
    position = term_position(fit)
    order = [position[term_key(name)] for name in cases()["fev_us"]["estimate"]]
    for test in stored["tests"]:
        L = np.zeros((len(test["rows"]), len(order)))
        for row, used in zip(L, test["rows"], strict=True):
            row[[order[i] for i in used]] = 1.0
        ours = fit.test(L)
        assert ours.statistic == pytest.approx(test["statistic"], abs=0.0051)
        assert (ours.df1, ours.df2) == (test["df1"], test["df2"])


def test_without_intercept_and_with_one_visit() -> None:
    data = random_trial(2)
    fit = mmrm("y ~ 0 + week + age", data, subject="id", visit="week", df="between-within")
    ours = dict(zip(fit.terms, fit.coefficients["df"], strict=True))
    assert ours["age"] == fit.n_subjects - 1
    assert ours["week[W0]"] == fit.n_observations - fit.n_subjects - 3
    last = data.filter(pl.col("week") == "W2")
    one = mmrm("y ~ age + arm", last, subject="id", visit="week", df="between-within")
    assert set(one.coefficients["df"]) == {one.n_observations - 3.0}


def test_with_a_sandwich() -> None:
    fit = fit_like("orthodont_us", df="between-within", vcov="cr2")
    assert (
        fit.coefficients["df"].to_list()
        == fit_like("orthodont_us", df="between-within").coefficients["df"].to_list()
    )
    assert fit.coefficients["se"].to_list() == fit_like(
        "orthodont_us", vcov="cr2"
    ).coefficients["se"].to_list()  # fmt: skip


def test_a_level_without_degrees_of_freedom_is_refused() -> None:
    data = random_trial(2, n=80, visits=2, loss=0.0).filter(
        (pl.col("week") == "W0") | (pl.col("id") < "P10")
    )
    rng = np.random.default_rng(1)
    data = data.with_columns(pl.Series(f"x{i}", rng.normal(size=90)) for i in range(10))
    formula = "y ~ week + " + " + ".join(f"x{i}" for i in range(10))
    with pytest.raises(ArgumentError, match="-1 degrees of freedom are left within participants"):
        mmrm(formula, data, subject="id", visit="week", df="between-within")
