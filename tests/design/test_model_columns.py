"""A formula as columns gives the contrasts that the formula itself gives."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import equipoise as eq
from equipoise.design.model_columns import NotTranslatableError, model_columns

VISITS = ("v1", "v2", "v3")
LEVELS = {"arm": ("placebo", "low", "high"), "site": ("A", "B"), "ward": ("x", "y", "z")}
#: The same numbers, from two parametrisations of one design: rounding alone is between them.
TOLERANCE = 1e-9


def people(seed=1, n=60):
    rng = np.random.default_rng(seed)
    codes = {
        "arm": rng.permutation(np.arange(n) % 3),
        "site": rng.permutation(np.arange(n) % 2),
        "ward": rng.permutation(np.arange(n) % 3),
    }
    numbers = {"baseline": rng.normal(20.0, 4.0, n), "age": rng.normal(50.0, 9.0, n)}
    own = rng.normal(0.0, 2.0, (n, 1))
    change = own + rng.normal(0.0, 2.0, (n, 3)) + 0.1 * numbers["baseline"][:, None]
    change += np.outer(codes["arm"], [0.5, 1.0, 2.0])
    change[rng.random((n, 3)) < 0.15] = np.nan
    return codes, numbers, change


def frame_of(codes, numbers, change):
    rows = []
    for i, row in enumerate(change):
        for j, value in enumerate(row):
            if np.isfinite(value):
                named = {k: LEVELS[k][codes[k][i]] for k in codes}
                own = {k: float(v[i]) for k, v in numbers.items()}
                rows.append({"participant": i, "visit": VISITS[j], "change": value, **named, **own})
    frame = pl.DataFrame(rows)
    enums = {**LEVELS, "visit": VISITS}
    return frame.with_columns(pl.col(k).cast(pl.Enum(list(v))) for k, v in enums.items())


def translated(formula, codes, numbers, change, subgroup=None):
    made = model_columns(
        formula, factors=LEVELS, numbers=["baseline", "age"], visits=VISITS,
        control="placebo", subgroup=subgroup,
    )  # fmt: skip
    rows = np.isfinite(change).sum(axis=1)
    centred = {k: (v - (v * rows).sum() / rows.sum())[None] for k, v in numbers.items()}
    columns = made.columns({k: v[None] for k, v in codes.items()}, centred)
    fits = eq.mmrm_batch(change[None], columns, made.contrasts, crossed=made.crossed, threads=1)
    return dict(zip(made.names, zip(fits.estimate[0], fits.se[0], fits.df[0], strict=True),
                    strict=True))  # fmt: skip


@pytest.mark.parametrize(
    "formula",
    [
        "change ~ baseline*visit + arm*visit",
        "change ~ baseline + age + arm*visit + site",
        "change ~ baseline*visit + ward*visit + arm*visit*baseline",
        "change ~ baseline*arm + visit*site*ward + arm:visit",
        "change ~ baseline:visit + arm:visit + visit",
        "change ~ arm + visit + baseline*age*arm",
    ],
)
def test_contrasts_are_those_of_the_formula(formula):
    codes, numbers, change = people()
    fit = eq.mmrm(formula, frame_of(codes, numbers, change), subject="participant", visit="visit")
    found = translated(formula, codes, numbers, change)
    expected = fit.contrasts("arm", reference="placebo", by="visit")
    assert expected.height == len(found) == 6
    for row in expected.iter_rows(named=True):
        ours = found[row["level"], row["visit"], ""]
        assert ours == pytest.approx((row["estimate"], row["se"], row["df"]), rel=TOLERANCE)


def test_effects_by_subgroup_and_their_differences():
    codes, numbers, change = people()
    formula = "change ~ baseline*visit + arm*visit*site + ward"
    fit = eq.mmrm(formula, frame_of(codes, numbers, change), subject="participant", visit="visit")
    found = translated(formula, codes, numbers, change, subgroup="site")
    expected = fit.contrasts("arm", reference="placebo", by=["visit", "site"])
    effects = {}
    for row in expected.iter_rows(named=True):
        key = (row["level"], row["visit"], row["site"])
        assert found[key] == pytest.approx((row["estimate"], row["se"], row["df"]), rel=TOLERANCE)
        effects[key] = row["estimate"]
    for arm in ("low", "high"):
        difference = effects[arm, "v2", "B"] - effects[arm, "v2", "A"]
        assert found[arm, "v2", "B - A"][0] == pytest.approx(difference, rel=1e-8)


@pytest.mark.parametrize(
    ("formula", "why"),
    [
        ("change ~ log(baseline)*visit + arm*visit", "a function of a column"),
        ("change ~ arm*visit + baseline:age", "stands without the terms"),
        ("change ~ 0 + arm*visit", "no intercept"),
        ("change ~ baseline*visit", "no arm"),
        ("log(change) ~ arm*visit", "response"),
    ],
)
def test_what_cannot_be_columns_is_said(formula, why):
    with pytest.raises(NotTranslatableError, match=why):
        model_columns(
            formula, factors=LEVELS, numbers=["baseline", "age"], visits=VISITS, control="placebo"
        )
