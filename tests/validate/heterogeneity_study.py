"""Level, coverage and error of interactions, as they are and shrunk, at n = 36 and n = 200."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass

import numpy as np

from equipoise.stats.distributions import t_quantile
from equipoise.stats.errors import ArgumentError
from equipoise.stats.heterogeneity import fit_interactions, interaction_data, shrink_interactions

#: Scale of the prior in residual standard deviations, as in the twin.
PRIOR_SCALE = 0.5
#: Stratum and sex, then three numbers.
FACTORS = (True, True, False, False, False)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`width`: SD of the five interactions, in residual SDs; drawn anew in each trial."""

    name: str
    n: int
    width: float


SCENARIOS = tuple(
    Scenario(name, n, width)
    for n in (36, 200)
    for name, width in (("none", 0.0), ("SD 0.25", 0.25), ("SD 1", 1.0))
)


@dataclass(frozen=True, slots=True)
class Found:
    """Shares in per cent of trials or of interactions; errors are root mean squares."""

    joint: float
    own_coverage: float
    shrunken_coverage: float
    own_error: float
    shrunken_error: float
    trials: int

    @property
    def slack(self) -> float:
        """Five binomial standard errors of 5 %, one draw a trial, in points."""
        return 500.0 * math.sqrt(0.05 * 0.95 / self.trials)


def study(scenario: Scenario, trials: int) -> Found:
    """2 : 1 in two strata; two factors and three numbers modify the effect."""
    n = scenario.n - scenario.n % 6
    arm, stratum = np.tile([0.0, 1.0, 1.0], n // 3), np.repeat([0.0, 1.0], n // 2)
    joint, covered, errors = 0, np.zeros(2), np.zeros(2)
    for seed in range(trials):
        g = np.random.default_rng([seed, scenario.n, int(100 * scenario.width)])
        theta = scenario.width * g.normal(size=5)
        data = None
        while data is None:  # now and then no model can tell a table's interactions apart
            z = np.column_stack([stratum, g.random(n) < 0.4, g.normal(size=(n, 3))])
            start = g.normal(size=n)
            spread = np.array([1.0, 1.0, *(2.0 * z[:, 2:].std(axis=0, ddof=1))])
            inside = (z - z.mean(axis=0)) / spread
            mean = -0.5 * arm + 0.5 * start + 0.3 * stratum + arm * (inside @ theta)
            covariates = np.column_stack([start, stratum])
            with contextlib.suppress(ArgumentError):
                data = interaction_data(mean + g.normal(size=n), arm, covariates, z, FACTORS)
        fit = fit_interactions(data)
        joint += fit.joint_p < 0.05
        rows = np.hstack([np.zeros((5, data.fixed.shape[1])), np.eye(5)])
        middle, lower, upper = shrink_interactions(data, PRIOR_SCALE).combine(rows)
        reach = float(t_quantile(0.975, fit.df)) * fit.se
        covered += [
            (np.abs(fit.estimate - theta) <= reach).mean(),
            ((lower <= theta) & (theta <= upper)).mean(),
        ]
        errors += [((fit.estimate - theta) ** 2).mean(), ((middle - theta) ** 2).mean()]
    share, root = 100.0 * covered / trials, np.sqrt(errors / trials)
    return Found(100.0 * joint / trials, share[0], share[1], root[0], root[1], trials)
