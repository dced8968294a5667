"""Groups, weights, coordinates and structures that cannot be: what, where, value, remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from test_mmrm_twin import random_trial
from test_structures_twin import trial

from equipoise.stats import (
    ConvergenceError,
    CovarianceStructure,
    DesignError,
    MMRMFit,
    Outcome,
    StatsError,
    mmrm,
)


def fit(data: Any, formula: str = "y ~ age + arm*week", **options: Any) -> MMRMFit:
    return mmrm(formula, data, **{"subject": "id", "visit": "week", **options})


def spoiled(column: str, rows: list[int], value: Any) -> pl.DataFrame:
    data = trial(1).filter(pl.col("y").is_not_nan())
    return data.with_columns(
        pl.when(pl.int_range(pl.len()).is_in(rows))
        .then(pl.lit(value))
        .otherwise(pl.col(column))
        .alias(column)
    )


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_weights_that_are_not_positive_are_listed(value: float) -> None:
    data = spoiled("w", [0, 4], value)
    with pytest.raises(DesignError) as caught:
        fit(data, weights="w")
    names = [f"{row['id']} at {row['week']}" for row in data[[0, 4]].to_dicts()]
    text = str(caught.value)
    assert "weights='w': 2 weight(s) are zero or negative: " + "; ".join(names) in text
    assert f"got [{value}, {value}]" in text or f"got [{value}]" in text
    assert "taken out of the data" in text


@pytest.mark.parametrize("value", [None, np.inf, np.nan])
def test_weights_and_coordinates_without_a_finite_value_are_listed(value: Any) -> None:
    with pytest.raises(DesignError, match=r"weights='w': 1 of .* no finite value: P00 at W0"):
        fit(spoiled("w", [0], value), weights="w")
    with pytest.raises(DesignError, match=r"coordinates='day': 1 of .*no finite value: P00 at W0"):
        fit(spoiled("day", [0], value), covariance="sp_exp", coordinates="day")


def test_a_weight_of_a_row_without_a_response_does_not_matter() -> None:
    data = trial(1)
    hollow = data.with_columns(
        pl.when(pl.col("y").is_nan()).then(0.0).otherwise(pl.col("w")).alias("w")
    )
    assert fit(hollow, weights="w").coefficients.equals(fit(data, weights="w").coefficients)


def test_text_where_numbers_are_needed() -> None:
    with pytest.raises(DesignError, match=r"weights='site': not numeric.*String.*as numbers"):
        fit(trial(1), weights="site")
    with pytest.raises(DesignError, match=r"coordinates='site': not numeric"):
        fit(trial(1), covariance="sp_exp", coordinates=["day", "site"])


@pytest.mark.parametrize("role", ["weights", "group", "coordinates"])
def test_columns_that_are_not_there(role: str) -> None:
    word = "sp_exp" if role == "coordinates" else "us"
    with pytest.raises(DesignError, match=f"{role}='wrong': no such column.*Columns: id, week"):
        fit(trial(1), covariance=word, **{role: "wrong"})


def test_a_group_that_changes_within_a_participant_is_listed() -> None:
    data = trial(1, n=30).filter(pl.col("y").is_not_nan())
    wandering = data.with_columns(
        pl.when((pl.col("id") == "P02") & (pl.col("week") == "W0"))
        .then(pl.lit("elsewhere"))
        .otherwise(pl.col("site"))
        .alias("site")
    )
    with pytest.raises(DesignError, match=r"group='site': the group changes .*: P02\. .*the arm"):
        fit(wandering, group="site")


def test_a_group_with_one_level_or_missing_values() -> None:
    data = trial(1)
    with pytest.raises(DesignError, match=r"a group with one level.*'north'.*Leave group out"):
        fit(data.with_columns(pl.lit("north").alias("site")), group="site")
    with pytest.raises(DesignError, match=r"group='site': 2 of .* rows .* have no group"):
        fit(spoiled("site", [0, 4], None), group="site")


def test_a_group_with_fewer_participants_than_visits() -> None:
    data = trial(1)
    small = data.with_columns(
        pl.when(pl.col("id").is_in(["P00", "P01"]))
        .then(pl.lit("east"))
        .otherwise(pl.col("site"))
        .alias("site")
    )
    message = r"group: 2 participant\(s\) in group 'east' for 3 visit\(s\).*fewer parameters"
    with pytest.raises(DesignError, match=message):
        fit(small, group="site")
    one = small.with_columns(
        pl.when(pl.col("id") == "P00").then(pl.lit("west")).otherwise(pl.col("site")).alias("site")
    )
    with pytest.raises(DesignError, match=r"1 participant\(s\) in group 'east'.*\n.*'west'"):
        fit(one, covariance="cs", group="site")


@pytest.mark.parametrize("word", ["us", "csh", "toeph"])
def test_a_visit_that_a_group_did_not_attend(word: str) -> None:
    data = trial(1).filter((pl.col("site") == "north") | (pl.col("week") != "W2"))
    with pytest.raises(DesignError, match="nobody in group 'south' was observed at a visit: W2"):
        fit(data, "y ~ age + week", covariance=word, group="site")
    assert fit(data, "y ~ age + week", covariance="cs", group="site").convergence.converged


def test_visits_never_together_name_their_outcome() -> None:
    data = random_trial(1, loss=0.0)
    late = pl.int_range(pl.len()) // 3 >= 15
    apart = data.filter(
        ((pl.col("week") != "W0") & late) | ((pl.col("week") != "W2") & late.not_())
    )
    with pytest.raises(DesignError, match=r"both visits: W2 with W0.*Leave a visit out") as caught:
        fit(apart, "y ~ week")
    assert caught.value.outcome is Outcome.SEPARATED_VISITS
    with pytest.raises(DesignError, match=r"so many visits apart: 2\. A Toeplitz.*Leave a visit"):
        fit(apart, "y ~ week", covariance="toep")
    assert fit(apart, "y ~ week", covariance="adh").convergence.converged


def test_more_parameters_than_information() -> None:
    """The last pair of visits is never seen together: its correlation is in no likelihood."""
    data = random_trial(2, loss=0.0, n=40)
    odd = pl.int_range(pl.len()) // 3 % 2 == 0
    apart = data.filter(((pl.col("week") != "W2") & odd) | ((pl.col("week") == "W2") & odd.not_()))
    for word in ("ad", "adh"):
        with pytest.raises(ConvergenceError, match=r"do not determine.*more covariance param") as e:
            fit(apart, "y ~ week", covariance=word)
        assert e.value.convergence is not None
        assert e.value.convergence.outcome is Outcome.NOT_IDENTIFIED


def test_no_correlation_that_falls_with_distance() -> None:
    rng = np.random.default_rng(1)
    data = trial(1).with_columns(pl.Series("y", rng.normal(size=78)))
    level = pl.col("y").sum().over("id")
    with pytest.raises(ConvergenceError, match=r"the range ran to zero.*check the coord") as caught:
        fit(data.with_columns(pl.col("y") - 0.9 * level / 3), "y ~ week", covariance="sp_exp",
            coordinates="day")  # fmt: skip
    assert caught.value.convergence is not None
    assert caught.value.convergence.outcome is Outcome.NO_CORRELATION


def test_two_responses_at_one_place() -> None:
    with pytest.raises(
        DesignError, match=r"at the same coordinates, \d+ time.*P0.*told? apart|tell"
    ):
        fit(trial(1), covariance="sp_exp", coordinates="hour")


def test_coordinates_that_nothing_uses() -> None:
    with pytest.raises(StatsError, match=r"covariance='ar1'.*'day'.*Use covariance='sp_exp'"):
        fit(trial(1), covariance="ar1", coordinates="day")


@pytest.mark.parametrize(
    "structure", [s for s in CovarianceStructure if s.word != "us"], ids=lambda s: s.word
)
def test_a_structure_of_one_visit(structure: CovarianceStructure) -> None:
    data = trial(1).filter(pl.col("week") == "W1")
    options = {"coordinates": "day"} if structure.word == "sp_exp" else {}
    with pytest.raises(DesignError, match=r"there is one visit only.*'W1'.*covariance='us'"):
        fit(data, "y ~ arm", covariance=structure.word, **options)


@pytest.mark.parametrize("word", ["cs", "ar1h", "toep", "adh"])
def test_copies_of_a_response_run_to_the_boundary(word: str) -> None:
    data = random_trial(3, loss=0.0)
    copied = data.with_columns(pl.col("y").first().over("id") + pl.Series(np.tile([0, 1, 5], 30)))
    with pytest.raises(ConvergenceError, match=r"boundary|determine") as caught:
        fit(copied, "y ~ week", covariance=word)
    assert caught.value.convergence is not None
    assert caught.value.convergence.outcome in (Outcome.BOUNDARY, Outcome.UNBOUNDED)


def test_every_outcome_but_success_has_a_remedy() -> None:
    for outcome in Outcome:
        assert bool(outcome.remedy) == (outcome is not Outcome.CONVERGED), outcome


@pytest.mark.parametrize("structure", CovarianceStructure, ids=lambda s: s.word)
def test_two_participants_and_every_structure(structure: CovarianceStructure) -> None:
    data = trial(3, n=2)
    options = {"coordinates": "day"} if structure.word == "sp_exp" else {}
    with pytest.raises(DesignError, match=r"subject: 2 participant\(s\) for 3 visit.*Describe"):
        fit(data, "y ~ 1", covariance=structure.word, **options)


def test_a_measured_time_is_no_visit() -> None:
    data = trial(1).with_columns((pl.col("day_seen") + 0.25).alias("time"))
    with pytest.raises(DesignError, match=r"visit 'time': a number with decimals.*: 0\.25, 1\.25"):
        mmrm("y ~ age", data, subject="id", visit="time")
    half = data.with_columns(pl.col("week").replace_strict({"W0": 0.5, "W1": 1.0, "W2": 2.0}))
    named = fit(half, "y ~ age + week", visit_levels=[0.5, 1, 2])
    assert named.visits == ("0.5", "1", "2")
    whole = fit(half.with_columns(pl.col("week") * 2.0), "y ~ age + week")
    assert whole.visits == ("1", "2", "4")
    spatial = mmrm(
        "y ~ age", data, subject="id", visit="time", covariance="sp_exp", coordinates="time"
    )
    assert spatial.convergence.converged


@pytest.mark.parametrize(
    ("name", "value", "outcome"),
    [
        ("_FINAL_GRADIENT", 0.0, Outcome.GRADIENT),
        ("_LEAST_CURVATURE", 1e9, Outcome.NOT_IDENTIFIED),
        ("_LEAST_CORRELATION_EIGENVALUE", 2.0, Outcome.BOUNDARY),
    ],
)
def test_each_final_check_says_its_outcome_and_remedy(
    monkeypatch: pytest.MonkeyPatch, name: str, value: float, outcome: Outcome
) -> None:
    from equipoise.stats import restricted_likelihood

    monkeypatch.setattr(restricted_likelihood, name, value)
    with pytest.raises(ConvergenceError, match="did not converge") as caught:
        fit(trial(1), covariance="ar1h")
    assert caught.value.convergence is not None
    assert caught.value.convergence.outcome is outcome
    assert str(caught.value).rstrip(".").endswith(outcome.remedy)
