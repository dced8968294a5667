"""Adverse events: at least one, by class and term, by worst grade, by time of the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.harm_results import GradeCount, GradeRow, HarmRow, OnsetRow
from equipoise.analysis.small_cells import too_small

if TYPE_CHECKING:
    from equipoise.analysis.harm_counts import Counter
    from equipoise.protocol import Protocol
    from equipoise.records import Records

GRADES = (1, 2, 3, 4, 5)

#: Kind of event → (label, rule); stopping rules count the same kinds.
KINDS: dict[str, tuple[str, Callable[[], pl.Expr]]] = {
    "any": ("At least one adverse event", lambda: pl.lit(True)),
    "serious": ("At least one serious adverse event", lambda: pl.col("serious")),
    "severe": ("At least one of grade 3 or higher", lambda: pl.col("grade") >= 3),
    "related": ("At least one judged related", lambda: pl.col("related").fill_null(False)),
    "serious-related": (
        "At least one serious and judged related",
        lambda: pl.col("serious") & pl.col("related").fill_null(False),
    ),
    "stopping": (
        "At least one that led to stopping study drug",
        lambda: pl.col("led_to_stopping").fill_null(False),
    ),
    "fatal": ("Fatal adverse event (grade 5)", lambda: pl.col("grade") == 5),
}


@dataclass(slots=True)
class EventTables:
    """What is counted of adverse events; the fields are those of `Safety`."""

    summary: list[HarmRow] = field(default_factory=list)
    classes: list[HarmRow] = field(default_factory=list)
    hidden_classes: int = 0
    terms: list[HarmRow] = field(default_factory=list)
    hidden_terms: int = 0
    grades: list[GradeRow] = field(default_factory=list)
    hidden_grades: int = 0
    onset: list[OnsetRow] = field(default_factory=list)
    hidden_onset: bool = False
    remarks: list[str] = field(default_factory=list)


def with_organ_classes(protocol: Protocol, events: pl.DataFrame) -> pl.DataFrame:
    """The events with the organ class of their term: the protocol's, else the records'."""
    named = {term: event.organ_class for term, event in protocol.safety.events.items()}
    recorded = pl.col("organ_class").drop_nulls().first().over("term")
    planned = pl.col("term").replace_strict(named, default=None, return_dtype=pl.String)
    return events.with_columns(organ_class=pl.coalesce(planned, recorded))


def tabulate(
    protocol: Protocol,
    records: Records,
    events: pl.DataFrame,
    counter: Counter,
    smallest: int,
    *,
    pooled: bool,
) -> EventTables:
    """All tables of adverse events.

    Parameters
    ----------
    events
        Rows of `adverse_events` that may be shown.
    smallest
        Smallest count of a breakdown that is shown.
    pooled
        True while blinded: only terms are counted, since "at least one" of a part would read
        as "at least one" of all.
    """
    tables = EventTables()
    events = with_organ_classes(protocol, events)
    if not pooled:
        _summary(records, events, counter, tables)
    shown = _terms(events, counter, smallest, tables)
    if not pooled:
        _classes(events, shown, counter, smallest, tables)
    _grades(events, shown, counter, smallest, tables, pooled)
    if not pooled:
        _onset(protocol, events, counter, smallest, tables)
    if counter.times is None:
        tables.remarks.append("Time on trial is not recorded: there are no rates of events")
    else:
        _untimed(events, counter, tables)
    return tables


def _summary(records: Records, events: pl.DataFrame, counter: Counter, tables: EventTables) -> None:
    for key, (label, rule) in KINDS.items():
        column = {"stopping": "led_to_stopping", "related": "related"}.get(key)
        column = "related" if key == "serious-related" else column
        unknown = events[column].null_count() if column else 0
        if unknown and unknown == events.height:
            if key != "serious-related":
                tables.remarks.append(f"{label}: not recorded for any event")
            continue
        tables.summary.append(counter.events_row(key, label, events.filter(rule())))
        if unknown and key != "serious-related":
            what = "judged related" if key == "related" else "led to stopping study drug"
            tables.remarks.append(
                f"Whether it {'was ' if key == 'related' else ''}{what} is not recorded for "
                f"{unknown} event{'s' if unknown != 1 else ''}, not counted there"
            )
    if records.disposition is not None:
        died = set(records.disposition.filter(pl.col("event") == "death")["participant"])
        tables.summary.append(
            counter.row("death", "Death recorded in `disposition`", died, counter.everybody)
        )


def _terms(events: pl.DataFrame, counter: Counter, smallest: int, tables: EventTables) -> list[str]:
    """Rows of terms, the most frequent first; returns the terms that are shown."""
    order = events.group_by("term").agg(pl.col("participant").n_unique().alias("n"))
    shown = []
    for term in order.sort("n", "term", descending=[True, False])["term"].to_list():
        mine = events.filter(pl.col("term") == term)
        row = counter.events_row(f"term:{term}", term, mine)
        if any(too_small([rate.events], smallest) for rate in row.rates):
            tables.hidden_terms += 1
            continue
        shown.append(term)
        tables.terms.append(row.model_copy(update={"organ_class": mine["organ_class"][0]}))
    if tables.hidden_terms:
        # Events add up over terms: those of the shown ones would leave those of the hidden.
        bare = {"event_rates": (), "ratios": ()}
        tables.terms[:] = [row.model_copy(update=bare) for row in tables.terms]
        tables.remarks.append(
            "Numbers and rates of events by term are not given: with a hidden term they would "
            "give it back"
        )
    return shown


def _classes(
    events: pl.DataFrame, shown: list[str], counter: Counter, smallest: int, tables: EventTables
) -> None:
    """Rows of organ classes. One with a hidden term is hidden: the others would give it back."""
    known = events.filter(pl.col("organ_class").is_not_null())
    order = known.group_by("organ_class").agg(pl.col("participant").n_unique().alias("n"))
    for name in order.sort("n", "organ_class", descending=[True, False])["organ_class"].to_list():
        mine = known.filter(pl.col("organ_class") == name)
        row = counter.events_row(f"class:{name}", name, mine)
        small = any(too_small([rate.events], smallest) for rate in row.rates)
        if small or not set(mine["term"]) <= set(shown):
            tables.hidden_classes += 1
        else:
            tables.classes.append(row)


def _grades(
    events: pl.DataFrame,
    shown: list[str],
    counter: Counter,
    smallest: int,
    tables: EventTables,
    pooled: bool,
) -> None:
    """Worst grade of each participant, once a term, and once over all terms."""
    parts = [] if pooled else [("any", "Any adverse event", None, events)]
    for term in shown:
        mine = events.filter(pl.col("term") == term)
        parts.append((f"term:{term}", term, mine["organ_class"][0], mine))
    for key, label, organ_class, mine in parts:
        if mine.is_empty():
            continue
        worst = mine.group_by("participant").agg(pl.col("grade").max())
        graded = dict(worst.iter_rows())
        counts = [
            GradeCount(
                group=group,
                grade=grade,
                n=sum(graded.get(person) == grade for person in people),
            )
            for group, people in counter.people.items()
            for grade in GRADES
        ]
        if too_small([count.n for count in counts], smallest):
            tables.hidden_grades += 1
            continue
        tables.grades.append(
            GradeRow(key=key, label=label, organ_class=organ_class, counts=tuple(counts))
        )


def _onset(
    protocol: Protocol, events: pl.DataFrame, counter: Counter, smallest: int, tables: EventTables
) -> None:
    """First onsets between planned visits, from the first dose to the last day on trial."""
    after = events.filter(pl.col("start_day") >= 0)
    if counter.times is not None:
        last = pl.col("participant").replace_strict(
            counter.times, default=-1.0, return_dtype=pl.Float64
        )
        after = after.filter(pl.col("start_day") <= last)
    firsts = dict(after.group_by("participant").agg(pl.col("start_day").min()).iter_rows())
    starts = [0.0, *(visit.day for visit in protocol.follow_up if visit.day > 0)]
    rows = []
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        stop = float("inf") if end is None else end
        onsets = after.filter((pl.col("start_day") >= start) & (pl.col("start_day") < stop))
        for group, people in counter.people.items():
            free = [p for p in people if firsts.get(p, float("inf")) >= start]
            at_risk = None
            if counter.times is not None:
                at_risk = sum(counter.times.get(person, -1.0) >= start for person in free)
            rows.append(
                OnsetRow(
                    start=start,
                    end=end,
                    group=group,
                    at_risk=at_risk,
                    first=sum(start <= firsts.get(person, -1.0) < stop for person in people),
                    events=onsets.filter(pl.col("participant").is_in(list(people))).height,
                )
            )
    if rows and not any(row.events for row in rows if row.end is None):
        rows = [row for row in rows if row.end is not None]
    counts = [n for row in rows for n in (row.first, row.events)]
    if too_small(counts, smallest):
        tables.hidden_onset = True
    elif after.height:
        tables.onset += rows


def _untimed(events: pl.DataFrame, counter: Counter, tables: EventTables) -> None:
    """Say how many events lie outside the time on trial, and who has none."""
    assert counter.times is not None
    outside = sum(
        not 0 <= start <= counter.times.get(person, -1.0)
        for person, start in events.select("participant", "start_day").iter_rows()
    )
    if outside:
        tables.remarks.append(
            f"{outside} event{'s' if outside != 1 else ''} began before the first dose or after "
            "the last day on trial: counted, but not in the rates"
        )
    unknown = len(counter.everybody - set(counter.times))
    if unknown:
        tables.remarks.append(
            f"{unknown} participant{'s have' if unknown != 1 else ' has'} no day in any table and "
            "no time on trial"
        )
