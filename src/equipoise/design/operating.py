"""Many simulated trials, each analysed as the protocol says: its operating characteristics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from equipoise._version import __version__
from equipoise.design.characteristics import NOT_JUDGED, Characteristics
from equipoise.faults import EquipoiseError, Fault, nearest
from equipoise.patients import Scenario
from equipoise.streams import check_seed

if TYPE_CHECKING:
    from equipoise.design.chunks import Chunk, Work
    from equipoise.design.judgement import TrialRows
    from equipoise.protocol import Protocol

#: Scenarios where none are named.
SCENARIOS = (Scenario.PLANNED, Scenario.LINK_OFF, Scenario.NULL)

#: Trials of a chunk: enough to fill a call of the kernels, few enough to stop soon.
CHUNK = 20


def operating_characteristics(
    protocol: Protocol,
    trials: int = 1000,
    seed: int = 1,
    *,
    scenarios: Sequence[str] = SCENARIOS,
    patients: str | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], object] | None = None,
    chunk: int = CHUNK,
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
        ``planned``, ``link-off``, ``null``.
    patients
        ``mechanistic`` or ``statistical``; left out, mechanistic where the protocol has
        `assumptions.mechanistic`.
    workers
        Processes; all processors when left out. 1 runs in this process. The numbers are the same
        for any. A script that uses more than one asks under ``if __name__ == "__main__":``.
    progress
        Called with trials done and trials in all.
    chunk
        Trials that a worker takes at a time; the numbers are the same for any.

    Returns
    -------
    Characteristics

    Raises
    ------
    EquipoiseError
        With every fault of the arguments; or naming scenario and trial when one cannot be
        simulated or analysed.
    """
    from equipoise.design.chunks import Chunk, prepare
    from equipoise.design.workers import run_apart, run_here
    from equipoise.patients import compile_patient_kernels, patient_kernels_compiled
    from equipoise.simulation.array_trial import refuse_bad_input
    from equipoise.stats import compile_kernels, kernels_compiled
    from equipoise.stats.threads import available_threads

    names = _checked(protocol, trials, seed, scenarios, workers, chunk)
    refuse_bad_input(protocol, seed, names[0], patients)
    if not kernels_compiled():
        compile_kernels()
    if not patient_kernels_compiled():
        compile_patient_kernels()
    work = prepare(protocol, seed, patients)
    chunks = [
        Chunk(name, begin, min(begin + chunk, trials))
        for name in names
        for begin in range(0, trials, chunk)
    ]
    processes = min(workers or available_threads(), len(chunks))
    kept = _Kept(work, names, trials)
    done, total = 0, trials * len(names)
    made = (
        run_here(work, chunks)
        if processes == 1
        else run_apart(protocol, seed, patients, chunks, processes)
    )
    for which, rows in made:
        kept.put(which, rows)
        done += which.end - which.begin
        if progress is not None:
            progress(done, total)
    return kept.characteristics()


class _Kept:
    """The rows of all trials as they come, whatever their order."""

    def __init__(self, work: Work, scenarios: tuple[str, ...], trials: int) -> None:
        import numpy as np

        self.work, self.scenarios, self.trials = work, scenarios, trials
        shape = (len(scenarios), trials)
        quantities = (*shape, len(work.quantities))
        self.hits = np.full((*shape, len(work.claims)), NOT_JUDGED, dtype=np.int8)
        self.estimate = np.full(quantities, np.nan)
        self.se, self.df = self.estimate.copy(), self.estimate.copy()
        self.fits = np.zeros((*shape, len(work.plan.fits)), dtype=np.int8)
        self.serious = np.zeros(shape, dtype=np.int64)
        self.patients = ""

    def put(self, chunk: Chunk, rows: TrialRows) -> None:
        """Write the rows of a chunk into their places."""
        row = self.scenarios.index(chunk.scenario)
        self.patients = rows.patients
        for name in ("hits", "estimate", "se", "df", "fits", "serious"):
            getattr(self, name)[row, chunk.begin : chunk.end] = getattr(rows, name)

    def _kind(self) -> str:
        """Kind of the virtual patients, with the model of mechanistic ones."""
        mechanism = self.work.plan.protocol.assumptions.mechanistic
        if self.patients != "mechanistic" or mechanism is None:
            return self.patients
        return f"mechanistic (model {mechanism.model})"

    def characteristics(self) -> Characteristics:
        """All of it, frozen."""
        import numpy as np

        from equipoise.design.chunk_analysis import fit_words
        from equipoise.design.truth import true_value

        plan = self.work.plan
        protocol = plan.protocol
        statistical = self.patients == "statistical"
        truth = np.array(
            [
                [
                    true_value(plan, quantity, scenario, statistical=statistical)
                    for quantity in self.work.quantities
                ]
                for scenario in self.scenarios
            ]
        )
        arrays = (self.hits, self.estimate, self.se, self.df, self.fits, self.serious, truth)
        for array in arrays:
            array.flags.writeable = False
        return Characteristics(
            study=protocol.trial.id,
            title=protocol.trial.short_title,
            protocol_hash=protocol.hash,
            seed=self.work.seed,
            trials=self.trials,
            scenarios=self.scenarios,
            software=f"equipoise {__version__}",
            patients=self._kind(),
            assumptions=_assumptions(protocol),
            sizes=_sizes(protocol),
            alpha=protocol.analysis.alpha,
            claims=tuple(made.claim for made in self.work.claims),
            quantities=tuple(made.quantity for made in self.work.quantities),
            models=tuple(fit.label for fit in plan.fits),
            outcomes=fit_words(),
            hits=self.hits,
            estimate=self.estimate,
            se=self.se,
            df=self.df,
            fits=self.fits,
            truth=truth,
            serious=self.serious,
            notes=tuple(f"Analysed record by record: {why}." for why in plan.reasons),
        )


def _assumptions(protocol: Protocol) -> tuple[tuple[str, str], ...]:
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


def _sizes(protocol: Protocol) -> tuple[tuple[str, int], ...]:
    """Participants planned for each arm, the control first, by the ratio."""
    total = sum(arm.ratio for arm in protocol.arms.values())
    return tuple(
        (
            protocol.arms[key].label,
            round(protocol.population.size * protocol.arms[key].ratio / total),
        )
        for key in protocol.arm_order
    )


def _checked(
    protocol: Protocol,
    trials: int,
    seed: int,
    scenarios: Sequence[str],
    workers: int | None,
    chunk: int,
) -> tuple[str, ...]:
    """The names of the scenarios; every fault of the arguments at once."""
    check_seed(seed)
    names = tuple(str(s) for s in ([scenarios] if isinstance(scenarios, str) else scenarios))
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
    if protocol.assumptions.statistical is None:
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
    unknown = [name for name in names if name not in list(Scenario)]
    for name in unknown:
        faults.append(
            Fault(
                "scenario-unknown",
                "",
                "scenario",
                name,
                "scenarios: " + ", ".join(Scenario),
                nearest(name, list(Scenario)),
            )
        )
    if not names or len(set(names)) < len(names):
        faults.append(
            Fault(
                "scenarios-invalid",
                "",
                "scenarios",
                ", ".join(names),
                "at least one scenario, each once",
                "for example planned, link-off, null",
            )
        )
    if faults:
        raise EquipoiseError("The trials are not run", faults)
    return names
