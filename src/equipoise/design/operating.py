"""Many simulated trials, each analysed as the protocol says: its operating characteristics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from equipoise._version import __version__
from equipoise.design.characteristics import Characteristics
from equipoise.design.data_generators import generator_faults
from equipoise.design.runner import CHUNK, HowToRun, TrialRun
from equipoise.design.scenarios import scenario_faults
from equipoise.design.settings import make_settings
from equipoise.faults import EquipoiseError, Fault
from equipoise.patients import Scenario
from equipoise.streams import check_seed

if TYPE_CHECKING:
    import numpy as np

    from equipoise.design.chunks import Work
    from equipoise.design.data_generators import Patients
    from equipoise.design.settings import Setting
    from equipoise.design.trial_store import TrialHolder
    from equipoise.design.workers import Bench
    from equipoise.protocol import Protocol

#: Scenarios where none are named.
SCENARIOS = (Scenario.PLANNED, Scenario.LINK_OFF, Scenario.NULL)


def operating_characteristics(
    protocol: Protocol,
    trials: int = 1000,
    seed: int = 1,
    *,
    scenarios: Sequence[str] = SCENARIOS,
    patients: Patients = None,
    workers: int | None = None,
    progress: Callable[[int, int], object] | None = None,
    chunk: int = CHUNK,
    store: str | Path | None = None,
    cluster: str | None = None,
) -> Characteristics:
    """Simulate a protocol's trial many times and analyse each as the protocol says.

    What comes out is a consequence of the protocol's assumptions, never evidence. Models,
    order of testing and families are the protocol's own; sensitivity analyses are left out.

    Parameters
    ----------
    protocol
        With `assumptions.statistical`, and a control arm.
    trials
        Of each scenario, at least 1.
    seed
        0 ≤ seed < 2¹²⁸. Trial k has the streams of (seed, k): it is the trial that
        ``simulate(protocol, seed, scenario=…, trial=k)`` gives.
    scenarios
        ``planned``, ``link-off``, ``null``, ``cells-only``, ``mnar-dropout``, ``weaker-assay``,
        ``slower-recruitment``, and those of `assumptions.scenarios`.
    patients
        ``mechanistic`` or ``statistical``; left out, mechanistic where the protocol has
        `assumptions.mechanistic`. Or a function that gives the records of a trial itself, called
        as ``patients(protocol, seed, scenario=…, trial=…)``: the same records for the same
        arguments, simulated, with an allocation.
    workers
        Processes; all processors when left out. 1 runs in this process. The numbers are the same
        for any. A script that uses more than one asks under ``if __name__ == "__main__":``.
    progress
        Called with trials done and trials in all.
    chunk
        Trials that a worker takes at a time; the numbers are the same for any.
    store
        Folder in which trials are kept as they come: what is interrupted goes on from there, and
        more trials only add. In memory alone when left out.
    cluster
        Address of a Dask scheduler (extra ``cluster``) whose workers run the trials instead.

    Returns
    -------
    Characteristics

    Raises
    ------
    EquipoiseError
        With every fault of the arguments; or naming scenario and trial when one cannot be
        simulated or analysed.
    """
    names = _listed(scenarios)
    check_arguments(protocol, trials, seed, names, workers, chunk, patients)
    settings = make_settings(protocol, names, None, patients)
    how = HowToRun(workers, chunk, progress, None if store is None else Path(store), cluster)
    with TrialRun(settings, seed, patients, how) as run:
        holders = run.trials(dict.fromkeys(range(len(settings)), trials))
        return _characteristics(protocol, settings, run.bench, list(holders.values()), trials)


def _listed(scenarios: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(s) for s in ([scenarios] if isinstance(scenarios, str) else scenarios))


def _characteristics(
    protocol: Protocol,
    settings: Sequence[Setting],
    bench: Bench,
    holders: Sequence[TrialHolder],
    trials: int,
) -> Characteristics:
    """The rows of all trials, frozen."""
    import numpy as np

    from equipoise.design.chunk_analysis import fit_words

    first = bench.work(0)
    found: dict[str, list[np.ndarray]] = {}
    truth: list[np.ndarray] = []
    patients = ""
    for place, holder in enumerate(holders):
        work = bench.work(place)
        _require_same(first, work, settings[place])
        blocks = list(holder.blocks(trials))
        patients = blocks[0].patients
        for name in ("hits", "estimate", "se", "df", "fits", "serious"):
            rows = np.concatenate([getattr(block, name) for block in blocks])
            found.setdefault(name, []).append(rows)
        truth.append(true_values(work, statistical=patients == "statistical"))
    arrays = {name: np.stack(rows) for name, rows in found.items()} | {"truth": np.stack(truth)}
    for array in arrays.values():
        array.flags.writeable = False
    plan = first.plan
    return Characteristics(
        study=protocol.trial.id,
        title=protocol.trial.short_title,
        protocol_hash=protocol.hash,
        seed=first.seed,
        trials=trials,
        scenarios=tuple(setting.scenario.key for setting in settings),
        software=f"equipoise {__version__}",
        patients=kind_of_patients(protocol, patients),
        assumptions=assumed_parts(protocol),
        sizes=planned_sizes(protocol),
        alpha=protocol.analysis.alpha,
        claims=tuple(made.claim for made in first.claims),
        quantities=tuple(made.quantity for made in first.quantities),
        models=tuple(fit.label for fit in plan.fits),
        outcomes=fit_words(),
        notes=tuple(f"Analysed record by record: {why}." for why in plan.reasons),
        scenario_words=tuple((s.scenario.label, s.scenario.meaning) for s in settings),
        **arrays,
    )


def true_values(work: Work, *, statistical: bool) -> np.ndarray:
    """(quantities,) true values under a setting; NaN where not known, as of a user's own data."""
    import numpy as np

    from equipoise.design.truth import true_value

    if work.own is not None:
        return np.full(len(work.quantities), np.nan)

    return np.array(
        [
            true_value(work.plan, quantity, work.scenario, statistical=statistical)
            for quantity in work.quantities
        ]
    )


def _require_same(first: Work, other: Work, setting: Setting) -> None:
    """One table of characteristics is of one list of claims and numbers."""
    sides = [
        [(m.claim.key, m.claim.label, m.claim.rule) for m in work.claims]
        + [(m.quantity.key, m.quantity.label, m.quantity.unit) for m in work.quantities]
        for work in (first, other)
    ]
    if sides[0] != sides[1]:
        raise EquipoiseError(
            "The trials are not shown together",
            [
                Fault(
                    "scenario-changes-claims",
                    "",
                    f"assumptions.scenarios.{setting.scenario.key}.changes",
                    "",
                    "a scenario changes what is assumed, not what the analysis claims",
                    "vary such a field in a map: --vary",
                )
            ],
        )


def kind_of_patients(protocol: Protocol, patients: str) -> str:
    """Kind of the virtual patients, with the model of mechanistic ones."""
    mechanism = protocol.assumptions.mechanistic
    if patients != "mechanistic" or mechanism is None:
        return patients
    return f"mechanistic (model {mechanism.model})"


def assumed_parts(protocol: Protocol) -> tuple[tuple[str, str], ...]:
    """What of the protocol is assumed, by path; sourced parts of the assumptions too."""
    found: list[tuple[str, str]] = []
    for path, entry in protocol.provenance.items():
        if not path.startswith("assumptions"):
            continue
        if entry.assumed is not None:
            found.append((path, entry.assumed))
        elif entry.note:
            found.append((path, entry.note))
    return tuple(found)


def planned_sizes(protocol: Protocol) -> tuple[tuple[str, int], ...]:
    """Participants planned for each arm, the control first, by the ratio."""
    total = sum(arm.ratio for arm in protocol.arms.values())
    return tuple(
        (
            protocol.arms[key].label,
            round(protocol.population.size * protocol.arms[key].ratio / total),
        )
        for key in protocol.arm_order
    )


def check_arguments(
    protocol: Protocol,
    trials: int,
    seed: int,
    scenarios: Sequence[str],
    workers: int | None,
    chunk: int,
    patients: Patients,
) -> None:
    """Every fault of the arguments at once.

    Raises
    ------
    EquipoiseError
    """
    from equipoise.simulation.array_trial import refuse_bad_input

    check_seed(seed)
    faults: list[Fault] = []
    if protocol.single_arm:
        faults.append(
            Fault(
                "design-without-control",
                "",
                "trial.design",
                "single-arm",
                "operating characteristics are of comparisons; a single-arm trial has none",
                "give the protocol a control arm",
            )
        )
    if protocol.assumptions.statistical is None and not callable(patients):
        faults.append(
            Fault(
                "assumptions-missing",
                "",
                "assumptions.statistical",
                "",
                "simulation needs the statistical assumptions of the protocol",
                "add [assumptions.statistical]; `il2-depression` is an example",
            )
        )
    for name, value, least in (("trials", trials, 1), ("chunk", chunk, 1), ("workers", workers, 1)):
        if name == "workers" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            faults.append(
                Fault(
                    "count-invalid",
                    "",
                    name,
                    str(value),
                    f"{name} is a whole number of at least {least}",
                    {"trials": "ask for example for 1000", "chunk": "leave it out"}.get(
                        name, "1 runs in this process; leave it out for all processors"
                    ),
                )
            )
    faults += scenario_faults(protocol, scenarios)
    faults += generator_faults(patients, workers)
    if faults:
        raise EquipoiseError("The trials are not run", faults)
    if not callable(patients):
        refuse_bad_input(protocol, seed, Scenario.PLANNED, patients)
