"""Adjusted p-values and simultaneous limits against emmeans and multcomp."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.stats
from ls_means_reference import matched, one_visit
from stats_reference import STORED, fit_case

from equipoise.stats import ArgumentError
from equipoise.stats.multivariate_t import maximum_t
from equipoise.stats.vocabulary import Adjustment

REFERENCE: dict[str, Any] = json.loads((STORED / "multiplicity.json").read_text(encoding="utf-8"))
EMMEANS, MULTCOMP = REFERENCE["emmeans"], REFERENCE["multcomp"]
FORMULA = REFERENCE["formula"]
#: R's ptukey and qtukey; everything else is closed form.
TUKEY_P, TUKEY_Q = 1e-7, 2e-4
COLUMNS = [
    "p_adjusted", "lower_simultaneous", "upper_simultaneous", "adjustment", "family_size", "p_error",
]  # fmt: skip


def check(ours: pl.DataFrame, rows: list[dict[str, Any]], names: list[str], adjust: str) -> None:
    p_tol, q_tol = (TUKEY_P, TUKEY_Q) if adjust == "tukey" else (1e-9, 1e-9)
    for mine, theirs in matched(ours, rows, names):
        assert mine["p_adjusted"] == pytest.approx(theirs["p.value"], rel=1e-6, abs=p_tol)
        assert mine["adjustment"] == adjust
        assert mine["p_error"] == 0.0
        if adjust in ("holm", "hochberg"):
            assert mine["lower_simultaneous"] is mine["upper_simultaneous"] is None
            continue
        half = mine["upper_simultaneous"] - mine["estimate"]
        assert half == pytest.approx(theirs["upper.CL"] - theirs["estimate"], rel=q_tol)
        assert mine["estimate"] - mine["lower_simultaneous"] == pytest.approx(half, rel=1e-12)


@pytest.mark.parametrize("adjust", [a for a in EMMEANS["pairwise"] if a != "none"])
def test_pairwise(adjust: str) -> None:
    ours = one_visit(FORMULA).contrasts("arm", kind="pairwise", adjust=adjust)
    assert ours.columns[-6:] == COLUMNS
    assert ours["family_size"].to_list() == [6] * 6
    check(ours, EMMEANS["pairwise"][adjust], ["contrast"], adjust)


@pytest.mark.parametrize("adjust", EMMEANS["reference"])
def test_against_a_reference(adjust: str) -> None:
    ours = one_visit(FORMULA).contrasts("arm", adjust=adjust)
    check(ours, EMMEANS["reference"][adjust], ["contrast"], adjust)


@pytest.mark.parametrize("adjust", EMMEANS["by"])
def test_the_family_is_what_stands_within_by(adjust: str) -> None:
    ours = one_visit(EMMEANS["by_formula"]).contrasts("arm", by="sex", adjust=adjust)
    assert ours["family_size"].to_list() == [3] * 6
    check(ours, EMMEANS["by"][adjust], ["contrast", "sex"], adjust)


@pytest.mark.parametrize("adjust", EMMEANS["by_together"])
def test_the_family_can_be_everything(adjust: str) -> None:
    ours = one_visit(EMMEANS["by_formula"]).contrasts("arm", by="sex", adjust=adjust, family="all")
    assert ours["family_size"].to_list() == [6] * 6
    check(ours, EMMEANS["by_together"][adjust], ["contrast", "sex"], adjust)


def grand_mean() -> dict[str, dict[str, float]]:
    """Each level minus the mean weighted by the numbers of participants: a singular family."""
    fit = one_visit(FORMULA)
    levels = fit.data.levels["arm"]
    share = np.bincount(fit.data.columns["arm"]) / fit.n_observations
    return {
        level: {other: (other == level) - share[i] for i, other in enumerate(levels)}
        for level in levels
    }


@pytest.mark.parametrize(
    ("name", "kind", "adjust"),
    [("dunnett", "reference", "dunnett"), ("dunnett", "reference", "mvt"),
     ("pairwise", "reverse-pairwise", "mvt"), ("consecutive", "consecutive", "mvt"),
     ("mean", "own", "mvt")],
)  # fmt: skip
def test_multivariate_t_against_multcomp(name: str, kind: str, adjust: str) -> None:
    """glht at its tightest: its own Monte-Carlo error is 1e-5 in p and about 1e-4 in the quantile."""
    block = MULTCOMP[name]
    ours = one_visit(FORMULA).contrasts(
        "arm", kind=grand_mean() if kind == "own" else kind, adjust=adjust
    )
    theirs = [
        {key: block[key][i] for key in ("contrast", "estimate", "lower", "upper", "p")}
        for i in range(len(block["contrast"]))
    ]
    for mine, row in matched(ours, theirs, ["contrast"]):
        assert mine["p_adjusted"] == pytest.approx(row["p"], abs=5e-5)
        assert mine["estimate"] == pytest.approx(row["estimate"], rel=1e-8)
        assert mine["lower_simultaneous"] == pytest.approx(row["lower"], abs=2e-3)
        assert mine["upper_simultaneous"] == pytest.approx(row["upper"], abs=2e-3)
        assert mine["p_error"] < 1e-3


def test_multivariate_t_by_its_definition() -> None:
    """The correlation of the estimates, Kenward–Roger's covariance, each comparison's own df."""
    fit = fit_case("synth1_us_reml", "kenward-roger")
    ours = fit.contrasts("arm", by="visit", adjust="dunnett", family="all")
    L = fit.lsmeans_matrix("arm", by="visit")[1]
    L = L[1::2] - L[::2]
    V = L @ fit.coefficient_covariance @ L.T
    sd = np.sqrt(np.diag(V))
    largest = maximum_t(V / np.outer(sd, sd))
    for row in ours.iter_rows(named=True):
        assert row["p_adjusted"] == pytest.approx(largest.tail(row["t"], row["df"])[0], rel=1e-9)
        critical = largest.quantile(fit.alpha, row["df"])
        half = row["upper_simultaneous"] - row["estimate"]
        assert half == pytest.approx(critical * row["se"], rel=1e-9)
    assert ours["df"].round(3).n_unique() > 2  # unequal, and each is used


def test_tukey_takes_each_comparison_s_own_df() -> None:
    fit = fit_case("synth3_us_reml", "kenward-roger")
    ours = fit.contrasts("visit", by="arm", kind="pairwise", adjust="tukey")
    assert ours["df"].round(3).n_unique() > 2
    for row in ours.iter_rows(named=True):
        q = math.sqrt(2.0) * abs(row["t"])
        expected = scipy.stats.studentized_range.sf(q, 5, row["df"])
        assert row["p_adjusted"] == pytest.approx(expected, rel=1e-6, abs=1e-12)
        half = row["upper_simultaneous"] - row["estimate"]
        q = math.sqrt(2.0) * half / row["se"]
        assert scipy.stats.studentized_range.sf(q, 5, row["df"]) == pytest.approx(0.05, rel=1e-7)


def test_tukey_is_the_multivariate_t_of_balanced_independent_means() -> None:
    """Where its assumptions hold exactly: one visit, equal numbers, no covariate."""
    rng = np.random.default_rng(2)
    data = pl.DataFrame(
        {
            "id": list(range(32)),
            "week": ["W"] * 32,
            "arm": list("abcd") * 8,
            "y": rng.normal(size=32),
        }
    )
    from equipoise.stats import mmrm

    fit = mmrm("y ~ arm", data, subject="id", visit="week")
    tukey = fit.contrasts("arm", kind="pairwise", adjust="tukey")
    mvt = fit.contrasts("arm", kind="pairwise", adjust="mvt")
    assert mvt["p_adjusted"].to_numpy() == pytest.approx(tukey["p_adjusted"].to_numpy(), abs=1e-4)
    assert mvt["upper_simultaneous"].to_numpy() == pytest.approx(
        tukey["upper_simultaneous"].to_numpy(), rel=2e-4
    )


@pytest.mark.parametrize("adjust", [a.word for a in Adjustment if a is not Adjustment.NONE])
def test_one_comparison_needs_no_adjustment(adjust: str) -> None:
    fit = fit_case("synth1_us_reml", "kenward-roger")
    kind = "pairwise" if adjust == "tukey" else "reference"
    ours = fit.contrasts("arm", by="visit", kind=kind, adjust=adjust)
    assert ours["p_adjusted"].to_numpy() == pytest.approx(ours["p"].to_numpy(), rel=1e-7)
    if Adjustment[adjust.upper()].has_limits:
        assert ours["lower_simultaneous"].to_numpy() == pytest.approx(ours["lower"].to_numpy())


@pytest.mark.parametrize(
    "adjust", [a.word for a in Adjustment if a.word not in ("none", "tukey", "dunnett")]
)
def test_adjusted_never_beats_unadjusted_and_limits_agree_with_p(adjust: str) -> None:
    """Duality: a limit excludes zero exactly where the adjusted p is below alpha."""
    fit = fit_case("synth1_us_reml", "kenward-roger")
    ours = fit.contrasts("arm", by="visit", adjust=adjust, family="all")
    assert ours["family_size"].to_list() == [5] * 5
    assert (ours["p_adjusted"] >= ours["p"]).all()
    assert (ours["p_adjusted"] <= 1.0).all()
    if not Adjustment[adjust.upper()].has_limits:
        assert ours["lower_simultaneous"].null_count() == 5
        return
    excluded = (ours["lower_simultaneous"] > 0.0) | (ours["upper_simultaneous"] < 0.0)
    assert excluded.to_list() == (ours["p_adjusted"] < fit.alpha).to_list()


def test_the_order_of_conservatism() -> None:
    fit = one_visit(FORMULA)
    p = {
        a: fit.contrasts("arm", kind="pairwise", adjust=a)["p_adjusted"].to_numpy()
        for a in ("mvt", "sidak", "bonferroni", "holm")
    }
    assert np.all(p["mvt"] <= p["sidak"] + 1e-4)
    assert np.all(p["sidak"] <= p["bonferroni"])
    assert np.all(p["holm"] <= p["bonferroni"])


def test_without_adjustment_the_columns_are_as_ever() -> None:
    ours = one_visit(FORMULA).contrasts("arm")
    assert ours.columns == [
        "contrast", "level", "reference", "estimate", "se", "df", "t", "p", "lower", "upper",
    ]  # fmt: skip


def test_the_seed_matters_for_the_lattice_only() -> None:
    fit = fit_case("synth1_us_reml", "kenward-roger")
    first = fit.contrasts("arm", by="visit", adjust="mvt", family="all", seed=1)
    assert first.equals(fit.contrasts("arm", by="visit", adjust="mvt", family="all", seed=1))
    other = fit.contrasts("arm", by="visit", adjust="mvt", family="all", seed=2)
    assert not first.equals(other)
    assert first["p_adjusted"].to_numpy() == pytest.approx(other["p_adjusted"].to_numpy(), abs=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"adjust": "fdr"}, "adjust: unknown word.*Valid: none, bonferroni, sidak, holm"),
        ({"adjust": "tukey"}, "Tukey's method is for all pairs.*kind='pairwise'"),
        ({"kind": "pairwise", "adjust": "dunnett"}, "Dunnett's method is for comparisons with one"),
        ({"kind": "pairwise", "by": "sex", "family": "all", "adjust": "tukey"}, "adjust='mvt'"),
        ({"family": "each"}, "family: unknown word.*Valid: by, all"),
        ({"weights": "OM"}, "weights: unknown word.*proportional, participants"),
        ({"kind": "trt.vs.ctrl"}, "kind: unknown word.*reference, pairwise"),
        ({"kind": {"x": {"lo": 1}}}, "contrast 'x': not a level of 'arm'.*control, low, mid, high"),
        ({"kind": {"x": [1, -1]}}, "2 weights for 4 levels"),
        ({"kind": {"x": {"low": "a"}}}, "its weights are not numbers, or all zero"),
        ({"reference": "low", "kind": "mean"}, "these contrasts have no reference level"),
        ({"reference": "low", "kind": {"x": {"low": 1}}}, "these contrasts have no reference"),
    ],
)
def test_refusals(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        one_visit().contrasts("arm", **options)


ODD = [
    None, 7, 1.5, "", b"x", ["arm", 3], {"arm": 1}, {"age": None}, {"age": []}, {"age": "x"},
    {"age": [1, None]}, {"age": [[1, 2]]}, {"age": np.eye(2)}, {"site": ["A", 2]}, {3: 4},
    np.array([1.0, 2.0]), {"x": {"low": math.nan}}, {"x": "low"}, {"x": {None: 1}}, {"x": np.eye(2)},
    {"x": [1, "a", 2, 3]}, object(), set(), [["reference"]], ["reference", {}], math.nan, -1,
]  # fmt: skip


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value).partition(" at 0x")[0][:30])
def test_odd_arguments_are_answered_or_refused(value: Any) -> None:
    """Whatever is given, no other error than ours reaches the user."""
    fit = one_visit()
    questions = [
        lambda: fit.lsmeans(value),
        lambda: fit.lsmeans("arm", by=value),
        lambda: fit.lsmeans("arm", at=value),
        lambda: fit.lsmeans("arm", weights=value),
        lambda: fit.contrasts("arm", reference=value),
        lambda: fit.contrasts("arm", kind=value),
        lambda: fit.contrasts(["arm", "sex"], value, kind=["reference", "pairwise"]),
        lambda: fit.contrasts(["arm", "sex"], kind=value),
        lambda: fit.contrasts("arm", adjust=value),
        lambda: fit.contrasts("arm", family=value),
        lambda: fit.contrasts("arm", adjust="dunnett", seed=value),
        lambda: fit.test_contrasts("arm", kind=value, family="all"),
        lambda: fit.combination(value),
        lambda: fit.combination({"age": value}),
        lambda: fit.mean_at(value),
        lambda: fit.linear(np.eye(len(fit.terms))[:2], labels=value),
    ]
    for ask in questions:
        try:
            assert isinstance(ask(), pl.DataFrame)
        except ArgumentError as error:
            assert error.what
