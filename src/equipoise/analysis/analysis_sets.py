"""Analysis sets: who belongs to each, and why others do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.estimand_results import SetCount
from equipoise.analysis.small_cells import too_small
from equipoise.protocol.consistency_of_estimands import EVERYBODY

if TYPE_CHECKING:
    from equipoise.analysis.groups import Groups
    from equipoise.protocol import Protocol
    from equipoise.records import Records


def members_of(
    protocol: Protocol, records: Records, groups: Groups, events: pl.DataFrame, key: str
) -> tuple[set[str], dict[str, list[str]]]:
    """Who is in a set, and reason → who left by it; each person by the first rule not met.

    A rule whose table is not part of the records excludes nobody, and its reason says so.
    """
    people: list[str] = groups.members["participant"].to_list()
    if key == EVERYBODY:
        return set(people), {}
    rules = protocol.analysis.sets[key]
    left: dict[str, list[str]] = {}
    inside = people
    if rules.minimum_doses:
        reason = f"fewer than {rules.minimum_doses} doses received"
        if rules.minimum_doses == 1:
            reason = "no dose received"
        if records.doses is None:
            left[f"{reason} (doses are not part of the records: nobody is excluded)"] = []
        else:
            counts = records.doses.group_by("participant").len()
            given = dict(counts.iter_rows())
            left[reason] = [p for p in inside if given.get(p, 0) < rules.minimum_doses]
            inside = [p for p in inside if p not in set(left[reason])]
    for event in rules.without:
        definition = protocol.intercurrent_events[event]
        had = set(events.filter(pl.col("event") == event)["participant"].to_list())
        reason = definition.label
        if getattr(records, definition.table) is None:
            reason += f" (`{definition.table}` is not part of the records: nobody is excluded)"
        left[reason] = [p for p in inside if p in had]
        inside = [p for p in inside if p not in had]
    return set(inside), left


def count_sets(
    protocol: Protocol, records: Records, groups: Groups, events: pl.DataFrame, smallest: int
) -> tuple[SetCount, ...]:
    """Every analysis set by group; reasons of few people are not counted, in any group."""
    arm = dict(groups.members.select("participant", "_group").iter_rows())
    rows: list[SetCount] = []
    for key, label in (
        (EVERYBODY, "Randomised" if not protocol.single_arm else "Enrolled"),
        *((key, s.label) for key, s in protocol.analysis.sets.items()),
    ):
        inside, left = members_of(protocol, records, groups, events, key)
        counts = {g: [sum(arm[p] == g for p in who) for who in left.values()] for g in groups.keys}
        hide = any(too_small(numbers, smallest) for numbers in counts.values())
        rows += [
            SetCount(
                key=key,
                label=label,
                group=group,
                n=sum(arm[p] == group for p in inside),
                reasons=tuple(
                    (reason, None if hide else n)
                    for reason, n in zip(left, counts[group], strict=True)
                ),
            )
            for group in groups.keys
        ]
    return tuple(rows)
