"""Potthoff and Roy's growth data against nlme, lme4 with pbkrtest and emmeans, and SAS's manual.

gls's optimiser stops up to 2.2e-7 above the minimum of −2 log L (see test_structures_nlme.py);
lme4's leaves its variances at a relative 1e-8 or so, whence the Kenward–Roger terms. SAS's manual
prints Cook's distances to five decimals.
"""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
from stats_reference import PROJECT, STORED, unit_rows

from equipoise.stats import MMRMFit, mmrm

#: `toep` as corARMA(p = 3): of four visits it has every stationary correlation of an AR(3).
STRUCTURES = ("us", "toep", "toeph", "csh", "ar1h", "cs", "ar1", "sp_exp")
TERMS = ("(Intercept)", "sexMale", "age", "sexMale:age")


@cache
def reference() -> dict[str, Any]:
    return json.loads((STORED / "growth_peers.json").read_text(encoding="utf-8"))


@cache
def manual() -> tuple[dict[int, float], list[list[str]]]:
    """Cook's distance by person, and the rows of the data, as SAS's manual prints them."""
    text = (STORED / "sas_growth.txt").read_text(encoding="utf-8")
    printed, _, data = text.partition("\nData\n")
    cells = [line.strip("| ").split(" | ") for line in printed.splitlines() if line.startswith("|")]
    return (
        {int(person): float(cook) for person, _, _, cook in cells},
        [line.split() for line in data.splitlines() if line],
    )


def person_name(number: int, sex: str) -> str:
    """nlme's name of a child that the manual numbers from 1: 11 girls, then the boys."""
    return f"F{number:02d}" if sex == "F" else f"M{number - 11:02d}"


@cache
def growth() -> pl.DataFrame:
    frame = pl.read_csv(PROJECT / "examples" / "growth.csv")
    return frame.with_columns(visit=pl.col("age"))


@cache
def fitted(word: str = "us", df: str = "kenward-roger", method: str = "reml") -> MMRMFit:
    return mmrm(
        "distance ~ sex*age", growth(), subject="child", visit="visit", covariance=word, df=df,
        method=method, coordinates="age" if word == "sp_exp" else None,
    )  # fmt: skip


def test_the_data_are_those_of_the_manual() -> None:
    rows = manual()[1]
    assert len(rows) == growth()["child"].n_unique() == 27
    for number, sex, *distances in rows:
        mine = growth().filter(pl.col("child") == person_name(int(number), sex)).sort("age")
        assert mine["age"].to_list() == [8, 10, 12, 14]
        assert mine["sex"].unique().to_list() == [{"F": "Female", "M": "Male"}[sex]]
        assert mine["distance"].to_list() == [float(value) for value in distances]


@pytest.mark.parametrize("word", STRUCTURES)
def test_structures_against_nlme(word: str) -> None:
    theirs, fit = reference()["gls"][word], fitted(word, "satterthwaite")
    assert -1e-9 < theirs["minus2loglik"] - fit.minus2_log_likelihood < 5e-7
    ours = fit.linear(unit_rows(fit, list(TERMS)))
    se = np.array([theirs["se"][term] for term in TERMS])
    off = ours["estimate"].to_numpy() - np.array([theirs["estimate"][term] for term in TERMS])
    assert np.max(np.abs(off) / se) < 4e-5
    assert ours["se"].to_numpy() == pytest.approx(se, rel=2e-5)


@pytest.mark.parametrize("word", STRUCTURES)
def test_how_nlme_counts(word: str) -> None:
    """A known difference: coefficients among the parameters under REML, n − p in the log."""
    theirs, fit = reference()["gls"][word], fitted(word, "satterthwaite")
    n, p = fit.n_observations, len(fit.terms)
    counted = p + fit.n_covariance_parameters
    assert theirs["aic"] == pytest.approx(fit.minus2_log_likelihood + 2 * counted, abs=5e-7)
    bic = fit.minus2_log_likelihood + counted * math.log(n - p)
    assert theirs["bic"] == pytest.approx(bic, abs=5e-7)
    assert abs(theirs["aic"] - fit.aic) > 1.0
    assert abs(theirs["bic"] - fit.bic) > 1.0


def test_type_three_tests_against_nlme_with_sum_contrasts() -> None:
    stored = reference()["type3"]
    theirs = dict(zip(stored["term"], zip(stored["F"], stored["p"], strict=True), strict=True))
    rows = fitted(df="residual").type3().to_dicts()
    assert [row["term"] for row in rows] == ["sex", "age", "sex:age"]
    for row in rows:
        assert row["F"] == pytest.approx(theirs[row["term"]][0], rel=1e-4)
        assert row["p"] == pytest.approx(theirs[row["term"]][1], rel=1e-3)


def test_least_squares_means_by_kenward_roger_against_emmeans_on_lme4() -> None:
    fit, stored = fitted("cs"), reference()["random_intercept"]
    means = {row["sex"]: row for row in fit.lsmeans("sex", at={"age": 14}).to_dicts()}
    (difference,) = fit.contrasts("sex", reference="Female", at={"age": 14}).to_dicts()
    pairs = [(row, means[row["sex"]]) for row in stored["means"]]
    assert len(pairs) == 2
    for theirs, ours in [*pairs, (stored["difference"][0], difference)]:
        for name in ("estimate", "se", "lower", "upper"):
            assert ours[name] == pytest.approx(theirs[name], rel=1e-6), name
        assert ours["df"] == pytest.approx(theirs["df"], rel=1e-5)


def test_type_three_tests_by_kenward_roger_against_lme4() -> None:
    """lmerTest with pbkrtest; balanced data, so that the expected information is the observed."""
    stored = reference()["random_intercept"]["tests"]
    ours = {row["term"]: row for row in fitted("cs").type3().to_dicts()}
    assert stored["term"] == list(ours)
    for i, term in enumerate(stored["term"]):
        assert ours[term]["F"] == pytest.approx(stored["F"][i], rel=1e-6)
        assert ours[term]["df2"] == pytest.approx(stored["df2"][i], rel=1e-5)
        assert ours[term]["p"] == pytest.approx(stored["p"][i], rel=1e-5)


def test_influence_against_the_manual_of_sas() -> None:
    frame = fitted(df="satterthwaite", method="ml").influence()
    ours = dict(zip(frame["participant"], frame["cooks_distance"], strict=True))
    printed = manual()[0]
    assert len(printed) == 7
    for number, cook in printed.items():
        # half a unit of the last digit, and SAS's stopping rule
        assert ours[person_name(number, "F")] == pytest.approx(cook, abs=6e-6)
