"""Participant flow and analysis sets, from the records alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.results import AnalysedCount, Flow, FlowCount, Reason, VisitCount
from equipoise.analysis.small_cells import smallest_shown, too_small
from equipoise.protocol.endpoint_sources import SOURCES

if TYPE_CHECKING:
    from equipoise.analysis.dataset import Dataset
    from equipoise.analysis.groups import Groups
    from equipoise.protocol import Protocol
    from equipoise.records import Records


_HIDDEN = Reason(group="", reason="Reasons with small counts are not shown", n=None)


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
        received = completed = left = unknown = None
        if records.doses is not None:
            received = records.doses.filter(pl.col("participant").is_in(members.implode()))[
                "participant"
            ].n_unique()
        if records.disposition is not None:
            mine = records.disposition.filter(pl.col("participant").is_in(members.implode()))
            # Somebody who discontinued and died counts once, as a death.
            gone = (
                mine.filter(pl.col("event") != "completed")
                .sort(pl.col("event") != "death", maintain_order=True)
                .unique("participant", keep="first", maintain_order=True)
            )
            completed = mine.filter(
                (pl.col("event") == "completed")
                & ~pl.col("participant").is_in(gone["participant"].implode())
            )["participant"].n_unique()
            left = gone.height
            unknown = group.n - completed - left
            if not groups.blinded:  # a reason is free text and can name the drug
                reasons += _reasons(group.key, gone, smallest)
        counts.append(
            FlowCount(
                group=group.key,
                label=group.label,
                randomised=group.n,
                received_dose=received,
                completed=completed,
                discontinued=left,
                status_unknown=unknown,
            )
        )
    if any(reason.n is None for reason in reasons):
        # Hidden in one group is hidden in all: the sum may stand elsewhere.
        reasons = [_HIDDEN.model_copy(update={"group": key}) for key in groups.keys]
    return Flow(
        randomised=groups.members.height,
        counts=tuple(counts),
        reasons=tuple(reasons),
        analysed=tuple(_analysed(protocol, groups, datasets)),
        visits=tuple(_seen(protocol, records, groups)),
        out_of_window=tuple(n for n in records.notes if "outside their window" in n),
    )


def _reasons(group: str, gone: pl.DataFrame, smallest: int) -> list[Reason]:
    table = (
        gone.with_columns(
            pl.when(pl.col("event") == "death")
            .then(pl.lit("Death"))
            .otherwise(pl.col("reason").fill_null("Reason not recorded"))
            .alias("reason")
        )
        .group_by("reason")
        .len()
        .sort("len", "reason", descending=[True, False])
    )
    numbers = table["len"].to_list()
    if too_small(numbers, smallest):
        return [_HIDDEN.model_copy(update={"group": group})]
    return [
        Reason(group=group, reason=reason, n=n)
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
