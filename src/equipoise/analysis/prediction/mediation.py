"""Effects of the treatment through early changes, as a protocol plans them.

Method: docs/methods/mediation.md. Nothing is analysed while blinded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from equipoise.analysis.prediction.mediation_results import (
    ErrorPoint,
    ImputedIndirect,
    MediatedEffect,
    Mediation,
    MediationPath,
    MediationSet,
    MediatorCount,
    RhoPoint,
    WithoutInteraction,
)
from equipoise.stats.early_change import impute_markers
from equipoise.stats.errors import ArgumentError
from equipoise.stats.mediation import (
    Effects,
    Interval,
    MediationData,
    bca_interval,
    confounded,
    estimate,
    left_out,
    mediation_data,
    percentile_interval,
    product_of_slopes,
    quasi_bayesian,
    resampled_counts,
    without_assay_error,
)
from equipoise.streams import stream

if TYPE_CHECKING:
    from equipoise.analysis.prediction.marker_table import MarkerTable
    from equipoise.analysis.prediction.mediation_results import EffectName
    from equipoise.protocol.mediation_plan import MediationPlan
    from equipoise.protocol.prediction_plan import PredictionPlan

_NAMES: tuple[EffectName, ...] = (
    "total",
    "indirect",
    "direct",
    "indirect_control",
    "indirect_treated",
    "direct_control",
    "direct_treated",
)
_HIDDEN = "too few people for an estimate that may be shown"
_EARLY_SCORE = "early_outcome"
#: The correction for assay error is shown from none to this many times the CV of the plan.
_ERRORS = (0.0, 0.5, 1.0, 1.5, 2.0)


@dataclass(frozen=True, slots=True)
class _Columns:
    """What goes into one analysis of one arm against the control; NaN: missing."""

    keys: tuple[str, ...]
    labels: tuple[str, ...]
    outcome: np.ndarray
    mediators: np.ndarray
    treatment: np.ndarray
    covariates: np.ndarray
    strata: np.ndarray
    block: np.ndarray

    @property
    def complete(self) -> np.ndarray:
        values = np.column_stack([self.outcome, self.mediators, self.covariates])
        return np.logical_and.reduce(np.isfinite(values), axis=1)

    def data(self, *, interaction: bool) -> MediationData:
        return mediation_data(
            self.outcome,
            self.mediators,
            self.treatment,
            np.column_stack([self.covariates, self.strata]),
            self.block,
            interaction=interaction,
        )


def analyse_mediation(
    table: MarkerTable, prediction: PredictionPlan, alpha: float, outcome_label: str, fewest: int
) -> Mediation | None:
    """The planned mediation; None where none is planned.

    Parameters
    ----------
    fewest
        The fewest people of an arm whose estimates are given.
    """
    plan = prediction.mediation
    if plan is None:
        return None
    sets: list[MediationSet] = []
    if len(table.groups) > 1:
        singles = plan.mediators or prediction.predictors
        for arm in range(1, len(table.groups)):
            if len(plan.joint) + plan.early_score > 1:
                sets.append(_joint(table, plan, arm, alpha, outcome_label, fewest))
            sets += [
                _single(table, plan, arm, key, alpha, outcome_label, fewest) for key in singles
            ]
    return Mediation(
        interval=plan.interval,
        bootstrap=plan.bootstrap,
        quasi_bayesian=plan.quasi_bayesian,
        imputations=plan.imputations,
        seed=plan.seed,
        sets=tuple(sets),
        failure=None
        if len(table.groups) > 1
        else "mediation divides an effect of the treatment against a control: this trial has one "
        "arm, and no such effect to divide",
    )


def _single(
    table: MarkerTable,
    plan: MediationPlan,
    arm: int,
    key: str,
    alpha: float,
    outcome_label: str,
    fewest: int,
) -> MediationSet:
    columns = _columns(table, arm, (key,), outcome_label, early_score=False)
    return _analysed(table, plan, arm, columns, alpha, fewest, joint=False)


def _joint(
    table: MarkerTable,
    plan: MediationPlan,
    arm: int,
    alpha: float,
    outcome_label: str,
    fewest: int,
) -> MediationSet:
    columns = _columns(table, arm, plan.joint, outcome_label, early_score=plan.early_score)
    return _analysed(table, plan, arm, columns, alpha, fewest, joint=True)


def _columns(
    table: MarkerTable, arm: int, keys: tuple[str, ...], outcome_label: str, *, early_score: bool
) -> _Columns:
    """The control and one arm; covariates are the markers' baselines and the outcome's."""
    rows = np.isin(table.arm, (0, arm))
    places = [table.place(key) for key in keys]
    mediators = [table.early[rows][:, place] for place in places]
    labels = [table.markers[place].label for place in places]
    if early_score:
        mediators.append(table.early_outcome[rows])
        labels.append(f"{outcome_label} at the early visit")
    stratum = table.stratum[rows]
    strata = [stratum == number for number in np.unique(stratum)[1:]]
    return _Columns(
        keys=(*keys, *([_EARLY_SCORE] * early_score)),
        labels=tuple(labels),
        outcome=table.outcome[rows],
        mediators=np.column_stack(mediators),
        treatment=(table.arm[rows] == arm).astype(float),
        covariates=np.column_stack(
            [*(table.baseline[rows][:, place] for place in places), table.outcome_baseline[rows]]
        ),
        strata=np.array(strata, dtype=float).reshape(len(strata), int(rows.sum())).T,
        block=table.blocks[rows],
    )


def _analysed(
    table: MarkerTable,
    plan: MediationPlan,
    arm: int,
    columns: _Columns,
    alpha: float,
    fewest: int,
    *,
    joint: bool,
) -> MediationSet:
    complete = columns.complete
    arms = ((table.groups[0], 0.0), (table.groups[arm], 1.0))
    counts = tuple(
        MediatorCount(
            group=group,
            randomised=int((columns.treatment == value).sum()),
            used=int((complete & (columns.treatment == value)).sum()),
        )
        for group, value in arms
    )
    head = {
        "arm": table.groups[arm],
        "joint": joint,
        "mediators": columns.keys,
        "label": "; ".join(columns.labels),
        "interaction": plan.joint_interaction if joint else plan.interaction,
        "n": int(complete.sum()),
        "counts": counts,
    }
    if any(0 < count.used < fewest for count in counts):
        return MediationSet.model_validate({**head, "failure": _HIDDEN})
    try:
        data = columns.data(interaction=bool(head["interaction"]))
        plain = None if joint else columns.data(interaction=False)
    except ArgumentError as refused:
        return MediationSet.model_validate({**head, "failure": refused.what})
    purpose = f"mediation/{table.groups[arm]}/{'+'.join(columns.keys)}"
    generator = stream(plan.seed, purpose)
    counted = resampled_counts(data.block, plan.bootstrap, generator)
    seen, draws, without = estimate(data), estimate(data, counted), left_out(data)
    normal = quasi_bayesian(data, plan.quasi_bayesian, generator)
    effects = [_effect(name, plan, data, seen, draws, without, normal, alpha) for name in _NAMES]
    effects.append(_proportion(plan, data, seen, draws, without, normal, alpha, effects[0]))
    return MediationSet.model_validate(
        {
            **head,
            "effects": tuple(effects),
            "paths": _paths(columns, data, seen, draws, alpha),
            "plain": None
            if plain is None
            else _without_interaction(plan, columns, plain, counted, alpha),
            "imputed": None
            if complete.all()
            else _imputed(plan, columns, purpose, alpha, interaction=bool(head["interaction"])),
        }
    )


def _effect(
    name: EffectName,
    plan: MediationPlan,
    data: MediationData,
    seen: Effects,
    draws: Effects,
    without: Effects,
    normal: Effects,
    alpha: float,
) -> MediatedEffect:
    value = float(getattr(seen, name)[0])
    return _with_intervals(
        name,
        plan,
        value,
        percentile_interval(getattr(draws, name), alpha=alpha),
        bca_interval(getattr(draws, name), value, getattr(without, name), data.block, alpha=alpha),
        percentile_interval(getattr(normal, name), alpha=alpha),
    )


def _proportion(
    plan: MediationPlan,
    data: MediationData,
    seen: Effects,
    draws: Effects,
    without: Effects,
    normal: Effects,
    alpha: float,
    total: MediatedEffect,
) -> MediatedEffect:
    """Indirect over total; withheld while any interval of the total holds 0 or is missing."""
    limits = (
        (total.bca_lower, total.bca_upper),
        (total.percentile_lower, total.percentile_upper),
        (total.quasi_lower, total.quasi_upper),
    )
    if any(low is None or high is None or low <= 0.0 <= high for low, high in limits):
        return MediatedEffect(
            effect="proportion",
            withheld="an interval of the total effect holds 0, or cannot be had: there is nothing "
            "of which this could be a part",
        )

    def share(effects: Effects) -> np.ndarray:
        return effects.indirect / effects.total

    value = float(share(seen)[0])
    return _with_intervals(
        "proportion",
        plan,
        value,
        percentile_interval(share(draws), alpha=alpha),
        bca_interval(share(draws), value, share(without), data.block, alpha=alpha),
        percentile_interval(share(normal), alpha=alpha),
    )


def _with_intervals(
    name: EffectName,
    plan: MediationPlan,
    value: float,
    percentile: Interval,
    bca: Interval,
    normal: Interval,
) -> MediatedEffect:
    lead = {"bca": bca, "percentile": percentile, "quasi-bayesian": normal}[plan.interval]
    return MediatedEffect(
        effect=name,
        estimate=_number(value),
        lower=_number(lead.lower),
        upper=_number(lead.upper),
        p=_number(lead.p),
        bca_lower=_number(bca.lower),
        bca_upper=_number(bca.upper),
        percentile_lower=_number(percentile.lower),
        percentile_upper=_number(percentile.upper),
        bootstrap_p=_number(percentile.p),
        quasi_lower=_number(normal.lower),
        quasi_upper=_number(normal.upper),
        quasi_p=_number(normal.p),
        failed=percentile.failed,
    )


def _paths(
    columns: _Columns, data: MediationData, seen: Effects, draws: Effects, alpha: float
) -> tuple[MediationPath, ...]:
    found: list[MediationPath] = []
    for place, (key, label) in enumerate(zip(columns.keys, columns.labels, strict=True)):
        scale = float(data.mediator_scales[place])
        a = percentile_interval(draws.to_mediator[:, place] / scale, alpha=alpha)
        b = percentile_interval(draws.to_outcome[:, place] * scale, alpha=alpha)
        found.append(
            MediationPath(
                mediator=key,
                label=label,
                a=float(seen.to_mediator[0, place] / scale),
                a_lower=_number(a.lower),
                a_upper=_number(a.upper),
                b=float(seen.to_outcome[0, place] * scale),
                b_lower=_number(b.lower),
                b_upper=_number(b.upper),
            )
        )
    return tuple(found)


def _without_interaction(
    plan: MediationPlan,
    columns: _Columns,
    data: MediationData,
    counted: np.ndarray,
    alpha: float,
) -> WithoutInteraction:
    """The delta method, and what confounding and assay error would do."""
    product = product_of_slopes(data)
    rho = np.array(plan.rho, dtype=float)
    seen, draws = confounded(data, rho), confounded(data, rho, counted)
    vanishing = percentile_interval(draws.vanishing, alpha=alpha)
    limits = [percentile_interval(draws.indirect[:, k], alpha=alpha) for k in range(len(rho))]
    squared = float(seen.vanishing[0]) ** 2
    unexplained = float(seen.mediator_unexplained[0] * seen.outcome_unexplained[0])
    cv = plan.assay_cv.get(columns.keys[0])
    points: list[ErrorPoint] = []
    for factor in () if cv is None else _ERRORS:
        size = factor * float(cv or 0.0)
        value = float(without_assay_error(data, 0, size)[0])
        both = percentile_interval(without_assay_error(data, 0, size, counted), alpha=alpha)
        points.append(
            ErrorPoint(
                cv=size,
                indirect=_number(value),
                lower=_number(both.lower),
                upper=_number(both.upper),
            )
        )
    return WithoutInteraction(
        indirect=product.estimate,
        se=product.se,
        se_second_order=product.se_second_order,
        vanishing=float(seen.vanishing[0]),
        vanishing_lower=_number(vanishing.lower),
        vanishing_upper=_number(vanishing.upper),
        r2_residual=squared,
        r2_total=squared * unexplained,
        rho=tuple(
            RhoPoint(
                rho=float(rho[k]),
                indirect=_number(float(seen.indirect[0, k])),
                lower=_number(limits[k].lower),
                upper=_number(limits[k].upper),
            )
            for k in range(len(rho))
        ),
        assay=tuple(points),
        assay_cv=cv,
    )


def _imputed(
    plan: MediationPlan, columns: _Columns, purpose: str, alpha: float, *, interaction: bool
) -> ImputedIndirect:
    """Everybody, with missing values imputed; bootstrap samples of all data sets pooled.

    Source: Schomaker and Heumann (2018), "MI Boot (pooled sample)".
    """
    generator = stream(plan.seed, f"{purpose}/imputed")
    k = columns.mediators.shape[1]
    values = np.column_stack([columns.mediators, columns.covariates, columns.outcome])
    fixed = np.column_stack([columns.treatment, columns.strata])
    each = math.ceil(plan.bootstrap / plan.imputations)
    head = {"n": len(columns.outcome), "imputations": plan.imputations}
    found: dict[str, list[np.ndarray]] = {"indirect": [], "total": []}
    middle: dict[str, list[float]] = {"indirect": [], "total": []}
    try:
        drawn = impute_markers(values, fixed, plan.imputations, generator)
        for one in drawn:
            data = mediation_data(
                one[:, -1],
                one[:, :k],
                columns.treatment,
                np.column_stack([one[:, k:-1], columns.strata]),
                columns.block,
                interaction=interaction,
            )
            seen = estimate(data)
            draws = estimate(data, resampled_counts(data.block, each, generator))
            for name in ("indirect", "total"):
                middle[name].append(float(getattr(seen, name)[0]))
                found[name].append(getattr(draws, name))
    except ArgumentError as refused:
        return ImputedIndirect.model_validate({**head, "failure": refused.what})
    limits = {n: percentile_interval(np.concatenate(v), alpha=alpha) for n, v in found.items()}
    return ImputedIndirect.model_validate(
        {
            **head,
            "indirect": _number(float(np.mean(middle["indirect"]))),
            "lower": _number(limits["indirect"].lower),
            "upper": _number(limits["indirect"].upper),
            "total": _number(float(np.mean(middle["total"]))),
            "total_lower": _number(limits["total"].lower),
            "total_upper": _number(limits["total"].upper),
        }
    )


def _number(value: float) -> float | None:
    """A finite number, or None."""
    return float(value) if math.isfinite(value) else None
