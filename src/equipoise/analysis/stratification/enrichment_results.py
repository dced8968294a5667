"""What a trial says of rules of enrichment."""

from __future__ import annotations

from typing import Literal

from equipoise.analysis.result_row import Row


class EnrichmentEffect(Row):
    """The effect of an arm against the control among some people: adjusted difference of the
    outcome at the landmark, with its t interval. `failure` says why there is none."""

    arm: str
    n: int | None
    estimate: float | None = None
    se: float | None = None
    df: float | None = None
    lower: float | None = None
    upper: float | None = None
    failure: str | None = None


class EnrichmentRuleResult(Row):
    """One rule at one threshold.

    `n` were randomised, `kept` of them meet the rule, `unknown` lack its measure and do not meet
    it; the share has exact limits, `screened` is its reciprocal: how many are looked at for one who
    goes on. Counts and effects are None where they are too small to be shown. `among_kept` is a
    randomised comparison for a rule at baseline, and none after the early visit.
    """

    rule: str
    label: str
    measure: str
    when: Literal["baseline", "early"]
    keep: Literal["at-least", "at-most"]
    threshold: float
    cross_validated: bool
    n: int
    kept: int | None
    unknown: int | None
    share: float | None = None
    share_lower: float | None = None
    share_upper: float | None = None
    screened: float | None = None
    screened_lower: float | None = None
    screened_upper: float | None = None
    among_kept: tuple[EnrichmentEffect, ...] = ()
    among_others: tuple[EnrichmentEffect, ...] = ()
    suppressed: bool = False


class EnrichmentResults(Row):
    """All rules; `everybody` is the effect without one, by the same model."""

    outcome_label: str
    unit: str
    landmark: str
    early_visit: str
    better: Literal["lower", "higher", "neither"]
    folds: int
    repeats: int
    seed: int
    everybody: tuple[EnrichmentEffect, ...]
    rules: tuple[EnrichmentRuleResult, ...]
