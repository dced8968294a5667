"""What cannot be fitted is refused: what, where, the rule and the remedy; never substituted."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from stats_reference import read_data
from test_mmrm_twin import random_trial

from equipoise.stats import (
    ArgumentError,
    ConvergenceError,
    DesignError,
    MMRMFit,
    StatsError,
    mmrm,
)
from equipoise.stats.convergence import Outcome


def fit(data: Any, formula: str = "y ~ age + arm*week", **options: Any) -> MMRMFit:
    return mmrm(formula, data, **{"subject": "id", "visit": "week", **options})


@pytest.mark.parametrize(
    ("formula", "method", "outcome"),
    [
        ("FEV1 ~ ARMCD*AVISIT", "reml", Outcome.BOUNDARY),
        ("FEV1 ~ RACE + SEX + ARMCD*AVISIT", "reml", Outcome.BOUNDARY),
        ("FEV1 ~ AVISIT", "reml", Outcome.UNBOUNDED),
        ("FEV1 ~ ARMCD*AVISIT", "ml", Outcome.UNBOUNDED),
        ("FEV1 ~ RACE + SEX + ARMCD*AVISIT", "ml", Outcome.UNBOUNDED),
        ("FEV1 ~ AVISIT", "ml", Outcome.UNBOUNDED),
    ],
)
def test_no_valid_fit_on_the_first_rows_of_fev(formula: str, method: str, outcome: Outcome) -> None:
    """It must be said, never reported as converged; and the two ways to fail are told apart."""
    rows = read_data("fev_data.csv").head(50)
    words = "grows without bound" if outcome is Outcome.UNBOUNDED else "ran to the boundary"
    with pytest.raises(ConvergenceError, match=f"did not converge: .*{words}") as caught:
        mmrm(formula, rows, subject="USUBJID", visit="AVISIT", method=method)
    state = caught.value.convergence
    assert state is not None
    assert not state.converged
    assert state.outcome is outcome
    assert "pre-specify a simpler covariance" in str(caught.value)


def test_two_visits_that_are_copies_are_refused() -> None:
    data = random_trial(3, loss=0.0)
    copied = data.with_columns(
        pl.when(pl.col("week") == "W2")
        .then(pl.col("y").filter(pl.col("week") == "W1").first().over("id"))
        .otherwise(pl.col("y"))
        .alias("y")
    )
    with pytest.raises(ConvergenceError, match="visits W1, W2"):
        fit(copied)


def test_too_few_participants_are_refused() -> None:
    data = random_trial(3, n=6, visits=5, loss=0.0)
    with pytest.raises(StatsError, match=r"did not converge|more rows than columns"):
        fit(data, "y ~ arm*week")


def test_two_participants_are_refused() -> None:
    data = random_trial(3, n=2, loss=0.0)
    with pytest.raises(DesignError, match=r"subject: 2 participant\(s\) for 3 visit.*Describe"):
        fit(data, "y ~ week")


def test_a_visit_twice_is_listed() -> None:
    data = random_trial(1, loss=0.0)
    twice = pl.concat([data, data.filter(pl.col("id").is_in(["P03", "P07"]))])
    with pytest.raises(DesignError, match=r"P03 at W0 \(2 rows\); P03 at W1 .*P07 at W2") as error:
        fit(twice)
    assert "Keep one row for each" in str(error.value)


def test_a_rank_deficient_design_names_its_columns() -> None:
    data = random_trial(1).with_columns((2.0 * pl.col("age")).alias("double"))
    with pytest.raises(DesignError, match=r"rank 4, not 5.*before them: double \(of age\)\. "):
        fit(data, "y ~ week + age + double")
    constant = data.with_columns(pl.lit(2.0).alias("age"))
    with pytest.raises(DesignError, match=r"rank 3, not 4.*: age \(of Intercept\)\. "):
        fit(constant, "y ~ week + age")


def test_an_empty_cell_names_its_column() -> None:
    data = random_trial(1).filter((pl.col("arm") == "drug") | (pl.col("week") != "W2"))
    with pytest.raises(DesignError, match=r"before them: arm\[T.drug\]:week\[T.W2\] \(of week"):
        fit(data, "y ~ arm*week")
    swapped = data.with_columns(pl.col("arm").cast(pl.Enum(["drug", "control"])))
    with pytest.raises(DesignError, match=r"columns of zeros .*: arm\[T.control\]:week\[T.W2\]"):
        fit(swapped, "y ~ arm*week")


@pytest.mark.parametrize("factor", [1e300, 1e150, 1e-150])
def test_values_that_cannot_be_squared_are_refused(factor: float) -> None:
    with pytest.raises(DesignError, match=r"y: its values are too (large|small|large or small)"):
        fit(random_trial(1).with_columns(pl.col("y") * factor))


def test_columns_of_lists_and_names_twice_are_refused() -> None:
    data = random_trial(1)
    with pytest.raises(DesignError, match=r"age: a column of lists"):
        fit(data.with_columns(pl.concat_list("age").alias("age")))
    frame = pd.DataFrame({name: data[name].to_list() for name in data.columns})
    with pytest.raises(StatsError, match=r"data: column names stand twice.*'y'"):
        fit(pd.concat([frame, frame[["y"]]], axis=1))


def test_a_factor_with_one_level_is_refused() -> None:
    data = random_trial(1).filter(pl.col("arm") == "drug")
    with pytest.raises(DesignError, match=r"arm: a factor with one level.*'drug'.*Take 'arm' out"):
        fit(data)


def test_missing_covariates_are_counted() -> None:
    data = random_trial(1, loss=0.0).with_columns(
        pl.when(pl.int_range(pl.len()) < 4).then(None).otherwise(pl.col("age")).alias("age")
    )
    with pytest.raises(DesignError, match=r"covariate 'age': 4 of 90 rows.*no value"):
        fit(data)


def test_missing_covariates_where_the_response_is_missing_do_not_matter() -> None:
    data = random_trial(1)
    hollow = data.with_columns(
        pl.when(pl.col("y").is_nan()).then(None).otherwise(pl.col("age")).alias("age")
    )
    assert fit(hollow).coefficients.equals(fit(data).coefficients)


def test_infinite_values_are_refused() -> None:
    data = random_trial(1, loss=0.0).with_columns(
        pl.when(pl.int_range(pl.len()) == 3).then(np.inf).otherwise(pl.col("y")).alias("y")
    )
    with pytest.raises(DesignError, match=r"y: 1 infinite value"):
        fit(data)
    with pytest.raises(DesignError, match=r"dose.*not finite|not finite.*functions"):
        fit(random_trial(1), "y ~ log(dose) + week")


def test_all_faults_are_reported_at_once() -> None:
    data = random_trial(1, loss=0.0).with_columns(
        pl.when(pl.int_range(pl.len()) < 4).then(None).otherwise(pl.col("age")).alias("age"),
        pl.when(pl.int_range(pl.len()) == 9).then(None).otherwise(pl.col("id")).alias("id"),
        pl.when(pl.int_range(pl.len()) == 3).then(np.inf).otherwise(pl.col("y")).alias("y"),
    )
    with pytest.raises(DesignError, match="3 faults") as caught:
        fit(data)
    assert len(caught.value.faults) == 3
    for piece in ("'age'", "participant 'id'", "infinite"):
        assert piece in str(caught.value)
    single = random_trial(1, loss=0.0).filter(pl.col("arm") == "drug")
    with pytest.raises(DesignError, match=r"2 faults.*\n.*one level.*\n.*twice"):
        fit(pl.concat([single, single.head(1)]))


def test_visits_never_seen_together_are_refused() -> None:
    data = random_trial(1, loss=0.0)
    late = pl.int_range(pl.len()) // 3 >= 15
    apart = data.filter(
        ((pl.col("week") != "W0") & late) | ((pl.col("week") != "W2") & late.not_())
    )
    with pytest.raises(DesignError, match="no participant was observed at both visits: W2 with W0"):
        fit(apart, "y ~ week")


def test_a_constant_response_is_refused() -> None:
    with pytest.raises(DesignError, match="constant, or the design explains it exactly"):
        fit(random_trial(1).with_columns(pl.lit(3.0).alias("y")))
    flat = random_trial(1, loss=0.0).with_columns(
        pl.when(pl.col("week") == "W1").then(5.0).otherwise(pl.col("y")).alias("y")
    )
    with pytest.raises(DesignError, match=r"no variation at a visit.*W1"):
        fit(flat, "y ~ arm*week")


def test_no_response_at_all_is_refused() -> None:
    with pytest.raises(DesignError, match="y: no row has a response"):
        fit(random_trial(1).with_columns(pl.lit(None, pl.Float64).alias("y")))
    with pytest.raises(DesignError, match="y: no row has a response"):
        fit(random_trial(1).clear())


def test_a_response_that_is_text_is_refused() -> None:
    with pytest.raises(DesignError, match="the response is not numeric"):
        fit(random_trial(1, loss=0.0).with_columns(pl.col("y").cast(pl.String)))


def test_a_factor_inside_a_numeric_function_is_refused() -> None:
    with pytest.raises(DesignError, match="arm: a factor inside a numeric function"):
        fit(random_trial(1), "y ~ log(arm) + week")


@pytest.mark.parametrize(
    ("option", "word", "message"),
    [
        ("covariance", "unstructured", "covariance: unknown word.*Valid: us"),
        ("method", "mle", "method: unknown word.*Valid: reml, ml.*Did you mean 'ml'"),
        ("df", "kenward_roger", "Valid: kenward-roger, .*Did you mean 'kenward-roger'"),
        ("df", 3, "df: unknown word"),
        ("method", "ml", "Kenward–Roger does not go with maximum likelihood.*'satterthwaite'"),
        ("covariance", "sp_exp", "sp_exp.*coordinates"),
        ("alpha", 0.0, "alpha lies between 0 and 1"),
        ("alpha", "5", "alpha lies between 0 and 1"),
        ("subject", "patient", "subject='patient': no such column.*Columns: id, week"),
        ("visit", "wek", "visit='wek': no such column"),
        ("visit_levels", ["W0", "W1"], "week: levels that are not in visit_levels.*W2"),
        ("visit_levels", ["W0", "W0", "W1", "W2"], "a level stands twice"),
    ],
)
def test_words_outside_the_vocabulary_are_refused(option: str, word: Any, message: str) -> None:
    with pytest.raises(StatsError, match=message):
        fit(random_trial(1), **{"df": "kenward-roger", option: word})


def test_the_participant_in_the_formula_is_refused() -> None:
    with pytest.raises(DesignError, match="the participant stands in the formula"):
        fit(random_trial(1), "y ~ id + week")


def test_something_else_than_a_frame_is_refused() -> None:
    with pytest.raises(StatsError, match=r"not a data frame.*'list'.*Narwhals"):
        fit([1, 2, 3])


def test_errors_keep_their_fields_through_pickling() -> None:
    with pytest.raises(DesignError, match="one level") as caught:
        fit(random_trial(1).filter(pl.col("arm") == "drug"))
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.where == "arm"
    assert again.what == "a factor with one level"


@pytest.mark.parametrize(
    ("options", "ours"),
    [
        ({"covariance": "UN"}, "us"),
        ({"covariance": "ANTE(1)"}, "adh"),
        ({"df": "kr"}, "kenward-roger"),
        ({"df": "kr(firstorder)"}, "kenward-roger-firstorder"),
        ({"df": "bw"}, "between-within"),
        ({"vcov": "Empirical"}, "cr0"),
    ],
)
def test_words_of_sas_and_r_are_answered_with_ours(options: dict[str, str], ours: str) -> None:
    (word,) = options.values()
    frame = pl.DataFrame({"id": [1, 1, 2, 2], "v": ["a", "b"] * 2, "y": [1.0, 2.0, 3.0, 5.0]})
    with pytest.raises(ArgumentError) as caught:
        mmrm("y ~ v", frame, subject="id", visit="v", **options)
    assert f"What SAS or R call {word!r} is {ours!r} here" in str(caught.value)


@pytest.mark.parametrize("options", [{"df": "kenward-roger"}, {"vcov": "cr0"}])
def test_a_coefficient_without_a_positive_variance_is_refused(options: dict[str, str]) -> None:
    """A level for each participant: a negative Kenward–Roger variance, a sandwich of width 0."""
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(12, 3))
    frame = pl.DataFrame(
        {
            "id": np.repeat([f"P{i:02d}" for i in range(12)], 3),
            "week": ["W0", "W1", "W2"] * 12,
            "y": (noise[:, :1] + noise - np.arange(3.0)).ravel(),
        }
    ).with_columns(level=pl.col("id"))
    with pytest.raises(
        DesignError, match=r"no positive variance for: .*level\[T.P02\].*and \d+ more"
    ):
        mmrm("y ~ level + week", frame, subject="id", visit="week", covariance="ad", **options)
    plain = mmrm(
        "y ~ level + week", frame, subject="id", visit="week", covariance="ad",
        df="kenward-roger-firstorder",
    )  # fmt: skip
    assert (plain.coefficients["se"] > 0.0).all()
