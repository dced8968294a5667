"""`mmrm_batch`: the same answers as single fits, for any number of threads; what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from stats_reference import STORED

from equipoise.stats import ArgumentError, mmrm, mmrm_batch
from equipoise.stats.batch_fits import refit_under_allocations
from equipoise.stats.convergence import Outcome
from equipoise.stats.design_grid import design_rows
from equipoise.stats.kernel_cache import load_batch_kernels
from equipoise.stats.model_data import read_model_data
from equipoise.stats.repeated_measures import fit_model
from equipoise.stats.threads import in_chunks
from equipoise.stats.vocabulary import (
    CoefficientCovariance,
    CovarianceStructure,
    DegreesOfFreedom,
    Likelihood,
)

VISITS = 5


def simulated(trials: int, seed: int, participants: int = 36) -> tuple[np.ndarray, np.ndarray]:
    """Responses with monotone and intermittent gaps, and intercept, baseline, arm."""
    rng = np.random.default_rng(seed)
    baseline = rng.normal(25.0, 4.0, (trials, participants))
    arm = np.tile((np.arange(participants) % 3 != 0).astype(float), (trials, 1))
    root = np.linalg.cholesky(36.0 * (0.6 + 0.4 * np.eye(VISITS)))
    y = (
        0.5 * (baseline - 25.0)[:, :, None]
        + rng.normal(size=(trials, participants, VISITS)) @ root.T
    )
    gone = rng.random(y.shape) < 0.06
    gone[:, :, 0] = False
    gone = np.maximum.accumulate(gone, axis=2) | (rng.random(y.shape) < 0.02)
    y[gone] = np.nan
    return y, np.stack([np.ones_like(baseline), baseline, arm], axis=2)


def long(y: np.ndarray, z: np.ndarray, group: np.ndarray | None = None) -> pl.DataFrame:
    participants = len(y)
    frame = pl.DataFrame(
        {
            "id": np.repeat(np.arange(participants), VISITS),
            "visit": np.tile([f"V{t}" for t in range(VISITS)], participants),
            "y": y.ravel(),
            "base": np.repeat(z[:, 1], VISITS),
            "arm": np.repeat(z[:, 2].astype(int).astype(str), VISITS),
        }
    ).with_columns(pl.col("y").fill_nan(None))
    return frame if group is None else frame.with_columns(group=pl.Series(np.repeat(group, VISITS)))


@pytest.mark.parametrize(
    ("method", "df"),
    [
        ("reml", "kenward-roger"),
        ("reml", "satterthwaite"),
        ("reml", "residual"),
        ("ml", "satterthwaite"),
        ("ml", "residual"),
        ("ml", None),
        ("reml", None),
    ],
)
def test_every_trial_is_the_single_fit(method: str, df: str | None) -> None:
    y, z = simulated(6, 11)
    fits = mmrm_batch(y, z, 2, crossed=[True, False, True], method=method, df=df)
    assert fits.converged.all()
    lower, upper = fits.limits()
    for b in range(len(y)):
        fit = mmrm(
            "y ~ base + arm*visit",
            long(y[b], z[b]),
            subject="id",
            visit="visit",
            method=method,
            df=df,
        )
        one = fit.contrasts("arm", by="visit")
        for name, ours in (("estimate", fits.estimate), ("se", fits.se), ("df", fits.df)):
            assert ours[b] == pytest.approx(one[name].to_numpy(), rel=1e-10), name
        assert fits.p[b] == pytest.approx(one["p"].to_numpy(), rel=1e-8)
        assert lower[b] == pytest.approx(one["lower"].to_numpy(), rel=1e-8)
        assert upper[b] == pytest.approx(one["upper"].to_numpy(), rel=1e-8)
        assert fits.covariance[b] == pytest.approx(fit.covariance, rel=1e-8)
        if method == "ml":  # under REML the value depends on the coding of the visits
            assert fits.minus2_log_likelihood[b] == pytest.approx(
                fit.minus2_log_likelihood, abs=1e-8
            )


def test_reml_value_is_that_of_the_same_coding() -> None:
    y, z = simulated(1, 3)
    fits = mmrm_batch(y, z, 2, crossed=[True, False, True])
    fit = mmrm("y ~ 0 + visit + base + arm:visit", long(y[0], z[0]), subject="id", visit="visit")
    other = mmrm("y ~ base + arm*visit", long(y[0], z[0]), subject="id", visit="visit")
    # cell means against differences from the first visit: the determinant of the recoding is 1
    assert fits.minus2_log_likelihood[0] == pytest.approx(other.minus2_log_likelihood, abs=1e-8)
    assert fit.n_observations == other.n_observations


def test_groups_with_a_covariance_each() -> None:
    y, z = simulated(2, 5, participants=60)
    group = z[0, :, 2].astype(int)
    fits = mmrm_batch(y, z, 2, crossed=[True, False, True], group=group)
    for b in range(2):
        read = read_model_data(
            "y ~ base + arm*visit", long(y[b], z[b]), subject="id", visit="visit"
        )
        fit = fit_model(
            replace(read, group=group.astype(np.int64), group_levels=("0", "1")),
            structure=CovarianceStructure.UNSTRUCTURED,
            likelihood=Likelihood.REML,
            df_method=DegreesOfFreedom.KENWARD_ROGER,
            vcov=CoefficientCovariance.MODEL,
            alpha=0.05,
        )
        one = fit.contrasts("arm", by="visit")
        for name, ours in (("estimate", fits.estimate), ("se", fits.se), ("df", fits.df)):
            assert ours[b] == pytest.approx(one[name].to_numpy(), rel=1e-10), name
        for g, matrix in enumerate(fit.covariance.values()):
            assert fits.covariance[b, g] == pytest.approx(matrix, rel=1e-8)


@pytest.mark.parametrize("threads", [2, 3])
def test_bit_for_bit_the_same_for_any_number_of_threads(threads: int) -> None:
    y, z = simulated(50, 7)
    one = mmrm_batch(y, z, 2, threads=1)
    more = mmrm_batch(y, z, 2, threads=threads)
    for name in ("estimate", "se", "df", "minus2_log_likelihood", "covariance", "outcome"):
        assert np.array_equal(getattr(one, name), getattr(more, name), equal_nan=True), name


def test_stored_trials_within_a_batch_are_the_references() -> None:
    """The synthetic reference trials, side by side in one batch, meet their single fits."""
    trials = []
    for name in ("synth1", "synth3", "synth6"):
        frame = pl.read_csv(STORED / f"{name}.csv", null_values="NA")
        fit = mmrm("y ~ base + arm*visit", frame, subject="subject", visit="visit")
        wide = frame.pivot(on="visit", index=["subject", "base", "arm"], values="y").sort("subject")
        treated = (wide["arm"] != fit.data.levels["arm"][0]).to_numpy().astype(float)
        trials.append((fit, wide.select(fit.visits).to_numpy(), wide["base"].to_numpy(), treated))
    y = np.stack([trial[1] for trial in trials])
    z = np.stack([np.column_stack([np.ones(len(base)), base, arm]) for _, _, base, arm in trials])
    fits = mmrm_batch(y, z, 2, crossed=[True, False, True])
    for b, (fit, *_) in enumerate(trials):
        one = fit.contrasts("arm", by="visit")
        assert fits.estimate[b] == pytest.approx(one["estimate"].to_numpy(), rel=1e-9)
        assert fits.se[b] == pytest.approx(one["se"].to_numpy(), rel=1e-9)
        assert fits.df[b] == pytest.approx(one["df"].to_numpy(), rel=1e-9)


def test_a_trial_that_fails_leaves_the_others_alone() -> None:
    y, z = simulated(5, 13)
    y[1] = 4.0  # constant
    y[2, :, 3] = y[2, :, 2]  # two visits the same: singular
    y[3, 4:] = np.nan  # hardly anybody
    z[4, :, 1] = z[4, :, 2]  # baseline is the arm
    fits = mmrm_batch(y, z, 2, crossed=[True, False, True])
    alone = mmrm_batch(y[:1], z[:1], 2, crossed=[True, False, True])
    assert fits.converged.tolist() == [True, False, False, False, False]
    assert np.array_equal(fits.estimate[0], alone.estimate[0])
    assert np.isnan(fits.estimate[1:]).all()
    assert np.isnan(fits.covariance[1:]).all()
    words = [fits.outcomes[code] for code in fits.outcome]
    assert words[1] is Outcome.CONSTANT
    assert words[2] in (Outcome.BOUNDARY, Outcome.UNBOUNDED)
    assert words[4] is Outcome.RANK
    assert sum(fits.counts().values()) == 5


def test_participants_without_a_response_do_not_enter() -> None:
    y, z = simulated(1, 17)
    more_y = np.concatenate([y, np.full((1, 4, VISITS), np.nan)], axis=1)
    more_z = np.concatenate([z, np.zeros((1, 4, 3))], axis=1)
    one, two = mmrm_batch(y, z, 2), mmrm_batch(more_y, more_z, 2)
    assert two.estimate == pytest.approx(one.estimate, rel=1e-10)
    assert two.df == pytest.approx(one.df, rel=1e-9)


def test_contrasts_as_a_matrix_and_as_a_covariate() -> None:
    y, z = simulated(2, 19)
    p = VISITS + 1 + VISITS
    matrix = np.zeros((1, p))
    matrix[0, -1] = 1.0
    by_matrix = mmrm_batch(y, z, matrix, crossed=[True, False, True])
    by_number = mmrm_batch(y, z, 2, crossed=[True, False, True])
    assert np.array_equal(by_matrix.estimate[:, 0], by_number.estimate[:, -1])
    main = mmrm_batch(y, z, 1, crossed=[True, False, True])
    assert main.estimate.shape == (2, 1)


def test_one_set_of_covariates_serves_all_trials() -> None:
    y, z = simulated(3, 23)
    z[:] = z[0]
    shared = mmrm_batch(y, z[0], 2)
    each = mmrm_batch(y, z, 2)
    assert np.array_equal(shared.estimate, each.estimate)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"responses": np.zeros((3, 4))}, r"responses: it has shape \(3, 4\)"),
        ({"covariates": np.zeros((2, 7, 3))}, r"covariates: its shape starts with \(2, 7\)"),
        (
            {"covariates": np.full((2, 36, 3), np.nan)},
            r"covariates\[0, 0, 0\]: a covariate is missing",
        ),
        (
            {"responses": np.full((2, 36, 5), np.inf)},
            r"responses\[0, 0, 0\]: a response is infinite",
        ),
        ({"crossed": [True]}, "crossed: one entry for each of the 3 covariates"),
        ({"contrasts": 3}, "contrasts: no such covariate"),
        ({"contrasts": np.ones((1, 4))}, r"contrasts: it has shape \(1, 4\)"),
        ({"covariance": "sp_exp"}, "coordinates: no coordinates are given"),
        ({"df": "between-within"}, "df: not offered for a batch"),
        ({"group": np.full(36, -1)}, "group: whole numbers from 0"),
        ({"threads": 0}, "threads: a whole number of threads from 1"),
        ({"responses": "a"}, "responses: not an array of numbers"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    y, z = simulated(2, 29)
    arguments: dict[str, object] = {"responses": y, "covariates": z, "contrasts": 2, **change}
    with pytest.raises(ArgumentError, match=message):
        mmrm_batch(
            arguments.pop("responses"),
            arguments.pop("covariates"),
            arguments.pop("contrasts"),
            **arguments,
        )


def test_refits_under_allocations_are_single_fits() -> None:
    y, z = simulated(1, 31)
    frame = long(y[0], z[0])
    formula = "y ~ base*visit + arm*visit"
    read = read_model_data(formula, frame, subject="id", visit="visit")
    rows = frame.filter(pl.col("y").is_not_null())
    codes = {
        "arm": rows["arm"].cast(pl.Int64).to_numpy(),
        "visit": rows["visit"].str.slice(1).cast(pl.Int64).to_numpy(),
    }
    numeric = {"base": rows["base"].to_numpy()}
    designs = np.stack(
        [design_rows(read, {**codes, "arm": np.full(len(rows), a)}, numeric) for a in (0, 1)]
    )
    rng = np.random.default_rng(2)
    allocations = np.stack([rng.permutation(z[0, :, 2]).astype(np.int64) for _ in range(4)])
    fit = mmrm(formula, frame, subject="id", visit="visit")
    _, grid = fit.lsmeans_matrix("arm", at={"visit": "V4"})
    estimate, se, df, ok = refit_under_allocations(
        designs, allocations, read.response, read.subject, read.visit, VISITS, grid[1] - grid[0]
    )
    assert ok.all()
    for b, allocation in enumerate(allocations):
        changed = frame.with_columns(arm=pl.Series(np.repeat(allocation, VISITS).astype(str)))
        one = mmrm(formula, changed, subject="id", visit="visit").contrasts("arm", by="visit")
        assert estimate[b, 0] == pytest.approx(one["estimate"][-1], rel=1e-9)
        assert se[b, 0] == pytest.approx(one["se"][-1], rel=1e-9)
        assert df[b, 0] == pytest.approx(one["df"][-1], rel=1e-9)


def test_chunks_cover_everything_once_and_pass_errors_on() -> None:
    seen = np.zeros(97, dtype=int)

    def call(begin: int, end: int) -> None:
        seen[begin:end] += 1

    for threads in (1, 2, 5):
        seen[:] = 0
        in_chunks(call, 97, 1e7, threads)
        assert (seen == 1).all()

    def fails(begin: int, end: int) -> None:
        raise RuntimeError(f"at {begin}")

    with pytest.raises(RuntimeError, match="at "):
        in_chunks(fails, 97, 1e7, 2)


def test_a_single_fit_never_loads_the_batch() -> None:
    import subprocess
    import sys

    code = (
        "import sys, polars as pl, numpy as np\n"
        "from equipoise.stats import mmrm\n"
        "rng = np.random.default_rng(1)\n"
        "d = pl.DataFrame({'id': np.repeat(range(20), 2), 'v': ['a', 'b'] * 20, 'y': rng.normal(size=40)})\n"
        "mmrm('y ~ v', d, subject='id', visit='v')\n"
        "print('equipoise.stats.kernels.batch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert load_batch_kernels() is load_batch_kernels()
