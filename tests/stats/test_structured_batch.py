"""Structured covariances by the compiled kernels: batch against single fit against its twin."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from test_batch import long, simulated

from equipoise.stats import ArgumentError, BatchFits, CovarianceStructure, MMRMFit, mmrm, mmrm_batch
from equipoise.stats.convergence import Outcome
from equipoise.stats.covariance_layout import covariance_layout
from equipoise.stats.covariance_start import covariance_model
from equipoise.stats.design_checks import orthonormal_design
from equipoise.stats.patterns import group_by_pattern
from equipoise.stats.restricted_likelihood import Labels, maximise

WORDS = [member.word for member in CovarianceStructure if member.word != "us"]
DAYS = np.array([0.0, 2.0, 3.0, 7.0, 9.0])


def batch(word: str, y: np.ndarray, z: np.ndarray, **options: object) -> BatchFits:
    if word == "sp_exp":
        options["coordinates"] = DAYS
    return mmrm_batch(y, z, 2, crossed=[True, False, True], covariance=word, **options)


def single(
    word: str, y: np.ndarray, z: np.ndarray, group: np.ndarray | None = None, **options: object
) -> MMRMFit:
    frame = long(y, z, group).with_columns(day=pl.Series(np.tile(DAYS, len(y))))
    if word == "sp_exp":
        options["coordinates"] = "day"
    if group is not None:
        options["group"] = "group"
    return mmrm(
        "y ~ base + arm*visit", frame, subject="id", visit="visit", covariance=word, **options
    )


def same(fits: BatchFits, b: int, fit: MMRMFit) -> None:
    """The kernels are the same, the rows compressed in another way: rounding only."""
    one = fit.contrasts("arm", by="visit")
    for name, ours in (("estimate", fits.estimate), ("se", fits.se), ("df", fits.df)):
        assert ours[b] == pytest.approx(one[name].to_numpy(), rel=1e-10), name


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("method", ["reml", "ml"])
def test_every_trial_is_the_single_fit(word: str, method: str) -> None:
    y, z = simulated(2, 11)
    df = "kenward-roger" if method == "reml" else "satterthwaite"
    fits = batch(word, y, z, method=method, df=df)
    assert fits.converged.all()
    for b in range(2):
        fit = single(word, y[b], z[b], method=method, df=df)
        same(fits, b, fit)
        assert fits.covariance[b] == pytest.approx(fit.covariance, rel=1e-8)
        assert fits.minus2_log_likelihood[b] == pytest.approx(fit.minus2_log_likelihood, abs=1e-8)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("method", ["reml", "ml"])
def test_groups_with_a_covariance_each(word: str, method: str) -> None:
    y, z = simulated(1, 5, participants=60)
    group = z[0, :, 2].astype(int)
    df = "kenward-roger" if method == "reml" else "satterthwaite"
    fits = batch(word, y, z, group=group, method=method, df=df)
    fit = single(word, y[0], z[0], group, method=method, df=df)
    same(fits, 0, fit)
    assert isinstance(fit.covariance, dict)
    for g, matrix in enumerate(fit.covariance.values()):
        assert fits.covariance[0, g] == pytest.approx(matrix, rel=1e-8)


@pytest.mark.parametrize("word", WORDS)
def test_the_forms_of_kenward_roger_and_the_residual_df(word: str) -> None:
    y, z = simulated(1, 41)
    for df in ("kenward-roger-firstorder", "residual"):
        same(batch(word, y, z, df=df), 0, single(word, y[0], z[0], df=df))
    full = batch(word, y, z)
    first = batch(word, y, z, df="kenward-roger-firstorder")
    linear = CovarianceStructure[next(m.name for m in CovarianceStructure if m.word == word)].linear
    assert (np.max(np.abs(full.se / first.se - 1.0)) < 1e-12) == linear


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("groups", [1, 2])
def test_the_optimum_is_that_of_the_optimiser_in_python(word: str, reml: bool, groups: int) -> None:
    """Another optimiser on another likelihood kernel: no step and no derivative is shared."""
    y, z = simulated(1, 43, participants=50)
    group = np.arange(50) % 2 if groups == 2 else None
    fit = single(word, y[0], z[0], group, method="reml" if reml else "ml", df="satterthwaite")
    read = fit.data
    ortho, _, log_root = orthonormal_design(read, read.design)
    residuals = read.response - ortho @ (ortho.T @ read.response)
    layout = covariance_layout(read, fit.structure)
    patterns = group_by_pattern(
        read.subject,
        layout.position,
        np.column_stack([ortho, residuals]),
        layout.size,
        layout.block,
    )
    model, start = covariance_model(
        read, fit.structure, layout, patterns, residuals, ortho, reml=reml
    )
    optimum = maximise(model, start, Labels(read.visits, read.group_levels, word))
    n, p = read.design.shape
    value = optimum.at.value + (n - p if reml else n) * np.log(2.0 * np.pi)
    value += 2.0 * log_root if reml else 0.0
    assert fit.minus2_log_likelihood == pytest.approx(value, abs=1e-9 * abs(value))


@pytest.mark.parametrize("word", WORDS)
def test_bit_for_bit_the_same_for_any_number_of_threads(word: str) -> None:
    y, z = simulated(24, 7)
    one, more = batch(word, y, z, threads=1), batch(word, y, z, threads=3)
    for name in ("estimate", "se", "df", "minus2_log_likelihood", "covariance", "outcome"):
        assert np.array_equal(getattr(one, name), getattr(more, name), equal_nan=True), name


@pytest.mark.parametrize("word", ["cs", "toeph"])
def test_a_trial_that_fails_leaves_the_others_alone(word: str) -> None:
    y, z = simulated(4, 13)
    y[1] = 4.0  # constant
    y[2, 2:] = np.nan  # hardly anybody
    z[3, :, 1] = z[3, :, 2]  # baseline is the arm
    fits = batch(word, y, z)
    assert fits.converged.tolist() == [True, False, False, False]
    assert np.array_equal(fits.estimate[0], batch(word, y[:1], z[:1]).estimate[0])
    assert np.isnan(fits.estimate[1:]).all()
    words = [fits.outcomes[code] for code in fits.outcome]
    assert words[1] is Outcome.CONSTANT
    assert words[2] is words[3] is Outcome.RANK


def test_no_correlation_that_falls_with_distance_is_named() -> None:
    rng = np.random.default_rng(3)
    y, z = simulated(1, 47)
    y = np.where(np.isnan(y), np.nan, rng.normal(size=y.shape))
    y -= 0.9 * np.nanmean(y, axis=2, keepdims=True)  # negative correlations
    fits = batch("sp_exp", y, z)
    assert fits.outcomes[fits.outcome[0]] is Outcome.NO_CORRELATION


def test_coordinates_in_one_dimension_or_more() -> None:
    y, z = simulated(2, 53)
    line = batch("sp_exp", y, z)
    plane = mmrm_batch(
        y,
        z,
        2,
        crossed=[True, False, True],
        covariance="sp_exp",
        coordinates=np.column_stack([0.6 * DAYS, 0.8 * DAYS]),
    )
    assert plane.se == pytest.approx(line.se, rel=1e-10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"covariance": "cs", "coordinates": DAYS}, "the covariance does not use them"),
        ({"coordinates": DAYS[:3]}, r"coordinates: they have shape \(3,\)"),
        ({"coordinates": [1, 2, 3, 4, np.nan]}, "coordinates: they have shape"),
        ({"coordinates": [1, 2, 2, 3, 4]}, "two visits lie at the same place"),
        ({"coordinates": "week"}, "coordinates: not an array of numbers"),
        ({"responses": np.zeros((1, 36, 1))}, "there is one visit only"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    y, z = simulated(1, 29)
    arguments: dict[str, object] = {"responses": y, "covariance": "sp_exp", **change}
    with pytest.raises(ArgumentError, match=message):
        mmrm_batch(arguments.pop("responses"), z, 2, **arguments)


def test_an_unstructured_fit_never_waits_for_the_structured_kernels() -> None:
    import subprocess
    import sys

    code = (
        "import sys, numpy as np\n"
        "from equipoise.stats import mmrm_batch\n"
        "y = np.random.default_rng(1).normal(size=(2, 20, 2))\n"
        "mmrm_batch(y, np.ones((20, 1)), 0)\n"
        "print([m for m in sys.modules if '.kernels.struct' in m])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
