"""Type I error of tests of time to response in small two-arm trials, without an effect.

The stratified log-rank test, which the analysis uses, against tests made from the difference of
restricted means, without and within strata. Takes some minutes; prints a table.
"""

from __future__ import annotations

import math

import numpy as np

from equipoise.stats import StatsError, log_rank, restricted_mean_difference

VISITS = np.array([4.0, 14.0, 28.0, 42.0, 56.0])
WINDOWS = np.array([[3.5, 12, 26, 38, 50], [4.5, 16, 30, 46, 62]])
TAU, TRIALS = 50.0, 1500


def draw(treated: int, control: int, hazard: float, rng: np.random.Generator):
    """Times, responses, arms and strata of one trial; 8 % leave, strata differ in hazard."""
    n = treated + control
    strata = np.r_[np.arange(treated) % 2, np.arange(control) % 2]
    days = np.clip(VISITS + rng.normal(0, 0.4, (n, 5)), *WINDOWS)
    hit = rng.random((n, 5)) < hazard * np.where(strata == 0, 1.3, 0.7)[:, None]
    first = np.where(hit.any(axis=1), hit.argmax(axis=1), 5)
    leaves = rng.random((n, 5)) < 0.016
    last = np.where(leaves.any(axis=1), np.maximum(leaves.argmax(axis=1), 1), 5)
    event = first < last
    seen = np.where(event, first, last - 1)
    return days[np.arange(n), seen], event, np.arange(n) < treated, strata


def main() -> None:
    print("arms     hazard   log-rank, strata   restricted means   the same, strata")
    for treated, control, hazard in ((24, 12, 0.05), (24, 12, 0.1), (24, 12, 0.2), (10, 4, 0.15)):
        rng = np.random.default_rng(1)
        ps: dict[str, list[float]] = {"rank": [], "mean": [], "strata": []}
        for _ in range(TRIALS):
            time, event, arm, strata = draw(treated, control, hazard, rng)
            ps["rank"].append(log_rank(time, event, arm, strata).p)
            for name, by in (("mean", None), ("strata", strata)):
                try:
                    found = restricted_mean_difference(time, event, arm, TAU, by)
                except StatsError:  # somebody is the last of an arm and left early
                    continue
                ps[name].append(found.p)
        cells = []
        for values in ps.values():
            known = [p for p in values if math.isfinite(p)]
            cells.append(f"{100 * np.mean(np.array(known) < 0.05):5.1f} % of {len(known)}")
        print(f"{treated} : {control}   {hazard:.2f}     " + "     ".join(cells))


if __name__ == "__main__":
    main()
