"""What is seen of a cohort: actual days, missed visits, dropout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.patients import cumulative_probabilities, drawn_levels

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.trial_generators import Draws


@dataclass(frozen=True, slots=True)
class ObservationPlan:
    """What attendance follows from.

    Attributes
    ----------
    day, earliest, latest
        (visits,) planned day and window.
    jitter
        SD of the actual day (days).
    logit
        (arms,) logit of leaving between two visits at an average score; -inf: nobody leaves.
    seen, unseen
        Added to it per SD of a worse last score that was seen, and of a worse next score, which
        will not be.
    missed
        Probability to miss a single visit.
    reasons
        Of leaving, with (reasons,) cumulative probabilities.
    instrument
        The one whose scores matter, the first; None without instruments.
    sign
        1 where higher is worse, -1 where it is better.
    rated
        (visits,) position among the instrument's visits; -1 where it is not rated.
    """

    day: np.ndarray
    earliest: np.ndarray
    latest: np.ndarray
    jitter: float
    logit: np.ndarray
    seen: float
    unseen: float
    missed: float
    reasons: tuple[str, ...]
    cumulative: np.ndarray
    instrument: str | None
    sign: float
    rated: tuple[int, ...]


def plan_observation(protocol: Protocol) -> ObservationPlan:
    """The plan of a protocol with statistical assumptions."""
    import numpy as np

    plan = protocol.assumptions.statistical
    assert plan is not None
    visits, dropout = protocol.visits, plan.dropout
    total = np.array([dropout.probability[arm] for arm in protocol.arms])
    hazard = np.clip(1 - (1 - total) ** (1 / (len(visits) - 1)), 1e-12, 1 - 1e-12)
    key = next(iter(protocol.instruments), None)
    rated = [-1] * len(visits)
    if key is not None:
        use = protocol.instruments[key]
        for position, index in enumerate(i for i, v in enumerate(visits) if v.id in use.visits):
            rated[index] = position
    return ObservationPlan(
        day=np.array([float(v.day) for v in visits]),
        earliest=np.array([float(v.window[0]) for v in visits]),
        latest=np.array([float(v.window[1]) for v in visits]),
        jitter=plan.visit_jitter,
        logit=np.where(total > 0, np.log(hazard / (1 - hazard)), -np.inf),
        seen=dropout.slope,
        unseen=dropout.slope_unseen,
        missed=dropout.missed_visit,
        reasons=tuple(dropout.reasons),
        cumulative=cumulative_probabilities(list(dropout.reasons.values())),
        instrument=key,
        sign=-1.0 if key is not None and protocol.scale(key).better == "higher" else 1.0,
        rated=tuple(rated),
    )


def observed_days(
    plan: ObservationPlan,
    totals: Mapping[str, np.ndarray],
    arms: np.ndarray,
    generator: Draws,
    trials: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Who was seen when, who left when, and why.

    Leaving between two visits has ``logit P = logit(h) + slope · z + slope_unseen · u``: z the
    last score that was seen, u the next one, that who leaves will not give; both as recorded,
    as deviations from the mean of all participants at that visit in SD, positive where worse.
    h spreads the arm's probability over the visits. Without `slope_unseen` scores are missing
    at random, given the scores that were seen.

    Parameters
    ----------
    totals
        Instrument → (n, its visits) totals as they would be recorded, points.
    arms
        (n,) indices of the arms that people follow.
    trials
        Of which the n are the participants, one trial after the other.

    Returns
    -------
    days
        (n, visits) actual day; NaN where the visit did not take place.
    leaving
        (n,) day of leaving; infinite for those who stayed.
    reasons
        (n,) index of a reason for leaving, drawn for everybody.
    """
    import numpy as np

    n, visits = len(arms), len(plan.day)
    days = plan.day + generator.normal(0.0, 1.0, size=(n, visits)) * plan.jitter
    days = np.round(np.minimum(np.maximum(days, plan.earliest), plan.latest), 1)
    days[:, 0] = plan.day[0]
    steps = visits - 1
    uniform = generator.random((n, steps))
    when = generator.random((n, steps))
    missed = np.zeros((n, visits), dtype=bool)
    missed[:, 1:] = generator.random((n, steps)) < plan.missed
    reasons = drawn_levels(plan.cumulative, n, generator)

    worse = None
    if plan.instrument is not None and (plan.seen or plan.unseen):
        scores = totals[plan.instrument]
        scores = scores.reshape(trials, n // trials, scores.shape[1])
        deviation = scores - scores.mean(axis=1, keepdims=True)
        spread = np.maximum(scores.std(axis=1, keepdims=True), 1e-12)
        worse = (plan.sign * deviation / spread).reshape(n, -1)
    base = plan.logit[arms]
    leaving = np.full(n, np.inf)
    last = np.zeros(n)
    for step in range(steps):
        logit = base
        if worse is not None:
            if plan.rated[step] >= 0:
                last = np.where(missed[:, step], last, worse[:, plan.rated[step]])
            logit = base + plan.seen * last
            following = next((at for at in plan.rated[step + 1 :] if at >= 0), -1)
            if plan.unseen and following >= 0:
                logit = logit + plan.unseen * worse[:, following]
        # Between the last visit that was kept and the earliest day of the next one.
        leaves = np.isinf(leaving) & (
            uniform[:, step] < 1 / (1 + np.exp(np.minimum(-logit, 700.0)))
        )
        if leaves.any():
            start = days[:, step]
            end = np.maximum(plan.earliest[step + 1], start)
            left = np.round(start + when[:, step] * (end - start), 1)
            leaving = np.where(leaves, left, leaving)
        days[np.isfinite(leaving), step + 1] = np.nan
    days[missed] = np.nan
    return days, leaving, reasons
