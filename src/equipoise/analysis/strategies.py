"""What a strategy for intercurrent events does to the values of an endpoint.

The first event whose strategy is not treatment policy decides over everything after it. A value
of the day of the event still belongs to the time before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from equipoise.protocol.intercurrent import IntercurrentEvent, Strategy
from equipoise.protocol.questions import Scale

if TYPE_CHECKING:
    from equipoise.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Handled:
    """Values after the strategies.

    Attributes
    ----------
    values
        participant, visit, day, value.
    failures
        participant, visit: visits after an event whose strategy is composite.
    touched
        participant, visit, event, strategy: values that were left out or replaced, and visits
        without a value that got one.
    """

    values: pl.DataFrame
    failures: pl.DataFrame
    touched: pl.DataFrame


_TOUCHED = {"participant": pl.String, "visit": pl.String, "event": pl.String, "strategy": pl.String}
_VISIT = {"participant": pl.String, "visit": pl.String}


def handle_events(
    protocol: Protocol,
    endpoint: str,
    values: pl.DataFrame,
    events: pl.DataFrame,
    plan: tuple[IntercurrentEvent, ...],
) -> Handled:
    """Apply an estimand's strategies to the values of its endpoint.

    Parameters
    ----------
    values
        participant, visit, day, value: as recorded, baseline included.
    events
        participant, event, day: the first of each kind.
    plan
        The estimand's intercurrent events with their strategies.

    Notes
    -----
    ``hypothetical`` leaves values after the event out; ``while-on-treatment`` puts the last value
    up to the event (the baseline when there is no other) in the place of all later ones;
    ``composite`` puts the stated change there, and for other than continuous endpoints marks the
    visit as a failure. Visits after the event without a value are filled likewise.
    """
    rules = {item.event: item for item in plan if item.strategy is not Strategy.TREATMENT_POLICY}
    order = {event: place for place, event in enumerate(rules)}
    first: dict[str, tuple[float, str]] = {}
    for person, event, day in events.select("participant", "event", "day").iter_rows():
        if event in rules:
            mine = (float(day), order[event])
            if person not in first or mine < (first[person][0], order[first[person][1]]):
                first[person] = (float(day), event)
    if not first:
        empty = pl.DataFrame(schema=_TOUCHED)
        return Handled(values, pl.DataFrame(schema=_VISIT), empty)
    kept: list[tuple[str, str, float | None, float]] = []
    failures: list[tuple[str, str]] = []
    touched: list[tuple[str, str, str, str]] = []
    ids = values["participant"].to_list()
    known = values.filter(pl.col("participant").is_in(list(first)))
    others = values.filter(~pl.Series(ids).is_in(list(first)))
    for (person,), frame in known.group_by("participant", maintain_order=True):
        day, event = first[str(person)]
        changed = _one_person(protocol, endpoint, frame, day, rules[event])
        kept += [(str(person), *row) for row in changed.kept]
        failures += [(str(person), visit) for visit in changed.failed]
        touched += [
            (str(person), visit, event, rules[event].strategy.value) for visit in changed.touched
        ]
    # Somebody who had the event and no value at all still fails.
    for person, (day, event) in first.items():
        if person not in set(ids) and rules[event].strategy is Strategy.COMPOSITE:
            later = [v for v in protocol.endpoint_visits(endpoint) if protocol.visit(v).day > day]
            if not protocol.endpoints[endpoint].scale.continuous:
                failures += [(person, visit) for visit in later]
                strategy = rules[event].strategy.value
                touched += [(person, visit, event, strategy) for visit in later]
    schema = {
        "participant": pl.String,
        "visit": pl.String,
        "day": pl.Float64,
        "value": pl.Float64,
    }
    changed_values = pl.DataFrame(kept, schema=schema, orient="row")
    return Handled(
        pl.concat([others.select(list(schema)), changed_values]),
        pl.DataFrame(failures, schema=_VISIT, orient="row"),
        pl.DataFrame(touched, schema=_TOUCHED, orient="row"),
    )


@dataclass(frozen=True, slots=True)
class _Changed:
    kept: list[tuple[str, float | None, float]]
    failed: list[str]
    touched: list[str]


def _one_person(
    protocol: Protocol, endpoint: str, frame: pl.DataFrame, day: float, rule: IntercurrentEvent
) -> _Changed:
    rows: Mapping[str, tuple[float, float]] = {
        str(visit): (float(at), float(value))
        for visit, at, value in frame.select("visit", "day", "value").iter_rows()
    }
    first = protocol.baseline.id
    # The baseline is what an event changes from: it stays, whenever the event was.
    before = {visit: row for visit, row in rows.items() if row[0] <= day or visit == first}
    kept: list[tuple[str, float | None, float]] = [(v, at, x) for v, (at, x) in before.items()]
    later = [
        visit
        for visit in protocol.endpoint_visits(endpoint)
        if visit not in before and (visit in rows or protocol.visit(visit).day > day)
    ]
    if rule.strategy is Strategy.HYPOTHETICAL:
        return _Changed(kept, [], [visit for visit in later if visit in rows])
    start = rows.get(first)
    point = protocol.endpoints[endpoint]
    if rule.strategy is Strategy.WHILE_ON_TREATMENT:
        if not before:
            return _Changed(kept, [], [visit for visit in later if visit in rows])
        latest = max(before, key=lambda visit: (visit != first, before[visit][0]))
        last = before[latest][1]
        return _Changed([*kept, *((v, None, last) for v in later)], [], later)
    if not point.scale.continuous:
        return _Changed([*kept, *((v, *rows[v]) for v in later if v in rows)], later, later)
    if start is None:
        return _Changed(kept, [], [visit for visit in later if visit in rows])
    import math

    step = float(rule.composite_change or 0.0)
    log = point.scale is Scale.LOG_FOLD
    stated = start[1] * math.exp(step) if log else start[1] + step
    return _Changed([*kept, *((v, None, stated) for v in later)], [], later)
