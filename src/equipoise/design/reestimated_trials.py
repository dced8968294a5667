"""Simulated trials whose size is estimated again without looking at arms.

A trial is drawn with as many participants as it may come to. The outcomes of the first of them
say, by the arithmetic of `reestimate`, with how many it ends; whoever would have come after that
has no values. Everything else is the protocol's own analysis of those who came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.analysis.reestimation import SizePlan, covariate_columns, plan_size
from equipoise.design.chunk_analysis import responses
from equipoise.design.sequential_trials import SequentialTrials
from equipoise.protocol.changes import change_protocol

if TYPE_CHECKING:
    from equipoise.design.planned_analysis import PlannedAnalysis
    from equipoise.design.trial_values import TrialValues
    from equipoise.protocol import Protocol


def at_most(protocol: Protocol) -> Protocol:
    """The protocol with as many participants as it may come to; itself where it plans no more."""
    plan = protocol.analysis.reestimation
    if plan is None or plan.maximum == protocol.population.size:
        return protocol
    return change_protocol(protocol, {"population.size": plan.maximum}).protocol


def plan_ends(protocol: Protocol) -> SizePlan | None:
    """What ends the trials of a protocol; None where its size is not estimated again."""
    return None if protocol.analysis.reestimation is None else plan_size(protocol)


def end_at_size(plan: PlannedAnalysis, size: SizePlan, values: TrialValues) -> SequentialTrials:
    """With how many participants each of some trials ends.

    Where too few of the first have an outcome, the trial keeps its planned size.
    """
    import numpy as np

    from equipoise.stats.power import blinded_variance

    protocol = plan.protocol
    asked = protocol.analysis.reestimation
    assert asked is not None
    estimand = protocol.estimands[asked.estimand]
    response, baseline, _ = responses(plan, estimand.endpoint, values)
    at = protocol.endpoint_visits(estimand.endpoint).index(estimand.visit)
    outcome = response[:, : size.looked, at]
    known = np.isfinite(outcome)
    variance = np.full(values.trials, np.nan)
    for trial in range(values.trials):
        who = np.flatnonzero(known[trial])
        stratum = values.stratum[trial, who]
        codes, places = np.unique(stratum, return_inverse=True)
        columns = covariate_columns(baseline[trial, who], places, max(len(codes), 1))
        try:
            variance[trial] = blinded_variance(outcome[trial, who], columns).variance
        except ValueError:
            continue
    there = np.isfinite(variance)
    retention = known.mean(axis=1)
    used = size.used(np.where(there, variance, 1.0))
    _, taken = size.table.sizes(used, np.where(there, retention, 1.0), size.planned, size.maximum)
    ends = np.where(there, taken, size.planned)
    return SequentialTrials(ends, np.full(values.trials, protocol.analysis.alpha))
