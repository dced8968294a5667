"""Participant flow and analysis sets, from the records alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.results import AnalysedCount, Flow, FlowCount, Reason, VisitCount
from equipoise.analysis.screening import make_screening
from equipoise.analysis.small_cells import smallest_shown, too_small
from equipoise.protocol.endpoint_sources import SOURCES

if TYPE_CHECKING:
    from equipoise.analysis.dataset import Dataset
    from equipoise.analysis.groups import Groups
    from equipoise.protocol import Protocol
    from equipoise.records import Records


_NO_REASON = "Reason not recorded"
_HIDDEN = "Reasons with small counts are not shown"

#: Events of `disposition` whose reasons are counted, in the order of the diagram.
REASONED = ("stopped-study-drug", "discontinued", "lost-to-follow-up")


def make_flow(
    protocol: Protocol, records: Records, groups: Groups, datasets: Mapping[str, Dataset]
) -> Flow:
    """Counts along the trial, by group.

    What no table says is None: an empty `disposition` is not a trial without dropout.
    """
    counts: list[FlowCount] = []
    reasons: list[Reason] = []
    smallest = smallest_shown(protocol, records)
    for group in groups.groups:
        members = groups.members.filter(pl.col("_group") == group.key)["participant"]
        found: dict[str, int | None] = {}
        if records.doses is not None:
            mine = records.doses.filter(pl.col("participant").is_in(members.implode()))
            found["received_dose"] = mine["participant"].n_unique()
            found["doses_given"] = mine.height
            found["doses_planned"] = _doses_planned(protocol, group.key, group.n)
        if records.disposition is not None:
            mine = records.disposition.filter(pl.col("participant").is_in(members.implode()))
            status = _status(mine)
            found |= {word: int((status["event"] == event).sum()) for event, word in _ENDS.items()}
            found["status_unknown"] = group.n - status.height
            stopped = mine.filter(pl.col("event") == "stopped-study-drug")
            found["stopped_drug"] = stopped.height
            if not groups.blinded:  # a reason is free text and can name the drug
                for event in REASONED:
                    of = stopped if event == "stopped-study-drug" else status
                    of = of.filter(pl.col("event") == event)
                    reasons += _reasons(group.key, event, of, smallest)
        empty = dict.fromkeys(("received_dose", *_ENDS.values(), "status_unknown", "stopped_drug"))
        count = FlowCount.model_validate(
            {
                **empty,
                **found,
                "group": group.key,
                "label": group.label,
                "randomised": group.n,
            }
        )
        assert nests(count), count
        counts.append(count)
    for event in REASONED:
        if any(reason.n is None for reason in reasons if reason.event == event):
            # Hidden in one group is hidden in all: the sum may stand elsewhere.
            reasons = [reason for reason in reasons if reason.event != event]
            reasons += [
                Reason(group=key, event=event, reason=_HIDDEN, n=None) for key in groups.keys
            ]
    return Flow(
        screening=make_screening(protocol, records, smallest),
        randomised=groups.members.height,
        counts=tuple(counts),
        reasons=tuple(reasons),
        analysed=tuple(_analysed(protocol, groups, datasets)),
        visits=tuple(_seen(protocol, records, groups)),
        out_of_window=tuple(n for n in records.notes if "outside their window" in n),
    )


_ENDS = {
    "completed": "completed",
    "discontinued": "discontinued",
    "lost-to-follow-up": "lost",
    "death": "died",
}


def nests(count: FlowCount) -> bool:
    """Whether no part of a group's flow is larger than what it is part of."""
    parts = (count.received_dose, count.stopped_drug)
    if any(part is not None and not 0 <= part <= count.randomised for part in parts):
        return False
    ends = (count.completed, count.discontinued, count.lost, count.died, count.status_unknown)
    known = [n for n in ends if n is not None]
    if not known:
        return True
    return len(known) == len(ends) and min(known) >= 0 and sum(known) == count.randomised


def _status(disposition: pl.DataFrame) -> pl.DataFrame:
    """The one row that says how a participant's trial ended: death, then leaving, then the end."""
    order = ["death", "discontinued", "lost-to-follow-up", "completed"]
    return (
        disposition.filter(pl.col("event").is_in(order))
        .sort(pl.col("event").cast(pl.Enum(order)), maintain_order=True)
        .unique("participant", keep="first", maintain_order=True)
    )


def _doses_planned(protocol: Protocol, group: str, n: int) -> int | None:
    """Doses that `n` people of a group were to get; None where the protocol does not say."""
    arms = [protocol.arms[group]] if group in protocol.arms else list(protocol.arms.values())
    planned = {sum(len(dose.days) for dose in arm.doses) for arm in arms}
    each = planned.pop() if len(planned) == 1 else 0
    return n * each or None


def _reasons(group: str, event: str, people: pl.DataFrame, smallest: int) -> list[Reason]:
    table = (
        people.with_columns(pl.col("reason").fill_null(_NO_REASON))
        .group_by("reason")
        .len()
        .sort("len", "reason", descending=[True, False])
    )
    numbers = table["len"].to_list()
    if too_small(numbers, smallest):
        return [Reason(group=group, event=event, reason=_HIDDEN, n=None)]
    return [
        Reason(group=group, event=event, reason=reason, n=n)
        for reason, n in zip(table["reason"].to_list(), numbers, strict=True)
    ]


def _analysed(
    protocol: Protocol, groups: Groups, datasets: Mapping[str, Dataset]
) -> list[AnalysedCount]:
    rows = []
    for key, data in datasets.items():
        analysed = set(data.participants)
        for group in groups.groups:
            members = set(groups.members.filter(pl.col("_group") == group.key)["participant"])
            rows.append(
                AnalysedCount(
                    group=group.key,
                    endpoint=key,
                    label=protocol.endpoints[key].label,
                    randomised=group.n,
                    no_baseline=len(members & set(data.no_baseline)),
                    no_follow_up=len(members & set(data.no_follow_up)),
                    analysed=len(members & analysed),
                )
            )
    return rows


def _seen(protocol: Protocol, records: Records, groups: Groups) -> list[VisitCount]:
    tables = [
        frame.select("participant", "visit")
        for name in ("visits", *dict.fromkeys(source.records for source in SOURCES))
        if (frame := getattr(records, name)) is not None
    ]
    if not tables:
        return []
    seen = pl.concat(tables).unique().join(groups.members, on="participant", how="left")
    count = {(v, g): n for v, g, n in seen.group_by("visit", "_group").len().iter_rows()}
    return [
        VisitCount(
            group=group.key,
            visit=visit.id,
            label=visit.label,
            seen=count.get((visit.id, group.key), 0),
        )
        for visit in protocol.visits
        for group in groups.groups
    ]
