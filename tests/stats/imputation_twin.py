"""The plain twin of the conditional-mean imputation: one participant at a time, textbook formulas.

It fits the model with `mmrm` to an ordinary frame and shares nothing with the imputation code.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from equipoise.stats import mmrm


def random_trial(seed: int, n: int = 40, visits: int = 3, loss: float = 0.15) -> pl.DataFrame:
    """Arms 1:1, a baseline, monotone dropout, one intermittent missing value."""
    rng = np.random.default_rng(seed)
    base = rng.normal(20.0, 4.0, n)
    arm = np.arange(n) % 2
    root = np.linalg.cholesky(4.0 + 5.0 * np.eye(visits))
    times = np.arange(1, visits + 1)
    y = 0.4 * base[:, None] - 1.5 * times * (1 + 0.6 * arm[:, None])
    y = y + rng.normal(size=(n, visits)) @ root.T
    for i in range(n):
        for t in range(1, visits):
            if rng.random() < loss:
                y[i, t:] = np.nan
                break
    if visits > 2:
        y[5] = y[5] * [1.0, np.nan, *[1.0] * (visits - 2)]
    return pl.DataFrame(
        {
            "id": np.repeat([f"P{i:02d}" for i in range(n)], visits),
            "visit": np.tile([f"V{t}" for t in times], n),
            "arm": np.repeat(np.where(arm == 1, "drug", "placebo"), visits),
            "base": np.repeat(base, visits),
            "y": y.ravel(),
        }
    ).with_columns(pl.col("y").fill_nan(None))


def completed(data: pl.DataFrame, strategy: str, reference: str = "placebo") -> np.ndarray:
    """(N, T) responses, the missing ones at their conditional mean; from the last run of missing
    values on under `strategy`, before it under MAR."""
    fit = mmrm("y ~ base*visit + arm*visit", data, subject="id", visit="visit")
    visits = fit.visits
    coefficients = dict(zip(fit.terms, fit.effects.estimate, strict=True))

    def mean(base: float, arm: str, visit: str) -> float:
        total = coefficients["Intercept"] + coefficients["base"] * base
        total += coefficients.get(f"visit[T.{visit}]", 0.0)
        total += coefficients.get(f"base:visit[T.{visit}]", 0.0) * base
        if arm == "placebo":
            total += coefficients["arm[T.placebo]"]
            total += sum(
                value
                for name, value in coefficients.items()
                if set(name.split(":")) == {"arm[T.placebo]", f"visit[T.{visit}]"}
            )
        return float(total)

    rows = []
    for _, person in data.group_by("id", maintain_order=True):
        y = np.array([
            person.filter(pl.col("visit") == v)["y"].to_list()[0] for v in visits
        ], dtype=float)  # fmt: skip
        arm, base = person["arm"][0], person["base"][0]
        own = np.array([mean(base, arm, v) for v in visits])
        ref = np.array([mean(base, reference, v) for v in visits])
        event = len(y)
        while event > 0 and np.isnan(y[event - 1]):
            event -= 1
        mu = own.copy()
        if event < len(y):
            for t in range(len(y)):
                if strategy == "copy-reference" or (t >= event and strategy == "jump-to-reference"):
                    mu[t] = ref[t]
                elif t >= event and strategy == "copy-increments":
                    mu[t] = ref[t] + (own[event - 1] - ref[event - 1] if event else 0.0)
                elif t >= event and strategy == "last-mean":
                    mu[t] = own[event - 1]
        gone, seen = np.flatnonzero(np.isnan(y)), np.flatnonzero(~np.isnan(y))
        v = fit.covariance
        y[gone] = mu[gone]
        if len(seen) and len(gone):
            inverse = np.linalg.inv(v[np.ix_(seen, seen)])
            y[gone] += v[np.ix_(gone, seen)] @ inverse @ (y[seen] - mu[seen])
        rows.append(y)
    return np.array(rows)


def ancova_difference(y: np.ndarray, base: np.ndarray, drug: np.ndarray) -> float:
    """Coefficient of the arm in y ~ 1 + base + drug."""
    design = np.column_stack([np.ones(len(y)), base, drug])
    return float(np.linalg.lstsq(design, y, rcond=None)[0][2])
