"""Vital signs of simulated participants: normal around the arm's mean course."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.patients import Scenario
from equipoise.simulation.observation import long_table

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from equipoise.protocol import Protocol


def vital_table(
    protocol: Protocol,
    ids: np.ndarray,
    arms: np.ndarray,
    days: np.ndarray,
    generator: np.random.Generator,
    *,
    scenario: Scenario,
) -> pl.DataFrame | None:
    """The table `vitals`, to one decimal place and cut to the sign's range.

    A value is ``mean + shift[arm, visit] + between + within``, both deviations normal with the
    SDs of the assumptions. Under ``null`` every arm has the control's shift.

    Parameters
    ----------
    days
        (n, visits) actual day; NaN where the visit did not take place.
    """
    import numpy as np
    import polars as pl

    plan = protocol.assumptions.statistical
    assert plan is not None
    frames = []
    for key, sign in protocol.vitals.items():
        assumed = plan.vitals[key]
        at = [i for i, v in enumerate(protocol.visits) if v.id in sign.visits]
        names = [protocol.visits[i].id for i in at]
        shift = {
            arm: [assumed.shift.get(arm, {}).get(visit, 0.0) for visit in names]
            for arm in protocol.arms
        }
        own = [shift[protocol.control if scenario is Scenario.NULL else str(arm)] for arm in arms]
        between = generator.standard_normal((len(ids), 1)) * assumed.sd_between
        within = generator.standard_normal((len(ids), len(at))) * assumed.sd_within
        drawn = assumed.mean + np.array(own).reshape(len(ids), len(at)) + between + within
        values = np.round(np.clip(drawn, sign.minimum, sign.maximum), 1)
        frame = long_table(ids, names, days[:, at], {"value": values})
        frames.append(
            frame.with_columns(sign=pl.lit(key), unit=pl.lit(sign.unit)).select(
                "participant", "visit", "day", "sign", "unit", "value"
            )
        )
    return pl.concat(frames) if frames else None
