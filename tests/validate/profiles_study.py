"""How often a mixture finds the profiles that were planted, and makes up none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from equipoise.stats.profiles import correlated_bic, fit_mixture

MARKERS, MOST, FEWEST = 4, 3, 5


@dataclass(frozen=True, slots=True)
class Scenario:
    """`gap`: distance of two profiles (60 : 40) in SDs, in half of the markers up, half down;
    `line`: share of each marker's variance that all have in common."""

    name: str
    n: int
    gap: float = 0.0
    line: float = 0.0


SCENARIOS = tuple(
    Scenario(name, n, gap, line)
    for n in (36, 200)
    for name, gap, line in (
        ("one group, markers unrelated", 0.0, 0.0),
        ("one group, markers along a line", 0.0, 0.6),
        ("two profiles, 2 SD apart in each marker", 2.0, 0.0),
        ("two profiles, 3 SD apart in each marker", 3.0, 0.0),
    )
)


@dataclass(frozen=True, slots=True)
class Found:
    """Shares of trials in per cent: more than one by BIC, and supported against a line."""

    several: float
    supported: float
    trials: int


def study(scenario: Scenario, trials: int) -> Found:
    """By the rules of the analysis: the smallest BIC of which each profile has five members."""
    several = supported = 0
    n = scenario.n
    signs = np.where(np.arange(MARKERS) % 2 == 0, 1.0, -1.0)
    for seed in range(trials):
        g = np.random.default_rng([seed, n, int(10 * scenario.gap), int(10 * scenario.line)])
        common = g.normal(size=(n, 1)) * signs
        x = np.sqrt(scenario.line) * common + np.sqrt(1 - scenario.line) * g.normal(
            size=(n, MARKERS)
        )
        x = x + scenario.gap * signs * (g.random(n) < 0.4)[:, None]
        z = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
        best, chosen = np.inf, 1
        for k in range(1, MOST + 1):
            fit = fit_mixture(z, k, g, starts=20)
            members = np.bincount(fit.probabilities(z)[0].argmax(axis=1), minlength=k)
            if members.min() >= FEWEST and fit.bic[0] < best:
                best, chosen = float(fit.bic[0]), k
        several += chosen > 1
        supported += chosen > 1 and best < correlated_bic(z)
    return Found(100.0 * several / trials, 100.0 * supported / trials, trials)
