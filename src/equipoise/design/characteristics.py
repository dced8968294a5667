"""What many simulated trials show: how often each claim is made, and how well it is estimated.

A consequence of assumptions, never evidence. Arrays inside, one row a trial, so that any joint
event can be counted afterwards; tidy tables outside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

#: A hit of `Characteristics.hits`: the claim was made, was not made, could not be judged.
MADE, NOT_MADE, NOT_JUDGED = 1, 0, -1


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence that a trial's analysis does or does not support.

    Attributes
    ----------
    key
        ``estimand:…``, ``subgroup:…``, ``family:…``, ``prediction:…``, ``harms:…``.
    label
        The claim in words.
    rule
        When a trial counts as making it.
    group
        Title under which claims are shown together.
    headline
        Whether it belongs to the joint event.
    published
        What was published of it; None where nothing was, or the study has no publication.
    source, certainty
        Of what was published.
    caution
        What a reader has to know of it; empty where there is nothing.
    simulated
        Whether the assumptions let it come out differently at all.
    """

    key: str
    label: str
    rule: str
    group: str
    headline: bool = False
    published: str | None = None
    source: str | None = None
    certainty: str | None = None
    caution: str = ""
    simulated: bool = True


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number that every trial estimates.

    Attributes
    ----------
    key
        ``estimand:…``, ``subgroup:…``, ``interaction:…``, ``family:…``, ``slope:…`` or
        ``correlation:…``.
    label
        In words.
    unit
        Of the estimate: points, log ratio, …
    """

    key: str
    label: str
    unit: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something happened in the trials of a scenario.

    Attributes
    ----------
    trials, made, not_judged
        Trials, those in which it happened, those in which it could not be judged; the latter
        count as not made.
    proportion, lower, upper
        made / trials with its exact (Clopper–Pearson) 95 % limits: Monte-Carlo error alone.
    error
        Monte-Carlo standard error.
    """

    trials: int
    made: int
    not_judged: int
    proportion: float
    lower: float
    upper: float
    error: float


@dataclass(frozen=True, slots=True)
class Performance:
    """How a quantity is estimated in the trials of a scenario; NaN where it cannot be said.

    Attributes
    ----------
    estimated
        Trials with an estimate.
    mean, sd, se
        Mean and SD of the estimates, and the mean of their standard errors.
    error
        Monte-Carlo standard error of the mean.
    width
        Mean width of the two-sided interval.
    truth
        The value under the assumptions, where it is known.
    bias
        mean - truth.
    coverage, coverage_error
        Share of the intervals that hold the truth, of the trials with an estimate.
    excludes_zero
        Share of the intervals that exclude 0, in either direction and without adjustment.
    """

    estimated: int
    mean: float
    sd: float
    se: float
    error: float
    width: float
    truth: float
    bias: float
    coverage: float
    coverage_error: float
    excludes_zero: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Characteristics:
    """Operating characteristics of a protocol's analysis under named scenarios.

    Attributes
    ----------
    study, title, protocol_hash
        Which protocol.
    seed, trials
        Trial k of every scenario is drawn from the streams of (seed, k), k = 0, …, trials - 1.
    scenarios : tuple of str
        In the order of the first axis.
    software, patients
        Version, and the kind of virtual patients.
    assumptions : tuple of (path, text)
        What of the protocol is assumed and not published.
    sizes : tuple of (arm, participants)
        Planned.
    alpha
        Two-sided level of tests and intervals.
    claims : tuple of Claim
    quantities : tuple of Quantity
    models : tuple of str
        Models that were fitted to every trial.
    outcomes : tuple of str
        How a fit can end; the first is a valid fit.
    hits : int8 (scenarios, trials, claims)
        `MADE`, `NOT_MADE` or `NOT_JUDGED`.
    estimate, se, df : float64 (scenarios, trials, quantities)
        NaN without an estimate.
    fits : int8 (scenarios, trials, models)
        Index into `outcomes`.
    truth : float64 (scenarios, quantities)
        NaN where it is not known.
    serious : int64 (scenarios, trials)
        Participants with a serious adverse event.
    notes : tuple of str
        What a reader has to know of the computation.
    scenario_words : tuple of (label, meaning)
        Of each scenario.
    """

    study: str
    title: str
    protocol_hash: str
    seed: int
    trials: int
    scenarios: tuple[str, ...]
    software: str
    patients: str
    assumptions: tuple[tuple[str, str], ...]
    sizes: tuple[tuple[str, int], ...]
    alpha: float
    claims: tuple[Claim, ...]
    quantities: tuple[Quantity, ...]
    models: tuple[str, ...]
    outcomes: tuple[str, ...]
    hits: np.ndarray
    estimate: np.ndarray
    se: np.ndarray
    df: np.ndarray
    fits: np.ndarray
    truth: np.ndarray
    serious: np.ndarray
    notes: tuple[str, ...]
    scenario_words: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        named = ", ".join(self.scenarios)
        return f"Characteristics of {self.study}: {self.trials} simulated trials each of {named}"

    @property
    def simulated(self) -> bool:
        """Always: every trial was drawn by a program."""
        return True

    @property
    def headline(self) -> tuple[Claim, ...]:
        """The claims whose joint event is counted."""
        return tuple(claim for claim in self.claims if claim.headline)

    def claim(self, key: str) -> Claim:
        """The claim of this key.

        Raises
        ------
        KeyError
            When there is none.
        """
        return self.claims[self._place(key)]

    def _place(self, key: str) -> int:
        for index, claim in enumerate(self.claims):
            if claim.key == key:
                return index
        raise KeyError(key)

    def tally(self, scenario: str, *keys: str) -> Tally:
        """How often all of these claims are made together; one key: how often that one is."""
        import numpy as np

        columns = [self._place(key) for key in keys]
        hits = self.hits[self.scenarios.index(scenario)][:, columns]
        made = int(np.all(hits == MADE, axis=1).sum())
        unknown = np.any(hits == NOT_JUDGED, axis=1) & ~np.any(hits == NOT_MADE, axis=1)
        return tally_of(self.trials, made, int(unknown.sum()))

    def joint(self, scenario: str) -> Tally:
        """How often all headline claims are made in one trial."""
        return self.tally(scenario, *(claim.key for claim in self.headline))

    def performance(self, scenario: str, key: str) -> Performance:
        """How the quantity of this key is estimated.

        Raises
        ------
        KeyError
            When there is no such quantity.
        """
        import numpy as np

        from equipoise.stats.distributions import t_quantile

        places = {quantity.key: index for index, quantity in enumerate(self.quantities)}
        column, row = places[key], self.scenarios.index(scenario)
        found = np.isfinite(self.estimate[row, :, column])
        n = int(found.sum())
        estimate = self.estimate[row, found, column]
        se, df = self.se[row, found, column], self.df[row, found, column]
        truth = float(self.truth[row, column])
        nan = math.nan
        mean = float(estimate.mean()) if n else nan
        sd = float(estimate.std(ddof=1)) if n > 1 else nan
        with_se = bool(n) and bool(np.all(np.isfinite(se)))
        half = t_quantile(1 - self.alpha / 2, df) * se if with_se else np.full(n, nan)
        known = with_se and math.isfinite(truth)
        coverage = float(np.mean(np.abs(estimate - truth) <= half)) if known else nan
        excludes = float(np.mean(np.abs(estimate) > half)) if with_se else nan
        return Performance(
            estimated=n,
            mean=mean,
            sd=sd,
            se=float(se.mean()) if with_se else nan,
            error=sd / math.sqrt(n) if n > 1 else nan,
            width=float(2 * half.mean()) if with_se else nan,
            truth=truth,
            bias=mean - truth,
            coverage=coverage,
            coverage_error=math.sqrt(coverage * (1 - coverage) / n) if known else nan,
            excludes_zero=excludes,
        )

    def failed_fits(self, scenario: str) -> dict[str, dict[str, int]]:
        """Model → how its fits ended, where they did not end well → trials."""
        import numpy as np

        row = self.scenarios.index(scenario)
        found: dict[str, dict[str, int]] = {}
        for column, model in enumerate(self.models):
            counts = np.bincount(self.fits[row, :, column], minlength=len(self.outcomes))
            ends = {w: int(c) for w, c in zip(self.outcomes[1:], counts[1:], strict=True) if c}
            if ends:
                found[model] = ends
        return found

    @property
    def table(self) -> pl.DataFrame:
        """One row a scenario and claim, the joint event last: how often it was made."""
        import dataclasses

        import polars as pl

        rows: list[dict[str, object]] = []
        for scenario in self.scenarios:
            for claim in self.claims:
                head: dict[str, object] = {
                    "scenario": scenario,
                    "claim": claim.key,
                    "label": claim.label,
                }
                rows.append(head | dataclasses.asdict(self.tally(scenario, claim.key)))
            if self.headline:
                head: dict[str, object] = {
                    "scenario": scenario,
                    "claim": "headline",
                    "label": "All headline claims",
                }
                rows.append(head | dataclasses.asdict(self.joint(scenario)))
        return pl.DataFrame(rows).with_columns(origin=pl.lit("SIMULATED"))

    @property
    def estimates(self) -> pl.DataFrame:
        """One row a scenario and quantity: mean, SD, bias, coverage; null where not known."""
        import dataclasses

        import polars as pl

        rows: list[dict[str, object]] = []
        for scenario in self.scenarios:
            for quantity in self.quantities:
                head: dict[str, object] = {"scenario": scenario, **dataclasses.asdict(quantity)}
                rows.append(head | dataclasses.asdict(self.performance(scenario, quantity.key)))
        frame = pl.DataFrame(rows)
        numbers = [n for n in frame.columns if frame[n].dtype == pl.Float64]
        return frame.with_columns(pl.col(numbers).fill_nan(None), origin=pl.lit("SIMULATED"))

    @property
    def each_trial(self) -> pl.DataFrame:
        """One row a scenario and trial: every claim (true, false, null) and every estimate."""
        import polars as pl

        frames: list[pl.DataFrame] = []
        for row, scenario in enumerate(self.scenarios):
            columns: dict[str, object] = {
                "scenario": [scenario] * self.trials,
                "trial": list(range(self.trials)),
                "serious_events": self.serious[row],
            }
            for c, claim in enumerate(self.claims):
                hits = pl.Series(self.hits[row, :, c].astype("int64"))
                columns[claim.key] = (
                    pl.DataFrame({"hit": hits})
                    .select(pl.when(pl.col("hit") >= 0).then(pl.col("hit") == MADE))
                    .to_series()
                )
            for q, quantity in enumerate(self.quantities):
                columns[f"{quantity.key} estimate"] = self.estimate[row, :, q]
                columns[f"{quantity.key} se"] = self.se[row, :, q]
            frames.append(pl.DataFrame(columns))
        frame = pl.concat(frames)
        numbers = [n for n in frame.columns if frame[n].dtype == pl.Float64]
        return frame.with_columns(pl.col(numbers).fill_nan(None), origin=pl.lit("SIMULATED"))


def tally_of(trials: int, made: int, not_judged: int = 0) -> Tally:
    """A count with its proportion, its exact interval and its Monte-Carlo error."""
    from equipoise.stats import clopper_pearson

    share = made / trials
    lower, upper = clopper_pearson(made, trials)
    return Tally(
        trials, made, not_judged, share, lower, upper, math.sqrt(share * (1 - share) / trials)
    )
