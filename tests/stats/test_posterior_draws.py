"""The Gibbs sampler against what is known of the posterior, and the diagnostics of its chain."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from imputation_twin import random_trial

from equipoise.stats import CovarianceStructure, imputation
from equipoise.stats.imputation.base_model import fit_base_model
from equipoise.stats.imputation.chain_diagnostics import diagnose, effective_size, geweke
from equipoise.stats.imputation.gibbs_sampler import Prior, sample_posterior
from equipoise.stats.imputation.incomplete_data import read_incomplete_data
from equipoise.stats.imputation.random_streams import stream

SWEEPS = 6000


def chain(data: pl.DataFrame, prior: Prior, *, same: bool = True, formula: str | None = None):
    read = read_incomplete_data(
        formula or "y ~ base*visit + arm*visit", data, subject="id", visit="visit", arm="arm"
    )
    model = fit_base_model(read, CovarianceStructure.UNSTRUCTURED, same_covariance=same)
    beta, covariances = sample_posterior(
        model, stream(1, "test"), sweeps=SWEEPS, burn_in=100, prior=prior
    )
    return read, model, beta, covariances


@pytest.mark.parametrize("prior", list(Prior))
def test_complete_data_have_a_posterior_in_closed_form(prior: Prior) -> None:
    """Sigma is inverse Wishart with N − k degrees of freedom about the residual products (more
    and about their sum with the prior's), beta normal given it, k columns a visit."""
    data = random_trial(1, n=40, visits=2, loss=0.0)
    read, model, beta, covariances = chain(data, prior)
    n, size = read.response.shape
    z = np.column_stack([np.ones(n), read.frame["base"].to_numpy()[::size], read.arm])
    k = z.shape[1]
    residuals = read.response - z @ np.linalg.lstsq(z, read.response, rcond=None)[0]
    scale, degrees = residuals.T @ residuals, n - k
    assert model.covariances[0] == pytest.approx(scale / degrees)  # REML
    if prior is Prior.REML_WISHART:
        scale, degrees = scale + model.covariances[0], degrees + size + 2
    mean = scale / (degrees - size - 1)
    draws = covariances[:, 0]
    # variance of an inverse Wishart's element (Press 1982, section 5.2)
    c = degrees - size
    diagonal = np.diag(scale)
    spread = ((c + 1) * scale**2 + (c - 1) * np.outer(diagonal, diagonal)) / (
        c * (c - 1) ** 2 * (c - 3)
    )
    error = np.sqrt(spread / SWEEPS)
    assert np.all(np.abs(draws.mean(axis=0) - mean) < 4.0 * error)
    assert draws.var(axis=0) == pytest.approx(spread, rel=0.15)
    assert np.all(np.abs(beta.mean(axis=0) - model.beta) < 4.0 * beta.std(axis=0) / SWEEPS**0.5)
    design = read.model.design.reshape(n, size, -1)
    inverse = np.linalg.inv(mean)
    phi = np.linalg.inv(np.einsum("nta,ts,nsb->ab", design, inverse, design))
    assert beta.var(axis=0) == pytest.approx(np.diag(phi), rel=0.12)


def test_missing_values_widen_the_posterior_and_leave_its_centre() -> None:
    data = random_trial(2, n=120, loss=0.15)
    _, model, beta, covariances = chain(data, Prior.JEFFREYS)
    sizes = np.array([effective_size(column) for column in beta.T])
    assert sizes.min() > 0.5 * SWEEPS
    # REML's beta is the posterior mean to within the curvature of Sigma: a tenth of an SD
    assert np.all(np.abs(beta.mean(axis=0) - model.beta) < 0.1 * beta.std(axis=0))
    assert covariances.mean(axis=0)[0] == pytest.approx(model.covariances[0], rel=0.12)


def test_covariances_by_arm_are_drawn_each_from_its_own() -> None:
    data = random_trial(3, n=80, visits=2, loss=0.0)
    data = data.with_columns(
        pl.when(pl.col("arm") == "drug").then(3.0 * pl.col("y")).otherwise("y").alias("y")
    )
    _, model, _, covariances = chain(data, Prior.JEFFREYS, same=False, formula="y ~ base*visit*arm")
    ratio = covariances.mean(axis=0) / model.covariances
    degrees = 40 - 2
    assert ratio == pytest.approx(np.full((2, 2, 2), degrees / (degrees - 3)), rel=0.05)


def test_effective_sizes_of_known_chains() -> None:
    rng = np.random.default_rng(1)
    n = 20_000
    noise = rng.normal(size=n)
    assert effective_size(noise) == pytest.approx(n, rel=0.05)
    for rho in (0.5, 0.9):
        auto = np.empty(n)
        auto[0] = noise[0]
        for t in range(1, n):
            auto[t] = rho * auto[t - 1] + noise[t]
        assert effective_size(auto) == pytest.approx(n * (1 - rho) / (1 + rho), rel=0.2)
    assert effective_size(np.ones(50)) == 50.0
    assert geweke(np.arange(10.0)) == 0.0


def test_a_bad_chain_is_a_warning_in_the_result() -> None:
    rng = np.random.default_rng(2)
    drift = np.repeat([0.0, 5.0], [100, 400]) + 0.1 * rng.normal(size=500)
    found = diagnose(np.column_stack([rng.normal(size=500), drift]), ["a", "b"], 10, 1)
    assert not found.trusted
    assert found.worst_quantity == found.geweke_quantity == "b"
    assert "raise thin above 1" in found.message
    assert "raise burn_in above 10" in found.message
    good = diagnose(rng.normal(size=(500, 2)), ["a", "b"], 10, 5)
    assert good.trusted
    assert good.draws == 100
    draws = imputation.draw(
        "y ~ base*visit + arm*visit", random_trial(4), subject="id", visit="visit", arm="arm",
        imputations=3, seed=1,
    )  # fmt: skip
    broken = imputation.Draws(
        draws.data, draws.method, draws.beta, draws.covariances, draws.samples,
        draws.same_covariance, draws.seed, draws.n_failed, found,
    )  # fmt: skip
    imputed = imputation.impute(broken)
    pooled = imputation.pool(imputation.analyse(imputed, imputation.ancova("y ~ arm", visit="V3")))
    assert "the posterior draws: " in pooled.warnings[0]
    assert "WARNING" in repr(pooled)
