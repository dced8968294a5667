"""What many simulated trials say of rules of enrichment, each number with its Monte-Carlo error."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from equipoise.analysis.stratification.enrichment_rule import EnrichmentRule
    from equipoise.design.enriched_trial import TrialOutcome
    from equipoise.protocol import Protocol

#: The trial without a rule.
EVERYBODY = "everybody is enrolled and goes on"


@dataclass(frozen=True, slots=True)
class EnrichmentRow:
    """One rule and one active arm; `…_se` is the Monte-Carlo error, None where there is none.

    Attributes
    ----------
    rule, when, threshold, keep, learned
        The rule; `when` is ``none``, ``baseline`` or ``early``.
    arm
        Against the control.
    share_kept
        Of the people screened, or of those randomised for a rule at the early visit.
    screened
        People screened a trial until the planned number was enrolled.
    filled
        Share of trials in which it was: screening ends with 8 people a place.
    power
        Share of trials with two-sided p below the protocol's level, in favour of the arm.
    power_gain
        Against everybody, on the same simulated people.
    effect
        Mean effect as randomised, in the outcome's unit: the difference of adjusted means at the
        landmark of everybody randomised.
    effect_kept
        The same among those who were kept. After a rule at the early visit it is no comparison
        of randomised groups: the early change is an effect of treatment.
    effect_left_out
        Of a rule at baseline: the effect in the people whom the trial turns away.
    doses
        Of study drug a trial on active arms.
    exposure_saved
        Share of the doses of the trial without a rule that are not given.
    """

    rule: str
    when: str
    threshold: float | None
    keep: str | None
    learned: str
    arm: str
    share_kept: float
    share_kept_se: float
    screened: float
    screened_se: float
    filled: float
    power: float | None
    power_se: float | None
    power_gain: float | None
    power_gain_se: float | None
    effect: float | None
    effect_se: float | None
    effect_kept: float | None
    effect_kept_se: float | None
    effect_left_out: float | None
    effect_left_out_se: float | None
    doses: float
    doses_se: float
    exposure_saved: float | None
    exposure_saved_se: float | None

    @property
    def screened_per_enrolled(self) -> float:
        """How many are screened for one who goes on."""
        return 1.0 / self.share_kept if self.share_kept > 0 else math.inf


@dataclass(frozen=True, slots=True)
class EnrichmentComparison:
    """Rules compared on simulated trials: a consequence of assumptions, never evidence.

    Attributes
    ----------
    rows
        The trial without a rule first, then the rules in their order, each by active arm.
    notes
        What must be said of them.
    """

    study: str
    protocol_hash: str
    scenario: str
    patients: str
    trials: int
    seed: int
    software: str
    outcome: str
    unit: str
    landmark: str
    early_visit: str
    rows: tuple[EnrichmentRow, ...]
    notes: tuple[str, ...]

    @property
    def table(self) -> pl.DataFrame:
        """One row a rule and an arm; marked SIMULATED."""
        import polars as pl

        names = [field.name for field in fields(EnrichmentRow)]
        rows = [{name: getattr(row, name) for name in names} for row in self.rows]
        frame = pl.DataFrame(rows, infer_schema_length=None)
        return frame.with_columns(pl.lit("SIMULATED").alias("origin"))


def summarise(
    protocol: Protocol,
    collected: Mapping[EnrichmentRule | None, Sequence[TrialOutcome]],
) -> tuple[EnrichmentRow, ...]:
    """Rows of all rules; None stands for the trial without one."""
    import numpy as np

    better = protocol.endpoints[_outcome(protocol)].better
    sign = -1.0 if better == "lower" else 1.0
    rows: list[EnrichmentRow] = []
    whole = collected[None]
    all_doses = np.array([one.doses for one in whole], dtype=float)
    for rule, trials in collected.items():
        share = np.array([one.share for one in trials])
        screened = np.array([one.screened for one in trials], dtype=float)
        doses = np.array([one.doses for one in trials], dtype=float)
        filled = float(np.mean([one.filled for one in trials]))
        saved, saved_se = _saved(doses, all_doses)
        early = rule is not None and rule.when == "early"
        for place, arm in enumerate(protocol.active_arms, 1):
            effect, p = _effects(protocol, trials, place)
            _, p_all = _effects(protocol, whole, place)
            found = _hits(effect, p, sign, protocol.analysis.alpha)
            without = _hits(
                _effects(protocol, whole, place)[0], p_all, sign, protocol.analysis.alpha
            )
            kept = _effects(protocol, trials, place, "kept")[0] if early else effect
            left = _effects(protocol, trials, place, "left-out")[0]
            power, power_se = _mean(found)
            gain, gain_se = (None, None) if rule is None else _mean(found - without)
            mean, se = _mean(effect)
            mean_kept, se_kept = _mean(kept)
            mean_left, se_left = _mean(left) if rule is not None and not early else (None, None)
            rows.append(
                EnrichmentRow(
                    rule=EVERYBODY if rule is None else rule.label,
                    when="none" if rule is None else rule.when,
                    threshold=None if rule is None else rule.threshold,
                    keep=None if rule is None else rule.keep,
                    learned="" if rule is None else rule.measure.learned,
                    arm=arm,
                    share_kept=float(share.mean()),
                    share_kept_se=_error(share),
                    screened=float(screened.mean()),
                    screened_se=_error(screened),
                    filled=filled,
                    power=power,
                    power_se=power_se,
                    power_gain=gain,
                    power_gain_se=gain_se,
                    effect=mean,
                    effect_se=se,
                    effect_kept=mean_kept,
                    effect_kept_se=se_kept,
                    effect_left_out=mean_left,
                    effect_left_out_se=se_left,
                    doses=float(doses.mean()),
                    doses_se=_error(doses),
                    exposure_saved=None if rule is None else saved,
                    exposure_saved_se=None if rule is None else saved_se,
                )
            )
    return tuple(rows)


def _outcome(protocol: Protocol) -> str:
    plan = protocol.analysis.prediction
    assert plan is not None
    return plan.outcome


def _effects(
    protocol: Protocol, trials: Sequence[TrialOutcome], arm: int, among: str = "all"
) -> tuple[np.ndarray, np.ndarray]:
    """(B,) effect of an arm against the control in each trial, and its p.

    Analysis of covariance of the change to the landmark on the arm, the baseline and the strata.
    """
    import numpy as np

    from equipoise.stats.early_change import associate, landmark_data

    if among == "left-out":
        parts = [one.left_out for one in trials]
    else:
        parts = [
            (
                np.where(one.kept, one.outcome, np.nan) if among == "kept" else one.outcome,
                one.baseline,
                one.arm,
                one.stratum,
            )
            for one in trials
        ]
    longest = max((len(part[0]) for part in parts), default=0)
    if longest == 0:
        none = np.full(len(trials), np.nan)
        return none, none
    shape = (len(parts), longest)
    outcome, baseline = np.full(shape, np.nan), np.full(shape, np.nan)
    arms, strata = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for row, (values, first, of_arm, of_stratum) in enumerate(parts):
        end = len(values)
        outcome[row, :end], baseline[row, :end] = values, first
        arms[row, :end], strata[row, :end] = of_arm, of_stratum
    outcome = np.where((arms == 0) | (arms == arm), outcome, np.nan)
    data = landmark_data(
        outcome,
        (arms == arm).astype(float),
        [baseline],
        np.zeros(shape, dtype=np.int64),
        strata,
        arms=1,
        strata=len(protocol.strata) + 1,
    )
    found = associate(data, "all-arms", alpha=protocol.analysis.alpha)
    return np.asarray(found.slope), np.asarray(found.p)


def _hits(effect: np.ndarray, p: np.ndarray, sign: float, alpha: float) -> np.ndarray:
    """(B,) 1 where the arm was found better, else 0, as where there is no estimate."""
    import numpy as np

    with np.errstate(invalid="ignore"):
        return ((p < alpha) & (sign * effect > 0)).astype(float)


def _mean(values: np.ndarray) -> tuple[float | None, float | None]:
    import numpy as np

    seen = values[np.isfinite(values)]
    if len(seen) < 2:
        return None, None
    return float(seen.mean()), _error(seen)


def _error(values: np.ndarray) -> float:
    """Monte-Carlo error of a mean."""
    return float(values.std(ddof=1) / math.sqrt(len(values)))


def _saved(doses: np.ndarray, without: np.ndarray) -> tuple[float | None, float | None]:
    """One less the ratio of the means, with the error of a ratio of paired values."""
    total = float(without.mean())
    if total == 0:
        return None, None
    ratio = float(doses.mean()) / total
    return 1.0 - ratio, _error(doses - ratio * without) / total
