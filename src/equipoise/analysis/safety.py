"""What harms were seen, and which rates do these numbers exclude?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.adverse_events import EventTables, tabulate
from equipoise.analysis.exposure import time_on_trial
from equipoise.analysis.harm_counts import Counter
from equipoise.analysis.harm_results import HarmRow, Safety
from equipoise.analysis.lab_shifts import make_shifts
from equipoise.analysis.liver import make_liver
from equipoise.analysis.small_cells import smallest_shown
from equipoise.analysis.stopping import make_stopping
from equipoise.analysis.vital_signs import make_vitals

if TYPE_CHECKING:
    from equipoise.analysis.groups import Groups
    from equipoise.protocol import Protocol
    from equipoise.protocol.measurements import ScoreThreshold
    from equipoise.records import Records


def make_safety(
    protocol: Protocol,
    records: Records,
    groups: Groups,
    *,
    smallest: int | None = None,
    for_rules: pl.DataFrame | None = None,
) -> Safety:
    """Harms by group, with exact intervals.

    Denominator: everybody randomised in the group; for scores, laboratory values and vital
    signs those assessed after baseline. While blinded only terms that the protocol names and
    marks as not unblinding are counted, and there is no summary: "at least one" of a part would
    read as "at least one" of all. In observed data a breakdown with few people of a group is
    not shown; the summary, suicidality, mania and the liver flags always are.

    Parameters
    ----------
    smallest
        Smallest count of a breakdown that is shown; the protocol's when left out.
    for_rules
        Adverse events that stopping rules count, where they are more than those of `records`.
    """
    smallest = smallest_shown(protocol, records) if smallest is None else smallest
    counter = Counter.of(groups, time_on_trial(records), protocol.analysis.alpha)
    not_collected: list[str] = []
    withheld: list[str] = []
    tables = EventTables()
    events = records.adverse_events
    if events is None:
        not_collected.append("Adverse events are not part of these records")
    else:
        shown = events
        if groups.blinded:
            known = [t for t, e in protocol.safety.events.items() if not e.unblinding]
            shown = events.filter(pl.col("term").is_in(known))
            withheld.append(
                "Only terms that the protocol names and marks as not giving the arm away are "
                "shown; all other events, serious ones among them, are withheld"
            )
        tables = tabulate(protocol, records, shown, counter, smallest, pooled=groups.blinded)
    watched = _watched(protocol, records, counter, not_collected)
    shifts, of_labs = make_shifts(protocol, records, counter, smallest)
    liver, of_liver = make_liver(protocol, records, counter)
    vitals, of_vitals = make_vitals(protocol, records, counter, smallest)
    counted = events if for_rules is None else for_rules
    stopping, of_stopping, closed = make_stopping(protocol, records, counted, groups)
    if groups.closed and any(
        part.unblinding for part in (*protocol.labs.values(), *protocol.vitals.values())
    ):
        closed.insert(0, "Laboratory values and vital signs that can give the arm away are "
                         "withheld")  # fmt: skip
    return Safety(
        summary=tuple(tables.summary),
        terms=tuple(tables.terms),
        hidden_terms=tables.hidden_terms,
        watched=tuple(watched),
        not_collected=tuple(not_collected),
        withheld=tuple(withheld),
        classes=tuple(tables.classes),
        hidden_classes=tables.hidden_classes,
        grades=tuple(tables.grades),
        hidden_grades=tables.hidden_grades,
        onset=tuple(tables.onset),
        hidden_onset=tables.hidden_onset,
        lab_shifts=tuple(shifts),
        liver=tuple(liver),
        vitals=tuple(vitals),
        stopping=tuple(stopping),
        remarks=(*tables.remarks, *of_labs, *of_liver, *of_vitals, *of_stopping, *closed),
    )


def _watched(
    protocol: Protocol, records: Records, counter: Counter, not_collected: list[str]
) -> list[HarmRow]:
    """Suicidality and switch into mania: always reported, or said to be missing."""
    watched = []
    for name, label in (("suicidality", "Suicidality"), ("mania", "Switch into mania")):
        rule = getattr(protocol.safety, name)
        if rule is None:
            not_collected.append(f"{label}: the protocol names no score for it")
            continue
        reached, assessed = _reached(protocol, records, rule)
        if not assessed:
            not_collected.append(f"{label}: nobody has a score after baseline in these records")
        else:
            watched.append(counter.row(name, f"{label}: {rule.reason}", reached, assessed))
    return watched


def _reached(
    protocol: Protocol, records: Records, rule: ScoreThreshold
) -> tuple[set[str], set[str]]:
    """Who reached the threshold after baseline, and who was assessed then at all."""
    if records.scores is None:
        return set(), set()
    item = "total" if rule.item is None else str(rule.item)
    after = records.scores.filter(
        (pl.col("instrument") == rule.instrument)
        & (pl.col("item") == item)
        & (pl.col("visit") != protocol.baseline.id)
        & pl.col("score").is_not_null()
    )
    reached = after.filter(pl.col("score") >= rule.threshold)
    return set(reached["participant"]), set(after["participant"])
