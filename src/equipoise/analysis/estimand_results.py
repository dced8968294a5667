"""Results around an estimand: events, sets, what a strategy changed, sensitivity."""

from __future__ import annotations

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


class SensitivityResult(Row):
    """The estimand under another assumption; `failure` says why there is no estimate.

    `participants` counts the analysis set; `means` holds the change in a single-arm trial.
    """

    key: str
    label: str
    method: str
    participants: int
    contrasts: tuple[Contrast, ...]
    means: tuple[Mean, ...] = ()
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
