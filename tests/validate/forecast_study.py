"""Honest tests of a forecast at 36 and 200 people: the study behind its page.

All of it is SIMULATED. `python tests/validate/forecast_study.py` writes
docs/reference/forecast-study.md; it takes two or three minutes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from equipoise.stats.distributions import t_quantile
from equipoise.stats.forecast import (
    Target,
    bootstrap_optimism,
    fit_ridge_forecast,
    gains,
    nested_validation,
    outer_folds,
    permuted_orders,
    predictor_columns,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "forecast-study.md"
SEED = 20261123
PENALTIES = np.array([0.01, 0.1, 1.0, 10.0, 1000.0])
#: Baseline markers and early changes, of which one carries the link.
MARKERS = 5
FOLDS, REPEATS, PERMUTATIONS = 5, 2, 99
#: People -> trials.
DEFAULT = {36: 200, 200: 60}
#: Markers and penalty (per participant) of the pooled leave-one-out AUC.
POOLED = ((3, 1.0), (3, 10.0), (8, 1.0), (8, 10.0), (20, 1.0))


@dataclass(frozen=True)
class Scenario:
    """People, points of the outcome per SD of the one early change that counts, and whether
    anything does (`null`: neither arm nor score)."""

    n: int
    link: float
    null: bool = False

    @property
    def name(self) -> str:
        if self.null:
            return "nothing counts"
        return "link on" if self.link else "link off"

    @property
    def stream(self) -> np.random.Generator:
        return np.random.default_rng([SEED, self.n, round(10 * self.link), int(self.null)])


def simulate(scenario: Scenario, rng: np.random.Generator, n: int):
    """Columns (arm, stratum, score, markers, early changes), outcomes, and limits of response."""
    arm, stratum = (np.arange(n) % 3 != 0) * 1.0, (np.arange(n) < n // 2) * 1.0
    score = np.round(rng.normal(22, 4, n))
    markers, early = rng.normal(size=(n, MARKERS)), rng.normal(size=(n, MARKERS))
    early += 0.7 * arm[:, None]
    y = -8.0 + rng.normal(size=n) * 5
    if not scenario.null:
        y += -4.0 * arm - 0.4 * (score - 22) - scenario.link * early[:, 0]
    x = np.column_stack([arm, stratum, score, markers, early])
    return x, y, -0.5 * score


@dataclass(frozen=True)
class Finding:
    """Rates in percent, means, over trials."""

    scenario: Scenario
    trials: int
    permutation: dict[str, float]
    gain: dict[str, float] | None = None
    covered: float = math.nan
    left_out: float = math.nan
    truth: float = math.nan
    corrected: float = math.nan


def study(scenario: Scenario, trials: int) -> Finding:
    """Trials one after another; R² of left-out people beside that in 2,000 new ones."""
    rng = scenario.stream
    p = 3 + 2 * MARKERS
    mask = np.arange(p) > 2
    rejected = {"auc": 0, "r2": 0}
    gained = {"r2": 0, "auc": 0, "brier": 0}
    covered, left_out, truth, corrected = [], [], [], []
    for _ in range(trials):
        x, y, limit = simulate(scenario, rng, scenario.n)
        # Whoever responds is labelled in the permuted pair with the outcome.
        target = Target(y, limit, y <= limit)
        blocks = (2 * x[:, 0] + x[:, 1]).astype(int)
        fold = outer_folds(blocks, FOLDS, REPEATS, rng)
        orders = permuted_orders(blocks, PERMUTATIONS, rng)
        if scenario.null:
            # The pair is exchangeable given all that is known: the very null that is tested.
            lent = permuted_orders(blocks, 1, rng)[1]
            target = Target(y[lent], limit, target.response[lent])
        given = {"blocks": blocks, "fold": fold, "penalties": PENALTIES, "inner_folds": 5,
                 "generator": rng}  # fmt: skip
        whole = predictor_columns(x, mask)
        run = nested_validation(whole, target, orders=orders, **given)
        measures = run.measures()
        for name in rejected:
            values = measures[name]
            p_value = (1 + (values[1:] >= values[0] - 1e-12).sum()) / (PERMUTATIONS + 1)
            rejected[name] += p_value <= 0.05
        if scenario.null:
            continue
        first = predictor_columns(x[:, : 3 + MARKERS], mask[: 3 + MARKERS])
        before = nested_validation(first, target, orders=orders[:1], **given)
        for name, found in gains(run.sums, before.sums, folds=FOLDS, alpha=0.05).items():
            if name in gained:
                gained[name] += found.lower > 0.0
        model = fit_ridge_forecast(
            x, target.y, mask, penalties=PENALTIES, repeats=2, generator=rng, blocks=blocks
        )
        new_x, new_y, _ = simulate(scenario, rng, 2000)
        predicted = model.predict(new_x)
        reach = t_quantile(0.975, model.df) * predicted.se
        covered.append(np.mean(np.abs(new_y - predicted.mean) < reach))
        truth.append(1 - np.mean((new_y - predicted.mean) ** 2) / np.mean((new_y - y.mean()) ** 2))
        left_out.append(measures["r2"][0])
        corrected.append(
            bootstrap_optimism(
                whole, target, blocks=blocks, draws=40, penalties=PENALTIES, inner_folds=5,
                inner_repeats=1, generator=rng, alpha=0.05,
            )["r2"].corrected
        )  # fmt: skip
    share = 100.0 / trials
    if scenario.null:
        return Finding(scenario, trials, {k: share * v for k, v in rejected.items()})
    return Finding(
        scenario, trials,
        {name: share * count for name, count in rejected.items()},
        {name: share * count for name, count in gained.items()},
        100.0 * float(np.mean(covered)), float(np.mean(left_out)), float(np.mean(truth)),
        float(np.mean(corrected)),
    )  # fmt: skip


def pooled_auc(n: int, markers: int, penalty: float, trials: int) -> tuple[float, float]:
    """Mean of the pooled leave-one-out AUC of ridge on two equal classes, and its error."""
    rng = np.random.default_rng([SEED, n, markers, round(10 * penalty)])
    found = []
    for _ in range(trials):
        x, r = rng.normal(size=(n, markers)), rng.permutation(np.arange(n) < n // 2)
        about, y = x - x.mean(axis=0), 2.0 * r - 1.0
        inverse = np.linalg.inv(about.T @ about + penalty * n * np.eye(markers))
        hat = 1 / n + about @ inverse @ about.T
        left = y - (y - hat @ y) / (1.0 - np.diag(hat))
        found.append(np.mean(left[r][:, None] > left[~r]))
    return float(np.mean(found)), float(np.std(found) / np.sqrt(trials))


def page(findings: list[Finding], pooled: list[tuple[int, int, float, float, float]]) -> str:
    """The page."""
    lines = [
        "# Tests of a forecast at 36 and 200 people",
        "",
        "SIMULATED; made by `tests/validate/forecast_study.py` and held by `make validate`. "
        f"People in two strata, 2 : 1, {MARKERS} baseline markers and {MARKERS} early changes of "
        "which one carries the link (3 points of the outcome per SD; SD of the errors 5 points). "
        f"{FOLDS} folds, {REPEATS} repeats, {PERMUTATIONS} permutations, tuning within. "
        "[Method](../methods/forecast-validation.md).",
        "",
        "“Nothing counts” is the null that the permutation tests: outcomes exchangeable within "
        "arm and stratum given everything else. With the link off arm and score at baseline "
        "still count, and the permutation finds them; the early changes add nothing, and the "
        "gain should be found in no more than 2.5 % of trials.",
        "",
        "| people | | trials | permutation p ≤ 0.05, AUC | R² | gain found, R² | AUC | Brier | "
        "coverage of 95 % intervals | R²: left-out people | new people | less optimism |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for f in findings:
        cells = [f.scenario.n, f.scenario.name, f.trials]
        cells += [f"{f.permutation[name]:.1f} %" for name in ("auc", "r2")]
        if f.gain is None:
            cells += ["–"] * 7
        else:
            cells += [f"{f.gain[name]:.1f} %" for name in ("r2", "auc", "brier")]
            cells += [f"{f.covered:.1f} %"]
            cells += [f"{value:.2f}" for value in (f.left_out, f.truth, f.corrected)]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    lines += [
        "",
        "Monte-Carlo error of a rate of 5 %: "
        + ", ".join(
            f"{100 * np.sqrt(0.0475 / t):.1f} % of {t} trials"
            for t in dict.fromkeys(f.trials for f in findings)
        )
        + ". New people are 2,000 of the same kind; the model they meet is trained on everybody, "
        "the left-out people’s on four fifths. “Less optimism” is what the training people show "
        "less the bootstrap’s optimism (40 samples).",
        "",
        "## Pooled leave-one-out",
        "",
        "Ridge regression on two classes of equal size that nothing predicts, everybody left out "
        "once and all pairs compared: an unbiased procedure would show 0.50.",
        "",
        "| people | markers | penalty per participant | mean AUC (error) |",
        "|---|---|---|---|",
    ]
    lines += [f"| {n} | {m} | {q:g} | {a:.3f} ({e:.3f}) |" for n, m, q, a, e in pooled]
    return "\n".join(lines) + "\n"


SCENARIOS = [
    Scenario(n, link, null)
    for n in DEFAULT
    for link, null in ((0.0, True), (0.0, False), (3.0, False))
]


def trials_of(scenario: Scenario) -> int:
    """More of them where only the permutation is run."""
    return DEFAULT[scenario.n] * (5 if scenario.null else 1)


def main() -> None:
    findings = []
    for scenario in SCENARIOS:
        findings.append(study(scenario, trials_of(scenario)))
        print(findings[-1], flush=True)
    pooled = [(n, m, q, *pooled_auc(n, m, q, 600)) for n in DEFAULT for m, q in POOLED]
    PAGE.write_text(page(findings, pooled), encoding="utf-8")


if __name__ == "__main__":
    main()
