"""`mmrm` against its plain twin, on random data with intermittent missing values."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from mmrm_twin import Twin, fit_twin

from equipoise.stats import MMRMFit, mmrm

#: Both stop at gradients of about 1e-9; the twin's dense inverses lose about two digits more.
TOLERANCE = 1e-7


def random_trial(seed: int, n: int = 30, visits: int = 3, loss: float = 0.2) -> pl.DataFrame:
    """A small trial with a covariate that changes over time and scattered missing values."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(visits, visits)) + 2.0 * np.eye(visits)
    y = rng.normal(size=(n, visits)) @ root.T + np.arange(visits)
    rows = {
        "id": np.repeat([f"P{i:02d}" for i in range(n)], visits),
        "week": np.tile([f"W{j}" for j in range(visits)], n),
        "arm": np.repeat(np.where(np.arange(n) % 3 == 0, "control", "drug"), visits),
        "age": np.repeat(rng.normal(40.0, 10.0, size=n), visits),
        "dose": rng.normal(size=n * visits),
        "y": np.where(rng.random((n, visits)) < loss, np.nan, y).ravel(),
    }
    return pl.DataFrame(rows)


def both(seed: int, formula: str, df: str, **options: float) -> tuple[MMRMFit, Twin]:
    data = random_trial(seed, **options)  # type: ignore[arg-type]
    fit = mmrm(formula, data, subject="id", visit="week", df=df)
    read = fit.data
    twin = fit_twin(read.design, read.response, read.subject, read.visit, len(fit.visits))
    return fit, twin


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("df", ["kenward-roger", "satterthwaite"])
def test_fit_equals_its_twin(seed: int, df: str) -> None:
    fit, twin = both(seed, "y ~ age + dose + arm*week", df)
    assert fit.minus2_log_likelihood == pytest.approx(twin.minus2_log_likelihood, abs=1e-8)
    assert fit.covariance == pytest.approx(twin.sigma, rel=TOLERANCE, abs=TOLERANCE)
    rng = np.random.default_rng(seed)
    rows = np.vstack([np.eye(len(fit.terms)), rng.normal(size=(4, len(fit.terms)))])
    adjusted = df == "kenward-roger"
    for row, ours in zip(rows, fit.linear(rows).to_dicts(), strict=True):
        estimate, se, degrees = twin.one_row(row, adjusted=adjusted)
        assert abs(ours["estimate"] - estimate) < TOLERANCE * se
        assert ours["se"] == pytest.approx(se, rel=TOLERANCE)
        assert ours["df"] == pytest.approx(degrees, rel=10 * TOLERANCE)
    phi = twin.phi_adjusted if adjusted else twin.phi
    assert fit.coefficient_covariance == pytest.approx(phi, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [1, 2, 4])
def test_joint_kenward_roger_equals_its_twin(seed: int, size: int) -> None:
    fit, twin = both(seed, "y ~ age + arm*week", "kenward-roger")
    rows = np.random.default_rng(seed).normal(size=(size, len(fit.terms)))
    test = fit.test(rows)
    statistic, m = twin.kenward_roger_f(rows)
    assert test.statistic == pytest.approx(statistic, rel=TOLERANCE)
    assert test.df2 == pytest.approx(m, rel=10 * TOLERANCE)
    assert test.df1 == size


def test_many_visits_and_few_participants_at_some() -> None:
    fit, twin = both(5, "y ~ arm + week", "kenward-roger", n=60, visits=5, loss=0.4)
    ours = fit.coefficients
    for i, row in enumerate(np.eye(len(fit.terms))):
        _, se, degrees = twin.one_row(row, adjusted=True)
        assert ours["se"][i] == pytest.approx(se, rel=TOLERANCE)
        assert ours["df"][i] == pytest.approx(degrees, rel=10 * TOLERANCE)
