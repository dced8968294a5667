"""Time on trial: how long each participant was under observation.

From the first dose (day 0) to the last day on trial: the latest day of the rows in `disposition`
that end it (stopping study drug does not); where there is none, the last day of a visit, a
measurement or a dose. Who has neither has no time, and neither has who was never dosed, where doses
are recorded. Adverse events do not lengthen it: they would count for themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from equipoise.protocol.endpoint_sources import SOURCES
from equipoise.records.schema import ENDS

if TYPE_CHECKING:
    from equipoise.records import Records

_SEEN = ("visits", "doses", *dict.fromkeys(source.records for source in SOURCES))
_ENDS = (*ENDS, "death")


def time_on_trial(records: Records) -> dict[str, float] | None:
    """Participant → days on trial (0 or more); None where no table says when anybody was seen."""
    ends = records.disposition
    left = _last(None if ends is None else ends.filter(pl.col("event").is_in(_ENDS)))
    tables = [getattr(records, name) for name in _SEEN]
    seen = [_last(frame) for frame in tables if frame is not None]
    if not seen and records.disposition is None:
        return None
    days: dict[str, float] = {}
    people: list[str] = records.participants["participant"].to_list()
    if records.doses is not None:
        dosed = set(records.doses["participant"])
        people = [person for person in people if person in dosed]
    for person in people:
        last = [found[person] for found in seen if person in found]
        if person in left:
            days[person] = max(left[person], 0.0)
        elif last:
            days[person] = max(*last, 0.0)
    return days


def _last(frame: pl.DataFrame | None) -> dict[str, float]:
    if frame is None:
        return {}
    found = frame.group_by("participant").agg(pl.col("day").max()).drop_nulls()
    return dict(found.iter_rows())
