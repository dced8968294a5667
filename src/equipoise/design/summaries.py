"""What the trials of one setting come to, read some at a time: memory does not grow with them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.design.characteristics import (
    MADE,
    NOT_JUDGED,
    NOT_MADE,
    Claim,
    Performance,
    Quantity,
    Tally,
    tally_of,
)

if TYPE_CHECKING:
    import numpy as np

    from equipoise.design.judgement import TrialRows


@dataclass(frozen=True, slots=True)
class Summary:
    """The trials of a setting.

    Attributes
    ----------
    trials
    tallies
        Of each claim, in order.
    joint
        Of all headline claims in one trial; None where there is none.
    performances
        Of each quantity, in order.
    fits
        Model → how its fits ended, where they did not end well → trials.
    serious, serious_error
        Mean number of participants with a serious adverse event, and its Monte-Carlo error.
    patients
        Kind of virtual patients.
    """

    trials: int
    tallies: tuple[Tally, ...]
    joint: Tally | None
    performances: tuple[Performance, ...]
    fits: dict[str, dict[str, int]]
    serious: float
    serious_error: float
    patients: str


class _Moments:
    """Mean and sum of squares of each column, block by block (Chan, Golub and LeVeque 1983)."""

    def __init__(self, columns: int) -> None:
        import numpy as np

        self.n = np.zeros(columns)
        self.mean = np.zeros(columns)
        self.squares = np.zeros(columns)

    def add(self, values: np.ndarray) -> None:
        import numpy as np

        known = np.isfinite(values)
        n = known.sum(axis=0)
        safe = np.where(known, values, 0.0)
        mean = safe.sum(axis=0) / np.maximum(n, 1)
        squares = (np.where(known, values - mean, 0.0) ** 2).sum(axis=0)
        total = self.n + n
        apart = mean - self.mean
        share = n / np.maximum(total, 1)
        self.squares += squares + apart**2 * self.n * share
        self.mean += apart * share
        self.n = total

    def sd(self, column: int) -> float:
        n = self.n[column]
        return math.sqrt(self.squares[column] / (n - 1)) if n > 1 else math.nan


def summarise(
    blocks: Iterable[TrialRows],
    claims: tuple[Claim, ...],
    quantities: tuple[Quantity, ...],
    models: tuple[str, ...],
    outcomes: tuple[str, ...],
    truth: np.ndarray,
    alpha: float,
) -> Summary:
    """Tallies and performances of the trials in these blocks.

    Parameters
    ----------
    truth
        (quantities,) true values, NaN where not known.
    alpha
        Two-sided level of the intervals.
    """
    import numpy as np

    from equipoise.stats.distributions import t_quantile

    headline = [i for i, claim in enumerate(claims) if claim.headline]
    q = len(quantities)
    made, unknown = np.zeros(len(claims), dtype=int), np.zeros(len(claims), dtype=int)
    together = together_unknown = trials = 0
    estimates, errors, widths = _Moments(q), _Moments(q), _Moments(q)
    serious = _Moments(1)
    covered, excluding = np.zeros(q), np.zeros(q)
    ends = np.zeros((len(models), len(outcomes)), dtype=int)
    patients = ""
    for rows in blocks:
        trials += len(rows.hits)
        patients = rows.patients
        made += (rows.hits == MADE).sum(axis=0)
        unknown += (rows.hits == NOT_JUDGED).sum(axis=0)
        ours = rows.hits[:, headline]
        together += int(np.all(ours == MADE, axis=1).sum())
        lost = np.any(ours == NOT_JUDGED, axis=1) & ~np.any(ours == NOT_MADE, axis=1)
        together_unknown += int(lost.sum())
        known = np.isfinite(rows.estimate)
        half = np.where(
            known & np.isfinite(rows.se),
            np.asarray(t_quantile(1 - alpha / 2, np.where(np.isnan(rows.df), 1.0, rows.df)))
            * rows.se,
            np.nan,
        )
        estimates.add(rows.estimate)
        errors.add(np.where(known, rows.se, np.nan))
        widths.add(2 * half)
        covered += np.nansum(np.abs(rows.estimate - truth) <= half, axis=0)
        excluding += np.nansum(np.abs(rows.estimate) > half, axis=0)
        serious.add(rows.serious[:, None].astype(float))
        for model in range(len(models)):
            ends[model] += np.bincount(rows.fits[:, model], minlength=len(outcomes))
    return Summary(
        trials=trials,
        tallies=tuple(tally_of(trials, int(m), int(u)) for m, u in zip(made, unknown, strict=True)),
        joint=tally_of(trials, together, together_unknown) if headline else None,
        performances=tuple(
            _performance(i, estimates, errors, widths, covered, excluding, float(truth[i]))
            for i in range(q)
        ),
        fits={
            model: found
            for model, counts in zip(models, ends, strict=True)
            if (found := {w: int(c) for w, c in zip(outcomes[1:], counts[1:], strict=True) if c})
        },
        serious=float(serious.mean[0]),
        serious_error=serious.sd(0) / math.sqrt(trials) if trials > 1 else math.nan,
        patients=patients,
    )


def _performance(
    i: int,
    estimates: _Moments,
    errors: _Moments,
    widths: _Moments,
    covered: np.ndarray,
    excluding: np.ndarray,
    truth: float,
) -> Performance:
    nan, n = math.nan, int(estimates.n[i])
    with_se = n > 0 and int(widths.n[i]) == n
    sd = estimates.sd(i)
    mean = float(estimates.mean[i]) if n else nan
    known = with_se and math.isfinite(truth)
    coverage = float(covered[i] / n) if known else nan
    return Performance(
        estimated=n,
        mean=mean,
        sd=sd,
        se=float(errors.mean[i]) if with_se else nan,
        error=sd / math.sqrt(n) if n > 1 else nan,
        width=float(widths.mean[i]) if with_se else nan,
        truth=truth,
        bias=mean - truth,
        coverage=coverage,
        coverage_error=math.sqrt(coverage * (1 - coverage) / n) if known else nan,
        excludes_zero=float(excluding[i] / n) if with_se else nan,
    )
