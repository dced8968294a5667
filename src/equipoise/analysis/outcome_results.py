"""Results of endpoints that are not means: response, remission, time to response, categories."""

from __future__ import annotations

from typing import Literal

from equipoise.analysis.model_results import Contrast
from equipoise.analysis.result_row import Row


class GroupOutcome(Row):
    """One group at one visit.

    `n` is the denominator, `missing` those of the group without a value at the visit, `events`
    those with response or remission (None for categories and times). `estimate` is the rate, the
    restricted mean time (days) or the mean category, with its interval.
    """

    group: str
    visit: str
    n: int
    missing: int
    events: int | None
    estimate: float | None
    lower: float | None
    upper: float | None
    categories: tuple[tuple[str, int], ...] = ()
    suppressed: bool = False


class CurvePoint(Row):
    """A step of a Kaplan-Meier curve: share without response after `day`.

    The limits are None where the share is 0: its interval is not defined.
    """

    group: str
    day: float
    at_risk: int
    share: float
    lower: float | None
    upper: float | None


class OutcomeSensitivity(Row):
    """The same effect by another rule or another method."""

    label: str
    contrasts: tuple[Contrast, ...]
    failure: str | None = None


class OutcomeResult(Row):
    """One endpoint that is not a mean.

    `failures` holds (visit, why there is no effect); `failure` says all of them in one text.
    """

    endpoint: str
    label: str
    scale: Literal["response", "remission", "time-to-response", "ordinal"]
    better: Literal["lower", "higher", "neither"]
    definition: str
    method: str
    stratified_by: tuple[str, ...]
    groups: tuple[GroupOutcome, ...]
    contrasts: tuple[Contrast, ...]
    sensitivity: tuple[OutcomeSensitivity, ...]
    curve: tuple[CurvePoint, ...] = ()
    notes: tuple[str, ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    failure: str | None = None
