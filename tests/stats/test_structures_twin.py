"""Every covariance structure against its plain twin: groups, weights, REML and ML.

Both stop at gradients of about 1e-9; the twin's dense inverses and its differenced second
derivatives lose some digits more.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from structures_twin import (
    StructuredTwin,
    dense_covariance,
    fit_structured_twin,
    independent_start,
)
from test_mmrm_twin import random_trial

from equipoise.stats import CovarianceStructure, MMRMFit, mmrm

WORDS = [member.word for member in CovarianceStructure]
TOLERANCE = 2e-7
FORMULA = "y ~ age + arm*week"


def trial(seed: int, n: int = 26) -> pl.DataFrame:
    """Correlated enough that no structure ends at its boundary; weights, groups, coordinates."""
    rng = np.random.default_rng(seed)
    data = random_trial(seed, n=n, loss=0.15)
    n_rows = len(data)
    level = np.repeat(rng.normal(0.0, 4.0, size=n), 3)
    return data.with_columns(
        pl.Series("y", data["y"].to_numpy() + level),
        pl.Series("w", rng.choice([0.5, 1.0, 2.0, 3.0], size=n_rows)),
        pl.Series("site", np.repeat(np.where(np.arange(n) % 2 == 0, "north", "south"), 3)),
        pl.Series("day", np.tile([0.0, 3.0, 10.0], n)),
        pl.Series("day_seen", np.tile([0.0, 3.0, 10.0], n) + rng.choice([0.0, 1.0], size=n_rows)),
        pl.Series("hour", rng.choice([0.0, 2.0], size=n_rows)),
    )


def both(
    word: str, seed: int, df: str, **options: str | list[str]
) -> tuple[MMRMFit, StructuredTwin]:
    if word == "sp_exp":
        options.setdefault("coordinates", "day")
    fit = mmrm(FORMULA, trial(seed), subject="id", visit="week", covariance=word, df=df, **options)
    read = fit.data
    distances = None
    if read.coordinates is not None:
        gaps = read.coordinates[:, None] - read.coordinates[None, :]
        distances = np.sqrt((gaps**2).sum(axis=2))
    groups = np.zeros(read.n_subjects, dtype=int) if read.group is None else read.group
    weights = np.ones(len(read.response)) if read.weights is None else read.weights
    size = len(fit.visits)
    covariance = dense_covariance(
        word, size, read.subject, read.visit, groups[read.subject], weights, distances
    )
    start = independent_start(word, size, float(np.var(read.response)), 3.0)
    twin = fit_structured_twin(
        read.design,
        read.response,
        covariance,
        np.tile(start, int(groups.max()) + 1),
        reml=options.get("method", "reml") == "reml",
    )
    return fit, twin


def check(fit: MMRMFit, twin: StructuredTwin, phi: np.ndarray) -> None:
    assert fit.minus2_log_likelihood == pytest.approx(twin.minus2_log_likelihood, abs=1e-7)
    parameters = fit.covariance_parameters
    size = np.maximum(np.abs(twin.theta), 0.1)
    assert np.max(np.abs(parameters["estimate"].to_numpy() - twin.theta) / size) < 1e-6
    se = np.sqrt(np.diag(twin.w))
    assert parameters["se"].to_numpy() == pytest.approx(se, rel=1e-5)
    rng = np.random.default_rng(1)
    rows = np.vstack([np.eye(len(fit.terms)), rng.normal(size=(3, len(fit.terms)))])
    for row, ours in zip(rows, fit.linear(rows).to_dicts(), strict=True):
        estimate, error, df = twin.one_row(row, phi)
        assert abs(ours["estimate"] - estimate) < TOLERANCE * error
        assert ours["se"] == pytest.approx(error, rel=TOLERANCE)
        assert ours["df"] == pytest.approx(df, rel=20 * TOLERANCE)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("form", ["full", "first_order"])
def test_both_forms_of_kenward_roger(word: str, form: str) -> None:
    df = "kenward-roger" if form == "full" else "kenward-roger-firstorder"
    fit, twin = both(word, 1, df)
    check(fit, twin, twin.phi_full if form == "full" else twin.phi_first_order)


@pytest.mark.parametrize("word", WORDS)
def test_maximum_likelihood(word: str) -> None:
    fit, twin = both(word, 2, "satterthwaite", method="ml")
    check(fit, twin, twin.phi)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("method", ["reml", "ml"])
def test_groups_and_weights_together(word: str, method: str) -> None:
    df = "kenward-roger" if method == "reml" else "satterthwaite"
    fit, twin = both(word, 6, df, method=method, group="site", weights="w")
    check(fit, twin, twin.phi_full if method == "reml" else twin.phi)
    assert isinstance(fit.covariance, dict)
    assert list(fit.covariance) == ["north", "south"]
    assert fit.n_covariance_parameters == 2 * fit.structure.n_parameters(3)


@pytest.mark.parametrize("coordinates", ["day_seen", ["day", "hour"], ["day_seen", "hour"]])
def test_spatial_coordinates_of_each_participant(coordinates: str | list[str]) -> None:
    fit, twin = both("sp_exp", 4, "kenward-roger", coordinates=coordinates)
    check(fit, twin, twin.phi_full)
    assert not fit.covariance_estimate.layout.by_visit
    assert "at the mean coordinates" in repr(fit)


def test_the_two_forms_are_one_where_sigma_is_linear_in_the_parameters() -> None:
    for structure in CovarianceStructure:
        _, twin = both(structure.word, 1, "satterthwaite")
        apart = np.max(np.abs(np.diag(twin.phi_full) / np.diag(twin.phi_first_order) - 1.0))
        assert (apart < 1e-8) == structure.linear, structure.word
