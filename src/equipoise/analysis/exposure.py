"""Time on trial: how long each participant was under observation.

From the first dose (day 0) to the last day on trial: the latest day of the participant's rows
in `disposition`; where there is none, the last day of a visit, a measurement or a dose. Who has
neither has no time. Adverse events do not lengthen it: they would count for themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from equipoise.records import Records

_SEEN = ("visits", "scores", "cells", "labs", "vitals", "doses")


def time_on_trial(records: Records) -> dict[str, float] | None:
    """Participant → days on trial (0 or more); None where no table says when anybody was seen."""
    left = _last(records.disposition)
    tables = [getattr(records, name) for name in _SEEN]
    seen = [_last(frame) for frame in tables if frame is not None]
    if not seen and records.disposition is None:
        return None
    days: dict[str, float] = {}
    for person in records.participants["participant"].to_list():
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
