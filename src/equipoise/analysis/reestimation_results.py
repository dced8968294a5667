"""A blinded re-estimation of the sample size as a result: no arm and nobody's value in it."""

from __future__ import annotations

from equipoise.analysis.result_row import Row


class Reestimation(Row):
    """What the outcomes of the first participants, arms unknown, say of the size.

    `participants` is the number that the look waits for, `known` those of them with an outcome,
    `retention` their share. `sd` is the residual SD about one mean for all arms, given baseline
    and strata, on the scale of the analysis (`scale`), with `df` degrees of freedom; `sd_used`
    what is left of it where the plan subtracts the planned effect. `excess` is π(1 - π)δ² of the
    planned effect, which the variance holds if the effect is as planned. `needed` participants
    have the planned power at `sd_used`; None: more than `maximum` with an outcome. `recommended`
    is that within [`planned`, `maximum`].
    """

    origin: str
    estimand: str
    label: str
    visit: str
    unit: str
    scale: str
    effect: float
    power: float
    ratio: tuple[int, int]
    participants: int
    known: int
    retention: float
    sd: float
    df: int
    excess: float
    subtract: str
    sd_used: float
    planned: int
    maximum: int
    needed: int | None
    recommended: int
    protocol_hash: str
    data_hash: str
    software: str
