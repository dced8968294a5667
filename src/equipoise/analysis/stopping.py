"""Stopping rules for harm: the boundaries, where the trial stands, what the rules do.

Participants count in the order of the rows of `participants`, which is that of enrolment; treated
is who received a dose. At a look, all events that are recorded by now of those first treated
count. Boundaries and characteristics are exact (`equipoise.stats`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.adverse_events import KINDS
from equipoise.analysis.harm_results import (
    StoppingCharacteristic,
    StoppingLook,
    StoppingResult,
)
from equipoise.analysis.open_words import names_an_arm
from equipoise.stats import stopping_boundary, stopping_characteristics

if TYPE_CHECKING:
    from equipoise.analysis.groups import Groups
    from equipoise.protocol import Protocol
    from equipoise.protocol.harms import StoppingRule
    from equipoise.records import Records

Withheld = list[str]


def make_stopping(
    protocol: Protocol, records: Records, events: pl.DataFrame | None, groups: Groups
) -> tuple[list[StoppingResult], list[str], Withheld]:
    """Rules that can be evaluated for these groups, remarks, and what is withheld.

    While blinded only a rule over all arms for a term that cannot give the arm away is
    evaluated. Under letters (`groups.masked`) a rule for one arm is evaluated for each arm by
    itself, and one for several of the arms together is withheld.
    """
    rules = protocol.safety.stopping
    if not rules:
        return [], ["The protocol states no stopping rule for harm"], []
    if events is None:
        return [], ["Stopping rules: adverse events are not part of these records"], []
    remarks: list[str] = []
    if records.doses is None:
        remarks.append(
            "Stopping rules: doses are not part of these records, so everybody counts as treated"
        )
    found: list[StoppingResult] = []
    withheld = 0
    for number, (key, rule) in enumerate(rules.items(), 1):
        arms = rule.arms or protocol.active_arms
        everybody = set(arms) == set(protocol.arms)
        open_term = rule.event in protocol.safety.events and not (
            protocol.safety.events[rule.event].unblinding
        )
        name, label = key, rule.label
        if groups.closed and names_an_arm(protocol, f"{key} {label}"):
            name, label = f"rule-{number}", f"Stopping rule {number}"
        if groups.blinded:
            parts = [(None, groups.keys)] if everybody and open_term else []
        elif groups.masked:
            closed = rule.event in protocol.safety.events and not open_term
            each = [(group, [group]) for group in groups.keys] if len(arms) == 1 else []
            parts = [(None, groups.keys)] if everybody else each
            parts = [] if closed else parts
        else:
            parts = [(None, list(arms))]
        if not parts:
            withheld += 1
        found += [
            _evaluate(name, label, rule, records, events, groups, group, members)
            for group, members in parts
        ]
    sentences = []
    if withheld:
        sentences.append(
            f"{withheld} stopping rule{'s' if withheld != 1 else ''} of the protocol cannot be "
            "evaluated without giving an arm away and "
            f"{'are' if withheld != 1 else 'is'} withheld"
        )
    return found, remarks if found else [], sentences


def _evaluate(
    key: str,
    label: str,
    rule: StoppingRule,
    records: Records,
    events: pl.DataFrame,
    groups: Groups,
    group: str | None,
    members: list[str],
) -> StoppingResult:
    matching = KINDS[rule.event][1]() if rule.event in KINDS else pl.col("term") == rule.event
    had = set(events.filter(matching)["participant"])
    enrolled = groups.members.filter(pl.col("_group").is_in(members))["participant"].to_list()
    dosed = None if records.doses is None else set(records.doses["participant"])
    treated = [person for person in enrolled if dosed is None or person in dosed]
    boundary = stopping_boundary(rule.looks, rule.accepted_rate, rule.alpha)
    looks = []
    for n, limit in zip(boundary.looks, boundary.events, strict=True):
        reached = n <= len(treated)
        count = sum(person in had for person in treated[:n]) if reached else None
        crossed = None if count is None else limit is not None and count >= limit
        looks.append(StoppingLook(n=n, boundary=limit, events=count, crossed=crossed))
    characteristics: list[StoppingCharacteristic] = []
    if rule.rates:
        exact = stopping_characteristics(boundary.looks, boundary.events, rule.rates)
        characteristics = [
            StoppingCharacteristic(rate=float(rate), stop=float(stop), expected_n=float(n))
            for rate, stop, n in zip(
                exact.rates, exact.stop, exact.expected_participants, strict=True
            )
        ]
    names = {g.key: g.label for g in groups.groups}
    return StoppingResult(
        key=key,
        label=label,
        event=rule.event,
        group=group,
        arms=" and ".join(names[member] for member in members),
        accepted_rate=rule.accepted_rate,
        alpha=rule.alpha,
        treated=len(treated),
        events=sum(person in had for person in treated),
        crossed_at=next((look.n for look in looks if look.crossed), None),
        looks=tuple(looks),
        characteristics=tuple(characteristics),
    )
