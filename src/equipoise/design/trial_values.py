"""What the analysis of many trials needs of each: arrays, one row a participant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from equipoise.instruments import TOTAL
from equipoise.protocol.endpoint_sources import planned_visits

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.simulation import TrialArrays, TrialBlock

    #: Trials one by one, or several in one.
    Trials: TypeAlias = Sequence[TrialArrays] | Sequence[TrialBlock]


@dataclass(frozen=True, slots=True)
class TrialValues:
    """B trials of N participants, in the order of enrolment.

    Attributes
    ----------
    arm : int64 (B, N)
        Place in `Protocol.arm_order`: 0 is the control.
    stratum : int64 (B, N)
        Place in `Protocol.strata`.
    factors : mapping of str to int64 (B, N)
        Categorical covariates: place in the protocol's levels; -1 where missing.
    numbers : mapping of str to float64 (B, N)
        Numeric covariates; NaN where missing.
    endpoints : mapping of str to float64 (B, N, 1 + visits)
        Values at baseline and at the endpoint's visits, in its unit; NaN where there is none.
    serious : int64 (B,)
        Participants with a serious adverse event.
    patients
        Kind of virtual patients: ``statistical`` or ``mechanistic``.
    """

    arm: np.ndarray
    stratum: np.ndarray
    factors: Mapping[str, np.ndarray]
    numbers: Mapping[str, np.ndarray]
    endpoints: Mapping[str, np.ndarray]
    serious: np.ndarray
    patients: str

    @property
    def trials(self) -> int:
        """How many trials there are."""
        return len(self.arm)


def first_participants(values: TrialValues, participants: int) -> TrialValues:
    """The same trials with those who enrolled first alone."""
    import numpy as np

    def cut(x: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(x[:, :participants])

    return TrialValues(
        arm=cut(values.arm),
        stratum=cut(values.stratum),
        factors={key: cut(x) for key, x in values.factors.items()},
        numbers={key: cut(x) for key, x in values.numbers.items()},
        endpoints={key: cut(x) for key, x in values.endpoints.items()},
        serious=values.serious,
        patients=values.patients,
    )


def values_of_trials(protocol: Protocol, trials: Trials, endpoints: Sequence[str]) -> TrialValues:
    """What the analysis sees of simulated trials; `endpoints` are the continuous ones."""
    import numpy as np

    covariates = protocol.population.covariates
    first = _arrays(trials[0])
    arms = np.array([protocol.arm_order.index(arm) for arm in first.plan.arms])
    strata = np.array([protocol.strata.index(label) for label in first.plan.strata])

    def of(name: str) -> np.ndarray:
        return _stacked(trials, lambda trial: trial.covariates[name])

    arm = arms[_stacked(trials, lambda trial: trial.arm)]
    return TrialValues(
        arm=arm,
        stratum=strata[_stacked(trials, lambda trial: trial.stratum)],
        factors={k: of(k).astype(int) for k, c in covariates.items() if c.type == "categorical"},
        numbers={k: of(k).astype(float) for k, c in covariates.items() if c.type != "categorical"},
        endpoints={key: endpoint_values(protocol, trials, key) for key in endpoints},
        serious=serious_among(trials, np.full(len(arm), arm.shape[1])),
        patients=first.patients,
    )


def _arrays(trial: TrialArrays | TrialBlock) -> TrialArrays:
    from equipoise.simulation import TrialBlock

    return trial.arrays if isinstance(trial, TrialBlock) else trial


def _stacked(trials: Trials, of: Callable[[TrialArrays], np.ndarray]) -> np.ndarray:
    """(B, N, …) of what a trial has by participant."""
    import numpy as np

    from equipoise.simulation import TrialBlock

    return np.concatenate(
        [
            one.by_trial(of(one.arrays)) if isinstance(one, TrialBlock) else of(one)[None]
            for one in trials
        ]
    )


def endpoint_values(protocol: Protocol, trials: Trials, key: str) -> np.ndarray:
    """(B, N, 1 + visits) values at baseline and at the endpoint's visits."""
    import numpy as np

    there = planned_visits(protocol.measured(key), protocol.visits)
    order = [visit.id for visit in protocol.visits if visit.id in there]
    wanted = (protocol.baseline.id, *protocol.endpoint_visits(key))
    measured = _stacked(trials, lambda trial: _measured(protocol, trial, key)).astype(float)
    found = np.full((*measured.shape[:2], len(wanted)), np.nan)
    for place, visit in enumerate(wanted):
        if visit in order:
            found[:, :, place] = measured[:, :, order.index(visit)]
    return found


def _measured(protocol: Protocol, trial: TrialArrays, key: str) -> np.ndarray:
    """(N, planned visits) values of the measurement of an endpoint."""
    point = protocol.endpoints[key]
    if point.instrument is not None:
        return trial.scores[point.instrument].part(str(point.part or TOTAL))
    if point.cells is not None:
        return trial.cells[point.cells, str(point.cell_unit)]
    if point.lab is not None:
        return trial.labs[point.lab]
    if point.vital is not None:
        return trial.vitals[point.vital]
    if point.exposure is not None:
        return trial.exposures[point.exposure]
    return trial.imaging[str(point.imaging), str(point.region)]


def serious_among(trials: Trials, participants: np.ndarray) -> np.ndarray:
    """(B,) participants with a serious adverse event, among the (B,) who enrolled first."""
    import numpy as np

    def had_one(trial: TrialArrays) -> np.ndarray:
        had = np.zeros(trial.size, dtype=bool)
        if trial.events is not None:
            had[trial.events.participant[trial.events.serious]] = True
        return had

    had = _stacked(trials, had_one)
    return (had & (np.arange(had.shape[1]) < participants[:, None])).sum(axis=1)
