"""Interim looks as results: what was seen at each, and what it comes to."""

from __future__ import annotations

from equipoise.analysis.result_row import Row


class LookResult(Row):
    """A look at the primary estimand.

    `information` is 1/SE², `share` its share of the planned one; `nominal` is the two-sided p
    below which the look ends the trial for efficacy. `futile` says whether the effect, in its
    planned direction, is below `futility` (on the scale of z): that does not bind. What could not
    be estimated is None: such a look spends nothing.
    """

    number: int
    final: bool
    participants: int
    estimate: float | None
    se: float | None
    df: float | None
    p: float | None
    information: float | None
    share: float | None
    nominal: float | None
    crossed: bool
    futility: float | None
    futile: bool | None
    protocol_hash: str
    data_hash: str


class StagewiseResult(Row):
    """Inference that allows for the looks, by stage-wise order; on the scale of the estimate."""

    look: int
    p: float
    estimate: float | None
    lower: float | None
    upper: float | None


class InterimResult(Row):
    """All looks taken, the present one last.

    `planned` counts the looks of the plan, the final one included. `adjusted` is there once the
    trial has ended, by its last look or by a boundary.
    """

    estimand: str
    arm: str
    reference: str
    planned: int
    spending: str
    looks: tuple[LookResult, ...]
    adjusted: StagewiseResult | None

    @property
    def crossed(self) -> LookResult | None:
        """The first look that ended the trial for efficacy."""
        return next((look for look in self.looks if look.crossed), None)

    @property
    def level(self) -> float:
        """Two-sided nominal level of the present look; 0 where nothing could be estimated."""
        return self.looks[-1].nominal or 0.0
