"""The design that follows from the plan is the one that the formula library makes of all rows."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from formulaic import model_matrix

from equipoise.stats.design_matrix import _planned_design
from equipoise.stats.model_data import read_model_data

FORMULAS = [
    "y ~ base*visit + arm*visit",
    "y ~ 0 + visit + arm:visit",
    "y ~ visit:arm",
    "y ~ arm + visit:base",
    "y ~ log(base) + I_ + C(dose)*visit",
    "y ~ (arm + visit + dose)**2",
    "log(y) ~ exp(base/50) + arm/visit",
    "y ~ poly(base, 2) + arm*visit",
    "y ~ bs(base, df=4) + arm*visit",
    "y ~ center(base)*visit + scale(dose)",
    "y ~ sqrt(base + dose) + visit",
    "y ~ arm*visit*base - arm:visit:base",
    "y ~ base:dose + visit",
    "y ~ 1 + base:arm + visit",
]


def frame(seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    n = 40
    base = rng.uniform(10.0, 30.0, n)
    return pl.DataFrame(
        {
            "id": np.repeat(np.arange(n), 3),
            "visit": np.tile(["w1", "w2", "w3"], n),
            "arm": np.repeat(np.array(["a", "b", "c"])[np.arange(n) % 3], 3),
            "base": np.repeat(base, 3),
            "dose": np.repeat(np.arange(n) % 4, 3),
            "I_": rng.normal(size=3 * n),
            "y": rng.uniform(1.0, 5.0, 3 * n),
        }
    )


@pytest.mark.parametrize("formula", FORMULAS)
def test_design_and_names_are_the_library_s(formula: str) -> None:
    data = frame(len(formula))
    read = read_model_data(formula, data, subject="id", visit="visit")
    pandas = pd.DataFrame(data.to_dict(as_series=False))
    pandas["visit"] = pd.Categorical(pandas["visit"])
    pandas["arm"] = pd.Categorical(pandas["arm"])
    if "C(dose)" in formula:
        pandas["dose"] = pd.Categorical(pandas["dose"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = model_matrix(read.formula.canonical, pandas, context={"sqrt": np.sqrt})
    assert read.terms == tuple(expected.rhs.model_spec.column_names)
    assert read.design == pytest.approx(np.asarray(expected.rhs, dtype=float), rel=1e-14)
    assert read.response == pytest.approx(np.asarray(expected.lhs, dtype=float).ravel(), rel=1e-14)


def test_the_library_is_asked_once_for_a_formula_and_its_levels() -> None:
    _planned_design.cache_clear()
    for seed in (1, 2, 3):
        read_model_data("y ~ base*visit + arm*visit", frame(seed), subject="id", visit="visit")
    assert _planned_design.cache_info().misses == 1
    other = frame(1).with_columns(arm=pl.col("arm").replace("c", "b"))
    read = read_model_data("y ~ base*visit + arm*visit", other, subject="id", visit="visit")
    assert _planned_design.cache_info().misses == 2
    assert "arm[T.c]" not in read.terms


def test_functions_that_learn_learn_from_the_data_at_hand() -> None:
    one = read_model_data("y ~ center(base)*visit", frame(1), subject="id", visit="visit")
    two = read_model_data("y ~ center(base)*visit", frame(2), subject="id", visit="visit")
    for read in (one, two):
        assert read.design[:, read.terms.index("center(base)")].mean() == pytest.approx(
            0, abs=1e-12
        )
