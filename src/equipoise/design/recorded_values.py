"""Records become the arrays that the analysis of many trials takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from equipoise.analysis.dataset import values_of
from equipoise.design.trial_values import TrialValues

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from equipoise.protocol import Protocol
    from equipoise.records import Records


def values_of_records(
    protocol: Protocol, trials: Sequence[Records], endpoints: Sequence[str], patients: str
) -> TrialValues:
    """What the analysis sees of trials that are records.

    Trials may differ in size: the places that one lacks, after its last participant, have no
    values and enter nothing.

    Parameters
    ----------
    trials
        With an allocation, participants in the order of enrolment.
    endpoints
        Continuous ones.
    patients
        As a kind of patients is printed.
    """
    import numpy as np
    import polars as pl

    size = max(records.participants.height for records in trials)
    covariates = protocol.population.covariates
    arm = np.zeros((len(trials), size), dtype=np.int64)
    stratum = np.zeros((len(trials), size), dtype=np.int64)
    factors = {
        name: np.zeros((len(trials), size), dtype=np.int64)
        for name, covariate in covariates.items()
        if covariate.type == "categorical"
    }
    numbers = {name: np.zeros((len(trials), size)) for name in covariates if name not in factors}
    found = {
        key: np.full((len(trials), size, 1 + len(protocol.endpoint_visits(key))), np.nan)
        for key in endpoints
    }
    serious = np.zeros(len(trials), dtype=np.int64)
    for row, records in enumerate(trials):
        assert records.allocation is not None
        people = records.participants.with_row_index("_place").join(
            records.allocation.select("participant", "stratum", "arm"),
            on="participant",
            how="left",
            maintain_order="left",
        )
        n = people.height
        arm[row, :n] = _codes(people["arm"], protocol.arm_order)
        stratum[row, :n] = _codes(people["stratum"], protocol.strata)
        for name, column in factors.items():
            column[row, :n] = _codes(people[name], covariates[name].levels)
        for name, column in numbers.items():
            column[row, :n] = people[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        where = people.select("participant", "_place")
        for key, array in found.items():
            visits = (protocol.baseline.id, *protocol.endpoint_visits(key))
            table = (
                values_of(protocol, records, key)
                .filter(pl.col("visit").is_in(visits))
                .join(where, on="participant", how="inner")
            )
            at = _codes(table["visit"], visits)
            array[row, table["_place"].to_numpy(), at] = table["value"].to_numpy()
        if records.adverse_events is not None:
            events = records.adverse_events.filter(pl.col("serious"))
            serious[row] = events["participant"].n_unique()
    return TrialValues(arm, stratum, factors, numbers, found, serious, patients)


def serious_in_records(trials: Sequence[Records], participants: np.ndarray) -> np.ndarray:
    """(B,) participants with a serious adverse event, among the (B,) who enrolled first."""
    import numpy as np
    import polars as pl

    found = np.zeros(len(trials), dtype=np.int64)
    for row, (records, n) in enumerate(zip(trials, participants.tolist(), strict=True)):
        if records.adverse_events is not None:
            first = records.participants["participant"].head(n)
            events = records.adverse_events.filter(
                pl.col("serious"), pl.col("participant").is_in(first.implode())
            )
            found[row] = events["participant"].n_unique()
    return found


def _codes(column: pl.Series, levels: Sequence[str]) -> np.ndarray:
    """Places among the levels; -1 where missing or none of them."""
    import numpy as np

    known = {level: place for place, level in enumerate(levels)}
    return np.array([known.get(value, -1) for value in column.to_list()], dtype=np.int64)
