"""Interim looks at the primary estimand: the level of each, and inference that allows for them.

A look is the analysis of the records that are there. What it may spend follows from its share of
the planned information; what earlier looks spent is read from their results.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from equipoise.analysis.interim_results import InterimResult, LookResult, StagewiseResult
from equipoise.faults import EquipoiseError, Fault, single

if TYPE_CHECKING:
    from collections.abc import Sequence

    from equipoise.analysis.results import Contrast
    from equipoise.protocol import Protocol
    from equipoise.protocol.interim_plan import InterimPlan

#: Least rise of the share from look to look: information that does not rise adds next to none.
LEAST_RISE = 0.001

_HEADING = "The looks cannot be analysed"


def check_looks_taken(
    protocol: Protocol, earlier: InterimResult | None, *, interim: bool, blinded: bool
) -> None:
    """Refuse looks that the protocol does not plan.

    Raises
    ------
    EquipoiseError
        With every fault.
    """
    plan = protocol.analysis.interim
    if plan is None:
        if interim or earlier is not None:
            raise single(
                _HEADING,
                code="looks-not-planned",
                field="analysis.interim",
                rule="an interim look is planned in the protocol, before the data are seen",
                remedy="plan it under [analysis.interim], or analyse without --interim and --after",
            )
        return
    faults: list[Fault] = []
    taken = 0 if earlier is None else len(earlier.looks)
    if blinded and (interim or earlier is not None):
        faults.append(
            Fault(
                "look-blinded", "", "allocation", "",
                "a look compares the arms: it needs the allocation",
                "let the independent statistician take it, with the allocation",
            )
        )  # fmt: skip
    if interim and taken >= len(plan.shares):
        faults.append(
            Fault(
                "looks-used-up", "", "analysis.interim.shares", str(taken),
                f"the protocol plans {len(plan.shares)} interim looks and then the final one",
                "analyse it as the final look, without --interim",
            )
        )  # fmt: skip
    if earlier is not None:
        if earlier.estimand != protocol.primary[0]:
            faults.append(
                Fault(
                    "looks-of-another", "", "--after", earlier.estimand,
                    f"earlier looks were taken at the primary estimand, {protocol.primary[0]}",
                    "name the results of this trial's last look",
                )
            )  # fmt: skip
        lock = protocol.lock_in_force()
        known = {protocol.hash} | (set() if lock is None else {e.hash for e in lock.entries})
        others = [look for look in earlier.looks if look.protocol_hash not in known]
        if others:
            faults.append(
                Fault(
                    "looks-of-another-plan", "", "--after", others[0].protocol_hash[:16],
                    "earlier looks were taken under this protocol, or one that it amends in its "
                    "lock",
                    "name the results of this trial's last look",
                )
            )  # fmt: skip
        if earlier.looks[-1].final:
            faults.append(
                Fault(
                    "look-after-the-last", "", "--after", str(taken),
                    "after the final look there is none",
                    "name the results of the last interim look",
                )
            )  # fmt: skip
    if faults:
        raise EquipoiseError(_HEADING, faults)


def take_look(
    protocol: Protocol,
    contrasts: Sequence[Contrast],
    earlier: InterimResult | None,
    *,
    interim: bool,
    participants: int,
    data_hash: str,
) -> InterimResult | None:
    """The present look after the earlier ones; None where the protocol plans none.

    Parameters
    ----------
    contrasts
        Of the primary estimand; empty where it could not be estimated.
    interim
        Whether it is not the final one: that spends all that is left.
    """
    plan = protocol.analysis.interim
    if plan is None:
        return None
    alpha = protocol.analysis.alpha
    before = () if earlier is None else earlier.looks
    key, estimand = protocol.primary
    arm = protocol.active_arms[0]
    found = next((c for c in contrasts if c.arm == arm), None)
    known = found is not None and bool(found.se) and found.p is not None
    information = 1.0 / found.se**2 if known and found is not None and found.se else None
    levels = rising([look.share for look in before if look.share is not None])
    nominal = share = bound = None
    number = len(before) + 1
    if information is not None:
        share = information / plan.information
        levels = rising([*levels, share])
        nominal = nominal_levels(levels, alpha, plan, final=not interim)[-1]
        share = levels[-1]
        if interim and plan.futility is not None:
            bound = futility_bounds(plan, alpha)[number - 1]
    better = protocol.endpoints[estimand.endpoint].better
    sign = {"higher": 1.0, "lower": -1.0}.get(str(better))
    futile = None
    if bound is not None and sign is not None and found is not None and found.se:
        futile = sign * found.estimate / found.se < bound
    p = None if found is None else found.p
    look = LookResult(
        number=number,
        final=not interim,
        participants=participants,
        estimate=None if found is None else found.estimate,
        se=None if found is None else found.se,
        df=None if found is None else found.df,
        p=p,
        information=information,
        share=share,
        nominal=nominal,
        crossed=nominal is not None and p is not None and p < nominal,
        futility=bound if sign is not None else None,
        futile=futile,
        protocol_hash=protocol.hash,
        data_hash=data_hash,
    )
    made = InterimResult(
        estimand=key,
        arm=arm,
        reference=protocol.control,
        planned=len(plan.shares) + 1,
        spending=plan.spending,
        looks=(*before, look),
        adjusted=None,
    )
    return made.model_copy(update={"adjusted": _adjusted(made, plan, alpha)})


def rising(shares: Sequence[float]) -> list[float]:
    """Shares rounded to a thousandth and rising, as looks spend by them."""
    found: list[float] = []
    for share in shares:
        found.append(max(round(share, 3), (found[-1] if found else 0.0) + LEAST_RISE))
    return found


def nominal_levels(
    shares: Sequence[float], alpha: float, plan: InterimPlan, *, final: bool
) -> tuple[float, ...]:
    """Two-sided nominal p of each look; the final one spends all that is left."""
    from equipoise.stats.group_sequential import efficacy_boundaries

    made = efficacy_boundaries(shares, alpha, plan.spending, parameter=plan.parameter, last=final)
    return tuple(2.0 * p for p in made.nominal)


def futility_bounds(plan: InterimPlan, alpha: float) -> tuple[float, ...]:
    """Lower boundaries at the planned shares, on the scale of z."""
    from equipoise.stats.group_sequential import planned_boundaries

    made = planned_boundaries(
        (*plan.shares, 1.0), alpha, plan.spending, plan.parameter, futility=plan.futility,
        futility_parameter=plan.futility_parameter, power=plan.power,
    )  # fmt: skip
    return made.lower or ()


def _adjusted(found: InterimResult, plan: InterimPlan, alpha: float) -> StagewiseResult | None:
    """Inference at the first crossing, or at the final look; None while the trial goes on."""
    from equipoise.stats.group_sequential import efficacy_boundaries, stagewise_inference

    end = found.crossed or (found.looks[-1] if found.looks[-1].final else None)
    if end is None or end.p is None or end.estimate is None or end.se is None:
        return None
    taken = [look for look in found.looks[: end.number] if look.share is not None]
    shares = rising([float(look.share or 0.0) for look in taken])
    made = efficacy_boundaries(
        shares, alpha, plan.spending, parameter=plan.parameter, last=end.final
    )
    df = math.inf if end.df is None else end.df
    inference = stagewise_inference(shares, made.upper, end.estimate / end.se, alpha, df=df)
    unit = end.se * math.sqrt(shares[-1])  # of 1/√share

    def scaled(value: float) -> float | None:
        return value * unit if math.isfinite(value) else None

    return StagewiseResult(
        look=end.number,
        p=inference.p,
        estimate=scaled(inference.estimate),
        lower=scaled(inference.lower),
        upper=scaled(inference.upper),
    )
