"""Level, coverage and power of the slope within arms in simulated trials.

The early change and the outcome rise from one normal model: with the link each SD of the early
change within arms goes with a fixed number of points. Outcomes are lost at random given the early
score: who improved little by then leaves more often. Complete cases and imputation are held side
by side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from equipoise.stats.early_change import associate, impute_markers, landmark_data
from equipoise.stats.imputation.pooling import rubin

#: Points per SD of the early change; the residual SD of the outcome is 4.
LINK = {"off": 0.0, "on": -2.0}
SIZES = (36, 200)
LOSS = ("nobody lost", "15 % early, 20 % late lost")
IMPUTATIONS = 20
_SD = 4.0


@dataclass(frozen=True, slots=True)
class Found:
    """Rates in per cent, of `trials` that had a slope; the bias in points per SD."""

    n: int
    link: str
    loss: str
    method: str
    trials: int
    rejected: float
    covered: float
    bias: float
    width: float

    @property
    def error(self) -> float:
        """Monte-Carlo error of a rate near 5 %, in per cent."""
        return 100.0 * (0.05 * 0.95 / self.trials) ** 0.5


def simulate(
    n: int, link: float, *, lost: bool, trials: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Arrays (trials, n): 2:1 in two strata; NaN where a value is lost."""
    arm = np.tile([1, 1, 0], n // 3 + 1)[:n]
    stratum = np.repeat([0, 1], [n // 2, n - n // 2])
    shape = (trials, n)
    baseline = rng.normal(22.0, 4.0, shape)
    marker = rng.normal(2.0, 0.3, shape)
    own = rng.normal(size=shape)
    early = 0.8 * arm + own - 0.5 * (marker - 2.0)
    score = -1.5 + 0.3 * link * own + rng.normal(0.0, 2.0, shape)
    outcome = -8.0 - 2.0 * arm - 0.4 * (baseline - 22.0) + link * own + 0.8 * (score + 1.5)
    outcome = outcome + rng.normal(0.0, _SD, shape)
    slope = link + 0.8 * 0.3 * link
    if lost:
        early = np.where(rng.random(shape) < 0.15, np.nan, early)
        chance = 1.0 / (1.0 + np.exp(1.6 - 0.5 * (score + 1.5)))
        outcome = np.where(rng.random(shape) < chance, np.nan, outcome)
    return {
        "arm": np.broadcast_to(arm, shape),
        "stratum": np.broadcast_to(stratum, shape),
        "baseline": baseline,
        "marker": marker,
        "early": early,
        "score": score,
        "outcome": outcome,
        "slope": np.array(slope),
    }


def study(n: int, link: str, loss: str, method: str, trials: int) -> Found:
    """One cell of the table; the same trials for both methods."""
    seed = [20240401, n, list(LINK).index(link), LOSS.index(loss)]
    rng = np.random.default_rng(seed)
    data = simulate(n, LINK[link], lost=loss != LOSS[0], trials=trials, rng=rng)
    if method == "complete cases":
        found = associate(
            landmark_data(
                data["outcome"], data["early"], [data["baseline"], data["marker"]],
                data["arm"], data["stratum"],
            )
        )  # fmt: skip
        estimate, lower, upper = found.slope, found.lower, found.upper
    else:
        rows = [_imputed(data, trial, rng) for trial in range(trials)]
        estimate, lower, upper = np.array(rows).T
    true = float(data["slope"])
    known = np.isfinite(estimate)
    return Found(
        n=n,
        link=link,
        loss=loss,
        method=method,
        trials=int(known.sum()),
        rejected=100.0 * float(np.mean((lower[known] > 0.0) | (upper[known] < 0.0))),
        covered=100.0 * float(np.mean((lower[known] <= true) & (true <= upper[known]))),
        bias=float(estimate[known].mean() - true),
        width=float((upper - lower)[known].mean()),
    )


def _imputed(
    data: dict[str, np.ndarray], trial: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    own = {name: values[trial] for name, values in data.items() if name != "slope"}
    fixed = np.column_stack(
        [own["arm"], own["stratum"], own["baseline"], own["marker"], own["score"]]
    )
    drawn = impute_markers(np.column_stack([own["early"], own["outcome"]]), fixed, IMPUTATIONS, rng)
    wide = (IMPUTATIONS, len(own["arm"]))
    found = associate(
        landmark_data(
            drawn[:, :, 1],
            drawn[:, :, 0],
            [np.broadcast_to(own[name], wide) for name in ("baseline", "marker")],
            own["arm"],
            own["stratum"],
        )
    )
    row = rubin(
        found.slope[:, None], found.se[:, None], found.df[:, None], np.ones(1, bool), 0.05
    ).row(0, named=True)
    return row["estimate"], row["lower"], row["upper"]


def cells(trials: int, imputed_trials: int) -> list[Found]:
    """The whole table."""
    return [
        study(n, link, loss, method, trials if method == "complete cases" else imputed_trials)
        for n in SIZES
        for link in LINK
        for loss in LOSS
        for method in ("complete cases", "imputed")
        if method == "complete cases" or loss != LOSS[0]
    ]


def page(found: list[Found]) -> str:
    """docs/reference/early-change-study.md."""
    lines = [
        "# Level, coverage and power of the slope within arms",
        "",
        "Simulated trials, 2:1 in two strata, [analysed as the landmark association]"
        "(../methods/early-change.md): *rejected* is the type-I error where the link is off and "
        "the power where it is on, at the level of 5 %. Lost outcomes are missing at random given "
        "the score at the early visit, which complete cases do not use. What is simulated follows "
        "from what was put in: the residual SD is 4 points, the link 2 points per SD beside what "
        "goes through the early score. Written by `make validate`.",
        "",
        "| n | link | lost | method | trials | rejected, % | coverage, % | bias, points per SD "
        "| mean width |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {f.n} | {f.link} | {f.loss} | {f.method} | {f.trials} | {f.rejected:.1f} "
        f"| {f.covered:.1f} | {f.bias:+.2f} | {f.width:.2f} |"
        for f in found
    ]
    return "\n".join([*lines, ""])
