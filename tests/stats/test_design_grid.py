"""Rows of the design without the formula library, against the library."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest
from test_least_squares_means import trial

from equipoise.stats import mmrm
from equipoise.stats.design_grid import design_plan, design_rows
from equipoise.stats.design_matrix import library_rows

#: Evaluated point by point.
PLAIN = [
    "y ~ 1",
    "y ~ week",
    "y ~ 0 + week",
    "y ~ age + arm*week",
    "y ~ arm*week*diagnosis",
    "y ~ arm:week",
    "y ~ 0 + arm:week",
    "y ~ arm + arm:week",
    "y ~ age + week:arm",
    "y ~ C(arm)*C(week)",
    "y ~ log(age) + sqrt(age):arm + week",
    "y ~ exp(dose / 10 - 1)*week + log2(age + 3)",
    "y ~ log10(2 * age)*arm",
    "y ~ age:dose + age*arm*dose",
    "y ~ age:arm + age:week",
    "y ~ 0 + age + arm:week",
    "y ~ 0 + arm:age + week:dose:arm",
    "y ~ diagnosis:arm + week",
    "y ~ (arm + week + diagnosis)**2 + age",
    "y ~ log(age + 100 * exp(-dose)) + week",
]
#: Functions that learnt something from the data.
LEARNT = [
    "y ~ center(age)*arm + week",
    "y ~ scale(age) + week",
    "y ~ scale(age, scale=False):week",
    "y ~ poly(age, 2)*arm + week",
    "y ~ poly(dose, degree=3) + week",
    "y ~ poly(age)",
    "y ~ bs(dose, df=4)*arm",
    "y ~ bs(dose, knots=[0.0], degree=2) + week",
    "y ~ 0 + bs(dose, df=5, include_intercept=True) + week:age",
    "y ~ bs(dose) + log(age)",
]


def fit(formula: str):
    return mmrm(formula, trial(), subject="id", visit="week", df="satterthwaite")


def grid(data) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Every combination of levels at three values of every covariate."""
    rng = np.random.default_rng(5)
    sizes = [len(levels) for levels in data.levels.values()]
    cells = np.array(list(itertools.product(*(range(s) for s in sizes), range(3))))
    codes = {name: cells[:, i] for i, name in enumerate(data.levels)}
    values = {
        name: rng.uniform(column.min(), column.max(), size=len(cells))
        for name, column in ((n, data.columns[n]) for n in data.means)
    }
    return codes, values


@pytest.mark.parametrize("formula", PLAIN + LEARNT)
def test_rows_are_those_of_the_formula_library(formula: str) -> None:
    """Bit by bit but for the order of a product's factors: two roundings at most."""
    data = fit(formula).data
    codes, values = grid(data)
    ours, theirs = design_rows(data, codes, values), library_rows(data, codes, values)
    assert ours.shape == theirs.shape
    assert ours == pytest.approx(theirs, rel=5e-16, abs=0.0)


@pytest.mark.parametrize("formula", PLAIN + LEARNT)
def test_the_plan_names_every_column(formula: str) -> None:
    data = fit(formula).data
    plan = design_plan(data)
    assert plan.names_agree
    assert plan.elementwise == (formula in PLAIN)
    assert sum(term.width for term in plan.terms) == len(data.terms)
    assert design_plan(data) is plan


@pytest.mark.parametrize("formula", PLAIN)
def test_the_design_of_the_data_follows_from_the_plan(formula: str) -> None:
    data = fit(formula).data
    codes = {name: data.columns[name] for name in data.levels}
    rows = design_rows(data, codes, {name: data.columns[name] for name in data.means})
    if not codes and not data.means:
        rows = np.broadcast_to(rows, data.design.shape)
    assert rows == pytest.approx(data.design, rel=5e-16, abs=0.0)


def test_the_library_is_not_called_for_plain_formulas(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fit("y ~ age + log(dose + 9)*arm*week")

    def fail(*_: object) -> None:
        raise AssertionError("the formula library was called")

    monkeypatch.setattr("equipoise.stats.design_matrix.library_rows", fail)
    assert model.lsmeans("arm", by="week", at={"dose": [0.0, 1.0]}).height == 12


def test_levels_with_odd_names() -> None:
    """Colons and brackets in levels, as names of columns hold them."""
    data = trial().with_columns(
        pl.col("arm").replace_strict({"control": "a:b", "drug": "[T.c]"}),
        pl.col("week").replace_strict({"W0": "0 :", "W1": "x]", "W2": "1"}),
    )
    model = mmrm("y ~ arm*week", data, subject="id", visit="week", df="satterthwaite")
    codes, values = grid(model.data)
    assert design_plan(model.data).names_agree
    assert np.array_equal(
        design_rows(model.data, codes, values), library_rows(model.data, codes, values)
    )


def test_without_agreement_the_library_evaluates() -> None:
    """A plan that does not explain the names is not used."""
    import dataclasses

    model = fit("y ~ age + arm*week")
    plan = design_plan(model.data)
    codes, values = grid(model.data)
    expected = design_rows(model.data, codes, values)
    wrong = dataclasses.replace(plan, terms=plan.terms[::-1], names_agree=False)
    model.data.cache["plan"] = wrong
    assert np.array_equal(design_rows(model.data, codes, values), expected)
