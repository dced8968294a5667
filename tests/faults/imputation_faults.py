"""What the imputation refuses: every message of `stats.imputation`, provoked."""

from __future__ import annotations

from collections.abc import Callable
from unittest import mock

import numpy as np
import polars as pl

from equipoise.stats import ConvergenceError, imputation
from equipoise.stats.imputation.base_model import BaseModel

MODEL = "y ~ base + arm*week"
NOTHING = pl.lit(None, pl.Float64)


def trial(n: int = 16, visits: int = 2) -> pl.DataFrame:
    """A small trial; everybody in three lost the last visit."""
    noise = np.random.default_rng(2).normal(size=(n, visits))
    rows = [
        {"id": f"P{i:02d}", "week": f"W{j}", "arm": ("control", "drug")[i % 2], "site": "south",
         "base": 40.0 + (7 * i) % 11,
         "y": None if j and i % 3 == 0 else 10.0 - j + noise[i, 0] + noise[i, j]}
        for i in range(n) for j in range(visits)
    ]  # fmt: skip
    return pl.DataFrame(rows)


def odd(column: str, value: pl.Expr, where: pl.Expr) -> pl.DataFrame:
    return trial().with_columns(pl.when(where).then(value).otherwise(column).alias(column))


def draw(data=None, formula=MODEL, **options):
    given = {"imputations": 2, "seed": 1, "thin": 1, "burn_in": 0, **options}
    data = trial() if data is None else data
    return imputation.draw(formula, data, subject="id", visit="week", arm="arm", **given)


def imputed(**options) -> imputation.Imputations:
    return imputation.impute(draw(**options))


def analysed(formula: str = "y ~ base + arm", **options):
    return imputation.analyse(imputed(), imputation.ancova(formula, visit="W1", **options))


def events(**columns):
    return draw(events=pl.DataFrame({"id": ["P01"], "week": ["W1"], "strategy": ["JR"], **columns}))


def of_a_function(value):
    return imputation.analyse(imputed(), lambda _: {"x": value})


def unseen_level():
    data = odd("site", pl.lit("north"), pl.col("id") == "P03")
    data = data.with_columns(
        pl.when(pl.col("id") == "P03").then(NOTHING).otherwise("y").alias("y"),
        pl.when(pl.col("id") == "P04").then(pl.lit("east")).otherwise("site").alias("site"),
    )
    return draw(data, MODEL + " + site")


def without_a_fit(method: str):
    with mock.patch.object(BaseModel, "refit", side_effect=ConvergenceError("no optimum")):
        return draw(method=method)


def rare_in_a_sample():
    data = odd("site", pl.lit("east"), pl.col("id") == "P04")
    drawn = imputation.impute(draw(data, method="conditional-mean-jackknife"))
    return imputation.analyse(drawn, imputation.ancova("y ~ arm + site", visit="W1"))


def tipping(**deltas):
    analysis = imputation.ancova("y ~ base + arm", visit="W1")
    return imputation.tipping_point(imputed(), analysis, parameter="drug - control", deltas=deltas)


IMPUTATION_CALLS: list[Callable[[], object]] = [
    lambda: draw(seed=None),
    lambda: draw(imputations=1),
    lambda: draw(method="bayse"),
    lambda: draw(strategy="jump"),
    lambda: draw(strategy={"placebo": "JR"}),
    lambda: draw(covariance="ar1"),
    lambda: draw(formula="y ~ base*week"),
    lambda: draw(formula="log(y) ~ arm*week"),
    lambda: draw([1, 2]),
    lambda: draw(trial().clear()),
    lambda: draw(trial().drop("arm")),
    lambda: draw(odd("arm", pl.lit(None, pl.String), pl.col("id") == "P03")),
    lambda: draw(trial().with_columns(pl.col("y").cast(pl.String))),
    lambda: draw(trial().with_columns(pl.lit(np.inf).alias("y"))),
    lambda: draw(trial().with_columns(NOTHING.alias("y"))),
    lambda: draw(trial().filter(pl.col("arm") == "drug")),
    lambda: draw(odd("base", NOTHING, pl.col("id") == "P03")),
    lambda: draw(odd("arm", pl.lit("drug"), (pl.col("id") == "P04") & (pl.col("week") == "W1"))),
    lambda: draw(
        trial(visits=3).with_columns(
            pl.when(pl.col("week") == "W1").then(NOTHING).otherwise("y").alias("y")
        )
    ),
    unseen_level,
    lambda: draw(events=3),
    lambda: draw(events=pl.DataFrame({"id": ["P01"]})),
    lambda: events(id="P99"),
    lambda: events(week="W9"),
    lambda: draw(events=pl.DataFrame({"id": ["P01"] * 2, "week": ["W1"] * 2, "strategy": "JR"})),
    lambda: events(week="W0", strategy="LMCF"),
    lambda: without_a_fit("approximate-bayes"),
    lambda: without_a_fit("conditional-mean-jackknife"),
    lambda: imputation.impute(draw(trial().with_columns(pl.col("y").fill_null(9.0)))),
    lambda: imputation.impute(draw(strategy="JR")),
    lambda: imputation.impute(draw(), reference="placebo"),
    lambda: imputation.impute(events(), strategy="mar"),
    lambda: imputation.analyse(imputed(), imputation.ancova("y ~ arm", visit="W7")),
    lambda: analysed("y ~ base"),
    lambda: analysed("base ~ arm"),
    lambda: analysed("y ~ arm", reference="placebo"),
    lambda: analysed("y ~ arm + base + poly(base, degree=1)"),
    rare_in_a_sample,
    lambda: imputation.analyse(imputed(), 3),
    lambda: of_a_function((1.0, 1.0)),
    lambda: of_a_function((np.nan, 1.0, 1.0)),
    lambda: imputation.analyse(
        imputed(), imputation.ancova("y ~ arm", visit="W1"), imputation.Deltas(np.zeros(1))
    ),
    lambda: imputation.delta_adjustment(imputed(), "a"),  # pyright: ignore[reportArgumentType]
    lambda: imputation.delta_adjustment(imputed(), [1.0]),
    lambda: imputation.delta_adjustment(imputed(), 1.0, arms=["placebo"]),
    lambda: imputation.matching_deltas(imputed()),
    lambda: imputation.pool(analysed(), interval="bca"),
    lambda: imputation.pool(analysed(), interval="percentile"),
    lambda: imputation.pool(analysed()).row("x"),
    lambda: imputation.pool(
        imputation.analyse(
            imputed(method="conditional-mean-bootstrap"), imputation.ancova("y ~ arm", visit="W1")
        ),
        interval="percentile",
    ),
    tipping,
    lambda: tipping(placebo=[1.0]),
    lambda: tipping(drug=[]),
]
