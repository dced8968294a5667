"""Each estimand with its own strategies and its own set, and its sensitivity analyses."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.analysis_sets import members_of
from equipoise.analysis.dataset import make_dataset, values_of
from equipoise.analysis.estimand_results import EstimandResult, SensitivityResult, TouchedCount
from equipoise.analysis.imputed_estimands import ImputedEstimate, impute_estimand
from equipoise.analysis.mixed_models import analyse_endpoint
from equipoise.analysis.outcomes import analyse_outcome, outcome_data
from equipoise.analysis.rerandomised import rerandomise
from equipoise.analysis.small_cells import too_small
from equipoise.analysis.strategies import Handled, handle_events
from equipoise.protocol.consistency_of_estimands import EVERYBODY
from equipoise.protocol.intercurrent import IntercurrentEvent, Strategy
from equipoise.protocol.questions import MODEL_METHODS, SensitivityMethod

if TYPE_CHECKING:
    from equipoise.analysis.groups import Groups
    from equipoise.analysis.model_results import Contrast, EndpointResult, Mean, ModelFit
    from equipoise.analysis.outcome_results import GroupOutcome, OutcomeResult
    from equipoise.protocol import Protocol
    from equipoise.protocol.imputation_plan import ImputationPlan
    from equipoise.protocol.questions import Estimand, Model, Sensitivity
    from equipoise.records import Records
    from equipoise.stats.imputation import Draws


@dataclass(frozen=True, slots=True)
class _Trial:
    """What every estimand is estimated from; `events` are the first of each kind and person."""

    protocol: Protocol
    records: Records
    groups: Groups
    events: pl.DataFrame
    endpoints: Mapping[str, EndpointResult]
    outcomes: Mapping[str, OutcomeResult]
    smallest: int
    drawn: dict[Hashable, Draws] = field(default_factory=dict)

    def members(self, analysis_set: str) -> set[str]:
        """Who is in an analysis set."""
        found, _ = members_of(self.protocol, self.records, self.groups, self.events, analysis_set)
        return found


@dataclass(frozen=True, slots=True)
class _Estimate:
    """Effects of one estimand under one set of strategies in one analysis set."""

    contrasts: tuple[Contrast, ...]
    means: tuple[Mean, ...]
    fit: ModelFit | None
    outcome: tuple[GroupOutcome, ...]
    failure: str | None
    participants: int
    handled: Handled


def estimate_estimands(
    protocol: Protocol,
    records: Records,
    groups: Groups,
    events: pl.DataFrame,
    endpoints: Mapping[str, EndpointResult],
    outcomes: Mapping[str, OutcomeResult],
    smallest: int,
) -> dict[str, EstimandResult]:
    """Every estimand; none while blinded, where nothing is compared."""
    if groups.blinded:
        return {}
    trial = _Trial(protocol, records, groups, events, endpoints, outcomes, smallest)
    return {key: _one(trial, key) for key in protocol.estimands}


def _one(trial: _Trial, key: str) -> EstimandResult:
    protocol = trial.protocol
    estimand = protocol.estimands[key]
    plan = estimand.intercurrent_events
    main = _estimate(trial, estimand, plan, estimand.analysis_set)
    members = trial.members(estimand.analysis_set)
    changed = main.handled.touched.filter(pl.col("participant").is_in(list(members)))
    touched = _touched(trial, changed)
    total = changed.height
    sensitivity = [
        _sensitivity(trial, estimand, name, item)
        for name, item in protocol.analysis.sensitivity.items()
        if item.estimand == key
    ]
    sets = protocol.analysis.sets
    return EstimandResult(
        estimand=key,
        endpoint=estimand.endpoint,
        visit=estimand.visit,
        analysis_set="All randomised"
        if estimand.analysis_set == EVERYBODY and not protocol.single_arm
        else "All enrolled"
        if estimand.analysis_set == EVERYBODY
        else sets[estimand.analysis_set].label,
        participants=main.participants,
        own=_needs_own(plan, estimand.analysis_set),
        strategies=tuple(
            (protocol.intercurrent_events[e.event].label, e.strategy.value) for e in plan
        ),
        touched=touched,
        touched_total=None if 0 < total < trial.smallest else total,
        fit=main.fit,
        contrasts=main.contrasts,
        means=main.means,
        outcome=main.outcome,
        sensitivity=tuple(sensitivity),
        failure=main.failure,
    )


def _needs_own(plan: tuple[IntercurrentEvent, ...], analysis_set: str) -> bool:
    """Whether the endpoint's main result, of everybody and all values, is not the answer."""
    strategies = {item.strategy for item in plan} - {Strategy.TREATMENT_POLICY}
    return bool(strategies) or analysis_set != EVERYBODY


def _estimate(
    trial: _Trial,
    estimand: Estimand,
    plan: tuple[IntercurrentEvent, ...],
    analysis_set: str,
    model: Model | None = None,
) -> _Estimate:
    protocol, records, groups = trial.protocol, trial.records, trial.groups
    key, visit = estimand.endpoint, estimand.visit
    members = trial.members(analysis_set)
    handled = handle_events(protocol, key, values_of(protocol, records, key), trial.events, plan)
    own = _needs_own(plan, analysis_set)
    if protocol.endpoints[key].scale.continuous:
        result = trial.endpoints[key]
        if own or model is not None:
            data = make_dataset(
                protocol, records, groups, key, values=handled.values, members=members
            )
            result = analyse_endpoint(
                protocol,
                groups,
                key,
                data,
                smallest=trial.smallest,
                subgroups=False,
                model=model,
            )
        contrasts = tuple(c for c in result.contrasts if c.visit == visit)
        means = tuple(m for m in result.means if m.visit == visit)
        return _Estimate(
            contrasts=contrasts,
            means=means,
            fit=result.fit,
            outcome=(),
            failure=_why(
                protocol, contrasts or (means if protocol.single_arm else ()), result.failure
            ),
            participants=len(members),
            handled=handled,
        )
    outcome = trial.outcomes[key]
    if own:
        outcome = analyse_outcome(
            outcome_data(
                protocol,
                records,
                groups,
                key,
                handled=handled,
                members=members,
                smallest=trial.smallest,
            )
        )
    contrasts = tuple(c for c in outcome.contrasts if c.visit == visit)
    shown = tuple(g for g in outcome.groups if g.visit == visit)
    known = [g for g in shown if g.estimate is not None]
    return _Estimate(
        contrasts=contrasts,
        means=(),
        fit=None,
        outcome=shown,
        failure=_why(
            protocol,
            contrasts or (known if protocol.single_arm else ()),
            dict(outcome.failures).get(visit),
        ),
        participants=len(members),
        handled=handled,
    )


def _why(protocol: Protocol, found: Sequence[object], failure: str | None) -> str | None:
    """Why there is no estimate; None where there is one."""
    if found:
        return None
    missing = "estimate" if protocol.single_arm else "comparison"
    return failure or f"no {missing} at this visit (no data, or too few people)"


def _sensitivity(
    trial: _Trial,
    estimand: Estimand,
    name: str,
    item: Sensitivity,
) -> SensitivityResult:
    """The estimand again under the assumption or by the method of `item`."""
    plan, analysis_set = estimand.intercurrent_events, estimand.analysis_set
    if item.imputation is not None:
        return _imputed(trial, estimand, name, item, item.imputation)
    if item.method is SensitivityMethod.RE_RANDOMISATION:
        return _by_design(trial, estimand, name, item)
    model: Model | None = None
    if item.method is SensitivityMethod.ANALYSIS_SET:
        analysis_set = str(item.analysis_set)
    elif item.method in MODEL_METHODS:
        model = other_model(trial.protocol, estimand, item)
    else:
        assert item.strategy is not None
        plan = tuple(
            IntercurrentEvent(event=e.event, strategy=item.strategy, composite_change=None)
            for e in plan
        )
    found = _estimate(trial, estimand, plan, analysis_set, model)
    return SensitivityResult(
        key=name,
        label=item.label,
        method=item.method.value,
        participants=found.participants,
        contrasts=found.contrasts,
        means=found.means if trial.protocol.single_arm else (),
        fit=None if model is None else found.fit,
        failure=found.failure,
    )


def other_model(protocol: Protocol, estimand: Estimand, item: Sensitivity) -> Model:
    """The endpoint's model with a covariance for each arm, or with empirical standard errors."""
    model = protocol.analysis.models[str(protocol.endpoints[estimand.endpoint].model)]
    if item.method is SensitivityMethod.UNEQUAL_VARIANCES:
        return model.model_copy(update={"group": "arm"})
    df = "satterthwaite" if model.df.startswith("kenward-roger") else model.df
    return model.model_copy(update={"vcov": item.vcov or "cr2", "df": df})


def _by_design(
    trial: _Trial, estimand: Estimand, name: str, item: Sensitivity
) -> SensitivityResult:
    """The re-randomisation test of the comparisons that the estimand has."""
    plan, analysis_set = estimand.intercurrent_events, estimand.analysis_set
    main = _estimate(trial, estimand, plan, analysis_set)
    data = make_dataset(
        trial.protocol,
        trial.records,
        trial.groups,
        estimand.endpoint,
        values=main.handled.values,
        members=trial.members(analysis_set),
    )
    rows, failure = rerandomise(
        trial.protocol, trial.records, data, estimand, item, tuple(c.arm for c in main.contrasts)
    )
    return SensitivityResult(
        key=name,
        label=item.label,
        method=item.method.value,
        participants=main.participants,
        contrasts=(),
        rerandomised=rows,
        failure=failure,
    )


def _imputed(
    trial: _Trial, estimand: Estimand, name: str, item: Sensitivity, plan: ImputationPlan
) -> SensitivityResult:
    """The comparisons that the estimand has, with the missing values of its data imputed."""
    main = _estimate(trial, estimand, estimand.intercurrent_events, estimand.analysis_set)
    data = make_dataset(
        trial.protocol,
        trial.records,
        trial.groups,
        estimand.endpoint,
        values=main.handled.values,
        members=trial.members(estimand.analysis_set),
        everybody=True,
    )
    arms = tuple(c.arm for c in main.contrasts)
    found = ImputedEstimate(failure=main.failure or "no comparison to impute for")
    if arms:
        found = impute_estimand(
            trial.protocol, data, estimand, plan, arms, trial.smallest, trial.drawn
        )
    return SensitivityResult(
        key=name,
        label=item.label,
        method=item.method.value,
        participants=main.participants,
        contrasts=found.contrasts,
        imputed=found.imputed,
        tipping=found.tipping,
        failure=found.failure,
    )


def _touched(trial: _Trial, touched: pl.DataFrame) -> tuple[TouchedCount, ...] | None:
    """What the strategies left out or replaced, by arm, visit and event."""
    protocol, groups = trial.protocol, trial.groups
    table = (
        touched.join(groups.members, on="participant", how="inner")
        .group_by("_group", "visit", "event", "strategy", maintain_order=True)
        .len()
    )
    if too_small(table["len"].to_list(), trial.smallest):
        return None
    order = [visit.id for visit in protocol.visits]
    rows = [
        TouchedCount(
            group=str(row["_group"]),
            visit=str(row["visit"]),
            event=protocol.intercurrent_events[str(row["event"])].label,
            strategy=str(row["strategy"]),
            n=int(row["len"]),
        )
        for row in table.iter_rows(named=True)
    ]
    return tuple(
        sorted(rows, key=lambda r: (groups.keys.index(r.group), order.index(r.visit), r.event))
    )
