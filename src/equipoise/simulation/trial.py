"""The records of one simulated trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise._version import __version__
from equipoise.patients import Scenario
from equipoise.records import Manifest, Origin, Records
from equipoise.simulation.array_trial import simulate_arrays

if TYPE_CHECKING:
    from equipoise.protocol import Protocol
    from equipoise.simulation.trial_arrays import TrialArrays


def simulate(
    protocol: Protocol,
    seed: int,
    *,
    scenario: str = Scenario.PLANNED,
    trial: int = 0,
    patients: str | None = None,
) -> Records:
    """Simulate a whole trial as its protocol plans it.

    Parameters
    ----------
    protocol
        With `assumptions.statistical`.
    seed
        0 ≤ seed < 2¹²⁸; recorded in the manifest.
    scenario
        ``planned``, ``null``, ``link-off`` or ``cells-only``.
    trial
        Index of the trial: with one seed, trial 17 is the same whoever draws it.
    patients
        ``mechanistic`` or ``statistical``; left out, mechanistic where the protocol has
        `assumptions.mechanistic`.

    Returns
    -------
    Records
        Complete records, marked simulated.

    Raises
    ------
    EquipoiseError
        When the protocol has no assumptions for such patients, or seed or scenario are invalid.
    """
    return records_of(
        simulate_arrays(protocol, seed, scenario=scenario, trial=trial, patients=patients)
    )


def records_of(trial: TrialArrays) -> Records:
    """The records that hold a simulated trial."""
    from equipoise.simulation import tables

    ids = tables.participant_ids(trial)
    doses, kits = tables.dose_tables(trial, ids)
    return Records(
        manifest=Manifest(
            origin=Origin.SIMULATED,
            protocol_hash=trial.plan.protocol.hash,
            scenario=str(trial.scenario),
            seed=trial.seed,
            source=_source(trial),
            software=f"equipoise {__version__}",
        ),
        participants=tables.people_table(trial, ids),
        allocation=tables.allocation_table(trial, ids),
        kits=kits,
        visits=tables.visit_table(trial, ids),
        scores=tables.score_table(trial, ids),
        cells=tables.cell_table(trial, ids),
        labs=tables.lab_table(trial, ids),
        exposures=tables.exposure_table(trial, ids),
        imaging=tables.imaging_table(trial, ids),
        vitals=tables.vital_table(trial, ids),
        medications=tables.medication_table(trial, ids),
        doses=doses,
        adverse_events=tables.event_table(trial, ids),
        disposition=tables.disposition_table(trial, ids),
        screening=tables.screening_table(trial),
    )


def _source(trial: TrialArrays) -> str | None:
    """What seed and protocol do not say: the trial's index, and patients that were asked for."""
    said = [] if trial.trial == 0 else [f"trial {trial.trial} of this seed"]
    if trial.plan.mechanism is None and trial.plan.protocol.assumptions.mechanistic is not None:
        said.append("statistical patients")
    return "; ".join(said) or None
