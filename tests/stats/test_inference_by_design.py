"""The re-randomisation test: against R's enumerations, by its own guarantees, at its limits."""

from __future__ import annotations

import itertools
import json
import math
import re
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom
from stats_reference import STORED, read_data

from equipoise.stats import (
    ArgumentError,
    ConvergenceError,
    arm_contrast,
    mmrm,
    permuted_allocations,
    rerandomisation_test,
)
from equipoise.stats.refitting import ArmContrast

LABELS = {1: "ACTIVE", 0: "CONTROL"}


@cache
def reference() -> dict[str, Any]:
    return json.loads((STORED / "rerandomisation.json").read_text(encoding="utf-8"))


def one_visit(formula: str = "y ~ base + arm", frame: pl.DataFrame | None = None) -> ArmContrast:
    if frame is None:
        frame = read_data("synth1.csv").filter(
            pl.col("visit") == "V5", pl.col("subject").is_in(reference()["participants"])
        )
    return arm_contrast(
        formula, frame, subject="subject", visit="visit", arm="arm",
        level="ACTIVE", reference="CONTROL",
    )  # fmt: skip


def two_visits(**options: Any) -> ArmContrast:
    people = reference()["repeated"]["participants"]
    frame = read_data("synth3.csv").filter(
        pl.col("visit").is_in(["V3", "V5"]), pl.col("subject").is_in(people)
    )
    return arm_contrast(
        "y ~ arm*visit", frame, subject="subject", visit="visit", arm="arm",
        level="ACTIVE", reference="CONTROL", at={"visit": "V5"}, **options,
    )  # fmt: skip


# -- against R -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "formula"), [("t_test", "y ~ arm"), ("covariance_analysis", "y ~ base + arm")]
)
def test_full_enumeration_equals_r(key: str, formula: str) -> None:
    """lm() on each of combn()'s allocations; limits by bisection to 1e-6 of a point."""
    case = reference()[key]
    contrast = one_visit(formula)
    every = permuted_allocations(contrast.observed)
    assert len(every) == case["allocations"]
    found = rerandomisation_test(contrast, every, exact=True, alpha=case["alpha"])
    assert found.estimate == pytest.approx(case["estimate"], rel=1e-12)
    assert found.se == pytest.approx(case["se"], rel=1e-12)
    assert found.p == pytest.approx(case["p"], abs=1e-12)
    assert found.p_error == 0.0
    assert (found.p_lower, found.p_upper) == (found.p, found.p)
    # R's bisection ends within 1e-6 of a point, ours within 1e-7 of an SE
    assert found.lower == pytest.approx(case["lower"], abs=1e-5 * case["se"])
    assert found.upper == pytest.approx(case["upper"], abs=1e-5 * case["se"])
    assert (found.lower_error, found.upper_error) == (0.0, 0.0)


def test_refits_equal_those_of_nlme() -> None:
    """Two visits with dropout: estimate and model-based SE under each allocation.

    gls stops at 1e-12 of its criterion; 1e-6 of an SE is where its optimiser leaves it.
    """
    case = reference()["repeated"]
    contrast = two_visits(df="satterthwaite")
    allocations = np.array(case["allocations"])
    labels = np.vectorize(LABELS.get)(allocations)
    assert [LABELS[code] for code in allocations[0]] == [
        contrast.arms[code] for code in contrast.observed
    ]
    refits = contrast.refit(np.array([[contrast.arms.index(a) for a in row] for row in labels]))
    assert refits.ok.all()
    se = np.array(case["se"])
    np.testing.assert_allclose(refits.estimate / se, np.array(case["estimate"]) / se, atol=1e-5)
    np.testing.assert_allclose(refits.se, se, rtol=1e-5)
    found = rerandomisation_test(contrast, labels[1:], interval=False)
    t = np.abs(np.array(case["estimate"]) / se)
    assert found.n_extreme == int((t[1:] >= t[0]).sum())
    assert found.p == (found.n_extreme + 1) / len(allocations)


# -- against the definitions -----------------------------------------------------------------


@pytest.mark.parametrize("formula", ["y ~ base + arm*visit", "y ~ 0 + visit:arm + base:visit"])
def test_a_refit_is_the_model_with_another_arm_column(formula: str) -> None:
    frame = read_data("synth3.csv")
    at = {"visit": "V5"}
    contrast = arm_contrast(
        formula, frame, subject="subject", visit="visit", arm="arm",
        level="ACTIVE", reference="CONTROL", at=at,
    )  # fmt: skip
    allocation = np.random.default_rng(4).permutation(contrast.observed)
    moved = {
        person: contrast.arms[code]
        for person, code in zip(contrast.participants, allocation, strict=True)
    }
    other = frame.with_columns(pl.col("subject").replace_strict(moved).alias("arm"))
    fit = mmrm(formula, other, subject="subject", visit="visit")
    wanted = fit.contrasts("arm", reference="CONTROL", by="visit").filter(visit="V5")
    found = contrast.refit(allocation[None])
    # two optimisations of one likelihood; both stop within 1e-9 of it
    assert found.estimate[0] == pytest.approx(wanted["estimate"][0], rel=1e-7)
    assert found.se[0] == pytest.approx(wanted["se"][0], rel=1e-7)
    assert found.df[0] == pytest.approx(wanted["df"][0], rel=1e-6)


def test_one_visit_by_least_squares_is_the_mixed_model() -> None:
    contrast = one_visit()
    allocation = contrast.observed[::-1]
    fast = contrast.refit(allocation[None])
    slow = contrast.effect(contrast.ladder[0], allocation, contrast.data.response)
    np.testing.assert_allclose([fast.estimate[0], fast.se[0], fast.df[0]], slow, rtol=1e-9)


def test_limits_are_where_the_test_of_the_shifted_data_changes() -> None:
    """By the door: shifting the data by a little less or more than a limit moves p over alpha."""
    frame = read_data("synth3.csv").filter(pl.col("visit").is_in(["V1", "V5"])).drop_nulls()
    people = frame["subject"].unique().sort().to_list()
    rng = np.random.default_rng(7)

    def test_of(shift: float, *, interval: bool) -> Any:
        moved = frame.with_columns(
            pl.when(pl.col("arm") == "ACTIVE").then(pl.col("y") - shift).otherwise("y").alias("y")
        )
        contrast = arm_contrast(
            "y ~ arm*visit", moved, subject="subject", visit="visit", arm="arm",
            level="ACTIVE", reference="CONTROL", at={"visit": "V5"},
        )  # fmt: skip
        assert contrast.participants == tuple(people)
        return rerandomisation_test(contrast, draws, interval=interval, alpha=0.2)

    observed = frame.group_by("subject").first().sort("subject")["arm"].to_numpy()
    draws = np.array([rng.permutation(observed) for _ in range(24)])
    found = test_of(0.0, interval=True)
    near = 0.01 * found.se
    assert found.monotone
    for limit, inwards in ((found.lower, near), (found.upper, -near)):
        assert test_of(limit + inwards, interval=False).p > 0.2
        assert test_of(limit - inwards, interval=False).p <= 0.2
    assert 0.0 < found.lower_error < found.se


def test_p_is_uniform_under_the_null_whatever_the_distribution() -> None:
    """Skewed outcomes of unequal spread, 4 : 8, drawn by design: P(p <= k/20) = k/20 exactly."""
    rng = np.random.default_rng(20261123)
    n, trials, draws = 12, 300, 19
    hits = np.zeros(draws + 1)
    spread = 1.0 + np.arange(n)
    arms = np.array(["ACTIVE"] * 8 + ["CONTROL"] * 4)
    frame = pl.DataFrame(
        {"subject": [f"S{i:02}" for i in range(n)], "visit": "V1", "arm": arms,
         "base": np.arange(n) % 5.0, "y": spread}
    )  # fmt: skip
    made = one_visit(frame=frame)
    for _ in range(trials):
        observed, *others = (rng.permutation(made.observed) for _ in range(draws + 1))
        response = spread * np.exp(rng.normal(size=n))
        design = made.designs[observed, np.arange(n)]
        contrast = replace(
            made,
            data=replace(made.data, response=response, design=design, cache={}),
            observed=observed,
        )
        found = rerandomisation_test(contrast, np.array(others), interval=False)
        hits[round(found.p * (draws + 1)) - 1] += 1
    for k in (1, 2, 5, 10, 15):
        # two-sided binomial limits at 1e-4 for each of the five
        low, high = binom.ppf([5e-5, 1 - 5e-5], trials, k / (draws + 1))
        assert low <= hits[:k].sum() <= high, (k, hits)


def test_p_is_uniform_under_the_null_with_repeated_measures_and_dropout() -> None:
    """The mixed model, 5 visits, variances that differ by person, who leaves fixed in advance."""
    rng = np.random.default_rng(4)
    frame = read_data("synth3.csv")
    made = arm_contrast(
        "y ~ base + arm*visit", frame, subject="subject", visit="visit", arm="arm",
        level="ACTIVE", reference="CONTROL", at={"visit": "V5"},
    )  # fmt: skip
    trials, draws = 200, 19
    people, rows = len(made.observed), np.arange(len(made.data.response))
    spread = 1.0 + np.arange(people) % 4
    hits = np.zeros(draws + 1)
    for _ in range(trials):
        own = (rng.exponential(size=people) * spread)[made.data.subject]
        response = own + rng.normal(size=len(rows))
        observed, *others = (rng.permutation(made.observed) for _ in range(draws + 1))
        design = made.designs[observed[made.data.subject], rows]
        contrast = replace(
            made,
            data=replace(made.data, response=response, design=design, cache={}),
            observed=observed,
        )
        found = rerandomisation_test(contrast, np.array(others), interval=False)
        assert found.n_failed == 0
        hits[round(found.p * (draws + 1)) - 1] += 1
    for k in (1, 2, 5, 10, 15):
        low, high = binom.ppf([5e-5, 1 - 5e-5], trials, k / (draws + 1))
        assert low <= hits[:k].sum() <= high, (k, hits)


def test_all_rearrangements() -> None:
    observed = np.array(["b", "a", "a", "b", "c", "a"])
    strata = np.array([1, 1, 1, 2, 2, 2])
    rows = permuted_allocations(observed, strata)
    first = set(itertools.permutations("baa"))
    second = set(itertools.permutations("bca"))
    wanted = {(*x, *y) for x in first for y in second}
    assert len(rows) == len(wanted)
    assert {tuple(row) for row in rows.tolist()} == wanted


# -- invariances -----------------------------------------------------------------------------


def test_names_order_and_units_do_not_matter() -> None:
    people = reference()["participants"]
    frame = read_data("synth1.csv").filter(pl.col("visit") == "V5", pl.col("subject").is_in(people))
    contrast = one_visit(frame=frame)
    rng = np.random.default_rng(3)
    codes = np.array([rng.permutation(contrast.observed) for _ in range(199)])
    labels = np.array(contrast.arms)[codes]
    found = rerandomisation_test(contrast, codes, alpha=0.1)

    shuffled = one_visit(frame=frame.sample(fraction=1.0, shuffle=True, seed=5))
    again = rerandomisation_test(shuffled, labels, alpha=0.1)
    assert again.p == found.p
    np.testing.assert_allclose(again.statistics, found.statistics, rtol=1e-9)

    swapped = arm_contrast(
        "y ~ base + arm", frame, subject="subject", visit="visit", arm="arm",
        level="CONTROL", reference="ACTIVE",
    )  # fmt: skip
    mirror = rerandomisation_test(swapped, labels, alpha=0.1)
    assert mirror.p == found.p
    assert mirror.estimate == pytest.approx(-found.estimate, rel=1e-9)
    assert mirror.lower == pytest.approx(-(found.upper or 0), abs=1e-4 * found.se)
    assert mirror.upper == pytest.approx(-(found.lower or 0), abs=1e-4 * found.se)

    scaled = one_visit(frame=frame.with_columns(pl.col("y") * 1000.0 + 5.0))
    large = rerandomisation_test(scaled, labels, alpha=0.1)
    assert large.p == found.p
    assert large.lower == pytest.approx(1000.0 * (found.lower or 0), abs=0.1 * found.se)


# -- what is counted -------------------------------------------------------------------------


def test_an_allocation_without_a_fit_counts_as_extreme() -> None:
    contrast = one_visit()
    level = contrast.arms.index("ACTIVE")
    everybody = np.full_like(contrast.observed, level)
    draws = np.vstack([contrast.observed[::-1], everybody, everybody])
    found = rerandomisation_test(contrast, draws, interval=False)
    assert (found.n_allocations, found.n_distinct, found.n_failed) == (3, 2, 2)
    assert np.isnan(found.statistics[1:]).all()
    assert found.n_extreme >= 2
    assert found.steps == (1,)


def test_probabilities_of_all_allocations() -> None:
    contrast = one_visit()
    every = permuted_allocations(contrast.observed)
    equal = rerandomisation_test(contrast, every, exact=True, interval=False)
    share = np.zeros(len(every))
    own = np.all(every == contrast.observed, axis=1)
    share[own], share[~own] = 0.25, 0.75 / (len(every) - 1)
    found = rerandomisation_test(contrast, every, exact=True, probabilities=share, interval=False)
    others = equal.n_extreme - 1
    assert found.p == pytest.approx(0.25 + others * 0.75 / (len(every) - 1), abs=1e-12)
    unbounded = rerandomisation_test(contrast, every, exact=True, probabilities=share)
    assert (unbounded.lower, unbounded.upper) == (-math.inf, math.inf)


def test_without_a_fit_of_what_was_observed_nothing_is_tested() -> None:
    frame = read_data("synth3.csv").head(20)
    contrast = arm_contrast(
        "y ~ arm*visit", frame, subject="subject", visit="visit", arm="arm",
        level="ACTIVE", reference="CONTROL", at={"visit": "V5"},
    )  # fmt: skip
    with pytest.raises(ConvergenceError, match="did not converge"):
        rerandomisation_test(contrast, contrast.observed[None])


# -- refusals --------------------------------------------------------------------------------


def _three_arms() -> ArmContrast:
    frame = read_data("synth1.csv").filter(pl.col("visit") == "V5")
    third = pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.lit("LOW")).otherwise("arm")
    return one_visit(frame=frame.with_columns(third.alias("arm")))


def test_three_arms_have_a_p_and_no_interval() -> None:
    contrast = _three_arms()
    draws = np.array([np.roll(contrast.observed, k) for k in range(1, 30)])
    found = rerandomisation_test(contrast, draws, interval=False)
    assert 0.0 < found.p <= 1.0
    assert (found.lower, found.upper, found.monotone) == (None, None, None)
    with pytest.raises(ArgumentError, match="no interval by a shift with 3 arms"):
        rerandomisation_test(contrast, draws)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: rerandomisation_test(c, [[0, 1]]), "one row an allocation, one column a"),
        (lambda c: rerandomisation_test(c, c.observed), "got 'shape (11,)'"),
        (lambda c: rerandomisation_test(c, [[7] * 11]), "allocations[0, 0]: not an arm of the fit"),
        (lambda c: rerandomisation_test(c, [["x"] * 11]), "Arms: ACTIVE, CONTROL; or their"),
        (lambda c: rerandomisation_test(c, c.observed[None], alpha=1.0), "alpha lies between"),
        (
            lambda c: rerandomisation_test(c, c.observed[None], probabilities=[1.0]),
            "drawn allocations have no probabilities",
        ),
        (
            lambda c: rerandomisation_test(
                c, c.observed[None], exact=True, probabilities=[0.5]
            ),
            "one probability an allocation, which sum to 1",
        ),
        (
            lambda c: rerandomisation_test(c, 1 - c.observed[None], exact=True),
            "the observed allocation is not among them",
        ),
        (lambda _: permuted_allocations([]), "one arm a participant"),
        (lambda _: permuted_allocations([0, 1] * 20), "there are 137846528820 allocations"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(message)):
        call(one_visit())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arm": "base"}, "the arm is not a factor of the formula"),
        ({"level": "HIGH"}, "nobody in the fit is in this arm"),
        ({"level": "CONTROL"}, "an arm is compared with itself"),
        ({"covariance": []}, "at least one covariance structure"),
        ({"covariance": "usus"}, "unknown word"),
        ({"at": {"base": [1.0, 2.0]}}, "a covariate takes several values"),
    ],
)
def test_contrasts_that_cannot_be_are_refused(change: dict[str, Any], message: str) -> None:
    frame = read_data("synth1.csv").filter(pl.col("visit") == "V5")
    options: dict[str, Any] = {"arm": "arm", "level": "ACTIVE", "reference": "CONTROL", **change}
    with pytest.raises(ArgumentError, match=message):
        arm_contrast("y ~ base + arm", frame, subject="subject", visit="visit", **options)


def test_an_arm_that_changes_is_refused() -> None:
    frame = read_data("synth1.csv")
    first = (pl.col("subject") == "P01") & (pl.col("visit") == "V1")
    changing = frame.with_columns(
        pl.when(first).then(pl.lit("CONTROL")).otherwise("arm").alias("arm")
    )
    with pytest.raises(ArgumentError, match=r"a participant changes the arm \(got \['P01'\]\)"):
        arm_contrast(
            "y ~ arm*visit", changing, subject="subject", visit="visit", arm="arm",
            level="ACTIVE", reference="CONTROL",
        )  # fmt: skip
