"""One simulated trial as arrays: people enrol, are allocated, are seen and are lost."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from equipoise.faults import nearest, single
from equipoise.instruments import TOTAL
from equipoise.patients import (
    Cohort,
    PatientKind,
    Scenario,
    draw_statistical,
    exposures_of,
    followed_arms,
    images_of,
)
from equipoise.simulation.dose_events import events_by_dose
from equipoise.simulation.doses import dose_rows, doses_not_missed
from equipoise.simulation.enrolment import enrol
from equipoise.simulation.events import (
    events_by_arm,
    first_stopping_day,
    in_order,
    joined,
    kept,
)
from equipoise.simulation.mechanism import dose_amounts, mechanistic_cohort
from equipoise.simulation.medications import medication_rows
from equipoise.simulation.observation import observed_days
from equipoise.simulation.people import screening, stopping
from equipoise.simulation.rated_scores import recorded_totals, score_arrays, total_arrays
from equipoise.simulation.rounding import all_significant
from equipoise.simulation.simulation_plan import SimulationPlan, plan_simulation
from equipoise.simulation.trial_arrays import TrialArrays, TrialBlock
from equipoise.simulation.vital_signs import vital_values
from equipoise.streams import TrialStreams, check_seed, check_trial
from equipoise.trial_generators import TrialGenerators

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.trial_generators import Draws

K = TypeVar("K")

_local = threading.local()


def _of_thread() -> TrialStreams:
    """The streams that this thread draws its trials from."""
    if not hasattr(_local, "streams"):
        _local.streams = TrialStreams()
    return _local.streams


def simulate_arrays(
    protocol: Protocol,
    seed: int,
    *,
    scenario: str = Scenario.PLANNED,
    trial: int = 0,
    patients: str | None = None,
    dosed_until: np.ndarray | None = None,
    asked: frozenset[str] | None = None,
) -> TrialArrays:
    """Simulate a whole trial, without making tables of it.

    Everything that `simulate` writes into records is in the arrays. What follows from the
    protocol alone is computed once (`plan_simulation`), so that thousands of trials are cheap.

    Parameters
    ----------
    protocol
        With `assumptions.statistical`.
    seed
        0 ≤ seed < 2¹²⁸.
    scenario
        ``planned``, ``null``, ``link-off`` or ``cells-only``.
    trial
        Index of the trial: with one seed, trial 17 is the same whoever draws it.
    patients
        ``mechanistic`` or ``statistical``; left out, mechanistic where the protocol has
        `assumptions.mechanistic`.
    dosed_until
        (n,) day from which a rule gives a participant no study drug any more, infinite for none.
        Nothing else is drawn otherwise, so that the course up to that day is the same. The
        course of mechanistic patients follows the doses; that of statistical ones does not.
    asked
        Endpoints of which values are wanted. What they do not need is not drawn: items of forms,
        rows of doses and medication, screening, vital signs, images. What is drawn is the same as
        in the whole trial. All of it when left out.

    Raises
    ------
    EquipoiseError
        When the protocol has no assumptions for such patients, or seed or scenario are invalid.
    """
    refuse_bad_input(protocol, seed, scenario, patients)
    check_trial(trial)
    return _simulated(protocol, seed, scenario, (trial,), patients, dosed_until, asked)


def simulate_block(
    protocol: Protocol,
    seed: int,
    trials: Sequence[int],
    asked: frozenset[str],
    *,
    scenario: str = Scenario.PLANNED,
    patients: str | None = None,
) -> TrialBlock:
    """Several trials at once: the numbers of `simulate_arrays`, bit for bit, sooner.

    Parameters
    ----------
    trials
        Indices.
    asked
        As in `simulate_arrays`; `at_once` says whether they can be had so.

    Raises
    ------
    EquipoiseError
        As `simulate_arrays`.
    ValueError
        When they cannot.
    """
    refuse_bad_input(protocol, seed, scenario, patients)
    for trial in trials:
        check_trial(trial)
    if not at_once(protocol, asked):
        raise ValueError("items of forms are drawn trial by trial")
    made = _simulated(protocol, seed, scenario, tuple(trials), patients, None, asked)
    return TrialBlock(made, tuple(trials))


def at_once(protocol: Protocol, asked: frozenset[str]) -> bool:
    """Whether `simulate_block` gives these endpoints: of scores none but totals."""
    return _needed(protocol, asked).totals


def _simulated(
    protocol: Protocol,
    seed: int,
    scenario: str,
    trials: tuple[int, ...],
    patients: str | None,
    dosed_until: np.ndarray | None,
    asked: frozenset[str] | None,
) -> TrialArrays:
    """Trials one after the other in the rows of one; what is not drawn by rows wants one trial."""
    import numpy as np

    mechanistic = None if patients is None else patients == PatientKind.MECHANISTIC
    plan = plan_simulation(protocol, mechanistic=mechanistic)
    world = Scenario(scenario)
    streams = _of_thread()

    def alone(purpose: str) -> np.random.Generator:
        (trial,) = trials
        return streams.stream(seed, purpose, trial)

    def source(purpose: str) -> Draws:
        if len(trials) == 1:
            return alone(purpose)
        return TrialGenerators(streams.streams(seed, purpose, trials), plan.enrolment.size)

    people = enrol(protocol, plan.enrolment, seed, trials, source("enrolment"), streams)
    n = len(people.arm)
    followed = followed_arms(people.arm, plan.control, world)
    exposures = exposures_of(plan.exposures, followed, source("exposures"))
    dosing = source("doses")
    given = doses_not_missed(plan.doses, people.arm, dosing)
    never = np.full(n, np.inf)

    def stop(by_event: np.ndarray, leaving: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        day, reason = stopping(
            plan.stopping, plan.doses, people.arm, followed, by_event, leaving, source("study drug")
        )
        return (day if dosed_until is None else np.minimum(day, dosed_until)), reason

    drawn = None
    if plan.terms:
        drawn = events_by_arm(
            plan.events, plan.terms, followed, source("events"), source("stopping")
        )
    mechanism = plan.mechanism
    stopped, stop_reasons = never, np.zeros(n, dtype=np.int64)
    if mechanism is None:
        cohort = draw_statistical(plan.courses, people.arm, source("courses"), scenario=world)
    else:
        # Who stops study drug is settled first, as if nobody left: the course follows the doses
        # that are taken, leaving follows the course, and what lies after leaving is cut off.
        if drawn is not None:
            days_of_doses = plan.doses.day[people.arm]
            by_dose, dosed = events_by_dose(
                plan.dose_events,
                plan.terms,
                dose_amounts(mechanism, people.arm, followed),
                days_of_doses,
                given,
                source("dose events"),
            )
            stopped, stop_reasons = stop(first_stopping_day(joined([drawn, by_dose]), n), never)
            by_dose = kept(by_dose, dosed < stopped[by_dose.participant])
            drawn = joined([drawn, by_dose])
        else:
            stopped, stop_reasons = stop(never, never)
        baseline = {key: values[:, 0] for key, values in exposures.items()}
        cohort = mechanistic_cohort(
            mechanism,
            world,
            people.arm,
            followed,
            {**people.covariates, **baseline},
            given,
            stopped,
            {name: source(name) for name in ("patients", "measurement", "ratings")},
            plan.control,
        )
        rest = draw_statistical(mechanism.rest, people.arm, source("courses"), scenario=world)
        cohort = together(plan, cohort, rest)
    totals = {
        key: recorded_totals(plan.instruments[key], values) for key, values in cohort.scores.items()
    }
    days, leaving, reasons = observed_days(
        plan.observation, totals, followed, source("observation"), len(trials)
    )
    events = None
    if drawn is not None:
        events = in_order(kept(drawn, drawn.start < leaving[drawn.participant]), plan.terms)
    if mechanism is None:
        by_event = never if events is None else first_stopping_day(events, n)
        stopped, stop_reasons = stop(by_event, leaving)
    else:
        stopped = np.where(stopped < leaving, stopped, np.inf)
    seen = np.isfinite(days)
    doses = medications = screened = None
    if asked is None:
        doses = dose_rows(
            plan.doses,
            people.arm,
            given,
            np.minimum(leaving, stopped),
            _of_one(dosing),
            blinded=not protocol.single_arm,
        )
        medications = medication_rows(
            plan.medications, people.covariates, followed, leaving, alone("medications")
        )
        screened = screening(plan.screening, n, alone("screening"))
    needed = _needed(protocol, asked)
    if needed.totals:
        scores = {
            key: total_arrays(totals[key], seen[:, one.at]) for key, one in plan.instruments.items()
        }
    else:
        items = alone("items")
        scores = {
            key: score_arrays(one, totals[key], seen[:, one.at], items)
            for key, one in plan.instruments.items()
        }
    images = images_of(plan.imaging, followed, source("imaging")) if needed.imaging else {}

    def at(table: str, key: str) -> np.ndarray:
        return seen[:, plan.at[table, key]]

    numbers = {key: x for key, x in exposures.items() if not plan.exposures[key].levels}
    exposures |= all_significant(numbers, 3)
    return TrialArrays(
        plan=plan,
        seed=seed,
        trial=trials[0],
        scenario=world,
        patients=PatientKind.STATISTICAL if mechanism is None else PatientKind.MECHANISTIC,
        site=people.site,
        covariates=people.covariates,
        stratum=people.stratum,
        sequence=people.sequence,
        arm=people.arm,
        days=days,
        leaving=leaving,
        leaving_reason=reasons,
        stopped=stopped,
        stopping_reason=stop_reasons,
        scores=scores,
        cells={
            key: np.where(at("cells", key[0]), values, np.nan)
            for key, values in all_significant(_wanted(cohort.cells, needed.cells), 4).items()
        },
        labs={
            key: np.where(at("labs", key), values, np.nan)
            for key, values in all_significant(_wanted(cohort.labs, needed.labs), 3).items()
        },
        vitals=vital_values(plan.vitals, followed, days, source("vitals")) if needed.vitals else {},
        exposures={
            key: np.where(
                at("exposures", key), exposures[key], -1 if plan.exposures[key].levels else np.nan
            )
            for key in plan.exposures
        },
        imaging={
            key: np.where(at("imaging", key[0]), values, np.nan)
            for key, values in all_significant(images, 4).items()
        },
        doses=doses,
        events=events,
        medications=medications,
        screening=screened,
    )


def _of_one(draws: Draws) -> np.random.Generator:
    """The generator of one trial."""
    assert not isinstance(draws, TrialGenerators)
    return draws


class _Needed(NamedTuple):
    """What the endpoints that are asked for need; `totals`: of scores their totals alone.

    Of `cells` and `labs` the keys; None: all.
    """

    totals: bool
    vitals: bool
    imaging: bool
    cells: frozenset[tuple[str, str]] | None
    labs: frozenset[str] | None


def _wanted(values: Mapping[K, np.ndarray], keys: frozenset[K] | None) -> dict[K, np.ndarray]:
    return {key: column for key, column in values.items() if keys is None or key in keys}


def _needed(protocol: Protocol, asked: frozenset[str] | None) -> _Needed:
    if asked is None:
        return _Needed(totals=False, vitals=True, imaging=True, cells=None, labs=None)
    points = [protocol.endpoints[key] for key in asked]
    return _Needed(
        # One stream draws the items of all instruments: they are drawn together or not at all.
        totals=all(p.instrument is None or p.part in (None, TOTAL) for p in points),
        vitals=any(p.vital is not None for p in points),
        imaging=any(p.imaging is not None for p in points),
        cells=frozenset((p.cells, str(p.cell_unit)) for p in points if p.cells is not None),
        labs=frozenset(p.lab for p in points if p.lab is not None),
    )


def together(plan: SimulationPlan, first: Cohort, second: Cohort) -> Cohort:
    """Two parts of a cohort as one, in the order of the protocol."""
    protocol = plan.protocol
    scores = {**first.scores, **second.scores}
    cells = {**first.cells, **second.cells}
    labs = {**first.labs, **second.labs}
    units = [(key, str(unit)) for key, cell in protocol.cells.items() for unit in cell.units]
    return Cohort(
        scores={key: scores[key] for key in protocol.instruments},
        cells={key: cells[key] for key in units},
        labs={key: labs[key] for key in protocol.labs},
    )


def refuse_bad_input(
    protocol: Protocol, seed: int, scenario: str, patients: str | None = None
) -> None:
    """Refuse a protocol without assumptions, and a seed, scenario or kind of patients that is none.

    Raises
    ------
    EquipoiseError
        For the first of these.
    """
    heading = "The trial cannot be simulated"
    if protocol.assumptions.statistical is None:
        raise single(
            heading,
            code="assumptions-missing",
            field="assumptions.statistical",
            rule="simulation needs the statistical assumptions of the protocol",
            remedy="add [assumptions.statistical]; `il2-depression` is an example",
        )
    check_seed(seed)
    if protocol.single_arm and scenario in (Scenario.NULL, Scenario.CELLS_ONLY):
        raise single(
            heading,
            code="scenario-without-control",
            field="scenario",
            value=str(scenario),
            rule="under `null` and `cells-only` arms follow the control's course; a single-arm "
            "trial has none",
            remedy="choose planned or link-off",
        )
    if scenario not in list(Scenario):
        raise single(
            heading,
            code="scenario-unknown",
            field="scenario",
            value=str(scenario),
            rule="scenarios: " + ", ".join(Scenario),
            remedy=nearest(str(scenario), list(Scenario)),
        )
    if patients is not None and patients not in list(PatientKind):
        raise single(
            heading,
            code="patients-unknown",
            field="patients",
            value=str(patients),
            rule="patients: " + ", ".join(PatientKind),
            remedy=nearest(str(patients), list(PatientKind)),
        )
    if patients == PatientKind.MECHANISTIC and protocol.assumptions.mechanistic is None:
        raise single(
            heading,
            code="mechanism-missing",
            field="patients",
            value=str(patients),
            rule="mechanistic patients need the mechanistic assumptions of the protocol",
            remedy="add [assumptions.mechanistic]; `il2-depression` is an example",
        )
