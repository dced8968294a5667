"""Interim looks of simulated trials: the same model on those who enrolled first.

A look at a share of the participants takes those who enrolled first, all of them followed up to
the estimand's visit. Whoever enrols while they are followed is not in the look and stays in the
trial.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.design.characteristics import Quantity
from equipoise.design.chunk_analysis import ChunkEffects, analyse_chunk
from equipoise.design.planned_analysis import PlannedAnalysis, effects_of_estimand
from equipoise.design.questions import PlannedQuantity
from equipoise.design.trial_values import TrialValues, first_participants
from equipoise.faults import EquipoiseError, Fault, nearest
from equipoise.protocol.questions import Scale

if TYPE_CHECKING:
    from equipoise.protocol import Protocol

#: Fewest participants of a look, for each arm.
FEWEST = 4


@dataclass(frozen=True, slots=True)
class InterimLooks:
    """Which estimand is looked at, and when.

    Attributes
    ----------
    estimand
        Key.
    shares
        Of the participants, ascending, above 0 and below 1: the last look is the whole trial.
    """

    estimand: str
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PlannedLooks:
    """What is computed at each look.

    Attributes
    ----------
    plan
        The model of the estimand alone.
    participants
        Of each look.
    quantities
        Look by look the effect of each active arm.
    """

    plan: PlannedAnalysis
    participants: tuple[int, ...]
    quantities: tuple[PlannedQuantity, ...]


def check_looks(protocol: Protocol, looks: InterimLooks) -> None:
    """Refuse looks that cannot be taken.

    Raises
    ------
    EquipoiseError
        With every fault of them.
    """
    faults: list[Fault] = []
    if looks.estimand not in protocol.estimands:
        faults.append(
            Fault(
                "look-estimand-unknown",
                "",
                "estimand",
                looks.estimand,
                "a look tests an estimand of the protocol",
                nearest(looks.estimand, list(protocol.estimands)),
            )
        )
    shares = looks.shares
    rising = all(a < b for a, b in zip((0.0, *shares), (*shares, 1.0), strict=True))
    if not shares or not rising:
        faults.append(
            Fault(
                "looks-invalid",
                "",
                "--look",
                ", ".join(f"{share:g}" for share in shares),
                "shares of the participants above 0 and below 1, ascending; the whole trial is the "
                "last look",
                "give for example --look 0.5",
            )
        )
    elif math.ceil(shares[0] * protocol.population.size) < FEWEST * len(protocol.arms):
        faults.append(
            Fault(
                "looks-too-early",
                "",
                "--look",
                f"{shares[0]:g} of {protocol.population.size} participants",
                f"a look has at least {FEWEST} participants for each arm",
                "look later",
            )
        )
    if faults:
        raise EquipoiseError("No looks are taken", faults)


def plan_looks(plan: PlannedAnalysis, looks: InterimLooks) -> PlannedLooks:
    """What is computed at each look of a protocol.

    Raises
    ------
    EquipoiseError
        When the estimand is estimated from records, or its looks cannot be taken.
    """
    protocol = plan.protocol
    check_looks(protocol, looks)
    endpoint = protocol.estimands[looks.estimand].endpoint
    fits = [f for f in plan.fits if f.endpoint == endpoint and f.subgroup is None and f.columns]
    if looks.estimand in dict(plan.by_records) or not fits:
        why = dict(plan.by_records).get(looks.estimand, "its model is fitted record by record")
        raise EquipoiseError(
            "No looks are taken",
            [
                Fault(
                    "look-by-records",
                    "",
                    "estimand",
                    looks.estimand,
                    f"looks are taken at means by a mixed model; {why}",
                    "look at another estimand",
                )
            ],
        )
    size = protocol.population.size
    found: list[PlannedQuantity] = []
    label = protocol.endpoints[endpoint].label
    log = protocol.endpoints[endpoint].scale is Scale.LOG_FOLD
    unit = "log ratio" if log else protocol.unit_of(endpoint)
    for place, share in enumerate(looks.shares):
        for arm, effect in effects_of_estimand(plan, looks.estimand).items():
            quantity = Quantity(
                f"look:{place}:{looks.estimand}:{arm}",
                f"{label} at the look at {100 * share:g} % of the participants, "
                f"{protocol.arms[arm].label}",
                unit,
            )
            found.append(PlannedQuantity(quantity, effect, look=place))
    alone = dataclasses.replace(plan, fits=(fits[0],), by_records=(), outcomes=(), prediction=None)
    participants = tuple(math.ceil(share * size) for share in looks.shares)
    return PlannedLooks(alone, participants, tuple(found))


def effects_at_looks(looks: PlannedLooks, values: TrialValues) -> tuple[ChunkEffects, ...]:
    """The effects at each look of some trials; none where a look lacks an arm or a visit."""
    return tuple(
        analyse_chunk(looks.plan, first_participants(values, n), None) for n in looks.participants
    )
