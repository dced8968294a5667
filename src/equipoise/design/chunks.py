"""One chunk of work: some trials of one setting, from their streams to their rows.

Runs in the process that asks or in a worker; a worker holds its settings and what follows from
them, so that a chunk is asked for by three numbers and answered by arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.design.allocation_measures import (
    AllocationAsked,
    allocation_measures,
    allocation_quantities,
)
from equipoise.design.chunk_analysis import analyse_chunk
from equipoise.design.data_generators import DataGenerator, kind_asked, own_generator
from equipoise.design.interim_looks import (
    InterimLooks,
    PlannedLooks,
    effects_at_looks,
    plan_looks,
)
from equipoise.design.judgement import TrialRows, judge
from equipoise.design.planned_analysis import PlannedAnalysis, plan_analysis
from equipoise.design.questions import (
    PlannedClaim,
    PlannedQuantity,
    planned_claims,
    planned_quantities,
)
from equipoise.design.recorded_values import serious_in_records, values_of_records
from equipoise.design.reestimated_trials import at_most, end_at_size, plan_ends
from equipoise.design.sequential_trials import (
    SequentialTrials,
    end_trials,
    ended,
    plan_sequence,
    records_of_first,
    sequence_quantities,
)
from equipoise.design.trial_values import serious_among, values_of_trials
from equipoise.patients import Scenario
from equipoise.streams import stream

if TYPE_CHECKING:
    import numpy as np

    from equipoise.analysis.reestimation import SizePlan
    from equipoise.design.data_generators import Patients
    from equipoise.protocol import Protocol
    from equipoise.records import Records
    from equipoise.simulation import TrialArrays, TrialBlock


#: Participants that are simulated at once, at most: what is drawn on the way is not kept.
BLOCK_ROWS = 20_000

#: Stream of the permutations of a simulated trial.
PURPOSE = "design/permutations"


@dataclass(frozen=True, slots=True)
class Work:
    """What every chunk of a setting shares.

    Attributes
    ----------
    seed
        Trial k is drawn from the streams of (seed, k).
    patients
        Kind of virtual patients; None: the protocol's own.
    scenario
        The built-in one that is simulated.
    looks
        What is computed at interim looks; None without any.
    allocation
        What is asked of the allocation; None: nothing.
    sequence
        The looks that the protocol plans itself; None where it plans none.
    size
        The plan by which the size is estimated again; None where there is none.
    own
        The user's function that gives the records; None: virtual patients.
    """

    plan: PlannedAnalysis
    claims: tuple[PlannedClaim, ...]
    quantities: tuple[PlannedQuantity, ...]
    seed: int
    patients: str | None = None
    scenario: str = Scenario.PLANNED
    looks: PlannedLooks | None = None
    allocation: AllocationAsked | None = None
    sequence: PlannedLooks | None = None
    size: SizePlan | None = None
    own: DataGenerator | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Trials `begin` to `end` - 1 of a setting, by its place among those of a run."""

    setting: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class BrokenTrial:
    """A trial that could not be simulated or analysed, and what was said.

    `own` names the user's function that gives the records; empty for virtual patients.
    """

    scenario: str
    trial: int
    said: str
    own: str = ""


class StoppedError(Exception):
    """The run was given up; the chunk ends between two trials."""


def prepare(
    protocol: Protocol,
    seed: int,
    patients: Patients = None,
    scenario: str = Scenario.PLANNED,
    looks: InterimLooks | None = None,
    allocation: AllocationAsked | None = None,
) -> Work:
    """All that follows from the protocol, and from what is asked besides."""
    own, asked = own_generator(patients), kind_asked(patients)
    size = plan_ends(protocol)
    plan = plan_analysis(at_most(protocol))
    protocol = plan.protocol
    claims = planned_claims(plan, asked, given=own is not None)
    quantities = planned_quantities(plan)
    planned = None
    if looks is not None:
        planned = plan_looks(plan, looks)
        quantities = (*quantities, *planned.quantities)
    if allocation is not None:
        quantities = (*quantities, *allocation_quantities(protocol, allocation))
    sequence = plan_sequence(plan)
    if sequence is not None or size is not None:
        quantities = (*quantities, *sequence_quantities())
    return Work(
        plan, claims, quantities, seed, asked, scenario, planned, allocation, sequence, size, own
    )  # fmt: skip


def run_chunk(
    work: Work, begin: int, end: int, stopped: Callable[[], bool] | None = None
) -> TrialRows | BrokenTrial:
    """The rows of trials `begin` to `end` - 1; what goes wrong in a trial is told, not raised.

    Raises
    ------
    StoppedError
        When `stopped` says so.
    """
    if work.own is not None and end - begin > 1:
        # Their trials may differ in size, and no number depends on the company.
        return _one_by_one(work, begin, end, stopped)
    from equipoise.simulation import at_once, records_of, simulate_arrays, simulate_block

    protocol = work.plan.protocol
    # Records need the whole trial, arrays what is analysed of it.
    asked = None if work.plan.needs_records else frozenset(work.plan.endpoints)
    drawn: list[TrialArrays] = []
    given: list[Records] = []
    made: dict[int, Records] = {}

    def records(place: int) -> Records:
        if given:
            return given[place]
        if place not in made:
            made.clear()  # one at a time: memory does not grow with the chunk
            made[place] = records_of(drawn[place] if asked is None else draw(begin + place))
        return made[place]

    def halted() -> None:
        if stopped is not None and stopped():
            raise StoppedError

    def draw(trial: int, asked: frozenset[str] | None = None) -> TrialArrays:
        return simulate_arrays(
            protocol,
            work.seed,
            scenario=work.scenario,
            trial=trial,
            patients=work.patients,
            asked=asked,
        )

    trial = begin
    try:
        blocks: list[TrialBlock] = []
        if work.own is not None:
            for trial in range(begin, end):
                halted()
                given.append(work.own.records(protocol, work.seed, work.scenario, trial))
        elif asked is not None and work.allocation is None and at_once(protocol, asked):
            step = max(1, BLOCK_ROWS // protocol.population.size)
            for first in range(begin, end, step):
                halted()
                trial = first
                blocks.append(
                    simulate_block(
                        protocol,
                        work.seed,
                        range(first, min(first + step, end)),
                        asked,
                        scenario=work.scenario,
                        patients=work.patients,
                    )
                )
        else:
            for trial in range(begin, end):
                halted()
                drawn.append(draw(trial, asked))
        halted()
        together = blocks or drawn
        if work.own is None:
            values = values_of_trials(protocol, together, work.plan.endpoints)
        else:
            values = values_of_records(protocol, given, work.plan.endpoints, work.own.label)
        ends: SequentialTrials | None = None
        seen = records
        if work.sequence is not None:
            ends = end_trials(work.sequence, values)
        elif work.size is not None:
            ends = end_at_size(work.plan, work.size, values)
        if ends is not None:
            sizes = ends.participants.tolist()
            count = ends.participants
            serious = serious_in_records(given, count) if given else serious_among(together, count)
            values = ended(values, count, serious)

            def seen(place: int) -> Records:
                return records_of_first(records(place), sizes[place])

        effects = analyse_chunk(work.plan, values, seen)

        def permutations(place: int) -> np.random.Generator:
            return stream(work.seed, PURPOSE, begin + place)

        looks = () if work.looks is None else effects_at_looks(work.looks, values)
        measured = None
        if work.allocation is not None:
            measured = allocation_measures(
                protocol, work.allocation, drawn, records, work.seed, begin
            )
        return judge(
            work.plan, work.claims, work.quantities, values, effects, permutations, looks,
            measured, ends,
        )  # fmt: skip
    except StoppedError:
        raise
    except Exception as error:
        if end - begin > 1:
            return _first_broken(work, begin, end, stopped)
        own = "" if work.own is None else work.own.name
        return BrokenTrial(work.scenario, trial, f"{type(error).__name__}: {error}", own)


def _one_by_one(
    work: Work, begin: int, end: int, stopped: Callable[[], bool] | None
) -> TrialRows | BrokenTrial:
    """The rows of trials that are analysed each by itself; the first that is broken ends it."""
    import numpy as np

    rows: list[TrialRows] = []
    for trial in range(begin, end):
        found = run_chunk(work, trial, trial + 1, stopped)
        if isinstance(found, BrokenTrial):
            return found
        rows.append(found)
    names = ("hits", "estimate", "se", "df", "fits", "serious")
    parts = {name: np.concatenate([getattr(one, name) for one in rows]) for name in names}
    return TrialRows(**parts, patients=rows[0].patients)


def _first_broken(
    work: Work, begin: int, end: int, stopped: Callable[[], bool] | None
) -> TrialRows | BrokenTrial:
    """Which trial of a chunk it was: each by itself."""
    for trial in range(begin, end):
        found = run_chunk(work, trial, trial + 1, stopped)
        if isinstance(found, BrokenTrial):
            return found
    return BrokenTrial(work.scenario, begin, "the trials fail together, each is well alone")
