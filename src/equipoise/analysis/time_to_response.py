"""Time to first response: Kaplan-Meier curves and restricted mean times.

The time is the actual day of the first visit at which the rule is met, or of the last rating
(censored). Visits are some days or weeks apart: the response itself came between two of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from equipoise.analysis.model_results import Contrast
from equipoise.analysis.outcome_results import (
    CurvePoint,
    GroupOutcome,
    OutcomeResult,
)
from equipoise.analysis.outcomes import (
    NotComparedError,
    OutcomeData,
    compare,
    definition_of,
    reached,
)
from equipoise.stats import (
    StatsError,
    kaplan_meier,
    log_rank,
    restricted_mean,
    restricted_mean_difference,
)


@dataclass(frozen=True, slots=True)
class _Times:
    """(n,) participant, group, stratum, day of response or of the last rating, responded."""

    group: np.ndarray
    stratum: np.ndarray
    day: np.ndarray
    event: np.ndarray


def analyse_time_to_response(data: OutcomeData) -> OutcomeResult:
    """Restricted mean time to response up to each visit that is asked for.

    The horizon of a visit is the first day of its window: everybody seen there is followed so far.
    """
    times, unknown = _times(data)
    groups = [
        _mean(data, times, key, visit, unknown.get(key, 0))
        for visit in data.asked
        for key in data.groups.keys
    ]
    main = compare(data, data.asked, lambda v, a, c: _effect(data, times, v, a, c))
    strata = " within strata" if data.stratified_by else ""
    return OutcomeResult(
        endpoint=data.key,
        label=data.endpoint.label,
        scale="time-to-response",
        better=data.endpoint.better,
        definition=definition_of(data),
        method="Difference of restricted mean times without response (days), Kaplan–Meier, with "
        f"an asymptotic interval; tested by the log-rank test{strata}",
        stratified_by=data.stratified_by,
        groups=tuple(groups),
        contrasts=tuple(main.contrasts),
        sensitivity=(),
        curve=tuple(_curve(data, times)),
        notes=(
            "A response came between the visit before and the one at which it was seen.",
            "Times and curves end on the first day of the visit's window.",
            "The interval is too short with few participants; the test is not made from it, and "
            "the two can disagree.",
            *main.notes(),
        ),
        failures=tuple(main.failures),
        failure=main.told(data),
    )


def _effect(
    data: OutcomeData, times: _Times, visit: str, arm: str, control: str
) -> tuple[Contrast, int]:
    """Difference of the arms' restricted means; p by the stratified log-rank test.

    At 24 : 12 a test made from the restricted means would reject too often, and more so within
    strata (docs/methods/response-and-remission.md).
    """
    tau = float(data.protocol.visit(visit).window[0])
    mine = (times.group == arm) | (times.group == control)
    treated = times.group[mine] == arm
    data.enough(int(treated.sum()), int((~treated).sum()))
    day, event = times.day[mine], times.event[mine]
    for key in (arm, control):
        if not _followed(times, key, tau):
            raise NotComparedError(
                f"nobody on {data.protocol.arms[key].label} was followed to day {tau:g}, and the "
                "mean time up to there is not known"
            )
    if not (event & (day <= tau)).any():
        raise NotComparedError("nobody responded")
    found = restricted_mean_difference(day, event, treated, tau, None, data.alpha)
    before = np.minimum(day, tau)
    test = log_rank(before, event & (day <= tau), treated, times.stratum[mine])
    contrast = Contrast(
        arm=arm,
        reference=control,
        visit=visit,
        measure="restricted mean difference",
        estimate=found.estimate,
        se=found.se,
        df=None,
        t=None,
        p=test.p if math.isfinite(test.p) else 1.0,
        lower=found.lower,
        upper=found.upper,
    )
    return contrast, test.participants_left_out


def _followed(times: _Times, group: str, tau: float) -> bool:
    """Whether the curve of a group is known up to the horizon."""
    mine = times.group == group
    if times.day[mine].max() >= tau:
        return True
    return bool(kaplan_meier(times.day[mine], times.event[mine]).survival[-1] == 0)


def _times(data: OutcomeData) -> tuple[_Times, dict[str, int]]:
    """Times of everybody with a baseline and a rating after it; the others counted by group."""
    found = reached(data)
    rows = data.values.select("participant", "visit", "day").iter_rows()
    days = {(str(p), str(v)): d for p, v, d in rows}
    horizon = float(data.protocol.visit(data.visits[-1]).window[1])
    out: list[tuple[str, str, float, bool]] = []
    unknown: dict[str, int] = {}
    for person, group, stratum in data.people.iter_rows():
        judged = [v for v in data.visits if (person, v) in found]
        failed = [v for v in judged if (person, v) in data.failures]
        hit = next((v for v in judged if found[person, v]), None)
        last = max((float(days[person, v]) for v in judged if days.get((person, v))), default=None)
        if hit is not None:
            day = days.get((person, hit))
            day = data.protocol.visit(hit).day if day is None else day
            out.append((group, stratum, float(day), True))
        elif failed:  # a composite failure never responds: followed to the end
            out.append((group, stratum, horizon, False))
        elif last is not None:
            out.append((group, stratum, last, False))
        else:
            unknown[group] = unknown.get(group, 0) + 1
    return _Times(
        np.array([row[0] for row in out], dtype=str),
        np.array([row[1] for row in out], dtype=str),
        np.array([row[2] for row in out], dtype=float),
        np.array([row[3] for row in out], dtype=bool),
    ), unknown


def _mean(data: OutcomeData, times: _Times, group: str, visit: str, unknown: int) -> GroupOutcome:
    from scipy.special import ndtri

    tau = float(data.protocol.visit(visit).window[0])
    mine = times.group == group
    n, events = int(mine.sum()), int((times.event & mine & (times.day <= tau)).sum())
    estimate = lower = upper = None
    suppressed = 0 < n < data.smallest
    if n and not suppressed:
        try:
            found = restricted_mean(times.day[mine], times.event[mine], tau)
            half = float(ndtri(1 - data.alpha / 2)) * found.se
            estimate = found.estimate
            if math.isfinite(half) and half > 0:
                lower, upper = estimate - half, estimate + half
        except StatsError:
            estimate = None
    return GroupOutcome(
        group=group,
        visit=visit,
        n=n,
        missing=unknown,
        events=None if suppressed else events,
        estimate=estimate,
        lower=lower,
        upper=upper,
        suppressed=suppressed,
    )


def _curve(data: OutcomeData, times: _Times) -> list[CurvePoint]:
    """Steps of the curves up to the last horizon; of observed people only by planned visit.

    During the last visit everybody's follow-up ends with a rating: who happens to come last would
    decide where the curve ends. The day of a step is somebody's day: in observed data the curve is
    given at the end of each visit's window, while enough are at risk.
    """
    rows: list[CurvePoint] = []
    end = float(data.protocol.visit(data.visits[-1]).window[0])
    for group in data.groups.keys:
        mine = times.group == group
        if mine.sum() < max(1, data.smallest):
            continue
        found = kaplan_meier(times.day[mine], times.event[mine], data.alpha)
        if data.smallest == 1:
            steps = [(i, float(day)) for i, day in enumerate(found.time) if day <= end]
        else:
            closing = [data.protocol.visit(v).window[1] for v in data.visits[:-1]]
            last = [int(np.searchsorted(found.time, day, side="right")) - 1 for day in closing]
            steps = [(i, float(day)) for i, day in zip(last, closing, strict=True) if i >= 0]
        for i, day in steps:
            at_risk = int((times.day[mine] >= day).sum())
            if at_risk < data.smallest:
                break
            rows.append(
                CurvePoint(
                    group=group,
                    day=day,
                    at_risk=at_risk,
                    share=float(found.survival[i]),
                    lower=_known(found.lower[i]),
                    upper=_known(found.upper[i]),
                )
            )
    return rows


def _known(limit: float) -> float | None:
    return float(limit) if math.isfinite(limit) else None
