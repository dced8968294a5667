"""Vital signs by visit and group, their change from baseline, and markedly abnormal values."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.harm_results import HarmRow, VitalMean, VitalSummary
from equipoise.analysis.small_cells import too_small

if TYPE_CHECKING:
    from equipoise.analysis.harm_counts import Counter
    from equipoise.protocol import Protocol
    from equipoise.records import Records


def make_vitals(
    protocol: Protocol, records: Records, counter: Counter, smallest: int
) -> tuple[list[VitalSummary], list[str]]:
    """Summaries of every vital sign of the protocol, and what is not known.

    A mean of fewer than `smallest` people is not given; a row of markedly abnormal values with
    a small count in a group is hidden and counted.
    """
    if not protocol.vitals:
        return [], ["The protocol plans no vital signs"]
    if records.vitals is None:
        return [], ["Vital signs are not part of these records"]
    found = []
    for key, sign in protocol.vitals.items():
        if counter.groups.closed and sign.unblinding:
            continue
        rows = records.vitals.filter(pl.col("sign") == key).drop_nulls("value")
        values = {
            (person, visit): value
            for person, visit, value in rows.select("participant", "visit", "value").iter_rows()
        }
        planned = [visit.id for visit in protocol.visits if visit.id in sign.visits]
        means = [
            _mean(values, counter.people[group], group, visit, protocol.baseline.id, smallest)
            for visit in planned
            for group in counter.groups.keys
        ]
        abnormal, hidden = _abnormal(protocol, key, values, counter, smallest)
        found.append(
            VitalSummary(
                sign=key,
                label=sign.label,
                unit=sign.unit,
                means=tuple(means),
                abnormal=tuple(abnormal),
                hidden=hidden,
            )
        )
    return found, []


def _mean(
    values: dict[tuple[str, str], float],
    people: frozenset[str],
    group: str,
    visit: str,
    baseline: str,
    smallest: int,
) -> VitalMean:
    # Sums run in a fixed order: a set has none.
    own = [values[person, visit] for person in sorted(people) if (person, visit) in values]
    changes = [
        values[person, visit] - values[person, baseline]
        for person in sorted(people)
        if visit != baseline and (person, visit) in values and (person, baseline) in values
    ]
    mean, sd = _moments(own, smallest)
    change_mean, change_sd = _moments(changes, smallest)
    # Means of nested groups that differ by few people give the values of these few.
    started = sum((person, baseline) in values for person in people)
    if too_small([started - len(changes), len(own) - len(changes)], smallest):
        change_mean = change_sd = None
    return VitalMean(
        group=group,
        visit=visit,
        n=len(own),
        mean=mean,
        sd=sd,
        n_change=len(changes),
        change_mean=change_mean,
        change_sd=change_sd,
    )


def _moments(values: list[float], smallest: int) -> tuple[float | None, float | None]:
    if len(values) < max(smallest, 1):
        return None, None
    return math.fsum(values) / len(values), statistics.stdev(values) if len(values) > 1 else None


def _abnormal(
    protocol: Protocol,
    key: str,
    values: dict[tuple[str, str], float],
    counter: Counter,
    smallest: int,
) -> tuple[list[HarmRow], int]:
    sign = protocol.vitals[key]
    after = {at: v for at, v in values.items() if at[1] != protocol.baseline.id}
    assessed = {person for person, _ in after}
    rows, hidden = [], 0
    for name, word, limit in (
        ("low", "below", sign.marked_low),
        ("high", "above", sign.marked_high),
    ):
        if limit is None or not assessed:
            continue
        people = {
            person
            for (person, _), value in after.items()
            if (value < limit if name == "low" else value > limit)
        }
        label = f"{sign.label} {word} {limit:g} {sign.unit}"
        row = counter.row(f"vital:{key}:{name}", label, people, assessed)
        if any(too_small([rate.events], smallest) for rate in row.rates):
            hidden += 1
        else:
            rows.append(row)
    return rows, hidden
