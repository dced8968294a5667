"""Effects of one trial from its records, by the steps of `analyse` itself.

For what the arrays cannot do: slower, the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from equipoise.analysis.dataset import make_dataset
from equipoise.analysis.estimands import estimate_estimands
from equipoise.analysis.groups import make_groups
from equipoise.analysis.intercurrent import find_events
from equipoise.analysis.mixed_models import analyse_endpoint
from equipoise.analysis.outcomes import analyse_outcome, outcome_data

if TYPE_CHECKING:
    from equipoise.analysis.model_results import Contrast, EndpointResult
    from equipoise.analysis.outcome_results import OutcomeResult
    from equipoise.design.planned_analysis import Effect, PlannedAnalysis, PlannedFit
    from equipoise.protocol import Protocol
    from equipoise.records import Records

Parts = dict[str, float | None]


def record_fit(
    plan: PlannedAnalysis, fit: PlannedFit, records: Records
) -> tuple[bool, dict[Effect, Parts]]:
    """Whether one model could be fitted to a trial, and its effects."""
    protocol = plan.protocol
    groups = make_groups(protocol, records)
    data = make_dataset(protocol, records, groups, fit.endpoint)
    result = analyse_endpoint(protocol, groups, fit.endpoint, data, subgroups=bool(fit.subgroup))
    if fit.subgroup is None:
        found = _effects("endpoint", fit.endpoint, result.contrasts)
        return result.fit is not None, found
    assert result.subgroup is not None
    rows = (*result.subgroup.effects, *result.subgroup.interaction)
    return result.subgroup.fit is not None, _effects("subgroup", fit.endpoint, rows)


def record_effects(plan: PlannedAnalysis, records: Records) -> dict[Effect, Parts]:
    """Effects of the estimands and outcomes that go by records."""
    protocol = plan.protocol
    groups = make_groups(protocol, records)
    found: dict[Effect, Parts] = {}
    keys = [key for key, _ in plan.by_records]
    outcomes: dict[str, OutcomeResult] = {}
    endpoints: dict[str, EndpointResult] = {}
    for name in (*plan.outcomes, *(protocol.estimands[key].endpoint for key in keys)):
        if not protocol.endpoints[name].scale.continuous:
            outcomes[name] = analyse_outcome(outcome_data(protocol, records, groups, name))
        else:
            data = make_dataset(protocol, records, groups, name)
            endpoints[name] = analyse_endpoint(protocol, groups, name, data, subgroups=False)
    for name in plan.outcomes:
        found |= _effects("endpoint", name, outcomes[name].contrasts)
    if keys:
        alone = _of_estimands(protocol, keys)
        events = find_events(protocol, records)
        results = estimate_estimands(alone, records, groups, events, endpoints, outcomes, 1)
        for key, result in results.items():
            found |= _effects("estimand", key, result.contrasts)
    return found


def _of_estimands(protocol: Protocol, keys: list[str]) -> Protocol:
    """The protocol with these estimands alone and without their sensitivity analyses."""
    analysis = protocol.analysis.model_copy(update={"sensitivity": {}})
    estimands = {key: protocol.estimands[key] for key in keys}
    return protocol.model_copy(update={"estimands": estimands, "analysis": analysis})


def _effects(kind: str, name: str, contrasts: Iterable[Contrast]) -> dict[Effect, Parts]:
    return {
        (kind, name, c.arm, c.visit, c.subgroup or ""): {
            "estimate": c.estimate,
            "se": c.se,
            "df": c.df,
            "p": c.p,
            "lower": c.lower,
            "upper": c.upper,
        }
        for c in contrasts
    }
