"""Covariance structures, weights and REML or ML against nlme::gls; `cs` against lme4 and pbkrtest.

The outside numbers stand in tests/reference/covariance_structures.json, with the script that made
them. gls's optimiser stops 0 to 2.2e-7 above the minimum of −2 log L, never below ours; at 2.2e-7
its estimates may be off by sqrt(2.2e-7) = 5e-4 of a standard error, and are by 3e-5. Hence 5e-7,
4e-5 of a standard error, and relative 2e-5 for standard errors.
"""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
from stats_reference import STORED, read_data, term_key, term_position, unit_rows
from structures_twin import dense_covariance, fit_structured_twin

from equipoise.stats import MMRMFit, mmrm

EXCESS, ESTIMATE, SE = 5e-7, 4e-5, 2e-5
STORED_FILE = STORED / "covariance_structures.json"


@cache
def stored() -> dict[str, Any]:
    return json.loads(STORED_FILE.read_text(encoding="utf-8"))


def orthodont() -> pl.DataFrame:
    """Potthoff and Roy's growth data: public, and stored beside the sandwich's reference."""
    from test_sandwich import orthodont as frame

    return frame()


def fit_like(case: dict[str, Any], df: str, **options: Any) -> MMRMFit:
    if case["data"] == "fev":
        levels = {
            "RACE": ["Asian", "Black or African American", "White"],
            "SEX": ["Male", "Female"],
            "ARMCD": ["PBO", "TRT"],
        }
        data = read_data("fev_data.csv").with_columns(
            pl.col(name).cast(pl.Enum(order)) for name, order in levels.items()
        )
        names = {"subject": "USUBJID", "visit": "AVISIT"}
    else:
        data = orthodont()
        names = {"subject": "subject", "visit": "week"}
    return mmrm(case["formula"], data, df=df, **names, **options)


def check(fit: MMRMFit, case: dict[str, Any]) -> None:
    n, p = fit.n_observations, len(fit.terms)
    reml = case["method"] == "REML"
    excess = case["minus2loglik"] - fit.minus2_log_likelihood
    assert -1e-9 < excess < EXCESS
    ours = fit.linear(unit_rows(fit, list(case["estimate"])))
    se = np.array(list(case["se"].values()))
    if not reml:
        se = se / math.sqrt(n / (n - p))  # nlme scales the standard errors of ML fits
    off = np.abs(ours["estimate"].to_numpy() - np.array(list(case["estimate"].values()))) / se
    assert off.max() < ESTIMATE
    assert ours["se"].to_numpy() == pytest.approx(se, rel=SE)


@pytest.mark.parametrize("key", sorted(stored()["gls"]))
def test_structures_and_weights(key: str) -> None:
    case = stored()["gls"][key]
    options: dict[str, Any] = {"covariance": case["covariance"], "method": case["method"].lower()}
    if case["covariance"] == "sp_exp":
        options["coordinates"] = "age" if case["data"] == "orthodont" else "VISITN"
        if "two" in key:
            options["coordinates"] = ["VISITN", "VISITN2"]
    if case.get("weights"):
        options["weights"] = case["weights"]
    fit = fit_like(case, "satterthwaite", **options)
    check(fit, case)


@pytest.mark.parametrize("word", ["us", "cs", "csh", "ar1", "ar1h"])
def test_groups_crossed_with_the_design_are_each_group_alone(word: str) -> None:
    """sex * age with a covariance for each sex: the two fits by nlme, side by side."""
    together = mmrm(
        "distance ~ sex * age", orthodont(), subject="subject", visit="week", covariance=word,
        group="sex", df="satterthwaite",
    )  # fmt: skip
    position = term_position(together)
    at = {
        name: position[term_key(name)] for name in ("(Intercept)", "sexMale", "age", "sexMale:age")
    }
    female = stored()["alone"][f"{word}_Female"]
    male = stored()["alone"][f"{word}_Male"]
    rows = np.zeros((4, 4))
    rows[0, at["(Intercept)"]] = rows[1, at["age"]] = 1.0
    rows[2, [at["(Intercept)"], at["sexMale"]]] = rows[3, [at["age"], at["sexMale:age"]]] = 1.0
    ours = together.linear(rows)
    estimate = [*female["estimate"].values(), *male["estimate"].values()]
    se = np.array([*female["se"].values(), *male["se"].values()])
    assert np.max(np.abs(ours["estimate"].to_numpy() - np.array(estimate)) / se) < ESTIMATE
    assert ours["se"].to_numpy() == pytest.approx(se, rel=SE)
    theirs = sum(case["minus2loglik"] for case in (female, male))
    assert -1e-9 < theirs - together.minus2_log_likelihood < 2.0 * EXCESS


def test_compound_symmetry_is_the_random_intercept_of_balanced_data() -> None:
    """Observed and expected information agree there, and with them pbkrtest's Kenward–Roger."""
    case = stored()["pbkrtest"]["orthodont"]
    fit = fit_like(case, "kenward-roger", covariance="cs")
    assert fit.minus2_log_likelihood == pytest.approx(case["minus2loglik"], abs=1e-7)
    assert fit.covariance_parameters["estimate"].to_list() == pytest.approx(
        case["variances"], rel=1e-5
    )
    ours = fit.linear(unit_rows(fit, list(case["estimate"])))
    assert ours["estimate"].to_list() == pytest.approx(list(case["estimate"].values()), rel=1e-9)
    assert ours["se"].to_list() == pytest.approx(list(case["se_kr"].values()), rel=1e-6)
    assert ours["df"].to_list() == pytest.approx(list(case["df"].values()), rel=1e-5)


def test_pbkrtest_takes_the_expected_information() -> None:
    """Unbalanced data: the known difference, and pbkrtest's numbers from the twin's."""
    case = stored()["pbkrtest"]["fev"]
    fit = fit_like(case, "kenward-roger", covariance="cs")
    assert fit.minus2_log_likelihood == pytest.approx(case["minus2loglik"], abs=1e-6)
    names = list(case["estimate"])
    rows = unit_rows(fit, names)
    ours = fit.linear(rows)
    assert ours["estimate"].to_list() == pytest.approx(list(case["estimate"].values()), rel=1e-5)
    theirs = np.array(list(case["df"].values()))
    assert np.max(np.abs(ours["df"].to_numpy() / theirs - 1.0)) > 1e-3, "the difference is gone"
    assert np.max(np.abs(ours["df"].to_numpy() / theirs - 1.0)) < 0.1
    read = fit.data
    same = np.ones(len(read.response))
    covariance = dense_covariance(
        "cs", 4, read.subject, read.visit, np.zeros(len(same), dtype=int), same, None
    )
    start = fit.covariance_parameters["estimate"].to_numpy()
    twin = fit_structured_twin(read.design, read.response, covariance, start, reml=True)
    for i, row in enumerate(rows):
        _, se, df = twin.one_row(row, twin.phi_expected, twin.w_expected)
        assert se == pytest.approx(case["se_kr"][names[i]], rel=1e-5)
        assert df == pytest.approx(theirs[i], rel=1e-4)
