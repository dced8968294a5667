"""Other treatment that participants received during the trial, by class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.results import Concomitant, ConcomitantRow
from equipoise.analysis.small_cells import smallest_shown, too_small

if TYPE_CHECKING:
    from equipoise.analysis.groups import Groups
    from equipoise.protocol import Protocol
    from equipoise.records import Records


def make_concomitant(protocol: Protocol, records: Records, groups: Groups) -> Concomitant | None:
    """Participants of each group with each class of medication between first dose and last visit.

    None where `medications` was not recorded, and while blinded: names of drugs are free text
    and can give the arm away. A drug without a class stands under its own name. In observed
    data a class that few people of a group had is not shown.
    """
    frame = records.medications
    if frame is None or groups.blinded:
        return None
    last = protocol.visits[-1].window[1]
    during = frame.filter(
        (pl.col("start_day").fill_null(0) <= last) & (pl.col("end_day").fill_null(last) >= 0)
    )
    people = (
        during.with_columns(_class=pl.coalesce("class", "drug"))
        .select("participant", "_class")
        .unique()
        .join(groups.members, on="participant", how="inner")
    )
    count = {(c, g): n for c, g, n in people.group_by("_class", "_group").len().iter_rows()}
    classes = people["_class"].unique().to_list()
    total = {c: sum(n for (name, _), n in count.items() if name == c) for c in classes}
    smallest = smallest_shown(protocol, records)
    rows: list[ConcomitantRow] = []
    hidden = 0
    for name in sorted(classes, key=lambda c: (-total[c], c)):
        counts = tuple(count.get((name, key), 0) for key in groups.keys)
        if too_small(counts, smallest):
            hidden += 1
        else:
            rows.append(ConcomitantRow(label=name, counts=counts))
    return Concomitant(rows=tuple(rows), hidden=hidden)
