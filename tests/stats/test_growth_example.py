"""docs/growth-example.md: Potthoff and Roy's data against R nlme, and against t tests."""

from __future__ import annotations

import json
import re

import numpy as np
import polars as pl
import pytest
from stats_reference import PROJECT, STORED, term_key

from equipoise.stats import MMRMFit, mmrm

GLS = json.loads((STORED / "covariance_structures.json").read_text(encoding="utf-8"))["gls"]
CASES = sorted(
    key
    for key in GLS
    if key.startswith("orthodont") and "weights" not in key and "sp_exp" not in key
)
VISITS = ["age 8", "age 10", "age 12", "age 14"]


def growth() -> pl.DataFrame:
    frame = pl.read_csv(PROJECT / "examples" / "growth.csv")
    visit = pl.format("age {}", pl.col("age")).cast(pl.Enum(VISITS))
    return frame.with_columns(visit=visit)


def fitted(formula: str = "distance ~ sex*age", **options: str) -> MMRMFit:
    return mmrm(formula, growth(), subject="child", visit="visit", **options)


def test_the_data_are_the_27_children() -> None:
    frame = growth()
    assert frame["child"].n_unique() == 27
    assert frame.group_by("sex").agg(pl.col("child").n_unique()).sort("sex").rows() == [
        ("Female", 11),
        ("Male", 16),
    ]
    assert frame["distance"].sum() == pytest.approx(2594.5)


@pytest.mark.parametrize("key", CASES)
def test_every_structure_that_nlme_has(key: str) -> None:
    """nlme stops early: estimates 3e-5 of an SE, SE 1e-4 relative, -2 log L 1e-5 above ours.

    Under ML its standard errors are larger by the root of n / (n - p).
    """
    expected = GLS[key]
    _, covariance, method = key.split("_")
    fit = fitted(covariance=covariance, method=method.lower(), df="satterthwaite")
    assert -1e-8 < expected["minus2loglik"] - fit.minus2_log_likelihood < 1e-5
    n, p = fit.n_observations, len(fit.terms)
    scale = 1.0 if method == "REML" else np.sqrt(n / (n - p))
    ours = {term_key(row["term"]): row for row in fit.coefficients.to_dicts()}
    for name, estimate in expected["estimate"].items():
        row = ours[term_key(name)]
        assert row["estimate"] == pytest.approx(estimate, abs=1e-4 * row["se"]), name
        assert row["se"] == pytest.approx(expected["se"][name] / scale, rel=2e-4), name


def test_the_differences_at_each_age_are_t_tests() -> None:
    frame = growth()
    rows = (
        fitted("distance ~ sex*visit").contrasts("sex", reference="Female", by="visit").to_dicts()
    )
    for row in rows:
        here = frame.filter(pl.col("visit") == row["visit"])
        boys = here.filter(pl.col("sex") == "Male")["distance"].to_numpy()
        girls = here.filter(pl.col("sex") == "Female")["distance"].to_numpy()
        pooled = (boys.var(ddof=1) * 15 + girls.var(ddof=1) * 10) / 25
        assert row["estimate"] == pytest.approx(boys.mean() - girls.mean(), rel=1e-10)
        assert row["se"] == pytest.approx(np.sqrt(pooled * (1 / 16 + 1 / 11)), rel=1e-10)
        assert row["df"] == pytest.approx(25.0, rel=1e-9)


def test_the_table_of_the_page() -> None:
    text = (PROJECT / "docs" / "growth-example.md").read_text(encoding="utf-8")
    found = re.findall(r"\| `(\w+)` \| ([\d.]+) \| ([\d.]+) \| (\d+) \|", text)
    assert len(found) == 5
    for covariance, theirs, ours, parameters in found:
        fit = fitted(covariance=covariance)
        assert theirs == f"{GLS[f'orthodont_{covariance}_REML']['minus2loglik']:.4f}"
        assert ours == f"{fit.minus2_log_likelihood:.4f}"
        assert int(parameters) == fit.structure.n_parameters(4)
