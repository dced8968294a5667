"""Mediation of 20 mediators in 36 people, 5,000 bootstrap samples with BCa, against statsmodels.

statsmodels' Mediation refits both models for every draw and mediator; it has percentile limits
alone, gets no interaction here and no jackknife. It is timed on fewer draws of one mediator and
scaled. Run: python benchmarks/mediation.py
"""

from __future__ import annotations

import time

import numpy as np

from equipoise.stats.mediation import (
    bca_interval,
    estimate,
    left_out,
    mediation_data,
    resampled_counts,
)

DRAWS, MEDIATORS, PEOPLE, TIMED = 5_000, 20, 36, 200


def _trial() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(1)
    arm, stratum = np.tile([0.0, 1.0, 1.0], PEOPLE // 3), np.repeat([0.0, 1.0], PEOPLE // 2)
    start, own = rng.normal(size=PEOPLE), rng.normal(size=(PEOPLE, MEDIATORS))
    change = 0.7 * arm[:, None] - 0.4 * own + rng.normal(size=(PEOPLE, MEDIATORS))
    outcome = -0.5 * arm - 0.6 * change[:, 0] + 0.4 * start + rng.normal(size=PEOPLE)
    return outcome, change, arm, stratum, start, own


def _ours(trial: tuple[np.ndarray, ...]) -> float:
    outcome, change, arm, stratum, start, own = trial
    generator = np.random.default_rng(1)
    lowest = 0.0
    for j in range(MEDIATORS):
        covariates = np.column_stack([own[:, j], start, stratum])
        data = mediation_data(outcome, change[:, j], arm, covariates, 2 * arm + stratum)
        draws = estimate(data, resampled_counts(data.block, DRAWS, generator))
        seen, without = estimate(data), left_out(data)
        for name in ("total", "indirect", "direct", "indirect_control", "indirect_treated"):
            found = bca_interval(
                getattr(draws, name), float(getattr(seen, name)[0]), getattr(without, name),
                data.block,
            )  # fmt: skip
            lowest = min(lowest, found.lower)
    return lowest


def _theirs(trial: tuple[np.ndarray, ...], draws: int) -> None:
    import statsmodels.api as sm
    from statsmodels.stats.mediation import Mediation

    outcome, change, arm, stratum, start, own = trial
    base = np.column_stack([np.ones(PEOPLE), arm])
    rest = np.column_stack([own[:, 0], start, stratum])
    np.random.seed(1)
    Mediation(
        sm.OLS(outcome, np.column_stack([base, change[:, 0], rest])),
        sm.OLS(change[:, 0], np.column_stack([base, rest])),
        (1, 1),
        mediator=2,
    ).fit(method="bootstrap", n_rep=draws)


def main() -> None:
    """Print both times and their ratio."""
    trial = _trial()
    _theirs(trial, 5)  # imports
    began = time.perf_counter()
    lowest = _ours(trial)
    ours = time.perf_counter() - began
    began = time.perf_counter()
    _theirs(trial, TIMED)
    theirs = (time.perf_counter() - began) / TIMED * DRAWS * MEDIATORS
    print(f"{MEDIATORS} mediators, {PEOPLE} people, {DRAWS} bootstrap samples within arm x stratum")
    print(f"equipoise, with interaction, BCa {ours:10.2f} s   lowest limit {lowest:.2f}")
    print(f"statsmodels, percentile          {theirs:10.2f} s   (from {TIMED} draws of one)")
    print(f"ratio                            {theirs / ours:10.0f}")


if __name__ == "__main__":
    main()
