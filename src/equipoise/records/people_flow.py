"""Who came, who left: rules of `screening` and `disposition` that make the counts nest.

Accepted in `disposition`, one row an event and a participant:

- one end at most: ``completed``, ``discontinued`` or ``lost-to-follow-up``;
- ``death`` beside any end that does not lie after it; whoever died counts as dead;
- ``stopped-study-drug`` beside anything, unless it lies after the end or after death: who
  stopped the drug may well complete the trial.

Nothing lies before the day of allocation, where that day is recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from equipoise.faults import Fault
from equipoise.records.schema import ENDS

if TYPE_CHECKING:
    from equipoise.records.rows import RowFaults


def check_disposition(
    frame: pl.DataFrame, rows: RowFaults, allocation: pl.DataFrame | None
) -> None:
    """Events of one participant agree with each other and with the day of allocation."""
    is_end = pl.col("event").is_in(list(ENDS))
    known = frame.with_columns(
        _end=pl.when(is_end).then("day").max().over("participant"),
        _ends=is_end.sum().over("participant"),
        _death=pl.when(pl.col("event") == "death").then("day").max().over("participant"),
    )
    rows.add(
        known.select((is_end & (pl.col("_ends") > 1)).fill_null(False)).to_series(),
        code="disposition-contradicts",
        field="event",
        values=frame["event"],
        rule=f"a participant ends the trial once: one of {', '.join(ENDS)}",
        remedy="keep the event that is right; a drug that was stopped is `stopped-study-drug`",
    )
    after_end = (pl.col("event") == "stopped-study-drug") & (pl.col("day") > pl.col("_end"))
    after_death = (pl.col("event") != "death") & (pl.col("day") > pl.col("_death"))
    rows.add(
        known.select((after_end | after_death).fill_null(False)).to_series(),
        code="event-after-end",
        field="day",
        values=frame["day"],
        rule="nothing happens after death, and no drug is stopped after the end of the trial",
        remedy="correct one of the two days",
    )
    if allocation is None or "day" not in allocation.columns:
        return
    first = allocation.select("participant", pl.col("day").alias("_allocated")).unique(
        "participant"
    )
    joined = frame.join(first, on="participant", how="left", maintain_order="left")
    rows.add(
        (joined["day"] < joined["_allocated"]).fill_null(False),
        code="event-before-allocation",
        field="day",
        values=frame["day"],
        rule="nobody leaves or completes before the day of allocation",
        remedy="correct the day; who left before that day belongs into `screening`",
    )


def check_screening(
    frame: pl.DataFrame, rows: RowFaults, entered: str, participants: pl.DataFrame | None
) -> None:
    """As many were screened and entered as there are participants."""
    if participants is None:
        return
    found = int((frame["outcome"] == entered).fill_null(False).sum())
    if found != participants.height:
        rows.faults.append(
            Fault(
                "screening-differs",
                rows.place.where,
                "outcome",
                str(found),
                f"as many were screened and `{entered}` as `participants` has rows, "
                f"{participants.height}",
                "complete `screening`, or leave the table out where screening was not recorded",
            )
        )
