"""Simulated trials of a protocol that plans interim looks: each ends where its plan ends it.

Every look is the primary estimand's own model on those who enrolled first; who crosses a boundary
enrols nobody any more, and the whole analysis is that of the look. Futility does not bind: it is
not followed here.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.analysis.interim import nominal_levels, rising
from equipoise.design.characteristics import Quantity
from equipoise.design.chunk_analysis import analyse_chunk
from equipoise.design.interim_looks import InterimLooks, PlannedLooks, plan_looks
from equipoise.design.planned_analysis import PlannedAnalysis, effects_of_estimand
from equipoise.design.questions import PlannedQuantity
from equipoise.design.trial_values import TrialValues, first_participants

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from equipoise.records import Records

#: Key of the number of participants with whom a trial ends.
ENDS_WITH = "looks:participants"


@dataclass(frozen=True, slots=True)
class SequentialTrials:
    """Where some trials end.

    Attributes
    ----------
    participants : int64 (B,)
    level : float64 (B,)
        Two-sided nominal level of the look at which a trial ends; 0 where none could be estimated.
    """

    participants: np.ndarray
    level: np.ndarray


def plan_sequence(plan: PlannedAnalysis) -> PlannedLooks | None:
    """The looks that a protocol plans; None where it plans none.

    Raises
    ------
    EquipoiseError
        When the primary estimand is estimated from records.
    """
    interim = plan.protocol.analysis.interim
    if interim is None:
        return None
    return plan_looks(plan, InterimLooks(plan.protocol.primary[0], interim.shares))


def sequence_quantities() -> tuple[PlannedQuantity, ...]:
    """What is kept of every trial's end."""
    label = "Participants with whom the trial ends"
    return (PlannedQuantity(Quantity(ENDS_WITH, label, "participants"), None, end=True),)


def end_trials(looks: PlannedLooks, values: TrialValues) -> SequentialTrials:
    """Where each of some trials ends, look by look.

    A look without an estimate is not taken and spends nothing.
    """
    import numpy as np

    protocol = looks.plan.protocol
    interim = protocol.analysis.interim
    assert interim is not None
    (effect,) = effects_of_estimand(looks.plan, protocol.primary[0]).values()
    sizes = (*looks.participants, values.arm.shape[1])
    effects = [analyse_chunk(looks.plan, first_participants(values, n), None) for n in sizes]
    parts = [found.get(effect) for found in effects]
    se = np.stack([part["se"] for part in parts], axis=1)
    p = np.stack([part["p"] for part in parts], axis=1)
    known = np.isfinite(p) & (se > 0)
    shares = np.where(known, 1.0 / np.where(known, se, 1.0) ** 2, np.nan) / interim.information
    ends = np.full(values.trials, sizes[-1])
    level = np.zeros(values.trials)
    kept: dict[tuple[tuple[float, ...], bool], float] = {}
    for trial in range(values.trials):
        taken: list[float] = []
        for k, size in enumerate(sizes):
            if not known[trial, k]:
                continue
            taken = rising([*taken, float(shares[trial, k])])
            final = k == len(sizes) - 1
            key = (tuple(taken), final)
            if key not in kept:
                kept[key] = nominal_levels(taken, protocol.analysis.alpha, interim, final=final)[-1]
            level[trial] = kept[key]
            if p[trial, k] < kept[key]:
                ends[trial] = size
                break
        else:
            level[trial] = level[trial] if known[trial, -1] else 0.0
    return SequentialTrials(ends, level)


def ended(values: TrialValues, ends: np.ndarray, serious: np.ndarray) -> TrialValues:
    """The values of those who enrolled before the end; whoever would have come has none.

    Parameters
    ----------
    ends
        (B,) participants with whom each trial ends.
    serious
        (B,) participants among them with a serious adverse event.
    """
    import numpy as np

    gone = np.arange(values.arm.shape[1]) >= ends[:, None]
    return dataclasses.replace(
        values,
        endpoints={
            key: np.where(gone[:, :, None], np.nan, x) for key, x in values.endpoints.items()
        },
        serious=serious,
    )


def records_of_first(records: Records, participants: int) -> Records:
    """Records of those who enrolled first alone."""
    import polars as pl

    names = records.participants["participant"].to_list()[:participants]
    if len(names) == records.participants.height:
        return records

    def cut(table: pl.DataFrame) -> pl.DataFrame:
        return table.filter(pl.col("participant").is_in(names))

    found = {
        field.name: cut(table)
        for field in dataclasses.fields(records)
        if isinstance(table := getattr(records, field.name), pl.DataFrame)
        and "participant" in table.columns
    }
    return dataclasses.replace(records, **found)
