"""What is found of effects through an early change. All of it is exploratory."""

from __future__ import annotations

from typing import Literal

from equipoise.analysis.result_row import Row

EffectName = Literal[
    "total",
    "indirect",
    "direct",
    "indirect_control",
    "indirect_treated",
    "direct_control",
    "direct_treated",
    "proportion",
]


class MediatedEffect(Row):
    """One effect with its intervals by all three methods, in outcome units.

    `lower`, `upper` and `p` are those of the plan's method. The proportion mediated has no numbers
    while the interval of the total effect holds 0: `withheld` says so. `failed` counts bootstrap
    samples without a solution.
    """

    effect: EffectName
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    p: float | None = None
    bca_lower: float | None = None
    bca_upper: float | None = None
    percentile_lower: float | None = None
    percentile_upper: float | None = None
    bootstrap_p: float | None = None
    quasi_lower: float | None = None
    quasi_upper: float | None = None
    quasi_p: float | None = None
    failed: int = 0
    withheld: str | None = None


class MediationPath(Row):
    """The two paths of one mediator: treatment to mediator, mediator to outcome.

    Both per standard deviation of the mediator among those analysed; percentile bootstrap limits.
    """

    mediator: str
    label: str
    a: float
    a_lower: float | None = None
    a_upper: float | None = None
    b: float
    b_lower: float | None = None
    b_upper: float | None = None


class RhoPoint(Row):
    """The indirect effect without interaction if errors were correlated by `rho`."""

    rho: float
    indirect: float | None
    lower: float | None = None
    upper: float | None = None


class ErrorPoint(Row):
    """The indirect effect without interaction, corrected for assay error of this size."""

    cv: float
    indirect: float | None
    lower: float | None = None
    upper: float | None = None


class WithoutInteraction(Row):
    """One mediator without interaction: a·b, its delta method, and two sensitivity analyses.

    `vanishing` is the correlation of the errors at which nothing is left; `r2_left` the product
    of the parts of the variances that neither model explains yet, and `r2_total` how much of both
    total variances, multiplied, an unmeasured cause would have to explain.
    """

    indirect: float
    se: float
    se_second_order: float
    vanishing: float
    vanishing_lower: float | None = None
    vanishing_upper: float | None = None
    r2_residual: float
    r2_total: float
    rho: tuple[RhoPoint, ...] = ()
    assay: tuple[ErrorPoint, ...] = ()
    assay_cv: float | None = None


class ImputedIndirect(Row):
    """The indirect effect with missing values imputed; percentile limits of pooled samples."""

    n: int
    imputations: int
    indirect: float | None = None
    lower: float | None = None
    upper: float | None = None
    total: float | None = None
    total_lower: float | None = None
    total_upper: float | None = None
    failure: str | None = None


class MediatorCount(Row):
    """People of a group: randomised, and with all values."""

    group: str
    randomised: int
    used: int


class MediationSet(Row):
    """Effects of one arm against the control through one mediator, or through several together."""

    arm: str
    joint: bool
    mediators: tuple[str, ...]
    label: str
    interaction: bool
    n: int
    counts: tuple[MediatorCount, ...]
    effects: tuple[MediatedEffect, ...] = ()
    paths: tuple[MediationPath, ...] = ()
    plain: WithoutInteraction | None = None
    imputed: ImputedIndirect | None = None
    failure: str | None = None

    def effect(self, name: EffectName) -> MediatedEffect | None:
        """The effect of this name; None where there is none."""
        return next((row for row in self.effects if row.effect == name), None)


class Mediation(Row):
    """Effects of the treatment on the outcome at the landmark through early changes.

    `sets` hold the joint one first, then single mediators in the order of the plan. `failure` says
    why there is nothing.
    """

    interval: Literal["bca", "percentile", "quasi-bayesian"]
    bootstrap: int
    quasi_bayesian: int
    imputations: int
    seed: int
    sets: tuple[MediationSet, ...] = ()
    failure: str | None = None

    @property
    def joint(self) -> MediationSet | None:
        """The effects through the mediators together."""
        return next((row for row in self.sets if row.joint), None)

    @property
    def singles(self) -> tuple[MediationSet, ...]:
        """One mediator each."""
        return tuple(row for row in self.sets if not row.joint)
