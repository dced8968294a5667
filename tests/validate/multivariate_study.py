"""Size and power of the permutation test of the whole procedure, at n = 36 and n = 200."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from equipoise.stats.multivariate import (
    choose_tuning,
    cross_validate,
    make_folds,
    permute_whole,
)

MARKERS, DRAWS, FOLDS, REPEATS, COMPONENTS = 8, 99, 5, 1, 3


@dataclass(frozen=True, slots=True)
class Scenario:
    """`link`: outcome SDs per SD of the first marker's change; `heavy`: errors t with 3 df."""

    name: str
    n: int
    link: float
    heavy: bool = False


SCENARIOS = (
    Scenario("link off", 36, 0.0),
    Scenario("link off, errors t with 3 df", 36, 0.0, heavy=True),
    Scenario("link 0.5 SD", 36, 0.5),
    Scenario("link off", 200, 0.0),
    Scenario("link 0.5 SD", 200, 0.5),
)


@dataclass(frozen=True, slots=True)
class Found:
    """Shares in per cent of the trials, and the mean Q2 of the model in per cent."""

    pls: float
    net: float
    none: float
    q2: float
    trials: int

    @property
    def error(self) -> float:
        """Monte-Carlo error of 5 %."""
        return 100.0 * math.sqrt(0.05 * 0.95 / self.trials)


def study(scenario: Scenario, trials: int, *, net: bool = True) -> Found:
    """How often p <= 0.05: 2 : 1, two strata, markers of common correlation, baselines that count."""
    n = scenario.n - scenario.n % 6
    arm, stratum = np.tile([1, 1, 0], n // 3), np.repeat([0, 1], n // 2)
    blocks = 2 * arm + stratum
    low = np.zeros(2)
    none, q2 = 0, 0.0
    for seed in range(trials):
        rng = np.random.default_rng([seed, scenario.n, int(100 * scenario.link), scenario.heavy])
        own, start = rng.normal(size=(n, MARKERS)), rng.normal(size=n)
        change = (rng.normal(size=(n, 1)) + rng.normal(size=(n, MARKERS))) / math.sqrt(2.0)
        x = change - 0.4 * own + arm[:, None]
        noise = rng.standard_t(3, n) / math.sqrt(3.0) if scenario.heavy else rng.normal(size=n)
        y = -0.5 * start - arm + 0.5 * stratum + scenario.link * change[:, 0] + noise
        common = np.column_stack([np.ones(n), stratum, arm, start])
        folds = make_folds(x, own, common, blocks, FOLDS, REPEATS, rng)
        tuned = choose_tuning(cross_validate(folds, y[None], components=COMPONENTS))
        none, q2 = none + int(tuned.chosen[0] == 0), q2 + float(tuned.q2[0])
        found = permute_whole(folds, y, blocks, DRAWS, rng, components=COMPONENTS)
        low[0] += found.p <= 0.05
        if net:
            found = permute_whole(
                folds, y, blocks, DRAWS, rng, mixing=(0.0, 0.5), strengths=(0.5, 0.25, 0.1)
            )
            low[1] += found.p <= 0.05
    share = 100.0 * low / trials
    return Found(share[0], share[1], 100.0 * none / trials, 100.0 * q2 / trials, trials)
