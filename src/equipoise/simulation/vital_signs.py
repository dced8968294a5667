"""Vital signs of simulated participants: normal around the arm's mean course."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.trial_generators import Draws


@dataclass(frozen=True, slots=True)
class VitalPlan:
    """One vital sign.

    Attributes
    ----------
    at
        (its visits,) positions among the visits of the trial.
    mean
        (arms, its visits) in the sign's unit.
    between, within
        SD between participants and of one measurement.
    low, high
        Range to which values are cut.
    """

    at: np.ndarray
    mean: np.ndarray
    between: float
    within: float
    low: float
    high: float


def plan_vitals(protocol: Protocol) -> dict[str, VitalPlan]:
    """By vital sign, of a protocol with statistical assumptions."""
    import numpy as np

    plan = protocol.assumptions.statistical
    assert plan is not None
    found: dict[str, VitalPlan] = {}
    for key, sign in protocol.vitals.items():
        assumed = plan.vitals[key]
        at = [i for i, v in enumerate(protocol.visits) if v.id in sign.visits]
        names = [protocol.visits[i].id for i in at]
        shift = [
            [assumed.shift.get(arm, {}).get(visit, 0.0) for visit in names] for arm in protocol.arms
        ]
        found[key] = VitalPlan(
            at=np.array(at),
            mean=assumed.mean + np.array(shift).reshape(len(shift), len(at)),
            between=assumed.sd_between,
            within=assumed.sd_within,
            low=sign.minimum,
            high=sign.maximum,
        )
    return found


def vital_values(
    plans: Mapping[str, VitalPlan],
    arms: np.ndarray,
    days: np.ndarray,
    generator: Draws,
) -> dict[str, np.ndarray]:
    """Sign → (n, its visits), to one decimal place and cut to the sign's range; NaN: not seen.

    A value is ``mean + shift[arm, visit] + between + within``, both deviations normal with the
    SDs of the assumptions.

    Parameters
    ----------
    arms
        (n,) indices of the arms that people follow.
    days
        (n, visits) actual day; NaN where the visit did not take place.
    """
    import numpy as np

    n = len(arms)
    found: dict[str, np.ndarray] = {}
    for key, plan in plans.items():
        between = generator.standard_normal((n, 1)) * plan.between
        within = generator.standard_normal((n, len(plan.at))) * plan.within
        drawn = plan.mean[arms] + between + within
        values = np.round(np.minimum(np.maximum(drawn, plan.low), plan.high), 1)
        found[key] = np.where(np.isnan(days[:, plan.at]), np.nan, values)
    return found
