"""Every structure, with groups, by REML and ML: order, units and labels do not matter.

Fits that are the same agree to the optimiser's last step: 1e-6 of each number is above it for the
structures whose optimiser stops at a gradient, 1e-8 elsewhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from test_mmrm_twin import random_trial

from equipoise.stats import CovarianceStructure, MMRMFit, mmrm

WORDS = [member.word for member in CovarianceStructure if member.word != "sp_exp"]
SAME = 1e-6


def fit(data: pl.DataFrame, word: str, method: str, *, grouped: bool = False) -> MMRMFit:
    options: dict[str, Any] = {"df": "satterthwaite", "group": "arm" if grouped else None}
    return mmrm(
        "y ~ age + arm*week", data, subject="id", visit="week", covariance=word, method=method,
        **options,
    )  # fmt: skip


def last(model: MMRMFit) -> np.ndarray:
    """Contrast of the arms at the last visit: estimate, SE, df."""
    row = model.contrasts("arm", reference="control", by="week").row(-1, named=True)
    return np.array([row["estimate"], row["se"], row["df"]])


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("method", ["reml", "ml"])
def test_order_units_shifts_and_reference_do_not_matter(word: str, method: str) -> None:
    data = random_trial(2, n=40)
    expected = last(fit(data, word, method))
    shuffled = data.sample(fraction=1.0, shuffle=True, seed=5)
    assert last(fit(shuffled, word, method)) == pytest.approx(expected, rel=SAME)
    units = data.with_columns(pl.col("y") * 1e3 - 5e4, pl.col("age") / 365.25 + 2020.0)
    assert last(fit(units, word, method)) == pytest.approx(expected * [1e3, 1e3, 1.0], rel=SAME)
    turned = data.with_columns(pl.col("arm").cast(pl.Enum(["drug", "control"])))
    assert last(fit(turned, word, method)) == pytest.approx(expected, rel=SAME)
    renamed = data.with_columns(pl.col("week").replace({"W0": "day 1", "W1": "day 2", "W2": "z"}))
    assert last(fit(renamed, word, method)) == pytest.approx(expected, rel=SAME)


@pytest.mark.parametrize("word", ["us", "csh", "ar1"])
def test_groups_do_not_mind_order_and_units(word: str) -> None:
    data = random_trial(2, n=60)
    expected = last(fit(data, word, "reml", grouped=True))
    changed = data.sample(fraction=1.0, shuffle=True, seed=5).with_columns(pl.col("y") * 1e3)
    assert last(fit(changed, word, "reml", grouped=True)) == pytest.approx(
        expected * [1e3, 1e3, 1.0], rel=SAME
    )


@pytest.mark.parametrize("df", ["kenward-roger", "satterthwaite"])
def test_compound_symmetry_in_balanced_data_is_the_split_plot_anova(df: str) -> None:
    """Sums of squares by hand: arms between participants, visits and interaction within them."""
    rng = np.random.default_rng(8)
    per_arm, visits = 9, 4
    y = rng.normal(size=(2, per_arm, 1)) * 2.0 + rng.normal(size=(2, per_arm, visits))
    y += np.array([0.0, 1.0])[:, None, None] * np.arange(visits) / 2.0
    data = pl.DataFrame(
        {
            "id": np.repeat(np.arange(2 * per_arm), visits),
            "week": np.tile([f"W{t}" for t in range(visits)], 2 * per_arm),
            "arm": np.repeat(["control", "drug"], per_arm * visits),
            "y": y.ravel(),
        }
    )
    model = mmrm(
        "y ~ arm*week", data, subject="id", visit="week", covariance="cs", method="reml", df=df
    )
    grand, arm, week = y.mean(), y.mean(axis=(1, 2)), y.mean(axis=(0, 1))
    cell, person = y.mean(axis=1), y.mean(axis=2)
    between = visits * np.sum((person - arm[:, None]) ** 2) / (2 * (per_arm - 1))
    left = y - person[:, :, None] - cell[:, None, :] + arm[:, None, None]
    within_df = 2 * (per_arm - 1) * (visits - 1)
    within = np.sum(left**2) / within_df
    joint = cell - arm[:, None] - week[None, :] + grand
    expected = {
        "arm": (per_arm * visits * np.sum((arm - grand) ** 2) / between, 1, 2 * (per_arm - 1)),
        "week": (
            2 * per_arm * np.sum((week - grand) ** 2) / (visits - 1) / within,
            visits - 1,
            within_df,
        ),
        "arm:week": (per_arm * np.sum(joint**2) / (visits - 1) / within, visits - 1, within_df),
    }
    assert between > within  # the variance between participants is not at its boundary
    frame = model.type3()
    rows = {row["term"]: row for row in frame.to_dicts()}
    for term, (statistic, df1, df2) in expected.items():
        assert rows[term]["F"] == pytest.approx(statistic, rel=1e-8), term
        assert rows[term]["df1"] == df1
        assert rows[term]["df2"] == pytest.approx(df2, rel=1e-7), term
