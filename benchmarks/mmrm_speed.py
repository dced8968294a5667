"""Race the mixed model against its peers, in one run on one machine, and print the ratios.

    python benchmarks/mmrm_speed.py              # everything but compiling, about two minutes
    python benchmarks/mmrm_speed.py batch fev    # parts by name
    python benchmarks/mmrm_speed.py compile      # all kernels into an empty folder

Parts: batch, fev, frame, visits, growth, structures, compile. Data: FEV (537 rows, 4 visits, 11
coefficients) of ../shared/data where it is there, otherwise simulated. Peers where they are
installed: R's nlme::gls with the same covariance, statsmodels MixedLM with a random intercept (a
simpler model). Every time is in-process, warm, the best and the median of several runs; the best
is what the machine can do when nobody else uses it.

Operations are counted by hand from the sizes (a fused multiplication and addition counts two),
and set against the rate of a matrix product measured in the same run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import polars as pl

    from equipoise.stats.model_data import ModelData

FEV = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "fev_data.csv"
FORMULA = "FEV1 ~ RACE + SEX + ARMCD*AVISIT"
COLUMNS = {"subject": "USUBJID", "visit": "AVISIT"}
TERM = "ARMCD[T.TRT]:AVISIT[T.VIS4]"
GLS = """
suppressMessages(library(nlme))
d <- read.csv("{data}", stringsAsFactors = TRUE)
d <- d[!is.na(d${response}), ]
d$time <- as.integer(d${visit})
fit <- function() gls({formula}, d,
  correlation = corSymm(form = ~ time | {subject}), weights = varIdent(form = ~ 1 | {visit}))
m <- fit()
cat(replicate({repeats}, system.time(fit())[["elapsed"]]), "\\n")
"""


@dataclass(frozen=True)
class Timing:
    """Seconds of several runs."""

    runs: list[float]

    @property
    def best(self) -> float:
        return min(self.runs)

    @property
    def median(self) -> float:
        return statistics.median(self.runs)


def timed(action: Callable[[], object], repeats: int) -> Timing:
    action()
    runs = []
    for _ in range(repeats):
        begin = time.perf_counter()
        action()
        runs.append(time.perf_counter() - begin)
    return Timing(runs)


def shown(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{1e6 * seconds:.0f} µs"
    return f"{1e3 * seconds:.2f} ms" if seconds < 1.0 else f"{seconds:.2f} s"


def line(name: str, timing: Timing, per: int = 1, note: str = "") -> None:
    best, median = shown(timing.best / per), shown(timing.median / per)
    print(f"  {name:<58}{best:>10} best {median:>10} median   {note}")


def peak() -> float:
    """Operations a second of a double-precision matrix product on one thread of BLAS."""
    import numpy as np

    a = np.random.default_rng(0).normal(size=(700, 700))
    best = timed(lambda: a @ a, 10).best
    return 2.0 * 700**3 / best


def operations_of_fit(
    rows: int, pseudo: int, patterns: int, visits: int, q: int, evaluations: int, groups: int = 1
) -> float:
    """Multiplications and additions of one fit from compressed rows, with Kenward–Roger."""
    k = groups * visits * (visits + 1) // 2
    packed = q * (q + 1) / 2
    once = (
        rows * visits / 2 * q  # whitening
        + rows * q * q / 2  # [X y]'V⁻¹[X y]
        + rows * q * q  # unit rows
        + pseudo * (visits * q) ** 2 / 2  # products of whitened rows
        + patterns * 2 * k * k  # pairs of projections
        + k * k / 2 * packed  # the Hessian's products of moments
        + k**3 / 6
    )
    p = q - 1
    after = k * p * p + k * k / 2 * p + patterns * 4 * k * k + pseudo * visits * p
    return 2.0 * (evaluations * once + after)


def share(operations: float, seconds: float, rate: float) -> str:
    achieved = operations / seconds
    return (
        f"{operations / 1e6:.2f} Mflop, {achieved / 1e9:.1f} Gflop/s, "
        f"{100 * achieved / rate:.0f} % of a matrix product"
    )


# -- trials of the batch ------------------------------------------------------------------------


def small_trials(trials: int) -> tuple[np.ndarray, np.ndarray]:
    """SIMULATED: 36 participants 2:1, 5 visits, a quarter drops out."""
    import numpy as np

    rng = np.random.default_rng(2024)
    baseline = rng.normal(25.0, 4.0, (trials, 36))
    arm = np.tile((np.arange(36) % 3 != 0).astype(float), (trials, 1))
    root = np.linalg.cholesky(36.0 * (0.6 + 0.4 * np.eye(5)))
    y = 0.5 * (baseline - 25.0)[:, :, None] + rng.normal(size=(trials, 36, 5)) @ root.T
    gone = rng.random(y.shape) < 0.06
    gone[:, :, 0] = False
    y[np.maximum.accumulate(gone, axis=2)] = np.nan
    return y, np.stack([np.ones((trials, 36)), baseline, arm], axis=2)


def race_batch(repeats: int, rate: float) -> None:
    import numpy as np
    import polars as pl

    from equipoise.stats import mmrm, mmrm_batch
    from equipoise.stats.threads import available_threads

    trials = 10_000
    y, z = small_trials(trials)
    crossed = [True, False, True]
    print(f"\nBatch: {trials} SIMULATED trials of 36 participants, 5 visits, us, Kenward–Roger")
    results = {}
    for threads in dict.fromkeys((1, available_threads())):
        timing = timed(
            lambda threads=threads: mmrm_batch(y, z, 2, crossed=crossed, threads=threads),
            max(3, repeats // 2),
        )
        results[threads] = timing
        operations = operations_of_fit(40, 9, 4, 5, 12, 5)
        line(
            f"equipoise mmrm_batch, {threads} thread(s), a fit",
            timing,
            trials,
            share(operations, timing.best / trials * 1, rate * threads),
        )
    frame = pl.DataFrame(
        {
            "id": np.repeat(np.arange(36), 5),
            "visit": np.tile([f"V{t}" for t in range(5)], 36),
            "base": np.repeat(z[0, :, 1], 5),
            "arm": np.repeat(z[0, :, 2], 5),
            "y": y[0].ravel(),
        }
    ).with_columns(pl.col("y").fill_nan(None), pl.col("arm").cast(pl.Int64).cast(pl.String))
    single = timed(
        lambda: mmrm("y ~ base + arm*visit", frame, subject="id", visit="visit").contrasts(
            "arm", by="visit"
        ),
        repeats,
    )
    line("equipoise mmrm, one trial from a data frame", single)
    peer(
        frame,
        "y ~ base + factor(arm) * visit",
        "y",
        "visit",
        "id",
        repeats,
        results[1].best / trials,
    )


def peer(
    frame: pl.DataFrame,
    formula: str,
    response: str,
    visit: str,
    subject: str,
    repeats: int,
    ours: float,
) -> None:
    """nlme::gls with the same covariance, fit only."""
    if not which("Rscript"):
        print("  R is not here: nlme::gls does not race")
        return
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.csv"
        frame.write_csv(data, null_value="NA")
        script = GLS.format(
            data=data,
            response=response,
            visit=visit,
            subject=subject,
            formula=formula,
            repeats=repeats,
        )
        done = subprocess.run(
            ["Rscript", "-e", script], capture_output=True, text=True, check=False
        )
    if done.returncode:
        print("  R is here, but not nlme:", done.stderr.strip().splitlines()[-1:])
        return
    runs = [float(value) for value in done.stdout.strip().splitlines()[-1].split()]
    timing = Timing(runs)
    line("R nlme::gls us, fit only", timing, 1, f"ratio {timing.best / ours:,.0f}")


# -- one fit ------------------------------------------------------------------------------------


def fev() -> pl.DataFrame:
    import numpy as np
    import polars as pl

    if FEV.exists():
        return pl.read_csv(FEV, null_values="NA")
    rng = np.random.default_rng(3)
    print("  (the FEV data are not here: SIMULATED data of the same shape)")
    n = 200
    y = 40.0 + rng.normal(size=(n, 1)) * 4.0 + rng.normal(size=(n, 4)) * 6.0
    y[rng.random(y.shape) < 0.33] = np.nan
    return pl.DataFrame(
        {
            "USUBJID": np.repeat(np.arange(n), 4),
            "AVISIT": np.tile([f"VIS{j}" for j in range(1, 5)], n),
            "ARMCD": np.repeat(np.where(np.arange(n) % 2 == 0, "PBO", "TRT"), 4),
            "RACE": np.repeat(rng.choice(["Asian", "Black", "White"], n), 4),
            "SEX": np.repeat(rng.choice(["Female", "Male"], n), 4),
            "FEV1": y.ravel(),
        }
    ).with_columns(pl.col("FEV1").fill_nan(None))


def fit_arrays(read: ModelData, word: str = "us", df: str = "kenward-roger") -> object:
    from equipoise.stats.repeated_measures import fit_model
    from equipoise.stats.vocabulary import (
        CoefficientCovariance,
        CovarianceStructure,
        DegreesOfFreedom,
        Likelihood,
        parse_word,
    )

    return fit_model(
        read,
        structure=parse_word(CovarianceStructure, word, "covariance"),
        likelihood=Likelihood.REML,
        df_method=parse_word(DegreesOfFreedom, df, "df"),
        vcov=CoefficientCovariance.MODEL,
        alpha=0.05,
    )


def race_fev(repeats: int, rate: float) -> None:
    from equipoise.stats.model_data import read_model_data

    print("\nSingle fit: FEV, 537 rows, 4 visits, 11 coefficients, us, Kenward–Roger")
    frame = fev()
    read = read_model_data(FORMULA, frame, **COLUMNS)
    ours = timed(lambda: fit_arrays(read), 20 * repeats)
    operations = operations_of_fit(200, 68, 15, 4, 12, 6)
    line("equipoise, from arrays", ours, 1, share(operations, ours.best, rate))
    peer(
        frame, "FEV1 ~ RACE + SEX + ARMCD * AVISIT", "FEV1", "AVISIT", "USUBJID", repeats, ours.best
    )
    statsmodels(frame, repeats, ours.best)
    print("  not run here: R mmrm 0.3.18, fit and summary 110 ms on a 2-core machine like it")


def statsmodels(frame: pl.DataFrame, repeats: int, ours: float) -> None:
    import pandas as pd
    import statsmodels.formula.api as smf

    used = pd.DataFrame(frame.to_dict(as_series=False)).dropna(subset=["FEV1"])

    def random_intercept() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return smf.mixedlm(
                "FEV1 ~ RACE + SEX + ARMCD*AVISIT", used, groups=used["USUBJID"]
            ).fit(reml=True)

    timing = timed(random_intercept, repeats)
    line(
        "statsmodels MixedLM, random intercept, from a data frame",
        timing,
        1,
        f"ratio {timing.best / ours:,.0f}",
    )


def race_frame(repeats: int, rate: float) -> None:
    from equipoise.stats import mmrm
    from equipoise.stats.model_data import read_model_data

    del rate
    print("\nFrom data frame and formula to coefficients and LS means: FEV")
    frame = fev()

    def whole() -> object:
        fit = mmrm(FORMULA, frame, **COLUMNS)
        return fit.coefficients, fit.lsmeans("ARMCD", by="AVISIT")

    line("equipoise, everything", timed(whole, 5 * repeats))
    line(
        "  of which reading the frame",
        timed(lambda: read_model_data(FORMULA, frame, **COLUMNS), 5 * repeats),
    )
    print("  not run here: R mmrm 0.3.18 with LS means 197 ms on a 2-core machine like it")


def wide_trial(participants: int, visits: int, loss: float, gaps: float) -> pl.DataFrame:
    """SIMULATED rows of one trial with dropout and gaps."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(9)
    base = rng.normal(size=participants)
    arm = np.arange(participants) % 2
    root = np.linalg.cholesky(0.5 + 0.5 * np.eye(visits))
    y = 0.3 * base[:, None] + rng.normal(size=(participants, visits)) @ root.T
    gone = rng.random(y.shape) < loss
    gone[:, 0] = False
    gone = np.maximum.accumulate(gone, axis=1) | (rng.random(y.shape) < gaps)
    y[gone] = np.nan
    y[np.isnan(y).all(axis=1), 0] = 0.0
    return pl.DataFrame(
        {
            "id": np.repeat(np.arange(participants), visits),
            "visit": np.tile([f"V{t:02}" for t in range(visits)], participants),
            "base": np.repeat(base, visits),
            "arm": np.repeat(np.where(arm == 0, "a", "b"), visits),
            "race": np.repeat(rng.choice(["r", "s", "t"], participants), visits),
            "y": y.ravel(),
        }
    ).with_columns(pl.col("y").fill_nan(None))


def race_visits(repeats: int, rate: float) -> None:
    from equipoise.stats.compressed_rows import index_patterns
    from equipoise.stats.model_data import read_model_data

    frame = wide_trial(1000, 10, 0.02, 0.035)
    read = read_model_data("y ~ base + race + arm*visit", frame, subject="id", visit="visit")
    n, p = read.design.shape
    index = index_patterns(read.subject, read.visit, 10)
    patterns = len(index.counts)
    print(
        f"\nMany visits: SIMULATED, 1000 participants, 10 visits, {n} rows, {p} coefficients, "
        f"55 covariance parameters, {patterns} patterns"
    )
    timing = timed(lambda: fit_arrays(read), 3 * repeats)
    pseudo = int(sum(min(c, 5) for c in index.counts))
    rows = int(sum(min(c, 5) * m for c, m in zip(index.counts, index.n_visits, strict=True)))
    operations = operations_of_fit(rows, pseudo, patterns, 10, p + 1, 4)
    line("equipoise, from arrays", timing, 1, share(operations, timing.best, rate))
    print("  not run here: R mmrm 0.3.18, 8,605 rows and 107 patterns, Kenward–Roger 37.3 s")


def race_growth(repeats: int, rate: float) -> None:
    import resource

    from equipoise.stats import mmrm
    from equipoise.stats.model_data import read_model_data

    del rate
    print("\nGrowth: SIMULATED, 5 visits, us, Kenward–Roger")
    formula = "y ~ base + race + arm*visit"
    for participants in (2_000, 20_000, 200_000):
        frame = wide_trial(participants, 5, 0.025, 0.0)
        read = read_model_data(formula, frame, subject="id", visit="visit")
        n, p = read.design.shape
        timing = timed(lambda read=read: fit_arrays(read), repeats)
        line(f"equipoise, from arrays, {n:>9,} rows, {p} coefficients", timing)
        if participants == 200_000:
            whole = timed(lambda frame=frame: mmrm(formula, frame, subject="id", visit="visit"), 2)
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            line("equipoise, from a data frame", whole, 1, f"{used:.2f} GB at most in this process")


def race_structures(repeats: int, rate: float) -> None:
    from dataclasses import replace

    from equipoise.stats import CovarianceStructure
    from equipoise.stats.model_data import read_model_data

    del rate
    print("\nStructures: FEV, from arrays, Kenward–Roger")
    read = read_model_data(FORMULA, fev(), **COLUMNS)
    spatial = replace(read, coordinates=read.visit[:, None].astype(float))
    first = None
    for structure in CovarianceStructure:
        data = spatial if structure.word == "sp_exp" else read
        timing = timed(lambda data=data, word=structure.word: fit_arrays(data, word), 10 * repeats)
        first = first or timing.best
        line(f"equipoise {structure.word}", timing, 1, f"{timing.best / first:.1f} × us")


COMPILE = """
import time
begin = time.perf_counter()
from equipoise.stats import kernel_cache
import numba
print(f"  importing Numba {time.perf_counter() - begin:6.1f} s")
last = [time.perf_counter()]
def told(name):
    now = time.perf_counter()
    if told.name:
        print(f"  {told.name:<48}{now - last[0]:6.1f} s")
    told.name, last[0] = name, now
told.name = ""
begin = time.perf_counter()
kernel_cache.compile_kernels(told)
told("")
print(f"  all kernels {time.perf_counter() - begin:.1f} s")
"""
FIRST = """
import time
begin = time.perf_counter()
import numpy as np, polars as pl
from equipoise.stats import mmrm
rng = np.random.default_rng(1)
data = pl.DataFrame({"id": np.repeat(np.arange(40), 3), "visit": ["a", "b", "c"] * 40,
                     "arm": np.repeat(["x", "y"] * 20, 3), "y": rng.normal(size=120)})
mmrm("y ~ arm*visit", data, subject="id", visit="visit").coefficients
print(f"  a first fit in a fresh process, imports included: {time.perf_counter() - begin:.2f} s")
"""


def race_compile(repeats: int, rate: float) -> None:
    del repeats, rate
    print("\nCompiling into an empty folder")
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "XDG_CACHE_HOME": folder}
        environment.pop("NUMBA_CACHE_DIR", None)
        for code in (COMPILE, FIRST, FIRST):
            done = subprocess.run(
                [sys.executable, "-c", code],
                env=environment,
                check=True,
                capture_output=True,
                text=True,
            )
            print(done.stdout.rstrip())
        print("  the same for a user who only fits one model, from nothing:")
    with tempfile.TemporaryDirectory() as folder:
        environment["XDG_CACHE_HOME"] = folder
        done = subprocess.run(
            [sys.executable, "-c", FIRST],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        print(done.stdout.rstrip())


PARTS = {
    "batch": race_batch,
    "fev": race_fev,
    "frame": race_frame,
    "visits": race_visits,
    "growth": race_growth,
    "structures": race_structures,
    "compile": race_compile,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], default=[])
    parser.add_argument("--repeats", type=int, default=7)
    given = parser.parse_args()
    from equipoise.stats import compile_kernels

    compile_kernels()
    rate = peak()
    load = f"; load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"A matrix product runs at {rate / 1e9:.0f} Gflop/s here{load}.")
    for name in given.parts or [part for part in PARTS if part != "compile"]:
        PARTS[name](given.repeats, rate)


if __name__ == "__main__":
    main()
