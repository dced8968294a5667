"""Whether the effect of treatment differs between people, as the protocol plans it.

Method: docs/methods/heterogeneity.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from equipoise.analysis.stratification.benefit_results import (
    BenefitAt,
    Heterogeneity,
    ModifierRow,
    PersonBenefit,
    PriorCheck,
)
from equipoise.stats.errors import ArgumentError
from equipoise.stats.heterogeneity import (
    InteractionData,
    Interactions,
    fit_interactions,
    interaction_data,
    shrink_interactions,
)

if TYPE_CHECKING:
    from equipoise.analysis.prediction.marker_table import MarkerTable
    from equipoise.protocol.heterogeneity_plan import HeterogeneityPlan

#: With fewer people in an arm, what is found rests on very few, and the page says so.
_FEW = 10


@dataclass(frozen=True, slots=True)
class ModifierColumn:
    """One column of modifiers: a number, or the indicator of a level."""

    key: str
    label: str
    level: str | None
    reference: str | None
    values: np.ndarray


def analyse_heterogeneity(
    table: MarkerTable, plan: HeterogeneityPlan, *, alpha: float, smallest: int, people: bool
) -> tuple[Heterogeneity, ...]:
    """One result an active arm.

    Parameters
    ----------
    smallest
        The smallest count that is shown: a level with fewer people in an arm is left out.
    people
        Whether predictions of single people may be shown.
    """
    groups = list(table.groups)
    if len(groups) < 2:
        return (
            Heterogeneity(
                arm=groups[0],
                n=0,
                arm_counts=(len(table.arm),),
                failure="a single-arm trial has no control: no effect of treatment can be "
                "estimated, nor how it differs",
            ),
        )
    columns = modifier_columns(table, plan)
    return tuple(
        _one_arm(table, plan, columns, place, alpha, smallest, people=people)
        for place in range(1, len(table.groups))
    )


def modifier_columns(table: MarkerTable, plan: HeterogeneityPlan) -> list[ModifierColumn]:
    """The modifiers of the plan as columns; of a factor one a level after the first."""
    found: list[ModifierColumn] = []
    characteristics = {c.key: place for place, c in enumerate(table.characteristics)}
    for key in plan.modifiers:
        if key not in characteristics:
            marker = table.markers[table.place(key)]
            name = f"{marker.label} at baseline"
            found.append(ModifierColumn(key, name, None, None, table.baseline[:, table.place(key)]))
            continue
        one = table.characteristics[characteristics[key]]
        values = table.characteristic_values[:, characteristics[key]]
        if not one.levels:
            found.append(ModifierColumn(key, one.label, None, None, values))
        for number, level in enumerate(one.levels[1:], 1):
            flag = np.where(np.isfinite(values), (values == number).astype(float), np.nan)
            found.append(ModifierColumn(key, one.label, level, one.levels[0], flag))
    return found


def _one_arm(
    table: MarkerTable,
    plan: HeterogeneityPlan,
    columns: list[ModifierColumn],
    place: int,
    alpha: float,
    smallest: int,
    *,
    people: bool,
) -> Heterogeneity:
    mine = (table.arm == 0) | (table.arm == place)
    treated = (table.arm[mine] == place).astype(float)
    known = np.isfinite(table.outcome) & np.isfinite(table.outcome_baseline)
    used, remarks = _usable(columns, mine & known, table.arm == place, smallest)
    strata = [(table.stratum[mine] == s).astype(float) for s in range(1, table.strata + 1)]
    covariates = np.column_stack([table.outcome_baseline[mine], *strata])
    arm = table.groups[place]
    complete = known[mine] & np.isfinite(
        np.column_stack([covariates, *[c.values[mine] for c in used]])
    ).all(axis=1)
    counts = (int((complete & (treated == 0.0)).sum()), int((complete & (treated == 1.0)).sum()))
    if not used:
        return Heterogeneity(
            arm=arm, n=sum(counts), arm_counts=counts, remarks=tuple(remarks),
            failure="no modifier is left that can be looked at",
        )  # fmt: skip
    factors = np.array([c.level is not None for c in used])
    try:
        data = interaction_data(
            table.outcome[mine], treated, covariates,
            np.column_stack([c.values[mine] for c in used]), factors,
        )  # fmt: skip
    except ArgumentError as fault:
        return Heterogeneity(
            arm=arm, n=sum(counts), arm_counts=counts, remarks=tuple(remarks), failure=str(fault)
        )
    if min(counts) < _FEW:
        remarks.append(
            f"fewer than {_FEW} people of an arm are in this model ({counts[0]} and {counts[1]}): "
            "it can hardly tell one modifier from another"
        )
    fit = fit_interactions(data)
    return _results(arm, plan, used, data, fit, counts, alpha, tuple(remarks), people=people)


def _results(
    arm: str,
    plan: HeterogeneityPlan,
    used: list[ModifierColumn],
    data: InteractionData,
    fit: Interactions,
    counts: tuple[int, int],
    alpha: float,
    remarks: tuple[str, ...],
    *,
    people: bool,
) -> Heterogeneity:
    from equipoise.stats.distributions import t_quantile, two_sided_t

    shrunken = shrink_interactions(data, plan.prior_scale)
    k, f = data.products.shape[1], data.fixed.shape[1]
    rows = np.hstack([np.zeros((k, f)), np.eye(k)])
    middle, low, high = shrunken.combine(rows, alpha=alpha)
    reach = t_quantile(1.0 - alpha / 2.0, fit.alone_df) * fit.alone_se
    p = two_sided_t(fit.alone / fit.alone_se, fit.alone_df)
    steps = _steps(used, data)
    modifiers = tuple(
        ModifierRow(
            key=c.key, label=c.label, level=c.level, reference=c.reference, step=steps[j],
            estimate=float(fit.alone[j]), lower=float(fit.alone[j] - reach[j]),
            upper=float(fit.alone[j] + reach[j]), p=float(p[j]), shrunken=float(middle[j]),
            shrunken_lower=float(low[j]), shrunken_upper=float(high[j]),
        )
        for j, c in enumerate(used)
    )  # fmt: skip
    width = float(t_quantile(1.0 - alpha / 2.0, fit.df)) * fit.effect_se
    everybody = shrunken.effect_rows(data.modifiers)
    effect, lower, upper = shrunken.combine(everybody, alpha=alpha)
    order = np.argsort(effect, kind="stable")
    residual = float(np.sqrt(fit.residual_variance))
    checks: list[PriorCheck] = []
    for scale in (0.5 * plan.prior_scale, plan.prior_scale, 2.0 * plan.prior_scale):
        other = shrink_interactions(data, scale)
        checks.append(
            PriorCheck(
                prior_scale=scale,
                spread=other.expected_width * residual,
                between_people=float((other.weight @ (other.mean @ everybody.T)).std(ddof=1)),
            )
        )
    tenth, half, ninetieth = np.quantile(effect, [0.1, 0.5, 0.9])
    return Heterogeneity(
        arm=arm,
        n=data.n,
        arm_counts=counts,
        df=fit.df,
        effect=fit.effect,
        effect_lower=fit.effect - width,
        effect_upper=fit.effect + width,
        joint_f=fit.joint_f,
        joint_df=k,
        joint_p=fit.joint_p,
        modifiers=modifiers,
        effects=_effects(used, data, alpha, plan.prior_scale),
        priors=tuple(checks),
        benefit_tenth=float(tenth),
        benefit_median=float(half),
        benefit_ninetieth=float(ninetieth),
        benefit_width=float(np.median(upper - lower)),
        people=tuple(
            PersonBenefit(effect=float(effect[i]), lower=float(lower[i]), upper=float(upper[i]))
            for i in order
        )
        if people
        else (),
        remarks=remarks,
    )


def _effects(
    used: list[ModifierColumn], data: InteractionData, alpha: float, prior_scale: float
) -> tuple[BenefitAt, ...]:
    """Effects at each level, or one standard deviation below and above the mean."""
    from equipoise.stats.distributions import t_quantile

    shrunken = shrink_interactions(data, prior_scale)
    k, f = data.products.shape[1], data.fixed.shape[1]
    found: list[BenefitAt] = []
    for key in dict.fromkeys(c.key for c in used):
        places = [j for j, c in enumerate(used) if c.key == key]
        # One model with this modifier's interactions alone.
        columns = np.column_stack([data.fixed, data.products[:, places]])
        inverse = np.linalg.inv(columns.T @ columns)
        own = inverse @ columns.T @ data.outcome
        left = data.outcome - columns @ own
        df = data.n - columns.shape[1]
        covariance = inverse * float(left @ left) / df
        for value, at in _values(used, data, places):
            row = np.zeros(f + len(places))
            row[1], row[f:] = 1.0, at
            inside = np.zeros((1, k))
            inside[0, places] = at
            middle, low, high = shrunken.combine(shrunken.effect_rows(inside), alpha=alpha)
            estimate = float(row @ own)
            reach = float(t_quantile(1.0 - alpha / 2.0, df)) * float(
                np.sqrt(row @ covariance @ row)
            )
            found.append(
                BenefitAt(
                    key=key, label=used[places[0]].label, value=value, own=estimate,
                    own_lower=estimate - reach, own_upper=estimate + reach,
                    shrunken=float(middle[0]), shrunken_lower=float(low[0]),
                    shrunken_upper=float(high[0]),
                )
            )  # fmt: skip
    return tuple(found)


def _values(
    used: list[ModifierColumn], data: InteractionData, places: list[int]
) -> list[tuple[str, np.ndarray]]:
    """(name, modifiers as they enter) of a modifier's values that are shown."""
    first = used[places[0]]
    if first.level is None:
        return [("-1 SD", np.array([-0.5])), ("+1 SD", np.array([0.5]))]
    reference = data.modifiers[:, places].min(axis=0)
    found = [(str(first.reference), reference)]
    for j, place in enumerate(places):
        at = reference.copy()
        at[j] = data.modifiers[:, place].max()
        found.append((str(used[place].level), at))
    return found


def _steps(used: list[ModifierColumn], data: InteractionData) -> list[float | None]:
    """Two standard deviations of each number, None for factors."""
    del data
    found: list[float | None] = []
    for column in used:
        values = column.values[np.isfinite(column.values)]
        found.append(None if column.level is not None else 2.0 * float(values.std(ddof=1)))
    return found


def _usable(
    columns: list[ModifierColumn], people: np.ndarray, treated: np.ndarray, smallest: int
) -> tuple[list[ModifierColumn], list[str]]:
    """Modifiers that vary within both arms with enough people at each level, and what is not."""
    used: list[ModifierColumn] = []
    remarks: list[str] = []
    for column in columns:
        name = column.label if column.level is None else f"{column.label}: {column.level}"
        own = [
            column.values[people & arm & np.isfinite(column.values)] for arm in (treated, ~treated)
        ]
        if any(len(values) == 0 or np.ptp(values) == 0.0 for values in own):
            remarks.append(f"{name} does not vary within each arm and was left out")
        elif column.level is not None and any(
            0 < int((values == x).sum()) < smallest for values in own for x in (0.0, 1.0)
        ):
            remarks.append(f"{name} has too few people in an arm to be shown and was left out")
        else:
            used.append(column)
    return used, remarks
