"""One simulated trial as arrays: people enrol, are allocated, are seen and are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.faults import nearest, single
from equipoise.patients import Scenario, draw_statistical, exposures_of, followed_arms, images_of
from equipoise.simulation.doses import dose_rows, doses_not_missed
from equipoise.simulation.enrolment import enrol
from equipoise.simulation.events import events_by_arm, first_stopping_day, in_order, kept
from equipoise.simulation.medications import medication_rows
from equipoise.simulation.observation import observed_days
from equipoise.simulation.people import screening, stopping
from equipoise.simulation.rated_scores import recorded_totals, score_arrays
from equipoise.simulation.rounding import all_significant
from equipoise.simulation.simulation_plan import plan_simulation
from equipoise.simulation.trial_arrays import TrialArrays
from equipoise.simulation.vital_signs import vital_values
from equipoise.streams import check_seed, stream

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol


def simulate_arrays(
    protocol: Protocol, seed: int, *, scenario: str = Scenario.PLANNED, trial: int = 0
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
        ``planned``, ``null`` or ``link-off``.
    trial
        Index of the trial: with one seed, trial 17 is the same whoever draws it.

    Raises
    ------
    EquipoiseError
        When the protocol has no statistical assumptions, or seed or scenario are invalid.
    """
    import numpy as np

    refuse_bad_input(protocol, seed, scenario)
    plan, world = plan_simulation(protocol), Scenario(scenario)

    def source(purpose: str) -> np.random.Generator:
        return stream(seed, purpose, trial)

    people = enrol(protocol, plan.enrolment, seed, trial)
    n = len(people.arm)
    followed = followed_arms(people.arm, plan.control, world)
    cohort = draw_statistical(plan.courses, people.arm, source("courses"), scenario=world)
    totals = {
        key: recorded_totals(plan.instruments[key], values) for key, values in cohort.scores.items()
    }
    days, leaving, reasons = observed_days(
        plan.observation, totals, followed, source("observation")
    )
    seen = np.isfinite(days)
    events = None
    by_event = np.full(n, np.inf)
    if plan.events:
        drawn = events_by_arm(
            plan.events, plan.terms, followed, source("events"), source("stopping")
        )
        events = in_order(kept(drawn, drawn.start < leaving[drawn.participant]), plan.terms)
        by_event = first_stopping_day(events, n)
    stopped, stop_reasons = stopping(
        plan.stopping, plan.doses, people.arm, followed, by_event, leaving, source("study drug")
    )
    dosing = source("doses")
    given = doses_not_missed(plan.doses, people.arm, dosing)
    doses = dose_rows(
        plan.doses,
        people.arm,
        given,
        np.minimum(leaving, stopped),
        dosing,
        blinded=not protocol.single_arm,
    )
    items = source("items")
    scores = {
        key: score_arrays(one, totals[key], seen[:, one.at], items)
        for key, one in plan.instruments.items()
    }
    exposures = exposures_of(plan.exposures, followed, source("exposures"))
    images = images_of(plan.imaging, followed, source("imaging"))

    def at(table: str, key: str) -> np.ndarray:
        return seen[:, plan.at[table, key]]

    numbers = {key: x for key, x in exposures.items() if not plan.exposures[key].levels}
    exposures |= all_significant(numbers, 3)
    return TrialArrays(
        plan=plan,
        seed=seed,
        trial=trial,
        scenario=world,
        patients="statistical",
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
            for key, values in all_significant(cohort.cells, 4).items()
        },
        labs={
            key: np.where(at("labs", key), values, np.nan)
            for key, values in all_significant(cohort.labs, 3).items()
        },
        vitals=vital_values(plan.vitals, followed, days, source("vitals")),
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
        medications=medication_rows(
            plan.medications, people.covariates, followed, leaving, source("medications")
        ),
        screening=screening(plan.screening, n, source("screening")),
    )


def refuse_bad_input(protocol: Protocol, seed: int, scenario: str) -> None:
    """Refuse a protocol without assumptions, and a seed or a scenario that is none.

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
    if protocol.single_arm and scenario == Scenario.NULL:
        raise single(
            heading,
            code="scenario-without-control",
            field="scenario",
            value=str(scenario),
            rule="under `null` every arm follows the control's course; a single-arm trial has none",
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
