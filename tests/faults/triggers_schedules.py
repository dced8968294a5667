"""Faults of doses and their days."""

from __future__ import annotations

from tests.faults.catalogue import trigger

import equipoise as eq
from equipoise.patients.schedule_language import parse_schedule
from equipoise.patients.schedules import Schedule, parse_doses, schedule_of_arm


def _schedule(days=(0.0, 1.0), amounts=(1.0, 1.0), **others):
    return Schedule(days, amounts, **others)


@trigger
def schedule_unclear(box):
    """A schedule in words is not understood; the word at which it ended is named."""
    parse_schedule("5 daly then weekly", dose=1, last_day=84)


@trigger
def schedule_lengths(box):
    """Python only: not every day of a schedule has its amount."""
    _schedule(amounts=(1.0,))


@trigger
def dose_days_disordered(box):
    """Python only: days of doses are not ascending, or one of them is no day."""
    _schedule(days=(1.0, 0.0))


@trigger
def dose_after_end(box):
    """A dose falls after the last visit, or after the last day that is looked at."""
    parse_schedule("8 weekly", dose=1, last_day=42)


@trigger
def dose_impossible(box):
    """A dose is negative, or no number."""
    parse_doses("-1:3")


@trigger
def doses_unclear(box):
    """A list or range of doses is not understood."""
    parse_doses("3:0.3")


@trigger
def doses_too_many(box):
    """A schedule has more doses than are followed."""
    parse_schedule("every 0.1 days", dose=1, last_day=84)


@trigger
def infusion_impossible(box):
    """Python only: an infusion that is not intravenous, or of an impossible length."""
    _schedule(hours=6.0)


@trigger
def route_unknown(box):
    """No pharmacokinetics is known for the route."""
    _schedule(route="nasal")


@trigger
def amount_unit_unknown(box):
    """The unit of an amount is not known."""
    _schedule(unit="mL")


@trigger
def amount_unit_other(box):
    """An amount is given in a unit of something else than the model counts."""
    _schedule(unit="MIU").amounts_in("mg")


@trigger
def arm_doses_mixed(box):
    """An arm gives several drugs, and none is named that the model should follow."""
    twin = eq.load_protocol("il2-depression")
    first = twin.arms["il2"].doses[0]
    other = first.model_copy(update={"drug": "minocycline", "unit": "mg"})
    arm = twin.arms["il2"].model_copy(update={"doses": (first, other)})
    schedule_of_arm(twin.model_copy(update={"arms": {"il2": arm}}), "il2")
