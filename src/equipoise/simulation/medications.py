"""Concomitant medications: what is taken at the start, and what is changed later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.simulation.trial_arrays import MedicationRows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from equipoise.protocol import Protocol


@dataclass(frozen=True, slots=True)
class MedicationPlan:
    """One class of medication.

    Attributes
    ----------
    name, drug, other
        Class, drug taken at the start, drug that is started instead of it.
    dose, unit
        Daily dose.
    share
        Share that takes it at the start.
    started
        (arms,) probability to start another.
    among
        (covariate, index of the level) that all who take it have.
    last
        Day of the last visit.
    """

    name: str
    drug: str
    other: str
    dose: float | None
    unit: str | None
    share: float
    started: np.ndarray
    among: tuple[tuple[str, int], ...]
    last: float


def plan_medications(protocol: Protocol) -> tuple[MedicationPlan, ...]:
    """By class, of a protocol with statistical assumptions."""
    import numpy as np

    plan = protocol.assumptions.statistical
    assert plan is not None
    covariates = protocol.population.covariates
    return tuple(
        MedicationPlan(
            name=name,
            drug=assumed.drug,
            other=f"another {name}" if assumed.share else assumed.drug,
            dose=assumed.dose,
            unit=assumed.unit,
            share=assumed.share,
            started=np.array([assumed.started.get(arm, 0.0) for arm in protocol.arms]),
            among=tuple(
                (key, covariates[key].levels.index(level)) for key, level in assumed.among.items()
            ),
            last=float(protocol.visits[-1].day),
        )
        for name, assumed in plan.medications.items()
    )


def medication_rows(
    plans: tuple[MedicationPlan, ...],
    covariates: Mapping[str, np.ndarray],
    arms: np.ndarray,
    leaving: np.ndarray,
    generator: np.random.Generator,
) -> MedicationRows | None:
    """The rows; None without assumptions on medication.

    Whoever starts another drug of a class stops the one taken before on that day. `arms` are
    (n,) indices of the arms that people follow.
    """
    import numpy as np

    if not plans:
        return None
    n = len(arms)
    names: list[tuple[str, str]] = []
    person, entry, started, start, end = [], [], [], [], []
    for index, plan in enumerate(plans):
        u = generator.random((n, 3))
        eligible = np.ones(n, dtype=bool)
        for covariate, level in plan.among:
            eligible &= covariates[covariate] == level
        day = np.round(0.1 + u[:, 2] * (plan.last - 0.1), 1)
        changes = eligible & (u[:, 1] < plan.started[arms]) & (day < leaving)
        for later, who in ((False, eligible & (u[:, 0] < plan.share)), (True, changes)):
            at = np.flatnonzero(who)
            person.append(at)
            entry.append(np.full(len(at), index))
            started.append(np.full(len(at), later))
            start.append(day[at] if later else np.full(len(at), np.nan))
            ends = np.full(len(at), np.nan)
            end.append(ends if later else np.where(changes[at], day[at], np.nan))
            names.append((plan.name, plan.other if later else plan.drug))
    rows = [np.concatenate(part) for part in (person, entry, started, start, end)]
    place = {name: rank for rank, name in enumerate(sorted(set(names)))}
    rank = np.array([place[name] for name in names])[2 * rows[1] + rows[2]]
    order = np.lexsort((rank, rows[0]))
    return MedicationRows(*(part[order] for part in rows))
