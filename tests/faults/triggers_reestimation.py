"""Faults of a blinded re-estimation: not planned, too early, with too few outcomes."""

from __future__ import annotations

import dataclasses

import polars as pl
from tests.faults.catalogue import trigger

import equipoise as eq

EVENTS = "[safety.events.Headache]"
PLAN = """[analysis.reestimation]
estimand = "week4"
share = SHARE
effect = -3.0
maximum = 40

"""


def _planned(share: float, size: int) -> tuple[tuple[str, str], ...]:
    plan = PLAN.replace("SHARE", str(share))
    return (("size = 8", f"size = {size}"), (EVENTS, f"{plan}{EVENTS}"))


@trigger
def reestimation_not_planned(box):
    """A size is to be estimated again that the protocol does not plan so."""
    eq.reestimate(box.check(), box.read())


@trigger
def reestimation_too_early(box):
    """Participants that the look waits for are not enrolled, or their visit is not over."""
    changes = _planned(0.5, 20)
    eq.reestimate(box.check(*changes), box.read(changes=changes))


@trigger
def reestimation_few(box):
    """Too few of the first participants have an outcome."""
    changes = _planned(0.99, 8)
    protocol, records = box.check(*changes), box.read(changes=changes)
    people = [f"{place:03d}" for place in range(1, 9)]
    one = records.participants.head(1)
    enrolled = pl.concat([one.with_columns(participant=pl.lit(name)) for name in people])
    ends = pl.DataFrame(
        {"participant": people, "event": ["lost-to-follow-up"] * 8, "day": [20.0] * 8}
    )
    records = dataclasses.replace(records, participants=enrolled, disposition=ends)
    scores = records.scores.filter(pl.col("visit") != "week4")
    eq.reestimate(protocol, dataclasses.replace(records, scores=scores))
