"""Whatever frame and options stand at the door of `mmrm`: a fit that holds, or a refusal.

A fit is checked again by a dense likelihood, written here from the definition.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.mutants import profile

from equipoise.stats import MMRMFit, StatsError, mmrm, mmrm_batch

SEEDS = st.integers(0, 10**6)


def trial(seed: int, participants: int, visits: int) -> pl.DataFrame:
    """A plain trial with two arms, a covariate, gaps, a weight and a place in time."""
    rng = np.random.default_rng(seed)
    n = participants * visits
    person = np.repeat(np.arange(participants), visits)
    y = rng.normal(size=participants)[person] + rng.normal(size=n)
    y[rng.random(n) < 0.1] = np.nan
    return pl.DataFrame(
        {
            "id": [f"P{i}" for i in person],
            "visit": np.tile([f"V{t}" for t in range(visits)], participants),
            "y": y,
            "arm": np.where(person % 3 > 0, "drug", "placebo"),
            "x": rng.normal(50.0, 10.0, participants)[person],
            "w": rng.integers(1, 4, n).astype(float),
            "day": np.tile(np.arange(visits) ** 1.5, participants),
        }
    )


def first(column: str, value: Any) -> Any:
    """Sets the first two rows of a column."""
    return lambda d: d.with_columns(
        pl.when(pl.int_range(pl.len()) < 2).then(pl.lit(value)).otherwise(column).alias(column)
    )


SPOILS = {
    "missing covariate": first("x", None),
    "infinite covariate": first("x", math.inf),
    "infinite response": first("y", -math.inf),
    "huge response": lambda d: d.with_columns(pl.col("y") * 1e200),
    "tiny response": lambda d: d.with_columns(pl.col("y") * 1e-200),
    "offset": lambda d: d.with_columns(pl.col("y") + 1e6),
    "constant response": lambda d: d.with_columns(pl.lit(2.0).alias("y")),
    "constant covariate": lambda d: d.with_columns(pl.lit(7).alias("x")),
    "covariate of zeros": lambda d: d.with_columns(pl.lit(0.0).alias("x")),
    "huge covariate": lambda d: d.with_columns(pl.col("x") * 1e160),
    "tiny covariate": lambda d: d.with_columns(pl.col("x") * 1e-170),
    "years": lambda d: d.with_columns((2020 + (pl.col("x") > 50).cast(pl.Int64)).alias("x")),
    "covariate explains all": lambda d: d.with_columns(pl.col("y").alias("x")).drop_nulls(),
    "one arm": lambda d: d.filter(pl.col("arm") == "drug"),
    "two people": lambda d: d.filter(pl.col("id").is_in(["P0", "P1"])),
    "nobody": lambda d: d.clear(),
    "visit twice": lambda d: pl.concat([d, d.head(3)]),
    "visit all missing": lambda d: d.with_columns(
        pl.when(pl.col("visit") == "V1").then(None).otherwise("y").alias("y")
    ),
    "zero weight": first("w", 0.0),
    "negative weight": first("w", -1.0),
    "missing weight": first("w", None),
    "numeric visit": lambda d: d.with_columns(pl.col("visit").str.slice(1).cast(pl.Int32)),
    "categorical": lambda d: d.with_columns(pl.col("visit", "arm").cast(pl.Categorical)),
    "declared": lambda d: d.with_columns(pl.col("arm").cast(pl.Enum(["placebo", "drug", "x y"]))),
    "missing visit": first("visit", None),
    "missing person": first("id", None),
    "dates": lambda d: d.with_columns(pl.lit("2026-01-01").str.to_date().alias("x")),
    "lists": lambda d: d.with_columns(pl.concat_list("x").alias("x")),
    "truth values": lambda d: d.with_columns(pl.col("x") > 50),
    "null column": lambda d: d.with_columns(pl.lit(None).alias("x")),
    "text response": lambda d: d.with_columns(pl.col("y").cast(pl.String)),
    "whole numbers": lambda d: d.with_columns(pl.col("y").fill_nan(0).cast(pl.Int8)),
    "pandas": lambda d: pd.DataFrame({c: d[c].to_list() for c in d.columns}),
    "no column": lambda d: d.drop("arm"),
    "copies": lambda d: d.with_columns(pl.col("y").first().over("id")),
    "person as group": lambda d: d.with_columns(pl.col("id").alias("arm")),
}
FORMULAS = [
    "y ~ arm*visit", "y ~ x + arm*visit", "y ~ x*visit + arm*visit", "y ~ 0 + visit", "y ~ 1",
    "y ~ x", "y ~ log(x) + arm", "y ~ C(x) + visit", "y ~ day + arm", "y ~ x + x", "y ~ poly(x, 2)",
    "y ~ 0", "y ~ arm:visit", "y ~ id", "y ~", "y ~ x + I(x)",
]  # fmt: skip
WORDS = ["us", "us", "us", "cs", "csh", "ar1", "ar1h", "toep", "toeph", "ad", "adh", "sp_exp"]
OPTIONS = st.fixed_dictionaries(
    {"covariance": st.sampled_from(WORDS)},
    optional={
        "method": st.sampled_from(["reml", "ml"]),
        "df": st.sampled_from(
            ["kenward-roger", "kenward-roger-firstorder", "satterthwaite", "residual",
             "between-within"]
        ),
        "vcov": st.sampled_from(["model", "cr0", "cr2", "cr3"]),
        "group": st.sampled_from(["arm", "visit", "x"]),
        "weights": st.sampled_from(["w", "arm", "y"]),
        "coordinates": st.sampled_from(["day", ["day", "x"], "arm"]),
    },
)  # fmt: skip


def dense_minus2(fit: MMRMFit) -> float:
    """−2 log-likelihood from the definition, one participant after the other."""
    data = fit.data
    x, y = data.design, data.response
    gram, rhs = np.zeros((x.shape[1],) * 2), np.zeros(x.shape[1])
    total = 0.0
    pieces = []
    for who in range(data.n_subjects):
        rows = np.flatnonzero(data.subject == who)
        if isinstance(fit.covariance, dict):
            assert data.group is not None
            sigma = fit.covariance[data.group_levels[data.group[who]]]
        else:
            sigma = fit.covariance
        at = data.visit[rows]
        v = np.array(sigma)[np.ix_(at, at)]
        if data.weights is not None:
            root = 1.0 / np.sqrt(data.weights[rows])
            v = v * np.outer(root, root)
        total += np.linalg.slogdet(v)[1]
        inverse = np.linalg.inv(v)
        gram += x[rows].T @ inverse @ x[rows]
        rhs += x[rows].T @ inverse @ y[rows]
        pieces.append((rows, inverse))
    beta = np.linalg.solve(gram, rhs)
    left = y - x @ beta
    total += sum(left[rows] @ inverse @ left[rows] for rows, inverse in pieces)
    n, p = x.shape
    if fit.likelihood.word == "reml":
        return float(total + np.linalg.slogdet(gram)[1] + (n - p) * math.log(2.0 * math.pi))
    return float(total + n * math.log(2.0 * math.pi))


def hold(fit: MMRMFit) -> None:
    assert fit.convergence.converged
    matrices = fit.covariance.values() if isinstance(fit.covariance, dict) else [fit.covariance]
    for matrix in matrices:
        scale = np.sqrt(np.diag(matrix))
        assert np.all(np.isfinite(matrix))
        assert np.linalg.eigvalsh(matrix / np.outer(scale, scale))[0] > 0.0
    frame = fit.coefficients
    for name in ("estimate", "se", "df", "p"):
        assert frame[name].is_finite().all(), name
    assert (frame["se"] > 0.0).all()
    assert frame["p"].is_between(0.0, 1.0).all()
    if fit.data.coordinates is None and np.linalg.cond(fit.data.design) < 1e5:
        # squared condition numbers of 1e10 leave six digits to the dense sums of products
        assert fit.minus2_log_likelihood == pytest.approx(dense_minus2(fit), rel=1e-5, abs=1e-4)


@profile(60, 4000)
@given(
    seed=SEEDS,
    shape=st.sampled_from([(14, 3), (30, 2), (9, 1), (24, 4), (60, 6), (2, 2), (5, 4)]),
    spoils=st.lists(st.sampled_from(sorted(SPOILS)), max_size=2),
    formula=st.sampled_from(FORMULAS),
    options=OPTIONS,
)
def test_a_frame_is_fitted_or_refused(seed, shape, spoils, formula, options):
    data: Any = trial(seed, *shape)
    for name in sorted(spoils, key=lambda name: name == "pandas"):
        try:
            data = SPOILS[name](data)
        except (pl.exceptions.PolarsError, AttributeError, TypeError):
            return  # two changes that do not go together
    try:
        fit = mmrm(formula, data, subject="id", visit="visit", **options)
    except StatsError as error:
        assert str(error)
        for fault in getattr(error, "faults", ()) or (error,):
            assert fault.what
            assert fault.where or fault.remedy or fault.rule, str(fault)
        return
    hold(fit)


NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 1e-200, 1e200, 1e6, math.inf, -math.inf, math.nan])


@profile(40, 2000)
@given(
    seed=SEEDS,
    shape=st.sampled_from([(1, 12, 3), (2, 20, 4), (2, 3, 5), (3, 8, 1), (1, 2, 2)]),
    spots=st.lists(st.tuples(SEEDS, NUMBERS, st.booleans()), max_size=4),
    factor=st.sampled_from([1.0, 1e-8, 1e8, 1e150]),
    df=st.sampled_from(["kenward-roger", "satterthwaite", "residual"]),
    method=st.sampled_from(["reml", "ml"]),
    grouped=st.booleans(),
)
def test_a_batch_is_fitted_or_says_why(seed, shape, spots, factor, df, method, grouped):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=shape) * factor
    y[rng.random(shape) < 0.1] = np.nan
    arm = np.arange(shape[1]) % 2
    z = np.stack([np.ones(shape[1]), rng.normal(size=shape[1]), arm], axis=1)[None]
    z = np.repeat(z, shape[0], axis=0)
    for place, value, response in spots:
        (y if response else z).flat[place % (y if response else z).size] = value
    try:
        fits = mmrm_batch(y, z, 2, df=df, method=method, group=arm if grouped else None, threads=1)
    except StatsError as error:
        assert error.what
        assert error.where
        return
    ok = fits.converged
    for array in (fits.estimate, fits.se, fits.df):
        assert np.isfinite(array[ok]).all()
        assert np.isnan(array[~ok]).all()
    assert (fits.se[ok] > 0.0).all()
    for matrix in fits.covariance[ok].reshape(-1, shape[2], shape[2]):
        scale = np.sqrt(np.diag(matrix))
        assert np.linalg.eigvalsh(matrix / np.outer(scale, scale))[0] > 0.0
