"""Bad input to the imputation: refused with what, where, the rule and the remedy."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from imputation_twin import random_trial

from equipoise.stats import (
    ArgumentError,
    ConvergenceError,
    DesignError,
    StatsError,
    imputation,
)
from equipoise.stats.imputation.base_model import BaseModel
from equipoise.stats.imputation.strategies import Strategy, parse_strategy

MODEL = "y ~ base*visit + arm*visit"
KEYS = {"subject": "id", "visit": "visit", "arm": "arm"}
DATA = random_trial(1)


def draw(data: Any = DATA, formula: str = MODEL, **options: Any) -> imputation.Draws:
    return imputation.draw(formula, data, **{"imputations": 2, "seed": 1, "thin": 1, "burn_in": 0,
                                             **KEYS, **options})  # fmt: skip


def test_every_public_name_survives_the_import_of_every_module() -> None:
    folder = str(Path(imputation.__file__).parent)
    names = [
        module.name for module in pkgutil.walk_packages([folder], "equipoise.stats.imputation.")
    ]
    for name in names:
        importlib.import_module(name)
    assert not {name.rpartition(".")[2] for name in names} & set(imputation.__all__)
    for name in imputation.__all__:
        assert type(getattr(imputation, name)).__name__ != "module"
    assert sorted(imputation.__all__) == dir(imputation)
    with pytest.raises(AttributeError, match=r"no attribute 'nonsense'"):
        imputation.nonsense  # noqa: B018


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": None}, "seed: a seed is a whole number.*Give for example seed=1"),
        ({"seed": -1}, "seed: a seed is a whole number"),
        ({"seed": True}, "seed: a seed is a whole number"),
        ({"imputations": 1}, "imputations: a whole number of at least 2.*got 1"),
        ({"imputations": 2.5}, "imputations: a whole number of at least 2"),
        ({"thin": 0}, "thin: a whole number of at least 1"),
        ({"burn_in": -1}, "burn_in: a whole number of at least 0"),
        ({"method": "bayse"}, "method: unknown word.*Valid: bayes, .*Did you mean 'bayes'"),
        ({"covariance": "ar1"}, r"covariance: not offered with method='bayes' .got 'ar1'"),
        ({"covariance": "sp_exp", "method": "approximate-bayes"}, r"needs coordinates"),
        ({"covariance": "usual"}, r"covariance: unknown word.*us"),
        ({"prior": "flat"}, "prior: unknown word.*Valid: jeffreys, reml-wishart"),
        ({"strategy": "jump"}, r"strategy: unknown word.*jump-to-reference \(JR\)"),
        ({"strategy": {"drugg": "JR"}}, "strategy: not an arm.*'drugg'.*Arms: drug, placebo"),
        ({"subject": "person"}, "subject='person': no such column"),
        ({"arm": "group"}, "arm='group': no such column.*Columns: id, visit"),
        ({"formula": "y ~ base*visit"}, "the arm is not in the imputation model.*Add arm.visit"),
        ({"formula": "log(y) ~ arm*visit"}, "the response is a function of a column"),
        ({"visit_levels": ["V1", "V2"]}, "levels that are not in visit_levels"),
        ({"events": 3}, "events: not a data frame"),
        ({"events": pl.DataFrame({"id": ["P01"]})}, "events: no column 'visit', 'strategy'"),
    ],
)  # fmt: skip
def test_words_and_numbers_outside_their_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(StatsError, match=message):
        draw(**options)


def test_all_faults_of_the_events_at_once() -> None:
    events = pl.DataFrame(
        {
            "id": ["P01", "P01", "P99", "P02", "P03"],
            "visit": ["V2", "V3", "V2", "V9", "V2"],
            "strategy": ["JR", "JR", "JR", "JR", "JUMP"],
        }
    )
    with pytest.raises(DesignError, match=r"4 faults") as caught:
        draw(events=events)
    for piece in (
        "events: a participant stands twice (got 'P01')",
        "no such participant (got 'P99')",
        "events, participant P02: no such visit (got 'V9'). Visits: V1, V2, V3",
        "events, participant P03: unknown word (got 'JUMP')",
    ):
        assert piece in str(caught.value)


def test_a_last_mean_needs_a_visit_before_the_event() -> None:
    events = pl.DataFrame({"id": ["P04"], "visit": ["V1"], "strategy": ["LMCF"]})
    with pytest.raises(DesignError, match=r"no visit lies before the event: P04.*another strategy"):
        draw(events=events)
    nobody = DATA.with_columns(pl.when(pl.col("id") == "P04").then(None).otherwise("y").alias("y"))
    imputed = imputation.impute(draw(nobody, strategy="JR"), reference="placebo")
    assert np.isfinite(imputed.values).all()  # nothing seen: the reference's own distribution
    with pytest.raises(DesignError, match=r"no visit lies before the event: P04"):
        imputation.impute(imputed.draws, strategy="LMCF")


def test_missing_covariates_are_listed() -> None:
    hollow = DATA.with_columns(
        pl.when(pl.col("id").is_in(["P04", "P07"])).then(None).otherwise("base").alias("base")
    )
    with pytest.raises(
        DesignError, match=r"covariate 'base': no value for 2 participant.*P04, P07"
    ):
        draw(hollow)
    varying = DATA.with_row_index("day").drop_nulls("y")
    with pytest.raises(DesignError, match=r"covariate 'day'.*give rows with them"):
        draw(varying, MODEL + " + day")


def test_arms_and_visits_that_nobody_informs() -> None:
    with pytest.raises(DesignError, match=r"one arm only.*'drug'"):
        draw(DATA.filter(pl.col("arm") == "drug"))
    swapped = DATA.with_columns(
        pl.when((pl.col("id") == "P04") & (pl.col("visit") == "V2")).then(pl.lit("drug"))
        .otherwise("arm").alias("arm")
    )  # fmt: skip
    with pytest.raises(DesignError, match=r"a participant in more than one arm.*P04"):
        draw(swapped)
    with pytest.raises(DesignError, match=r"nobody has a value that the imputation model.*'V3'"):
        draw(DATA.with_columns(
            pl.when(pl.col("visit") == "V3").then(None).otherwise("y").alias("y")
        ))  # fmt: skip
    with pytest.raises(DesignError, match=r"y: no row has a response"):
        draw(DATA.with_columns(pl.lit(None, pl.Float64).alias("y")))
    with pytest.raises(DesignError, match=r"a visit twice for one participant"):
        draw(pl.concat([DATA, DATA.head(1)]))
    rare = DATA.with_columns(
        pl.when(pl.col("id") == "P04").then(pl.lit("north")).otherwise(pl.lit("south"))
        .alias("site"),
        pl.when(pl.col("id") == "P04").then(None).otherwise("y").alias("y"),
    ).with_columns(
        pl.when(pl.col("id") == "P06").then(pl.lit("east")).otherwise("site").alias("site")
    )  # fmt: skip
    with pytest.raises(DesignError, match=r"levels of participants without any value.*'north'"):
        draw(rare, MODEL + " + site")
    with pytest.raises(ArgumentError, match=r"data: not a data frame"):
        draw([1, 2])
    with pytest.raises(DesignError, match=r"data: no rows"):
        draw(DATA.clear())
    with pytest.raises(DesignError, match=r"the response is not numeric"):
        draw(DATA.with_columns(pl.col("y").cast(pl.String)))
    with pytest.raises(DesignError, match=r"infinite"):
        draw(DATA.with_columns(pl.lit(np.inf).alias("y")))


def test_references() -> None:
    draws = draw(strategy="CIR")
    with pytest.raises(ArgumentError, match=r"no reference arm.*copy-increments.*drug, placebo"):
        imputation.impute(draws)
    with pytest.raises(ArgumentError, match=r"reference: not an arm.*'sugar'.*Arms: drug, placebo"):
        imputation.impute(draws, reference="sugar")
    with pytest.raises(ArgumentError, match=r"reference: not an arm.*'drugg'"):
        imputation.impute(draws, reference={"drugg": "placebo"})
    one = imputation.impute(draws, reference={"drug": "placebo"})
    np.testing.assert_array_equal(one.values, imputation.impute(draws, reference="placebo").values)


def test_nothing_missing_is_said() -> None:
    whole = random_trial(2, loss=0.0, visits=2)
    with pytest.raises(ArgumentError, match=r"nothing is missing.*Analyse the data as they are"):
        imputation.impute(draw(whole))


def test_another_strategy_where_values_lie_after_the_event() -> None:
    events = pl.DataFrame({"id": ["P03"], "visit": ["V2"], "strategy": ["JR"]})
    draws = draw(events=events)
    assert not np.isnan(draws.data.response[3, 1])
    with pytest.raises(ArgumentError, match=r"1 participant\(s\) have values after their event"):
        imputation.impute(draws, strategy="mar")


@pytest.mark.parametrize(
    ("analysis", "message"),
    [
        (imputation.ancova("y ~ base + arm", visit="V9"), "visit: no such visit.*Visits: V1"),
        (imputation.ancova("y ~ base", visit="V3"), "the arm is not in the analysis model"),
        (imputation.ancova("base ~ arm", visit="V3"), "another response than the imputation"),
        (imputation.ancova("y ~ arm", visit="V3", reference="x"), "reference: not an arm"),
        (imputation.ancova("y ~ arm + visit", visit="V3"), "visit: a factor with one level"),
        (imputation.ancova("y ~ arm + base + twice", visit="V3"), "no full rank"),
        (3, "analysis: neither an Ancova nor a function"),
        (lambda frame: {"x": (frame["y"][0], 1.0)}, "returned something else for imputation 0"),
        (lambda frame: {"x": (float("nan"), 1.0, 3.0)}, "is not finite"),
    ],
)  # fmt: skip
def test_analyses(analysis: Any, message: str) -> None:
    data = DATA.with_columns((2.0 * pl.col("base")).alias("twice"))
    imputed = imputation.impute(draw(data))
    with pytest.raises(StatsError, match=message):
        imputation.analyse(imputed, analysis)


def test_deltas_and_pooling() -> None:
    imputed = imputation.impute(draw())
    analysis = imputation.ancova("y ~ base + arm", visit="V3", reference="placebo")
    analyses = imputation.analyse(imputed, analysis)
    with pytest.raises(ArgumentError, match=r"delta: one finite number for each of the 3 visits"):
        imputation.delta_adjustment(imputed, [1.0, 2.0])
    with pytest.raises(ArgumentError, match=r"lag: one finite number"):
        imputation.delta_adjustment(imputed, 1.0, lag=[1.0])
    with pytest.raises(ArgumentError, match=r"arms: not an arm.*'x'"):
        imputation.delta_adjustment(imputed, 1.0, arms=["x"])
    with pytest.raises(ArgumentError, match=r"imputed values are drawn at random"):
        imputation.matching_deltas(imputed)
    with pytest.raises(ArgumentError, match=r"the deltas belong to other imputations"):
        imputation.analyse(imputed, analysis, imputation.Deltas(np.zeros(2)))
    with pytest.raises(ArgumentError, match=r"alpha lies between 0 and 1"):
        imputation.pool(analyses, alpha=5)
    with pytest.raises(ArgumentError, match=r"interval: unknown word"):
        imputation.pool(analyses, interval="bca")
    with pytest.raises(ArgumentError, match=r"percentiles are of bootstrap estimates"):
        imputation.pool(analyses, interval="percentile")
    with pytest.raises(ArgumentError, match=r"no such parameter.*'x'.*drug - placebo"):
        imputation.pool(analyses).row("x")
    few = imputation.impute(draw(method="conditional-mean-bootstrap"))
    with pytest.raises(ArgumentError, match=r"2 bootstrap samples are too few.*at least 40"):
        imputation.pool(imputation.analyse(few, analysis), interval="percentile")
    for deltas, message in (
        ({}, "no deltas"),
        ({"x": [1.0]}, "deltas: not an arm"),
        ({"drug": []}, "deltas, drug: finite numbers, at least one"),
        ({"drug": [np.inf]}, "deltas, drug: finite numbers"),
    ):
        with pytest.raises(ArgumentError, match=message):
            imputation.tipping_point(imputed, analysis, parameter="drug - placebo", deltas=deltas)


def failing(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next `times` refits find no optimum."""
    whole = BaseModel.refit
    left = [times]

    def refit(self: BaseModel, sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        left[0] -= 1
        if left[0] >= 0:
            raise ConvergenceError("no optimum")
        return whole(self, sample)

    monkeypatch.setattr(BaseModel, "refit", refit)


def test_bootstrap_samples_without_a_fit_are_counted_and_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failing(1, monkeypatch)
    draws = draw(method="approximate-bayes", imputations=3)
    assert (len(draws), draws.n_failed) == (3, 1)
    analysis = imputation.ancova("y ~ base + arm", visit="V3")
    pooled = imputation.pool(imputation.analyse(imputation.impute(draws), analysis))
    assert pooled.warnings == ("1 bootstrap sample(s) had no valid fit, drawn again",)
    failing(2, monkeypatch)
    with pytest.raises(ConvergenceError, match=r"2 of 2 bootstrap samples.*The last: no optimum"):
        draw(method="approximate-bayes", imputations=3)


def test_the_jackknife_names_who_cannot_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(1, monkeypatch)
    with pytest.raises(ConvergenceError, match=r"no valid fit without participant P00: no optimum"):
        draw(method="conditional-mean-jackknife")


def test_vocabularies() -> None:
    assert [member.short for member in Strategy] == ["MAR", "JR", "CR", "CIR", "LMCF"]
    for member in Strategy:
        assert parse_strategy(member.word) is parse_strategy(member.short.lower()) is member
    assert [member.word for member in imputation.DrawMethod] == [
        "bayes", "approximate-bayes", "conditional-mean-jackknife", "conditional-mean-bootstrap",
    ]  # fmt: skip


def test_what_is_printed_shows_nobody() -> None:
    """A cell or a log that ends in a stage shows counts and words, no person's data."""
    drawn = draw(strategy="JR")
    imputed = imputation.impute(drawn, reference="placebo")
    analysis = imputation.ancova("y ~ base + arm", visit="V3", reference="placebo")
    analyses = imputation.analyse(imputed, analysis)
    tipped = imputation.tipping_point(
        imputed, analysis, parameter="drug - placebo", deltas={"drug": [1.0]}
    )
    shown = [repr(x) for x in (drawn, imputed, analyses, tipped,
                               imputation.delta_adjustment(imputed, 1.0))]  # fmt: skip
    for text in shown:
        assert len(text) < 400
        assert not any(f"P{i:02d}" in text for i in range(100))
        assert "array(" not in text
    assert shown[0].startswith("Draws: 2 imputation models by bayes, ")


def test_numbers_that_are_none_are_refused_in_words() -> None:
    imputed = imputation.impute(draw())
    with pytest.raises(ArgumentError, match=r"delta: not a number, nor one for each visit"):
        imputation.delta_adjustment(imputed, "a")  # pyright: ignore[reportArgumentType]
    analysis = imputation.ancova("y ~ base + arm", visit="V3", reference="placebo")
    with pytest.raises(ArgumentError, match=r"deltas, drug: finite numbers, at least one"):
        imputation.tipping_point(
            imputed, analysis, parameter="drug - placebo", deltas={"drug": ["x"]}
        )
