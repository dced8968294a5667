"""The main job: protocol and records in, results out."""

from __future__ import annotations

import hashlib
import platform
from importlib import metadata
from typing import TYPE_CHECKING

from equipoise._version import __version__
from equipoise.analysis.allocation_counts import count_allocation
from equipoise.analysis.analysis_sets import count_sets
from equipoise.analysis.answers import (
    adjust_families,
    answer_estimands,
    close_untested,
    contrasts_of,
)
from equipoise.analysis.baseline import make_baseline
from equipoise.analysis.concomitant import make_concomitant
from equipoise.analysis.dataset import make_dataset
from equipoise.analysis.estimands import estimate_estimands
from equipoise.analysis.flow import make_flow
from equipoise.analysis.groups import make_groups
from equipoise.analysis.individual_courses import make_courses, may_show_people
from equipoise.analysis.intercurrent import count_events, find_events
from equipoise.analysis.interim import check_looks_taken, take_look
from equipoise.analysis.mixed_models import analyse_endpoint
from equipoise.analysis.outcomes import analyse_outcome, outcome_data
from equipoise.analysis.planned import make_plan
from equipoise.analysis.prediction import analyse_prediction
from equipoise.analysis.rerandomised_families import redraw_families
from equipoise.analysis.results import LockedPlan, LockRecord, Provenance, Results
from equipoise.analysis.safety import make_safety
from equipoise.analysis.small_cells import smallest_shown
from equipoise.analysis.stratification.benefit import analyse_benefit
from equipoise.analysis.stratification.enrichment import analyse_enrichment
from equipoise.analysis.stratification.forecast_validation import analyse_forecast
from equipoise.analysis.stratification.model_training import fans_of_trial
from equipoise.faults import single
from equipoise.protocol.lock import require_lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from equipoise.analysis.interim_results import InterimResult
    from equipoise.protocol import Protocol
    from equipoise.protocol.lock import Lock
    from equipoise.records import Records

_LIBRARIES = ("numpy", "scipy", "numba", "polars", "formulaic")


def analyse(
    protocol: Protocol,
    records: Records,
    *,
    command: str | None = None,
    progress: Callable[[str], None] | None = None,
    interim: bool = False,
    after: InterimResult | None = None,
) -> Results:
    """Analyse a trial as its protocol says.

    Parameters
    ----------
    protocol, records
        The records must have been read or simulated under this protocol.
    command
        How the program was called, for the provenance.
    progress
        Called with a line of text before each step.
    interim
        True for an interim look of `analysis.interim`; False for the whole trial, its last look.
    after
        The looks taken before, `Results.interim` of the last one; None where there was none.

    Returns
    -------
    Results
        Blinded when the records have no allocation: pooled, without anything that the
        protocol marks as unblinding, without the seed of simulated records.

    Raises
    ------
    EquipoiseError
        When nobody was randomised, or when observed data come with the allocation and the plan
        is not locked, or not the one that was locked; or when looks are not those of the plan.
    """
    say = progress or (lambda _: None)
    if records.participants.is_empty():
        raise single(
            "There is nothing to analyse",
            code="table-empty",
            where="participants",
            rule="at least one participant was randomised",
            remedy="add the participants",
        )
    groups = make_groups(protocol, records)
    check_looks_taken(protocol, after, interim=interim, blinded=groups.blinded)
    lock = protocol.lock_in_force()
    if not groups.blinded and not records.manifest.simulated:
        lock = require_lock(protocol)
    smallest = smallest_shown(protocol, records)
    shown = [k for k in protocol.endpoints if not (groups.blinded and protocol.reveals_arm(k))]
    keys = [key for key in shown if protocol.endpoints[key].scale.continuous]
    datasets = {key: make_dataset(protocol, records, groups, key) for key in keys}
    endpoints = {}
    for number, key in enumerate(keys, 1):
        say(f"model {number} of {len(keys)}: {protocol.endpoints[key].label}")
        endpoints[key] = analyse_endpoint(protocol, groups, key, datasets[key], smallest=smallest)
        if may_show_people(protocol, records, groups):
            courses = make_courses(protocol, groups, datasets[key])
            endpoints[key] = endpoints[key].model_copy(update={"courses": courses})
    outcomes = {
        key: analyse_outcome(outcome_data(protocol, records, groups, key, smallest=smallest))
        for key in shown
        if key not in keys
    }
    events = find_events(protocol, records)
    say("estimands")
    estimands = estimate_estimands(protocol, records, groups, events, endpoints, outcomes, smallest)
    look = None
    if not groups.blinded:
        look = take_look(
            protocol, estimands[protocol.primary[0]].contrasts, after, interim=interim,
            participants=records.participants.height, data_hash=data_hash(records),
        )  # fmt: skip
    answers = answer_estimands(
        protocol,
        estimands,
        groups.blinded,
        level=None if look is None else look.level,
        shown=after is not None and after.crossed is not None,
    )
    effects = contrasts_of(endpoints, outcomes)
    maxima = {} if groups.blinded else redraw_families(protocol, records, datasets, effects)
    if protocol.analysis.prediction is not None:
        say("early change and later outcome")
    prediction = analyse_prediction(protocol, records, groups, datasets, smallest)
    forecast = analyse_forecast(protocol, records, groups, datasets, smallest, say=say)
    if forecast is not None and forecast.failure is None:
        forecast = forecast.model_copy(update={"fans": fans_of_trial(protocol, records)})
    benefit = analyse_benefit(protocol, records, groups, datasets, smallest)
    enrichment = analyse_enrichment(protocol, records, groups, datasets, smallest)
    say("tables")
    notes = list(records.notes)
    notes += [
        f"{protocol.endpoints[key].label}: {data.not_positive} values of 0 have no logarithm and "
        "were left out"
        for key, data in datasets.items()
        if data.not_positive
    ]
    return Results(
        title=protocol.trial.title,
        short_title=protocol.trial.short_title,
        blinded=groups.blinded,
        confidence=1 - protocol.analysis.alpha,
        groups=groups.groups,
        control=None if len(groups.groups) == 1 else protocol.control,
        visits=tuple((visit.id, visit.label) for visit in protocol.follow_up),
        plan=make_plan(protocol, groups.blinded),
        lock=_lock_record(protocol, lock),
        provenance=make_provenance(protocol, records, command, groups.blinded),
        flow=make_flow(protocol, records, groups, datasets),
        allocation=count_allocation(protocol, records, groups, smallest),
        baseline=make_baseline(protocol, records, groups),
        endpoints=endpoints,
        outcomes=outcomes,
        events=count_events(protocol, records, groups, events, smallest),
        sets=count_sets(protocol, records, groups, events, smallest),
        estimands=close_untested(estimands, answers),
        answers=answers,
        interim=look,
        families=adjust_families(protocol, effects, answers, groups.blinded, maxima),
        prediction=prediction,
        stratification=benefit,
        forecast=forecast,
        enrichment=enrichment,
        safety=make_safety(protocol, records, groups),
        concomitant=make_concomitant(protocol, records, groups),
        notes=tuple(notes),
    )


def _lock_record(protocol: Protocol, lock: Lock | None) -> LockRecord:
    """The lock as the report tells of it."""
    if lock is None:
        return LockRecord(in_force=False, entries=())
    return LockRecord(
        in_force=lock.holds(protocol),
        entries=tuple(
            LockedPlan(hash=e.hash, time=e.time, reason=e.reason, changes=e.changes, seal=e.seal)
            for e in lock.entries
        ),
    )


def make_provenance(
    protocol: Protocol, records: Records, command: str | None, blinded: bool
) -> Provenance:
    """Where results come from; `blinded` withholds the seed."""
    manifest = records.manifest
    versions = {"equipoise": __version__, "python": platform.python_version()}
    versions |= {name: metadata.version(name) for name in _LIBRARIES}
    return Provenance(
        protocol_id=protocol.trial.id,
        protocol_hash=protocol.hash,
        data_hash=data_hash(records),
        origin=manifest.origin.value,
        scenario=manifest.scenario,
        seed=None if blinded else manifest.seed,
        source=manifest.source,
        command=command,
        versions=versions,
    )


def data_hash(records: Records) -> str:
    """SHA-256 (hex) over all tables as CSV, in the order of the schema: the file format and
    the layout of the files do not matter, every value does."""
    digest = hashlib.sha256()
    for name, frame in records.frames().items():
        digest.update(f"{name}\n{frame.write_csv()}".encode())
    return digest.hexdigest()
