"""What simulated trials of a protocol share: computed once, used for every trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.patients import (
    ExposureCourse,
    ImageCourse,
    StatisticalPlan,
    plan_exposures,
    plan_images,
    plan_statistical,
)
from equipoise.protocol.endpoint_sources import planned_visits
from equipoise.simulation.dose_events import DoseEventPlan, plan_dose_events
from equipoise.simulation.doses import DosePlan, plan_doses
from equipoise.simulation.enrolment import EnrolmentPlan, plan_enrolment
from equipoise.simulation.events import EventPlan, plan_events
from equipoise.simulation.mechanism import MechanismPlan, plan_mechanism
from equipoise.simulation.medications import MedicationPlan, plan_medications
from equipoise.simulation.observation import ObservationPlan, plan_observation
from equipoise.simulation.people import (
    ScreeningPlan,
    StoppingPlan,
    plan_screening,
    plan_stopping,
)
from equipoise.simulation.rated_scores import InstrumentPlan, plan_instruments
from equipoise.simulation.vital_signs import VitalPlan, plan_vitals

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol

#: Plans that are kept: of the protocols that were simulated last.
_KEPT = 8
_plans: dict[tuple[int, bool], tuple[Protocol, SimulationPlan]] = {}


@dataclass(frozen=True, slots=True)
class SimulationPlan:
    """All that depends on the protocol alone.

    Attributes
    ----------
    protocol
        Whose plan it is.
    arms, visits
        Keys of the arms and ids of the visits, in the order of the protocol: what indices in
        `TrialArrays` mean.
    control
        Index of the control arm; -1 in a single-arm trial.
    strata
        Labels of the strata.
    terms
        Terms of adverse events.
    enrolment, courses, observation, instruments, doses, events, stopping, medications, \
vitals, exposures, imaging, screening
        Plans of the steps.
    mechanism, dose_events
        Of mechanistic participants; None and nothing for statistical ones.
    at
        (table, key) → (its visits,) positions among the visits, for cells, labs, exposures and
        imaging.
    """

    protocol: Protocol
    arms: tuple[str, ...]
    visits: tuple[str, ...]
    control: int
    strata: tuple[str, ...]
    terms: tuple[str, ...]
    enrolment: EnrolmentPlan
    courses: StatisticalPlan
    observation: ObservationPlan
    instruments: Mapping[str, InstrumentPlan]
    doses: DosePlan
    events: Mapping[str, EventPlan]
    stopping: StoppingPlan
    medications: tuple[MedicationPlan, ...]
    vitals: Mapping[str, VitalPlan]
    exposures: Mapping[str, ExposureCourse]
    imaging: Mapping[str, ImageCourse]
    screening: ScreeningPlan | None
    mechanism: MechanismPlan | None
    dose_events: Mapping[str, DoseEventPlan]
    at: Mapping[tuple[str, str], np.ndarray]


def plan_simulation(protocol: Protocol, *, mechanistic: bool | None = None) -> SimulationPlan:
    """The plan of a protocol with statistical assumptions; the same object when asked again.

    `mechanistic` says whether participants are mechanistic; left out, they are where the protocol
    has mechanistic assumptions.
    """
    if mechanistic is None:
        mechanistic = protocol.assumptions.mechanistic is not None
    key = (id(protocol), mechanistic)
    found = _plans.get(key)
    if found is not None and found[0] is protocol:
        return found[1]
    plan = _planned(protocol, mechanistic)
    while len(_plans) >= _KEPT:
        _plans.pop(next(iter(_plans)))
    _plans[key] = (protocol, plan)
    return plan


def _planned(protocol: Protocol, mechanistic: bool) -> SimulationPlan:
    import numpy as np

    arms = tuple(protocol.arms)
    enrolment, events = plan_enrolment(protocol), plan_events(protocol)
    doses, courses = plan_doses(protocol), plan_statistical(protocol)
    by_dose = plan_dose_events(protocol) if mechanistic else {}
    events = {term: event for term, event in events.items() if term not in by_dose}
    at: dict[tuple[str, str], np.ndarray] = {}
    for table in ("cells", "labs", "exposures", "imaging"):
        for key, entry in getattr(protocol, table).items():
            planned = planned_visits(entry, protocol.visits)
            at[table, key] = np.array(
                [i for i, visit in enumerate(protocol.visits) if visit.id in planned]
            )
    return SimulationPlan(
        protocol=protocol,
        arms=arms,
        visits=tuple(visit.id for visit in protocol.visits),
        control=-1 if protocol.single_arm else arms.index(protocol.control),
        strata=enrolment.strata,
        terms=(*events, *by_dose),
        enrolment=enrolment,
        courses=courses,
        observation=plan_observation(protocol),
        instruments=plan_instruments(protocol),
        doses=doses,
        events=events,
        stopping=plan_stopping(protocol),
        medications=plan_medications(protocol),
        vitals=plan_vitals(protocol),
        exposures=plan_exposures(protocol),
        imaging=plan_images(protocol),
        screening=plan_screening(protocol),
        mechanism=plan_mechanism(protocol, doses, courses) if mechanistic else None,
        dose_events=by_dose,
        at=at,
    )
