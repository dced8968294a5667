"""Results around an estimand: events, sets, what a strategy changed, sensitivity."""

from __future__ import annotations

from typing import Literal

from equipoise.analysis.imputation_results import Imputed, Tipping
from equipoise.analysis.model_results import Contrast, Mean, ModelFit
from equipoise.analysis.outcome_results import GroupOutcome
from equipoise.analysis.result_row import Row


class EventCount(Row):
    """Participants of a group with an intercurrent event.

    `n` is None where the records do not hold the table that would show it. `by_visit` is
    (visit, participants whose first such event began after the visit before and up to this one),
    with ``later`` at the end; None where small counts forbid it.
    """

    event: str
    label: str
    group: str
    n: int | None
    by_visit: tuple[tuple[str, int], ...] | None


class SetCount(Row):
    """Participants of a group in an analysis set, and (reason, number) of those who are not.

    The numbers of reasons are None where one of them is small (observed people).
    """

    key: str
    label: str
    group: str
    n: int
    reasons: tuple[tuple[str, int | None], ...]


class TouchedCount(Row):
    """Values of a group at a visit that a strategy left out or put in the place of others."""

    group: str
    visit: str
    event: str
    strategy: str
    n: int


class Rerandomised(Row):
    """A comparison judged by the allocations that the protocol's scheme could have given.

    Null hypothesis: everybody would have had the same values, and the same ones missing, in
    either arm. `p` and what would give it back are None in what is not tested.

    Attributes
    ----------
    estimate, se, df, t
        Of the model under the allocation that was observed; t is the statistic.
    p, p_error, p_lower, p_upper
        (extreme + 1)/(draws + 1), its Monte-Carlo standard error, and the 95 % limits of the p
        that endless draws would give.
    lower, upper, lower_error, upper_error
        Limits of the shifts that the test does not reject, with their Monte-Carlo standard errors.
    interval
        ``bounded``; ``unbounded`` where no shift is rejected on a side; ``none`` with three arms,
        where a shift of one leaves open what the others do.
    monotone
        Whether p fell steadily away from the estimate at every shift that was tried.
    draws, distinct, extreme, failed
        Allocations drawn, different ones among them, those at least as extreme as the one
        observed, and those without a fit, which count as extreme.
    steps
        (covariance structure, allocations that it fitted).
    seed
        Of the draws.
    edges, counts
        Histogram of t over the allocations.
    """

    arm: str
    reference: str
    visit: str
    estimate: float
    se: float
    df: float
    t: float | None
    p: float | None
    p_error: float | None
    p_lower: float | None
    p_upper: float | None
    lower: float | None
    upper: float | None
    lower_error: float | None
    upper_error: float | None
    ratio: float | None = None
    ratio_lower: float | None = None
    ratio_upper: float | None = None
    interval: Literal["bounded", "unbounded", "none"]
    monotone: bool | None
    draws: int
    distinct: int
    extreme: int | None
    failed: int
    steps: tuple[tuple[str, int], ...]
    seed: int
    edges: tuple[float, ...]
    counts: tuple[int, ...]

    def untested(self) -> Rerandomised:
        """The same without p and without what would give it back."""
        names = ("t", "p", "p_error", "p_lower", "p_upper", "extreme")
        hidden = dict.fromkeys(names)
        return self.model_copy(update={**hidden, "edges": (), "counts": ()})


class SensitivityResult(Row):
    """The estimand under another assumption; `failure` says why there is no estimate.

    `participants` counts the analysis set; `means` holds the change in a single-arm trial; `fit`
    says how the model was fitted where the method is another model; `rerandomised` holds the
    re-randomisation tests; `imputed` and `tipping` say how missing values were imputed and
    shifted.
    """

    key: str
    label: str
    method: str
    participants: int
    contrasts: tuple[Contrast, ...]
    means: tuple[Mean, ...] = ()
    fit: ModelFit | None = None
    rerandomised: tuple[Rerandomised, ...] = ()
    imputed: Imputed | None = None
    tipping: tuple[Tipping, ...] = ()
    failure: str | None = None


class EstimandResult(Row):
    """One estimand as it was estimated.

    Attributes
    ----------
    analysis_set
        Name of the set as printed.
    own
        True where strategies or the set gave it data, and so a model, of its own; False where
        it is the endpoint's main result at its visit.
    strategies
        (event as printed, strategy).
    touched
        What the strategies changed; None where small counts forbid the break-down.
    touched_total
        Values in all that the strategies left out or replaced, over all groups; None where the
        number is small.
    outcome
        Rates, times or categories of the groups at the visit, under the strategies.
    """

    estimand: str
    endpoint: str
    visit: str
    analysis_set: str
    participants: int
    own: bool
    strategies: tuple[tuple[str, str], ...]
    touched: tuple[TouchedCount, ...] | None
    touched_total: int | None
    fit: ModelFit | None
    contrasts: tuple[Contrast, ...]
    means: tuple[Mean, ...]
    outcome: tuple[GroupOutcome, ...]
    sensitivity: tuple[SensitivityResult, ...]
    failure: str | None = None
