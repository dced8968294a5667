"""What the analysis of many trials needs of each: arrays, one row a participant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.records import Records


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
    """

    arm: np.ndarray
    stratum: np.ndarray
    factors: Mapping[str, np.ndarray]
    numbers: Mapping[str, np.ndarray]
    endpoints: Mapping[str, np.ndarray]
    serious: np.ndarray

    @property
    def trials(self) -> int:
        """How many trials there are."""
        return len(self.arm)


def stack_trials(trials: Sequence[TrialValues]) -> TrialValues:
    """Several, one after another."""
    import numpy as np

    first = trials[0]
    return TrialValues(
        arm=np.concatenate([t.arm for t in trials]),
        stratum=np.concatenate([t.stratum for t in trials]),
        factors={k: np.concatenate([t.factors[k] for t in trials]) for k in first.factors},
        numbers={k: np.concatenate([t.numbers[k] for t in trials]) for k in first.numbers},
        endpoints={k: np.concatenate([t.endpoints[k] for t in trials]) for k in first.endpoints},
        serious=np.concatenate([t.serious for t in trials]),
    )


def values_of_records(
    protocol: Protocol, records: Records, endpoints: Sequence[str]
) -> TrialValues:
    """The arrays of one trial (B = 1) from its records; `endpoints` are the continuous ones."""
    import numpy as np
    import polars as pl

    from equipoise.analysis.dataset import values_of

    people = records.participants
    place = {person: i for i, person in enumerate(people["participant"].to_list())}
    assert records.allocation is not None
    listed = {p: (s, a) for p, s, a in records.allocation.select(
        "participant", "stratum", "arm").iter_rows()}  # fmt: skip
    arms = {arm: i for i, arm in enumerate(protocol.arm_order)}
    strata = {label: i for i, label in enumerate(protocol.strata)}
    factors: dict[str, np.ndarray] = {}
    numbers: dict[str, np.ndarray] = {}
    for name, covariate in protocol.population.covariates.items():
        if covariate.type == "categorical":
            codes = {level: i for i, level in enumerate(covariate.levels)}
            factors[name] = np.array([[codes.get(v, -1) for v in people[name].to_list()]])
        else:
            numbers[name] = people[name].cast(pl.Float64).fill_null(np.nan).to_numpy()[None].copy()
    found: dict[str, np.ndarray] = {}
    for key in endpoints:
        visits = (protocol.baseline.id, *protocol.endpoint_visits(key))
        at = {visit: j for j, visit in enumerate(visits)}
        array = np.full((1, len(place), len(visits)), np.nan)
        table = values_of(protocol, records, key)
        for person, visit, value in table.select("participant", "visit", "value").iter_rows():
            if visit in at:
                array[0, place[person], at[visit]] = value
        found[key] = array
    serious = 0
    if records.adverse_events is not None:
        serious = records.adverse_events.filter(pl.col("serious"))["participant"].n_unique()
    return TrialValues(
        arm=np.array([[arms[listed[p][1]] for p in place]]),
        stratum=np.array([[strata[listed[p][0]] for p in place]]),
        factors=factors,
        numbers=numbers,
        endpoints=found,
        serious=np.array([serious]),
    )
