"""A simulated trial as arrays: everything that its tables hold, before they are tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from equipoise.patients import PatientKind, Scenario
    from equipoise.simulation.simulation_plan import SimulationPlan


@dataclass(frozen=True, slots=True)
class ScoreArrays:
    """Scores of one instrument.

    Attributes
    ----------
    parts
        ``total``, numbers of items, subscales: the p parts that are recorded.
    computed
        Subscales that the recorded items give, after the parts.
    values
        (p + computed, n, visits of the instrument) points; NaN where the visit did not take place.
    """

    parts: tuple[str, ...]
    computed: tuple[str, ...]
    values: np.ndarray

    def part(self, name: str) -> np.ndarray:
        """(n, visits) of one part.

        Raises
        ------
        ValueError
            When it is not recorded.
        """
        return self.values[(*self.parts, *self.computed).index(name)]


@dataclass(frozen=True, slots=True)
class DoseRows:
    """Doses that were given, by participant.

    Attributes
    ----------
    participant
        (k,) index.
    entry
        (k,) index into `SimulationPlan.doses.entries`.
    day
        (k,) day.
    kit
        (k,) number of the kit, from 1; 0 in a single-arm trial, which has none.
    """

    participant: np.ndarray
    entry: np.ndarray
    day: np.ndarray
    kit: np.ndarray


@dataclass(frozen=True, slots=True)
class EventRows:
    """Adverse events, by participant, first day and term.

    Attributes
    ----------
    participant, term
        (k,) indices; terms into `SimulationPlan.terms`.
    start, end
        (k,) days, to one decimal place.
    grade
        (k,) 1 to 5.
    serious, related, stopping
        (k,) True or False; `stopping`: the event led to stopping study drug.
    """

    participant: np.ndarray
    term: np.ndarray
    start: np.ndarray
    end: np.ndarray
    grade: np.ndarray
    serious: np.ndarray
    related: np.ndarray
    stopping: np.ndarray


@dataclass(frozen=True, slots=True)
class MedicationRows:
    """Concomitant medications, by participant, class and drug.

    Attributes
    ----------
    participant, entry
        (k,) indices; entries into `SimulationPlan.medications`.
    started
        (k,) True for a drug that was started during the trial, False for one taken before.
    start, end
        (k,) days; NaN: before the trial, and not ended.
    """

    participant: np.ndarray
    entry: np.ndarray
    started: np.ndarray
    start: np.ndarray
    end: np.ndarray


@dataclass(frozen=True, slots=True)
class TrialArrays:
    """One simulated trial of n participants.

    Attributes
    ----------
    plan
        What depends on the protocol alone: keys of arms, visits, strata, levels, terms.
    seed, trial, scenario, patients
        What was drawn; `patients` is ``mechanistic`` or ``statistical``.
    site
        (n,) number of the site, from 1.
    covariates
        Name → (n,) index of the level, or the number in its unit.
    stratum, sequence, arm
        (n,) index of the stratum, place in its list from 1, index of the arm.
    days
        (n, visits) actual day; NaN where the visit did not take place.
    leaving, leaving_reason
        (n,) day of leaving, infinite for who stayed; index of the reason, drawn for everybody.
    stopped, stopping_reason
        (n,) day of stopping study drug, infinite for who did not; index of the reason, 0 for an
        adverse event.
    scores
        Instrument → scores.
    cells
        (population, unit) → (n, visits of the population) values in that unit, to four
        significant digits.
    labs, vitals
        Name → (n, its visits) values in its unit, rounded as they are reported.
    exposures
        Name → (n, its visits) indices of levels, or numbers in its unit.
    imaging
        (measure, region) → (n, its visits) values in its unit; NaN also where nobody was imaged.
    doses, events, medications
        Rows; None where the protocol plans or assumes none.
    screening
        (screened,) index of the reason for exclusion, -1 for who entered; None: not simulated.

    Values of visits that did not take place are NaN (indices of levels: -1).
    """

    plan: SimulationPlan
    seed: int
    trial: int
    scenario: Scenario
    patients: PatientKind
    site: np.ndarray
    covariates: Mapping[str, np.ndarray]
    stratum: np.ndarray
    sequence: np.ndarray
    arm: np.ndarray
    days: np.ndarray
    leaving: np.ndarray
    leaving_reason: np.ndarray
    stopped: np.ndarray
    stopping_reason: np.ndarray
    scores: Mapping[str, ScoreArrays]
    cells: Mapping[tuple[str, str], np.ndarray]
    labs: Mapping[str, np.ndarray]
    vitals: Mapping[str, np.ndarray]
    exposures: Mapping[str, np.ndarray]
    imaging: Mapping[tuple[str, str], np.ndarray]
    doses: DoseRows | None
    events: EventRows | None
    medications: MedicationRows | None
    screening: np.ndarray | None

    @property
    def size(self) -> int:
        """Number of participants."""
        return len(self.arm)


@dataclass(frozen=True, slots=True)
class TrialBlock:
    """Several trials of a protocol, one after the other in the rows of one.

    Attributes
    ----------
    arrays
        As of a trial of B * N participants; its `trial` is the first one's index, and indices of
        participants, as in `EventRows`, go on from trial to trial.
    trials
        (B,) indices of the trials.
    """

    arrays: TrialArrays
    trials: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.trials)

    @property
    def size(self) -> int:
        """N, the participants of each trial."""
        return self.arrays.size // len(self.trials)

    def by_trial(self, rows: np.ndarray) -> np.ndarray:
        """(B * N, …) → (B, N, …)."""
        return rows.reshape(len(self.trials), self.size, *rows.shape[1:])
