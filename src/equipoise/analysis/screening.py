"""Who was assessed for eligibility, and why people did not enter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.results import Exclusion, Screening
from equipoise.analysis.small_cells import too_small
from equipoise.records.schema import EXCLUSIONS, entered_word

if TYPE_CHECKING:
    from equipoise.protocol import Protocol
    from equipoise.records import Records


def make_screening(protocol: Protocol, records: Records, smallest: int) -> Screening | None:
    """Counts of `screening`; None where it was not recorded.

    Reasons of observed people are hidden whole where one of them is small. They were given
    before allocation, so that they stand in blinded results too.
    """
    frame = records.screening
    if frame is None:
        return None
    entered = int((frame["outcome"] == entered_word(protocol)).sum())
    exclusions = [
        _exclusion(outcome, frame.filter(pl.col("outcome") == outcome), smallest)
        for outcome in EXCLUSIONS
    ]
    found = Screening(
        assessed=frame.height,
        excluded=sum(exclusion.n for exclusion in exclusions),
        entered=entered,
        exclusions=tuple(exclusion for exclusion in exclusions if exclusion.n),
    )
    assert found.assessed == found.excluded + found.entered, found
    return found


def _exclusion(outcome: str, people: pl.DataFrame, smallest: int) -> Exclusion:
    given = people["reason"].drop_nulls()
    if given.is_empty():
        return Exclusion(outcome=outcome, n=people.height, reasons=())
    table = (
        people.with_columns(pl.col("reason").fill_null("Reason not recorded"))
        .group_by("reason")
        .len()
        .sort("len", "reason", descending=[True, False])
    )
    if too_small(table["len"].to_list(), smallest):
        return Exclusion(outcome=outcome, n=people.height, reasons=(), reasons_hidden=True)
    return Exclusion(outcome=outcome, n=people.height, reasons=tuple(table.iter_rows()))
