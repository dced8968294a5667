"""Race one MMRM fit against its peers, in one run on one machine, and print the ratios.

    python benchmarks/mmrm_single_fit.py

Data: FEV (537 rows, 4 visits, 11 coefficients) of ../shared/data. Peers: a random-intercept fit
by statsmodels MixedLM (the nearest that Python has; a simpler model), and nlme::gls with the same
unstructured covariance where R is present. Each is timed in-process, warm, from a data frame.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import time
import warnings
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "fev_data.csv"
FORMULA = "FEV1 ~ RACE + SEX + ARMCD*AVISIT"
TERM = "ARMCD[T.TRT]:AVISIT[T.VIS4]"
GLS = """
suppressMessages(library(nlme))
d <- read.csv("{data}", stringsAsFactors = TRUE)
d <- d[!is.na(d$FEV1), ]
d$time <- as.integer(d$AVISIT)
fit <- function() gls(FEV1 ~ RACE + SEX + ARMCD * AVISIT, d,
  correlation = corSymm(form = ~ time | USUBJID), weights = varIdent(form = ~ 1 | AVISIT))
m <- fit()
cat(replicate({repeats}, system.time(fit())[["elapsed"]]), "\\n")
cat(coef(m)[["ARMCDTRT:AVISITVIS4"]], "\\n")
"""


def timed(action: Callable[[], object], repeats: int) -> list[float]:
    action()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return times


def race(repeats: int) -> list[tuple[str, list[float], float | None]]:
    """Name, seconds of each run, and the coefficient TERM where the model is the same."""
    import pandas as pd
    import polars as pl
    import statsmodels.formula.api as smf

    from equipoise.stats import compile_kernels, mmrm
    from equipoise.stats.model_data import read_model_data

    begin = time.perf_counter()
    compile_kernels()
    print(f"kernels ready after {time.perf_counter() - begin:.2f} s")

    frame = pl.read_csv(DATA, null_values="NA")
    columns = {"subject": "USUBJID", "visit": "AVISIT"}
    rows = []
    for df in ("kenward-roger", "satterthwaite"):
        fit = mmrm(FORMULA, frame, **columns, df=df)
        coefficient = dict(
            zip(fit.coefficients["term"], fit.coefficients["estimate"], strict=True)
        )[TERM]
        times = timed(
            lambda df=df: mmrm(FORMULA, frame, **columns, df=df).coefficients, 5 * repeats
        )
        rows.append((f"equipoise us, {df}, with coefficients", times, coefficient))
    means = timed(
        lambda: mmrm(FORMULA, frame, **columns).contrasts("ARMCD", by="AVISIT"), 5 * repeats
    )
    rows.append(("equipoise us, kenward-roger, with LS-mean contrasts", means, coefficient))
    design = timed(lambda: read_model_data(FORMULA, frame, **columns), 5 * repeats)
    rows.append(("  of which data frame and formula", design, None))

    used = pd.read_csv(DATA).dropna(subset=["FEV1"])

    def random_intercept() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return smf.mixedlm(
                "FEV1 ~ RACE + SEX + ARMCD*AVISIT", used, groups=used["USUBJID"]
            ).fit(reml=True)

    rows.append(("statsmodels MixedLM, random intercept", timed(random_intercept, repeats), None))
    if which("Rscript"):
        script = GLS.format(data=DATA, repeats=repeats)
        done = subprocess.run(
            ["Rscript", "-e", script], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            first, second = done.stdout.strip().splitlines()[-2:]
            times = [float(value) for value in first.split()]
            rows.append(("R nlme::gls us, fit only", times, float(second)))
        else:
            print("R is here, but not nlme:", done.stderr.strip().splitlines()[-1:])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    if not DATA.exists():
        raise SystemExit(f"{DATA} is not here: this race needs the FEV data of ../shared")
    rows = race(repeats)
    ours = statistics.median(rows[0][1])
    print(f"\n{'fit':<52}{'median':>10}{'ratio':>8}   {TERM}")
    for name, times, coefficient in rows:
        median = statistics.median(times)
        shown = "" if coefficient is None else f"{coefficient:.6f}"
        print(f"{name:<52}{1000 * median:>7.1f} ms{median / ours:>8.1f}   {shown}")


if __name__ == "__main__":
    main()
