"""Coverage and type I error of intervals for an indirect effect: the study behind its page.

All of it is SIMULATED. `python tests/validate/mediation_study.py` runs every scenario with its own
stream, and writes docs/reference/mediation-study.md and the figures that the report quotes.
"""

from __future__ import annotations

import itertools
import json
import math
import sys
from pathlib import Path

import numpy as np

from equipoise.stats.mediation import (
    bca_interval,
    bootstrap,
    estimate,
    left_out,
    mediation_data,
    percentile_interval,
    quasi_bayesian,
)

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "mediation-study.md"
STORE = ROOT / "src" / "equipoise" / "report" / "mediation_coverage.json"
SEED = 20261123
TRIALS, DRAWS = 500, 499
SIZES = (36, 200)
#: Standardised paths: treatment to mediator in SDs, mediator to outcome per SD, direct effect.
A, B, DIRECT = 0.8, -0.6, -0.4
METHODS = ("bca", "percentile", "quasi-bayesian")


def trial(n: int, a: float, b: float, generator: np.random.Generator):
    """Outcome, mediator, treatment, covariates and blocks of one trial, 1 : 2 in two strata."""
    treatment = (np.arange(n) % 3 != 0).astype(float)
    stratum = (np.arange(n) >= n // 2).astype(float)
    baselines = generator.standard_normal((n, 2))
    mediator = a * treatment - 0.3 * baselines[:, 0] + generator.standard_normal(n)
    outcome = DIRECT * treatment + b * mediator + 0.4 * baselines[:, 1] + 0.2 * stratum
    outcome += generator.standard_normal(n)
    block = (2 * treatment + stratum).astype(int)
    return outcome, mediator, treatment, np.column_stack([baselines, stratum]), block


def study(n: int, a: float, b: float, trials: int = TRIALS, draws: int = DRAWS):
    """A row a method: share of intervals that hold the true indirect effect."""
    place = [SEED, n, round(10 * a), abs(round(10 * b))]
    generator = np.random.default_rng(place)
    held = dict.fromkeys(METHODS, 0)
    beyond = dict.fromkeys(METHODS, 0)
    had = dict.fromkeys(METHODS, 0)
    for _ in range(trials):
        data = mediation_data(*trial(n, a, b, generator))
        drawn = bootstrap(data, draws, generator).indirect
        seen, without = float(estimate(data).indirect[0]), left_out(data).indirect
        found = {
            "bca": bca_interval(drawn, seen, without, data.block),
            "percentile": percentile_interval(drawn),
            "quasi-bayesian": percentile_interval(quasi_bayesian(data, draws, generator).indirect),
        }
        for method, one in found.items():
            if math.isfinite(one.lower):
                had[method] += 1
                held[method] += one.lower <= a * b <= one.upper
                beyond[method] += not one.lower <= 0.0 <= one.upper
    return [
        {
            "n": n,
            "a": a,
            "b": b,
            "method": method,
            "trials": had[method],
            "coverage": held[method] / had[method],
            "excludes_zero": beyond[method] / had[method],
        }
        for method in METHODS
    ]


def page(rows: list[dict], trials: int, draws: int) -> str:
    lines = [
        "# Intervals of an indirect effect: coverage and type I error",
        "",
        "Written by `tests/validate/mediation_study.py`. All of it is SIMULATED.",
        "",
        f"{trials:,} trials a scenario, 1 : 2 within two strata, {draws} bootstrap samples or "
        "draws in each; models with treatment–mediator interaction, fitted to data without one; "
        "normal errors; every assumption of the method met, no unmeasured confounding. a: effect "
        "of treatment on the mediator in residual SDs; b: slope of the outcome on the mediator; "
        "95 % intervals of the average indirect effect, true value a·b. Monte-Carlo error of a "
        f"rate of 95 %: {100 * math.sqrt(0.95 * 0.05 / trials):.1f} percentage points. Where a or b "
        "is 0 the share that excludes 0 is the type I error, else the power.",
        "",
        "| n | a | b | interval | trials | holds the truth, % | excludes 0, % |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r['n']} | {r['a']:g} | {r['b']:g} | {r['method']} | {r['trials']} | "
        f"{100 * r['coverage']:.1f} | {100 * r['excludes_zero']:.1f} |"
        for r in rows
    ]
    lines += [
        "",
        "With neither path the product of two estimates near 0 lies closer to 0 than any interval "
        "expects: all methods exclude 0 more seldom than in 5 % of trials. The report prints the "
        "rows at 36 beside its estimate. What these rates do not contain is bias by confounding: "
        "see [Mediation](../methods/mediation.md).",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    rows = []
    for n, (a, b) in itertools.product(SIZES, itertools.product((0.0, A), (0.0, B))):
        rows += study(n, a, b)
        print(rows[-3:], file=sys.stderr)
    PAGE.write_text(page(rows, TRIALS, DRAWS), encoding="utf-8")
    told = {"made_by": "tests/validate/mediation_study.py", "trials": TRIALS, "draws": DRAWS}
    STORE.write_text(json.dumps({**told, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
