"""Response and remission: rates of everybody in the set, and their differences.

Miettinen–Nurminen, stratified by the factors of the randomisation; beside it the other rule for
missing values, the case against the active arm, and the exact unstratified interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from equipoise.analysis.model_results import Contrast
from equipoise.analysis.outcome_results import GroupOutcome, OutcomeResult, OutcomeSensitivity
from equipoise.analysis.outcomes import (
    NotComparedError,
    OutcomeData,
    compare,
    definition_of,
    reached,
)
from equipoise.stats import (
    clopper_pearson,
    exact_risk_difference,
    miettinen_nurminen_stratified,
)

if TYPE_CHECKING:
    from collections.abc import Callable

#: How a missing value counts: as failure, left out, or against the arm that is tested.
Missing = Literal["failure", "observed", "worst case"]

_WORDS: Mapping[Missing, str] = {
    "failure": "whoever has no value counts as failure",
    "observed": "whoever has no value is left out",
    "worst case": "no value counts as failure on the active arm and as success on the control",
}


def analyse_responders(data: OutcomeData) -> OutcomeResult:
    """Response or remission at every visit after baseline."""
    point = data.endpoint
    found = reached(data)
    rule: Missing = "failure" if point.missing == "failure" else "observed"
    other: Missing = "observed" if rule == "failure" else "failure"
    groups = [_rate(data, found, g, visit, rule) for visit in data.visits for g in data.groups.keys]
    main = compare(data, data.visits, lambda v, a, c: _stratified(data, found, v, a, c, rule))
    sensitivity = [
        _repeat(data, _WORDS[other], lambda v, a, c: _stratified(data, found, v, a, c, other)),
        _repeat(
            data,
            _WORDS["worst case"],
            lambda v, a, c: _stratified(data, found, v, a, c, "worst case"),
        ),
        _repeat(data, "exact, without strata", lambda v, a, c: _exact(data, found, v, a, c, rule)),
    ]
    strata = " within strata" if data.stratified_by else ""
    return OutcomeResult(
        endpoint=data.key,
        label=point.label,
        scale="remission" if point.scale == "remission" else "response",
        better=point.better,
        definition=definition_of(data),
        method=f"Difference of rates, Miettinen–Nurminen score interval{strata}; {_WORDS[rule]}",
        stratified_by=data.stratified_by,
        groups=tuple(groups),
        contrasts=tuple(main.contrasts),
        sensitivity=tuple(s for s in sensitivity if s.contrasts or s.failure),
        notes=main.notes(),
        failures=tuple(main.failures),
        failure=main.told(data),
    )


def _rate(
    data: OutcomeData,
    found: Mapping[tuple[str, str], bool],
    group: str,
    visit: str,
    rule: Missing,
) -> GroupOutcome:
    members = data.members(group)
    known = [found[p, visit] for p in members if (p, visit) in found]
    missing = len(members) - len(known)
    n = len(members) if rule == "failure" else len(known)
    events = sum(known)
    if n < max(data.smallest, 1):
        return GroupOutcome(
            group=group, visit=visit, n=n, missing=missing, events=None,
            estimate=None, lower=None, upper=None, suppressed=n > 0,
        )  # fmt: skip
    lower, upper = clopper_pearson(events, n, data.alpha)
    return GroupOutcome(
        group=group,
        visit=visit,
        n=n,
        missing=missing,
        events=events,
        estimate=events / n,
        lower=lower,
        upper=upper,
    )


def _counts(
    data: OutcomeData,
    found: Mapping[tuple[str, str], bool],
    visit: str,
    group: str,
    rule: Missing,
    *,
    control: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """(strata,) events and participants of one arm."""
    strata = data.people["stratum"].unique(maintain_order=True).sort().to_list()
    place = {name: i for i, name in enumerate(strata)}
    events, n = np.zeros(len(strata), dtype=int), np.zeros(len(strata), dtype=int)
    rows = data.people.select("participant", "_group", "stratum").iter_rows()
    for person, of, stratum in rows:
        if of != group:
            continue
        value = found.get((person, visit))
        if value is None and rule == "observed":
            continue
        if value is None:
            value = control and rule == "worst case"
        events[place[stratum]] += bool(value)
        n[place[stratum]] += 1
    return events, n


def _stratified(
    data: OutcomeData,
    found: Mapping[tuple[str, str], bool],
    visit: str,
    arm: str,
    control: str,
    rule: Missing,
) -> tuple[Contrast, int]:
    e1, n1 = _counts(data, found, visit, arm, rule, control=False)
    e0, n0 = _counts(data, found, visit, control, rule, control=True)
    data.enough(int(n1.sum()), int(n0.sum()))
    if not np.any((n1 > 0) & (n0 > 0)):
        raise NotComparedError("no stratum has participants of both arms")
    r = miettinen_nurminen_stratified(e1, n1, e0, n0, data.alpha)
    contrast = _contrast(arm, control, visit, r.estimate, r.lower, r.upper, r.p)
    return contrast, r.participants_left_out


def _exact(
    data: OutcomeData,
    found: Mapping[tuple[str, str], bool],
    visit: str,
    arm: str,
    control: str,
    rule: Missing,
) -> tuple[Contrast, int]:
    e1, n1 = _counts(data, found, visit, arm, rule, control=False)
    e0, n0 = _counts(data, found, visit, control, rule, control=True)
    data.enough(int(n1.sum()), int(n0.sum()))
    r = exact_risk_difference(
        int(e1.sum()), int(n1.sum()), int(e0.sum()), int(n0.sum()), data.alpha
    )
    return _contrast(arm, control, visit, r.estimate, r.lower, r.upper, r.p), 0


def _contrast(
    arm: str, control: str, visit: str, estimate: float, lower: float, upper: float, p: float
) -> Contrast:
    return Contrast(
        arm=arm,
        reference=control,
        visit=visit,
        measure="rate difference",
        estimate=estimate,
        se=None,
        df=None,
        t=None,
        p=p,
        lower=lower,
        upper=upper,
    )


def _repeat(
    data: OutcomeData, label: str, effect: Callable[[str, str, str], tuple[Contrast, int]]
) -> OutcomeSensitivity:
    """The comparison at the visits that are asked for, by another rule or method."""
    found = compare(data, data.asked, effect)
    return OutcomeSensitivity(
        label=label, contrasts=tuple(found.contrasts), failure=found.told(data)
    )
