"""Intercurrent events as the records show them: who had which, and when first."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.estimand_results import EventCount
from equipoise.protocol.intercurrent import MedicationChange

if TYPE_CHECKING:
    from equipoise.analysis.groups import Groups
    from equipoise.protocol import Protocol
    from equipoise.protocol.intercurrent import RecordedEvent
    from equipoise.records import Records

_SCHEMA = {"participant": pl.String, "event": pl.String, "day": pl.Float64}


def find_events(protocol: Protocol, records: Records) -> pl.DataFrame:
    """participant, event, day: the first of each kind, in the order of the protocol.

    A score or a dose of the baseline visit makes no event; a medication counts when it was
    started or stopped after the first dose (day 0).
    """
    frames = [pl.DataFrame(schema=_SCHEMA)]
    for key, event in protocol.intercurrent_events.items():
        if not recorded(records, event):
            continue
        found = _days(protocol, records, event).drop_nulls()
        frames.append(
            found.group_by("participant", maintain_order=True)
            .agg(pl.col("day").min())
            .select("participant", pl.lit(key).alias("event"), pl.col("day").cast(pl.Float64))
        )
    return pl.concat(frames)


def recorded(records: Records, event: RecordedEvent) -> bool:
    """Whether the table that would show the event is part of the records."""
    return getattr(records, event.table) is not None


def _days(protocol: Protocol, records: Records, event: RecordedEvent) -> pl.DataFrame:
    """participant, day of every occurrence."""
    if event.medications:
        assert records.medications is not None
        mine = records.medications.filter(pl.col("class").is_in(list(event.medications)))
        parts: list[pl.DataFrame] = []
        if event.change is not MedicationChange.STOPPED:
            parts.append(mine.select("participant", pl.col("start_day").alias("day")))
        if event.change is not MedicationChange.STARTED:
            parts.append(mine.select("participant", pl.col("end_day").alias("day")))
        return pl.concat(parts).filter(pl.col("day") > 0)
    if event.disposition:
        assert records.disposition is not None
        return records.disposition.filter(pl.col("event").is_in(list(event.disposition))).select(
            "participant", "day"
        )
    if event.score is not None:
        assert records.scores is not None
        item = "total" if event.score.item is None else str(event.score.item)
        return records.scores.filter(
            (pl.col("instrument") == event.score.instrument)
            & (pl.col("item") == item)
            & (pl.col("visit") != protocol.baseline.id)
            & (pl.col("score") >= event.score.threshold)
        ).select("participant", "day")
    return _missed(protocol, records, int(event.missed_doses or 1))


def _missed(protocol: Protocol, records: Records, number: int) -> pl.DataFrame:
    """The planned day of each participant's n-th missed dose.

    All arms are dosed on the same days, so that this needs no allocation. A planned dose was
    given when one is recorded nearer to its day than to any other planned day.
    """
    assert records.doses is not None
    days = sorted({day for arm in protocol.arms.values() for d in arm.doses for day in d.days})
    edges = [-float("inf"), *((a + b) / 2 for a, b in itertools.pairwise(days))]
    given = records.doses.select("participant", "day")
    rows: list[tuple[str, float]] = []
    taken = {
        person: frame["day"].to_list()
        for (person,), frame in given.group_by("participant", maintain_order=True)
    }
    for person in records.participants["participant"].to_list():
        mine = taken.get(person, [])
        ends = [*edges[1:], float("inf")]
        missed = [
            day
            for day, low, high in zip(days, edges, ends, strict=True)
            if not any(low <= x < high for x in mine)
        ]
        if len(missed) >= number:
            rows.append((str(person), float(missed[number - 1])))
    return pl.DataFrame(rows, schema={"participant": pl.String, "day": pl.Float64}, orient="row")


def count_events(
    protocol: Protocol, records: Records, groups: Groups, events: pl.DataFrame, smallest: int
) -> tuple[EventCount, ...]:
    """Participants with each event by group, in all and by the visit before which it began.

    `n` is None where the table that would show the event is not part of the records. The
    break-down by visit is hidden whole where one of its counts is small.
    """
    rows: list[EventCount] = []
    ends = [(visit.id, visit.day) for visit in protocol.follow_up]
    known = events.join(groups.members, on="participant", how="inner")
    for key, event in protocol.intercurrent_events.items():
        there = recorded(records, event)
        mine = known.filter(pl.col("event") == key)
        counts: dict[str, list[int]] = {}
        for group in groups.keys:
            days = mine.filter(pl.col("_group") == group)["day"].to_list()
            start = -float("inf")
            counts[group] = []
            for _, end in ends:
                counts[group].append(sum(start < day <= end for day in days))
                start = end
            counts[group].append(sum(day > start for day in days))
        hidden = any(0 < n < smallest for numbers in counts.values() for n in numbers)
        rows += [
            EventCount(
                event=key,
                label=event.label,
                group=group,
                n=sum(counts[group]) if there else None,
                by_visit=None
                if hidden or not there
                else tuple(zip([*(v for v, _ in ends), "later"], counts[group], strict=True)),
            )
            for group in groups.keys
        ]
    return tuple(rows)
