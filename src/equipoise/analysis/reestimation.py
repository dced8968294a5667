"""Blinded re-estimation of the sample size, as the protocol plans it.

The outcomes of the first participants are looked at without their arms. The same arithmetic, from
arrays, ends simulated trials (`equipoise.design.reestimated_trials`). Derivation and what is known
of its bias: docs/methods/reestimation.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl

from equipoise._version import __version__
from equipoise.analysis.analyse import data_hash
from equipoise.analysis.dataset import make_dataset
from equipoise.analysis.groups import make_groups
from equipoise.analysis.reestimation_results import Reestimation
from equipoise.faults import EquipoiseError, Fault, single
from equipoise.protocol.questions import Scale
from equipoise.protocol.reestimation_plan import Subtraction
from equipoise.records.schema import ENDS

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.protocol.reestimation_plan import ReestimationPlan
    from equipoise.records import Records
    from equipoise.stats.power import SizeBySpread

_HEADING = "The size is not estimated again"


@dataclass(frozen=True, slots=True)
class SizePlan:
    """What follows from the plan of re-estimation, and from the protocol besides.

    Attributes
    ----------
    effect
        On the scale of the analysis: of a ratio the log.
    ratio
        Of the active arm and the control.
    looked
        Participants whose visit is over.
    excess
        π(1 - π)δ² of the planned effect.
    subtracted
        What is taken off the variance: the excess or nothing.
    table
        Sizes by spread.
    planned, maximum
        Bounds.
    """

    effect: float
    ratio: tuple[int, int]
    looked: int
    excess: float
    subtracted: float
    table: SizeBySpread
    planned: int
    maximum: int

    def used(self, variance: np.ndarray) -> np.ndarray:
        """SD that sizes are chosen by; never below a tenth of what was seen."""
        import numpy as np

        return np.sqrt(np.maximum(variance - self.subtracted, 0.01 * variance))


def plan_size(protocol: Protocol) -> SizePlan:
    """The plan of a protocol that has `[analysis.reestimation]`."""
    from equipoise.stats.power import variance_excess

    plan = plan_of(protocol)
    point = protocol.endpoints[protocol.estimands[plan.estimand].endpoint]
    effect = math.log(plan.effect) if point.scale is Scale.LOG_FOLD else plan.effect
    ratio = (protocol.arms[protocol.active_arms[0]].ratio, protocol.arms[protocol.control].ratio)
    excess = variance_excess(effect, ratio)
    return SizePlan(
        effect=effect,
        ratio=ratio,
        looked=math.ceil(plan.share * protocol.population.size),
        excess=excess,
        subtracted=excess if plan.subtract is Subtraction.PLANNED_EFFECT else 0.0,
        table=_sizes(
            effect,
            ratio,
            plan.maximum,
            protocol.analysis.alpha,
            plan.power,
            len(protocol.strata),  # baseline, and the strata less one
        ),
        planned=protocol.population.size,
        maximum=plan.maximum,
    )


@lru_cache(maxsize=64)
def _sizes(
    effect: float, ratio: tuple[int, int], most: int, alpha: float, power: float, covariates: int
) -> SizeBySpread:
    from equipoise.stats.power import size_by_spread

    return size_by_spread(effect, ratio, most=most, alpha=alpha, power=power, covariates=covariates)


def plan_of(protocol: Protocol) -> ReestimationPlan:
    """The protocol's plan of re-estimation.

    Raises
    ------
    EquipoiseError
        When it has none.
    """
    plan = protocol.analysis.reestimation
    if plan is None:
        raise single(
            _HEADING,
            code="reestimation-not-planned",
            field="analysis.reestimation",
            rule="a size is estimated again as it was planned, before the data are seen",
            remedy="plan it under [analysis.reestimation]: estimand, share, effect, maximum",
        )
    return plan


def covariate_columns(baseline: np.ndarray, stratum: np.ndarray, strata: int) -> np.ndarray:
    """(n, strata) baseline, and a column for each stratum after the first."""
    import numpy as np

    return np.column_stack([baseline, *(stratum == code for code in range(1, strata))])


def reestimate(protocol: Protocol, records: Records) -> Reestimation:
    """The size of a trial estimated again from blinded records.

    Parameters
    ----------
    protocol
        With `[analysis.reestimation]`.
    records
        Of the trial so far, participants in the order of enrolment. An allocation among them is
        not read.

    Raises
    ------
    EquipoiseError
        When nothing is planned, when participants of the look are still awaited, or when too few
        of them have an outcome.
    """
    import numpy as np

    from equipoise.stats.power import blinded_variance

    plan, size = plan_of(protocol), plan_size(protocol)
    estimand = protocol.estimands[plan.estimand]
    point = protocol.endpoints[estimand.endpoint]
    blind = records.without_allocation()
    enrolled = blind.participants["participant"].to_list()
    first = enrolled[: size.looked]
    groups = make_groups(protocol, blind)
    data = make_dataset(protocol, blind, groups, estimand.endpoint, members=set(first))
    rows = data.frame.filter(pl.col("visit") == estimand.visit)
    seen = dict(zip(rows["participant"], rows.iter_rows(named=True), strict=True))
    awaited = _awaited(protocol, blind, first, set(seen), estimand.visit)
    missing = size.looked - len(first)
    if awaited or missing > 0:
        raise EquipoiseError(
            _HEADING, [_too_early(size.looked, plan.share, missing, awaited, estimand.visit)]
        )
    log = point.scale is Scale.LOG_FOLD
    columns = ("log_fold", "log_baseline") if log else ("change", "baseline")
    outcome, baseline = (np.array([row[c] for row in seen.values()], dtype=float) for c in columns)
    factors = protocol.randomisation.strata
    labels = [" / ".join(str(row[name]) for name in factors) for row in seen.values()]
    known = {label: code for code, label in enumerate(dict.fromkeys(labels))}
    stratum = np.array([known[label] for label in labels], dtype=np.int64)
    try:
        found = blinded_variance(outcome, covariate_columns(baseline, stratum, max(len(known), 1)))
    except ValueError as error:
        raise single(
            _HEADING,
            code="reestimation-few",
            field=f"estimands.{plan.estimand}",
            value=str(len(seen)),
            rule=str(error),
            remedy="wait for more participants, and record the later look as an amendment",
        ) from None
    retention = len(seen) / size.looked
    used = float(size.used(np.array(found.variance)))
    needed, taken = size.table.sizes([used], [retention], size.planned, size.maximum)
    return Reestimation(
        origin=records.manifest.origin.value,
        estimand=plan.estimand,
        label=point.label,
        visit=protocol.visit(estimand.visit).label,
        unit=protocol.unit_of(estimand.endpoint),
        scale="log of the fold change" if log else "change from baseline",
        effect=plan.effect,
        power=plan.power,
        ratio=size.ratio,
        participants=size.looked,
        known=len(seen),
        retention=retention,
        sd=found.sd,
        df=found.df,
        excess=size.excess,
        subtract=plan.subtract.value,
        sd_used=used,
        planned=size.planned,
        maximum=size.maximum,
        needed=None if needed[0] < 0 else int(needed[0]),
        recommended=int(taken[0]),
        protocol_hash=protocol.hash,
        data_hash=data_hash(blind),
        software=__version__,
    )


def _awaited(
    protocol: Protocol, records: Records, first: list[str], known: set[str], visit: str
) -> list[str]:
    """Who of the first has no outcome and may still have one: not left, and no later visit."""
    order = [v.id for v in protocol.visits]
    over = order[order.index(visit) :]
    done = set(
        records.visits.filter(pl.col("visit").is_in(over))["participant"]
        if records.visits is not None
        else ()
    )
    if records.disposition is not None:
        ends = (*ENDS, "death")
        done |= set(records.disposition.filter(pl.col("event").is_in(ends))["participant"])
    return [name for name in first if name not in known and name not in done]


def _too_early(looked: int, share: float, missing: int, awaited: list[str], visit: str) -> Fault:
    parts: list[str] = []
    if missing > 0:
        parts.append(f"{missing} are not enrolled yet")
    if awaited:
        parts.append(f"{len(awaited)} are awaited at {visit}")
    return Fault(
        "reestimation-too-early",
        "",
        "analysis.reestimation.share",
        f"{share:g}",
        f"it is done when the visit of the first {looked} participants is over; "
        + " and ".join(parts),
        "wait for them; who was lost has an end in the table disposition, who missed the visit a "
        "later visit",
    )
