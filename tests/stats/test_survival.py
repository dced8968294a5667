"""Kaplan–Meier, restricted mean and log-rank: R's survival, stored raw, and what must hold."""

from __future__ import annotations

import json
import math

import numpy as np
import polars as pl
import pytest
from stats_reference import STORED

from equipoise.stats import (
    ArgumentError,
    kaplan_meier,
    log_rank,
    restricted_mean,
    restricted_mean_difference,
)

REFERENCE = json.loads((STORED / "survival.json").read_text(encoding="utf-8"))
DATA = REFERENCE["data"]
EXACT = 1e-12  # R's numbers have 15 digits and both sides are closed forms


def known(values: list[float | None]) -> np.ndarray:
    return np.array([math.nan if value is None else value for value in values], dtype=float)


@pytest.mark.parametrize("name", sorted(DATA))
def test_curve_equals_r(name: str) -> None:
    ours = kaplan_meier(DATA[name]["time"], DATA[name]["event"])
    theirs = REFERENCE["curves"][name]
    assert ours.time.tolist() == theirs["time"]
    for column in ("at_risk", "events", "censored"):
        assert getattr(ours, column).tolist() == theirs[column]
    for column in ("survival", "se", "lower", "upper"):
        expected = known(theirs[column])
        if column in {"lower", "upper"}:
            # known difference: before the first event R prints NA, we print 1
            before = np.array(theirs["survival"]) == 1.0
            assert np.isnan(expected[before]).all()
            expected[before] = 1.0
        assert getattr(ours, column) == pytest.approx(expected, rel=EXACT, nan_ok=True)
    for column in ("median", "median_lower", "median_upper"):
        assert getattr(ours, column) == theirs[column]


@pytest.mark.parametrize("name", sorted(REFERENCE["restricted"]))
def test_restricted_mean_equals_r(name: str) -> None:
    for case in REFERENCE["restricted"][name]:
        ours = restricted_mean(DATA[name]["time"], DATA[name]["event"], case["tau"])
        assert ours.estimate == pytest.approx(case["estimate"], rel=EXACT)
        assert ours.se == pytest.approx(case["se"], rel=EXACT, abs=1e-15)
        assert ours.tau == case["tau"]


def test_restricted_mean_difference_equals_r() -> None:
    trial = DATA["trial"]
    for i, case in enumerate(REFERENCE["restricted"]["treated"]):
        control = REFERENCE["restricted"]["control"][i]
        ours = restricted_mean_difference(trial["time"], trial["event"], trial["arm"], case["tau"])
        assert ours.treated == pytest.approx(case["estimate"], rel=EXACT)
        assert ours.control == pytest.approx(control["estimate"], rel=EXACT)
        assert ours.se == pytest.approx(math.hypot(case["se"], control["se"]), rel=EXACT)
        assert ours.upper - ours.lower == pytest.approx(2 * 1.959963984540054 * ours.se)


def test_stratified_difference_is_the_size_weighted_one() -> None:
    trial, parts = DATA["trial"], REFERENCE["strata"].values()
    ours = restricted_mean_difference(
        trial["time"], trial["event"], trial["arm"], 28, strata=trial["stratum"]
    )
    total = sum(part["n"] for part in parts)
    expected = sum(
        part["n"] / total * (part["treated"]["estimate"] - part["control"]["estimate"])
        for part in parts
    )
    variance = sum(
        (part["n"] / total) ** 2 * (part["treated"]["se"] ** 2 + part["control"]["se"] ** 2)
        for part in parts
    )
    assert ours.estimate == pytest.approx(expected, rel=1e-10)
    assert ours.se == pytest.approx(math.sqrt(variance), rel=EXACT)
    assert (ours.strata_used, ours.strata_left_out) == (3, 0)


@pytest.mark.parametrize("kind", ["unstratified", "stratified"])
def test_log_rank_equals_r(kind: str) -> None:
    trial, theirs = DATA["trial"], REFERENCE["log_rank"][kind]
    strata = trial["stratum"] if kind == "stratified" else None
    ours = log_rank(trial["time"], trial["event"], trial["arm"], strata)
    assert ours.chi_square == pytest.approx(theirs["chisq"], rel=EXACT)
    assert ours.observed == theirs["observed"][1]
    assert ours.expected == pytest.approx(theirs["expected"][1], rel=EXACT)
    assert ours.z > 0.0
    swapped = log_rank(trial["time"], trial["event"], 1 - np.array(trial["arm"]), strata)
    assert (swapped.z, swapped.p) == pytest.approx((-ours.z, ours.p))


# -- what must hold -------------------------------------------------------------------------


def test_without_censoring_it_is_the_empirical_distribution() -> None:
    rng = np.random.default_rng(3)
    time = rng.integers(1, 20, 50).astype(float)
    curve = kaplan_meier(time, np.ones(50, dtype=bool))
    expected = [(time > t).mean() for t in curve.time]
    assert curve.survival == pytest.approx(expected, abs=1e-14)
    binomial = np.sqrt(np.array(expected) * (1 - np.array(expected)) / 50)
    assert curve.se[:-1] == pytest.approx(binomial[:-1], rel=1e-12)
    mean = restricted_mean(time, np.ones(50), 25.0)
    assert mean.estimate == pytest.approx(time.mean())
    # Greenwood's variance of the mean is that of the sample with divisor n
    assert mean.se == pytest.approx(time.std() / math.sqrt(50))


def test_order_and_unit_do_not_matter() -> None:
    trial = DATA["trial"]
    time, event, arm = (np.array(trial[k]) for k in ("time", "event", "arm"))
    order = np.random.default_rng(1).permutation(len(time))
    one = restricted_mean_difference(time, event, arm, 28, strata=trial["stratum"])
    other = restricted_mean_difference(
        time[order] / 7, event[order], arm[order], 4, strata=np.array(trial["stratum"])[order]
    )
    assert (other.estimate * 7, other.se * 7, other.p) == pytest.approx(
        (one.estimate, one.se, one.p), rel=1e-12
    )


def test_a_horizon_beyond_the_follow_up_is_refused_unless_the_curve_is_at_zero() -> None:
    few = DATA["few"]
    with pytest.raises(
        ArgumentError, match=r"last follow-up is at 14 .* Choose a tau of at most 14"
    ):
        restricted_mean(few["time"], few["event"], 15)
    done = restricted_mean([1, 2, 3], [1, 0, 1], 10)
    assert done.estimate == pytest.approx(restricted_mean([1, 2, 3], [1, 0, 1], 3).estimate)
    with pytest.raises(ArgumentError, match="tau in stratum 'b'"):
        restricted_mean_difference(
            [5, 5, 5, 5, 3, 5], [0, 1, 0, 1, 0, 1], [1, 1, 0, 0, 1, 0], 5, strata=list("aaaabb")
        )


def test_strata_with_an_empty_arm_are_counted() -> None:
    time, event = [3, 4, 5, 6, 2, 9], [1, 1, 1, 1, 1, 1]
    arm, strata = [1, 1, 0, 0, 1, 1], [1, 1, 1, 1, 2, 2]
    found = restricted_mean_difference(time, event, arm, 6, strata=strata)
    assert (found.strata_used, found.strata_left_out, found.participants_left_out) == (1, 1, 2)
    assert found.estimate == pytest.approx(-2.0)
    test = log_rank(time, event, arm, strata)
    assert (test.strata_used, test.strata_left_out, test.participants_left_out) == (1, 1, 2)
    assert test.observed == 2


def test_columns_of_a_data_frame_are_taken() -> None:
    trial = DATA["trial"]
    frame = pl.DataFrame(trial, strict=False)
    plain = restricted_mean_difference(
        trial["time"], trial["event"], trial["arm"], 28, trial["stratum"]
    )
    found = restricted_mean_difference(
        frame["time"],
        frame["event"].cast(pl.Boolean),
        frame["arm"] == 1,
        np.int64(28),  # pyright: ignore[reportArgumentType]
        frame["stratum"].cast(pl.Enum(["BD", "MDD", "other"])),
    )
    assert found == plain


def test_no_event_gives_no_interval() -> None:
    found = restricted_mean_difference([9, 9, 9, 9], [0, 0, 0, 0], [1, 1, 0, 0], 8)
    assert (found.estimate, found.se) == (0.0, 0.0)
    assert math.isnan(found.lower)
    assert math.isnan(found.p)
    assert math.isnan(log_rank([9, 9], [0, 0], [1, 0]).p)
    curve = kaplan_meier([4, 9], [0, 0])
    assert curve.survival.tolist() == [1.0, 1.0]
    assert (curve.lower.tolist(), curve.median) == ([1.0, 1.0], None)


def test_coverage_of_the_restricted_mean_difference() -> None:
    """Exponential times, uniform ends of follow-up: 1,000 trials of 60 an arm, seeded."""
    rng = np.random.default_rng(11)
    tau, rates, inside = 8.0, (0.05, 0.1), 0
    truth = float(np.subtract(*[(1 - math.exp(-r * tau)) / r for r in rates]))
    arm = np.repeat([True, False], 60)
    for _ in range(1000):
        event_time = rng.exponential(1 / np.where(arm, *rates))
        end = rng.uniform(6, 30, 120)
        end[[0, 60]] = event_time[[0, 60]] = 30.0  # follow-up reaches the horizon in both arms
        found = restricted_mean_difference(np.minimum(event_time, end), event_time <= end, arm, tau)
        inside += found.lower <= truth <= found.upper
    # Monte-Carlo error 0.7 %; one in sixty made to survive costs 0.1
    assert 0.92 < inside / 1000 < 0.97


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kaplan_meier([1, -2], [1, 0]), r"time\[1\]: values are finite and at least 0 \(got -2.0\)"),
        (lambda: kaplan_meier([1, math.nan], [1, 0]), r"time\[1\].*Leave participants without"),
        (lambda: kaplan_meier([], []), "one value a participant, at least one"),
        (lambda: kaplan_meier([1, 2], [1]), "event: one entry a participant, 2 in all"),
        (lambda: kaplan_meier([1, 2], [1, 2]), r"event\[1\]: entries are true or false, or 1 or 0"),
        (lambda: restricted_mean([1], [1], 0.0), "tau: the horizon is a positive number"),
        (lambda: log_rank([1, 2], [1, 0], [1, 1]), r"treated: both arms have participants \(got \(2, 0\)\)"),
        (lambda: log_rank([1, 2], [1, 0], [1, 0], ["a", "b"]), "no stratum has participants in both"),
        (lambda: restricted_mean_difference([1, 2], [1, 1], [1, 0], 1, ["a", "b"]), "no stratum has"),
        (lambda: log_rank([1, 2], [1, 0], [1, 0], ["a"]), "strata: one stratum a participant, 2 in all"),
        (lambda: log_rank([1, 2], [1, 0], [1, 0], ["a", None]), "every participant has a stratum"),
        (lambda: log_rank([1, 2], [1, 0], [1, 0], [1.0, math.nan]), "every participant has a stratum"),
        (lambda: kaplan_meier([1, 2], [True, None]), r"event\[1\]: entries are true or false"),
    ],
)  # fmt: skip
def test_what_is_refused(call: object, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call()  # pyright: ignore[reportCallIssue]
