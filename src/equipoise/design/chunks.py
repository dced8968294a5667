"""One chunk of work: some trials of one scenario, from their streams to their rows.

Runs in the process that asks or in a worker; a worker holds its protocol and what follows from
it, so that a chunk is asked for by three numbers and answered by arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.design.chunk_analysis import analyse_chunk
from equipoise.design.judgement import TrialRows, judge
from equipoise.design.planned_analysis import PlannedAnalysis, plan_analysis
from equipoise.design.questions import (
    PlannedClaim,
    PlannedQuantity,
    planned_claims,
    planned_quantities,
)
from equipoise.design.trial_values import values_of_trials
from equipoise.streams import stream

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.records import Records
    from equipoise.simulation import TrialArrays


#: Stream of the permutations of a simulated trial.
PURPOSE = "design/permutations"


@dataclass(frozen=True, slots=True)
class Work:
    """What every chunk of a run shares.

    Attributes
    ----------
    seed
        Trial k is drawn from the streams of (seed, k).
    patients
        Kind of virtual patients; None: the protocol's own.
    """

    plan: PlannedAnalysis
    claims: tuple[PlannedClaim, ...]
    quantities: tuple[PlannedQuantity, ...]
    seed: int
    patients: str | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Trials `begin` to `end` - 1 of a scenario."""

    scenario: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class BrokenTrial:
    """A trial that could not be simulated or analysed, and what was said."""

    scenario: str
    trial: int
    said: str


class StoppedError(Exception):
    """The run was given up; the chunk ends between two trials."""


def prepare(protocol: Protocol, seed: int, patients: str | None = None) -> Work:
    """All that follows from the protocol."""
    plan = plan_analysis(protocol)
    return Work(plan, planned_claims(plan, patients), planned_quantities(plan), seed, patients)


def run_chunk(
    work: Work, chunk: Chunk, stopped: Callable[[], bool] | None = None
) -> TrialRows | BrokenTrial:
    """The rows of a chunk; what goes wrong in a trial is told, not raised.

    Raises
    ------
    StoppedError
        When `stopped` says so.
    """
    from equipoise.simulation import records_of, simulate_arrays

    protocol = work.plan.protocol
    drawn: list[TrialArrays] = []
    made: dict[int, Records] = {}

    def records(place: int) -> Records:
        if place not in made:
            made.clear()  # one at a time: memory does not grow with the chunk
            made[place] = records_of(drawn[place])
        return made[place]

    trial = chunk.begin
    try:
        for trial in range(chunk.begin, chunk.end):
            if stopped is not None and stopped():
                raise StoppedError
            drawn.append(
                simulate_arrays(
                    protocol,
                    work.seed,
                    scenario=chunk.scenario,
                    trial=trial,
                    patients=work.patients,
                )
            )
        values = values_of_trials(protocol, drawn, work.plan.endpoints)
        effects = analyse_chunk(work.plan, values, records)

        def permutations(place: int) -> np.random.Generator:
            return stream(work.seed, PURPOSE, chunk.begin + place)

        return judge(work.plan, work.claims, work.quantities, values, effects, permutations)
    except StoppedError:
        raise
    except Exception as error:
        if chunk.end - chunk.begin > 1:
            return _first_broken(work, chunk, stopped)
        return BrokenTrial(chunk.scenario, trial, f"{type(error).__name__}: {error}")


def _first_broken(
    work: Work, chunk: Chunk, stopped: Callable[[], bool] | None
) -> TrialRows | BrokenTrial:
    """Which trial of a chunk it was: each by itself."""
    for trial in range(chunk.begin, chunk.end):
        found = run_chunk(work, Chunk(chunk.scenario, trial, trial + 1), stopped)
        if isinstance(found, BrokenTrial):
            return found
    return BrokenTrial(chunk.scenario, chunk.begin, "the trials fail together, each is well alone")
