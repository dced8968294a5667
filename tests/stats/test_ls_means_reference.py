"""LS means, weights, contrasts of every kind against R's emmeans (tests/reference/ls_means.R)."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from ls_means_reference import REFERENCE, fev, growth, matched, one_visit

from equipoise.stats import ArgumentError, mmrm
from equipoise.stats.least_squares_means import reference_grid

ONE = REFERENCE["one_visit"]
#: A linear model on both sides: what rounding leaves.
EXACT = 1e-9
#: gls stops where the likelihood has no more digits: parameters are good to half of them.
GLS = {"growth": 1e-6, "fev": 5e-5}


def check(ours: dict[str, Any], theirs: dict[str, Any], tolerance: float) -> None:
    se = theirs["SE"]
    estimate = theirs.get("emmean", theirs.get("estimate"))
    assert abs(ours["estimate"] - estimate) < tolerance * se
    assert ours["se"] == pytest.approx(se, rel=tolerance)
    if tolerance == EXACT:
        assert ours["df"] == pytest.approx(theirs["df"], rel=tolerance)
        assert abs(ours["lower"] - theirs["lower.CL"]) < 10 * tolerance * se
        assert abs(ours["upper"] - theirs["upper.CL"]) < 10 * tolerance * se
        if "p" in ours:
            assert ours["p"] == pytest.approx(theirs["p.value"], rel=1e-6)


@pytest.mark.parametrize("weights", ONE["means"])
@pytest.mark.parametrize(
    ("name", "factor", "by"),
    [("arm", "arm", None), ("arm_by_sex", "arm", "sex"), ("site", "site", None),
     ("overall_pair", ["arm", "site"], None)],
)  # fmt: skip
def test_weights(weights: str, name: str, factor: Any, by: Any) -> None:
    fit = one_visit()
    names = ["arm", "sex"] if by else [factor] if isinstance(factor, str) else factor
    rows = ONE["means"][weights][name]
    for ours, theirs in matched(fit.lsmeans(factor, by=by, weights=weights), rows, names):
        check(ours, theirs, EXACT)


def test_weights_differ_where_they_should() -> None:
    """Otherwise the comparison above could not fail."""
    values = [one_visit().lsmeans("arm", weights=w)["estimate"][0] for w in ONE["means"]]
    equal, proportional, outer, cells, flat = values
    assert len({round(v, 9) for v in (equal, proportional, outer, cells)}) == 4
    assert flat == pytest.approx(equal, rel=1e-12)  # every combination of two factors has rows


@pytest.mark.parametrize(
    ("name", "options", "names"),
    [
        ("ages", {"at": {"age": [30, 60]}}, ["arm", "age"]),
        ("ages", {"at": {"age": np.array([30, 60])}, "by": "age"}, ["arm", "age"]),
        ("ages", {"at": {"age": pl.Series([30, 60])}}, ["arm", "age"]),
        ("two_covariates", {"at": {"age": 30, "base": 15}}, ["arm"]),
        ("sites", {"at": {"site": ["A", "C"]}}, ["arm"]),
        ("sites_proportional", {"at": {"site": ["A", "C"]}, "weights": "proportional"}, ["arm"]),
        ("only_two_arms", {"at": {"arm": ["low", "high"]}}, ["arm"]),
    ],
)
def test_at(name: str, options: dict[str, Any], names: list[str]) -> None:
    for ours, theirs in matched(one_visit().lsmeans("arm", **options), ONE["at"][name], names):
        check(ours, theirs, EXACT)


@pytest.mark.parametrize("kind", ONE["kinds"])
def test_kinds(kind: str) -> None:
    ours = one_visit().contrasts("arm", by="sex", kind=kind)
    if kind in ("mean", "others"):  # "low effect" in emmeans
        ours = ours.with_columns((pl.col("level") + " effect").alias("contrast"))
    for mine, theirs in matched(ours, ONE["kinds"][kind], ["contrast", "sex"]):
        check(mine, theirs, EXACT)
    pair = kind not in ("mean", "others")
    assert (ours["contrast"] == ours["level"] + " - " + ours["reference"]).all() == pair


@pytest.mark.parametrize(
    "weights",
    [{"low": 1 / 3, "mid": 1 / 3, "high": 1 / 3, "control": -1}, [-1, 1 / 3, 1 / 3, 1 / 3],
     np.array([-1, 1 / 3, 1 / 3, 1 / 3])],
    ids=["mapping", "list", "array"],
)  # fmt: skip
def test_contrasts_of_ones_own(weights: Any) -> None:
    """By names of levels or in their order; they need not sum to zero."""
    ours = one_visit().contrasts(
        "arm", kind={"active": weights, "late": {"mid": 0.5, ("high",): 0.5}}
    )
    assert ours["level"].to_list() == ours["reference"].to_list() == [None, None]
    for mine, theirs in matched(ours, ONE["custom"], ["contrast"]):
        check(mine, theirs, EXACT)


def test_contrasts_of_contrasts() -> None:
    fit = one_visit()
    theirs = [
        {**row, "contrast": f"{row['arm_trt.vs.ctrl']} : {row['sex_pairwise']}"}
        for row in ONE["interaction"]
    ]
    ours = fit.contrasts(["arm", "sex"], kind=["reference", "pairwise"])
    for mine, row in matched(ours, theirs, ["contrast"]):
        check(mine, row, EXACT)
    named = fit.contrasts(
        ["arm", "sex"], {"arm": "control"}, kind=["reference", {"f - m": {"f": 1, "m": -1}}]
    )
    assert named.equals(ours)


def test_joint_tests() -> None:
    """emmeans prints F with three decimals; p is not rounded."""
    fit = one_visit()
    both = fit.test_contrasts("arm", by="sex", kind="pairwise")  # 6 rows of which 3 follow
    assert both.columns == ["sex", "F", "df1", "df2", "p"]
    for row, theirs in zip(both.to_dicts(), ONE["joint"]["each"], strict=True):
        assert row["sex"] == theirs["sex"]
        assert (row["df1"], row["df2"]) == (theirs["df1"], pytest.approx(theirs["df2"]))
        assert abs(row["F"] - theirs["F"]) <= 5.0001e-4
        assert row["p"] == pytest.approx(theirs["p"], rel=1e-3)  # it comes from the rounded F
    (row,) = fit.test_contrasts("arm", by="sex", family="all").to_dicts()
    theirs = ONE["joint"]["all"]
    assert list(row) == ["F", "df1", "df2", "p"]
    assert (row["df1"], row["df2"]) == (theirs["df1"], pytest.approx(theirs["df2"]))
    assert abs(row["F"] - theirs["F"]) <= 5.0001e-4


@pytest.mark.parametrize("model", [growth, fev], ids=["growth", "fev"])
@pytest.mark.parametrize("weights", ["equal", "proportional", "outer", "cells"])
def test_means_of_an_unstructured_model(model: Any, weights: str) -> None:
    """Against nlme's gls; its standard errors are model-based, as Satterthwaite's are."""
    fit = model()
    block = REFERENCE[model.__name__]
    factor, visit = ("Sex", "visit") if model is growth else ("ARMCD", "AVISIT")
    assert fit.minus2_log_likelihood == pytest.approx(-2.0 * block["logLik"], abs=1e-6)
    for ours, theirs in matched(
        fit.lsmeans(factor, weights=weights), block["means"][weights]["all"], [factor]
    ):
        check(ours, theirs, GLS[model.__name__])
    for ours, theirs in matched(
        fit.lsmeans(factor, by=visit, weights=weights),
        block["means"][weights]["by"],
        [factor, visit],
    ):
        check(ours, theirs, GLS[model.__name__])


def test_pairs_of_an_unstructured_model() -> None:
    ours = fev().contrasts("RACE", kind="pairwise")
    for mine, theirs in matched(ours, REFERENCE["fev"]["pairs"], ["contrast"]):
        check(mine, theirs, GLS["fev"])


# -- what no other program has ------------------------------------------------------------------


def long_trial() -> pl.DataFrame:
    """Two visits; who is in site B drops out after the first more often."""
    rng = np.random.default_rng(8)
    rows = []
    for i in range(60):
        site = "A" if i % 3 else "B"
        for j, week in enumerate(("W1", "W2")):
            lost = j == 1 and site == "B" and i % 2
            y = None if lost else float(rng.normal(10 + 3 * (site == "B") + j, 2))
            rows.append({"id": i, "week": week, "arm": ("c", "d")[i % 2], "site": site, "y": y})
    return pl.DataFrame(rows)


def test_participants_count_once() -> None:
    """A plain twin: the mean of the predicted values of every participant, arm replaced."""
    data = long_trial()
    fit = mmrm("y ~ arm*week + site*arm", data, subject="id", visit="week")
    people = data.filter(pl.col("y").is_not_null()).unique("id")
    cells = fit.lsmeans("arm", by=["week", "site"])
    for row in fit.lsmeans("arm", by="week", weights="participants").iter_rows(named=True):
        of = {
            c["site"]: c["estimate"]
            for c in cells.iter_rows(named=True)
            if (c["arm"], c["week"]) == (row["arm"], row["week"])
        }
        plain = np.mean([of[site] for site in people["site"]])
        assert row["estimate"] == pytest.approx(plain, rel=1e-12)
    used = data.filter(pl.col("y").is_not_null())
    row = fit.lsmeans("arm", by="week", weights="proportional").row(0, named=True)
    of = {c["site"]: c["estimate"] for c in cells.filter(arm="c", week="W1").iter_rows(named=True)}
    assert row["estimate"] == pytest.approx(np.mean([of[s] for s in used["site"]]), rel=1e-12)


def test_a_participant_s_rows_share_its_weight() -> None:
    """Averaged over visits: each visit weighs the sum over participants of 1 / visits seen."""
    data = long_trial()
    fit = mmrm("y ~ arm*week", data, subject="id", visit="week")
    used = data.filter(pl.col("y").is_not_null())
    share = (
        used.with_columns((1.0 / pl.len().over("id")).alias("w")).group_by("week").agg(pl.sum("w"))
    )
    weight = dict(share.iter_rows())
    cells = fit.lsmeans("arm", by="week").filter(arm="c")
    plain = sum(weight[w] * e for w, e in zip(cells["week"], cells["estimate"], strict=True))
    row = fit.lsmeans("arm", weights="participants").row(0, named=True)
    assert row["estimate"] == pytest.approx(plain / sum(weight.values()), rel=1e-12)


def test_a_mean_over_the_last_two_visits() -> None:
    """Three ways to ask give one answer."""
    fit = growth()
    one = fit.contrasts("Sex", at={"visit": ["12", "14"]}).row(0, named=True)
    two = fit.contrasts(["Sex", "visit"], kind=["reference", {"late": {"12": 0.5, "14": 0.5}}]).row(
        0, named=True
    )
    L = {tuple(k): row for k, row in zip(*_rows(fit), strict=True)}
    late = 0.5 * (L["Female", "12"] + L["Female", "14"] - L["Male", "12"] - L["Male", "14"])
    three = fit.linear(late, labels=["late"]).row(0, named=True)
    assert three["label"] == "late"
    for name in ("estimate", "se", "df", "p"):
        assert one[name] == pytest.approx(two[name], rel=1e-12)
        assert one[name] == pytest.approx(three[name], rel=1e-12)


def _rows(fit: Any) -> tuple[list[Any], np.ndarray]:
    frame, L = fit.lsmeans_matrix(["Sex", "visit"])
    return frame.rows(), L


def test_combinations_and_profiles() -> None:
    fit = growth()
    frame = fit.combination(
        {
            "at 8": {"Sex[T.Female]": 1},
            "at 14": {"Sex[T.Female]": 1, "Sex[T.Female]:visit[T.14]": 1},
        }
    )
    contrasts = fit.contrasts("Sex", by="visit").filter(pl.col("visit").is_in(["8", "14"]))
    assert frame["label"].to_list() == ["at 8", "at 14"]
    for name in ("estimate", "se", "df", "lower"):
        assert frame[name].to_list() == pytest.approx(contrasts[name].to_list(), rel=1e-12)
    single = fit.combination({"Sex[T.Female]": 1, "Sex[T.Female]:visit[T.14]": 1})
    assert single["label"].item() == "Sex[T.Female] + Sex[T.Female]:visit[T.14]"
    half = fit.combination({"Intercept": 1, "Sex[T.Female]": -0.5})
    assert half["label"].item() == "Intercept + -0.5 × Sex[T.Female]"
    beta = dict(zip(fit.terms, fit.coefficients["estimate"], strict=True))
    assert half["estimate"].item() == pytest.approx(beta["Intercept"] - 0.5 * beta["Sex[T.Female]"])
    profile = one_visit().mean_at(
        [{"arm": "mid", "site": "B", "sex": "m", "age": 33, "base": 21.5}]
    )
    at = (
        one_visit()
        .lsmeans("arm", at={"site": "B", "sex": "m", "age": 33, "base": 21.5})
        .filter(arm="mid")
    )
    assert profile.columns[:5] == ["arm", "sex", "site", "age", "base"]
    for name in ("estimate", "se", "df", "lower", "upper"):
        assert profile[name].item() == pytest.approx(at[name].item(), rel=1e-12)


def test_a_grid_is_built_once() -> None:
    fit = growth()
    fit.lsmeans("Sex", by="visit")
    size = len(fit.data.cache)
    fit.contrasts("Sex", by="visit")
    fit.lsmeans("Sex", by="visit")
    assert len(fit.data.cache) == size
    grid = reference_grid(fit.data, ["visit", "Sex"])
    assert grid is reference_grid(fit.data, ["visit", "Sex"])
    assert not grid.matrix.flags.writeable
    frame, L = fit.lsmeans_matrix("Sex", by="visit")
    L[:] = 0.0  # the caller's own copy
    assert fit.lsmeans("Sex", by="visit")["estimate"].min() > 20.0
    assert frame.height == 8


def test_long_lists_of_values_are_told_apart() -> None:
    """Arrays whose printed form leaves out the middle."""
    ages = np.linspace(20.0, 60.0, 2001)
    other = ages.copy()
    other[1000] += 0.005
    one = one_visit().lsmeans("arm", at={"age": ages})
    two = one_visit().lsmeans("arm", at={"age": other})
    assert (one["estimate"] != two["estimate"]).sum() == 4


def test_a_cell_without_rows_is_named() -> None:
    """All of site C's men at the high dose were left out of the data."""
    fit = one_visit()
    with pytest.raises(
        ArgumentError, match=r"no row has these levels of site, sex, arm.*C, m, high"
    ):
        fit.lsmeans("arm", by=["site", "sex"], weights="cells")
    assert fit.lsmeans("arm", by=["site", "sex"]).height == 24
