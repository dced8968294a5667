"""The plan of a blinded re-estimation: that it can be done, and stays blind."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, prod

from equipoise.faults import nearest
from equipoise.protocol.consistency import Inconsistency, Tables, needs
from equipoise.protocol.endpoint_sources import MEASUREMENT_TABLES, source_of
from equipoise.protocol.plan import Role
from equipoise.protocol.questions import Scale
from equipoise.protocol.reestimation_plan import ReestimationPlan

_PATH = ("analysis", "reestimation")

#: Fewest participants of a look without arms.
FEWEST = 8


@needs("analysis", "arms", "population")
def _numbers(tables: Tables) -> Iterator[Inconsistency]:
    plan: ReestimationPlan | None = tables["analysis"].reestimation
    if plan is None:
        return
    size = tables["population"].size
    if plan.maximum < size:
        yield Inconsistency(
            (*_PATH, "maximum"), str(plan.maximum),
            f"the trial is never made smaller than the {size} participants that are planned",
            "give more, or plan fewer",
        )  # fmt: skip
    if ceil(plan.share * size) < FEWEST:
        yield Inconsistency(
            (*_PATH, "share"), f"{plan.share:g}",
            f"a variance is estimated again from at least {FEWEST} of the {size} participants",
            "do it later",
        )  # fmt: skip
    if not plan.power > tables["analysis"].alpha:
        yield Inconsistency(
            (*_PATH, "power"), f"{plan.power:g}",
            f"a power lies above the level {tables['analysis'].alpha:g}", "0.9 is usual",
        )  # fmt: skip
    active = [key for key, arm in tables["arms"].items() if arm.role is Role.ACTIVE]
    if len(active) != 1 or len(tables["arms"]) < 2:
        yield Inconsistency(
            _PATH, "", "the size is that of one active arm against the control",
            "take the plan of re-estimation out, or plan one active arm",
        )  # fmt: skip
    if tables["analysis"].interim is not None:
        yield Inconsistency(
            _PATH, "", "looks are planned by a final information that a new size would change",
            "take out [analysis.interim] or [analysis.reestimation]",
        )  # fmt: skip


@needs("analysis", "arms", "population", "randomisation")
def _room(tables: Tables) -> Iterator[Inconsistency]:
    """Sizes begin where the analysis, of baseline and strata, has a degree of freedom left."""
    plan: ReestimationPlan | None = tables["analysis"].reestimation
    covariates = tables["population"].covariates
    names = tables["randomisation"].strata
    if plan is None or not set(names) <= set(covariates):
        return
    unit = sum(arm.ratio for arm in tables["arms"].values())
    strata = prod(len(covariates[name].levels) for name in names)
    least = unit * (ceil((strata + 3) / unit) + 1)
    if plan.maximum < least:
        yield Inconsistency(
            (*_PATH, "maximum"), str(plan.maximum),
            f"an analysis of baseline and {strata} strata needs at least {least} participants",
            "give more",
        )  # fmt: skip


@needs("analysis", "estimands", "endpoints", *MEASUREMENT_TABLES)
def _question(tables: Tables) -> Iterator[Inconsistency]:
    plan: ReestimationPlan | None = tables["analysis"].reestimation
    if plan is None:
        return
    estimand = tables["estimands"].get(plan.estimand)
    if estimand is None:
        names = list(tables["estimands"])
        yield Inconsistency(
            (*_PATH, "estimand"), plan.estimand, "estimands: " + ", ".join(names),
            nearest(plan.estimand, names),
        )  # fmt: skip
        return
    point = tables["endpoints"].get(estimand.endpoint)
    if point is None:
        return
    if not point.scale.continuous:
        yield Inconsistency(
            (*_PATH, "estimand"), plan.estimand,
            "a variance is estimated again of changes or fold changes",
            "name an estimand of such an endpoint",
        )  # fmt: skip
        return
    source = source_of(point)
    entry = tables[source.table].get(getattr(point, source.field))
    if getattr(entry, "unblinding", False):
        yield Inconsistency(
            (*_PATH, "estimand"), plan.estimand,
            f"values of {estimand.endpoint} can give the arm away: who looks at them is not blind",
            "name an estimand of another endpoint",
        )  # fmt: skip
    log = point.scale is Scale.LOG_FOLD
    if (log and (plan.effect <= 0 or plan.effect == 1)) or (not log and plan.effect == 0):
        yield Inconsistency(
            (*_PATH, "effect"), f"{plan.effect:g}",
            "a ratio above 0 and not 1" if log else "a difference other than 0",
            "give the smallest effect that the trial must not miss",
        )  # fmt: skip
