"""Doses that were given, and their blinded kits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.simulation.trial_arrays import DoseRows
from equipoise.trial_generators import random_where

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.protocol.plan import Dose
    from equipoise.trial_generators import Draws


@dataclass(frozen=True, slots=True)
class DosePlan:
    """The doses that arms plan.

    Attributes
    ----------
    entries
        Every entry of `arms.*.doses`, arm by arm.
    count
        (arms,) number of doses of each arm, k of them at most.
    entry, day
        (arms, k) index of the entry, and day; after `count` the day is infinite.
    first, last
        (arms,) day of the first and the last dose; infinite without doses.
    missed
        Probability to miss a single dose.
    """

    entries: tuple[Dose, ...]
    count: np.ndarray
    entry: np.ndarray
    day: np.ndarray
    first: np.ndarray
    last: np.ndarray
    missed: float


def plan_doses(protocol: Protocol) -> DosePlan:
    """The plan of a protocol with statistical assumptions."""
    import numpy as np

    plan = protocol.assumptions.statistical
    assert plan is not None
    entries = tuple(dose for arm in protocol.arms.values() for dose in arm.doses)
    planned: list[list[tuple[int, float]]] = []
    begin = 0
    for arm in protocol.arms.values():
        planned.append(
            [(begin + i, float(day)) for i, dose in enumerate(arm.doses) for day in dose.days]
        )
        begin += len(arm.doses)
    count = np.array([len(of_arm) for of_arm in planned])
    entry = np.zeros((len(planned), int(count.max(initial=0))), dtype=np.int64)
    day = np.full(entry.shape, np.inf)
    for row, of_arm in enumerate(planned):
        entry[row, : len(of_arm)] = [e for e, _ in of_arm]
        day[row, : len(of_arm)] = [d for _, d in of_arm]
    finite = np.where(np.isfinite(day), day, -np.inf)
    return DosePlan(
        entries=entries,
        count=count,
        entry=entry,
        day=day,
        first=day.min(axis=1, initial=np.inf),
        last=np.where(count > 0, finite.max(axis=1, initial=-np.inf), np.inf),
        missed=plan.missed_dose,
    )


def doses_not_missed(plan: DosePlan, arms: np.ndarray, generator: Draws) -> np.ndarray:
    """(n, k) whether each planned dose would be given to who is there to get it."""
    import numpy as np

    planned = np.arange(plan.day.shape[1]) < plan.count[arms][:, None]
    given = np.zeros(planned.shape, dtype=bool)
    given[planned] = random_where(generator, planned) >= plan.missed
    return given


def dose_rows(
    plan: DosePlan,
    arms: np.ndarray,
    given: np.ndarray,
    until: np.ndarray,
    generator: np.random.Generator,
    *,
    blinded: bool,
) -> DoseRows | None:
    """Doses before the day `until` of each participant; None when nobody got one.

    Kit numbers are drawn without order, so that they say nothing of the arm.
    """
    import numpy as np

    person, column = np.nonzero(given & (plan.day[arms] < until[:, None]))
    if not len(person):
        return None
    kit = np.zeros(len(person), dtype=np.int64)
    if blinded:
        kit = generator.permutation(np.arange(1, len(person) + 1))
    arm = arms[person]
    return DoseRows(person, plan.entry[arm, column], plan.day[arm, column], kit)
