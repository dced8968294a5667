"""Many simulated trials of a protocol: trials a second, where the time goes, one worker or two.

The peer in the same run is what there was before: `analyse` of each trial's records, trial by
trial (without the sensitivity analyses, which operating characteristics leave out too).
"""

from __future__ import annotations

import sys
import time

import numpy as np

import equipoise as eq
from equipoise.design.chunk_analysis import analyse_chunk
from equipoise.design.chunks import prepare
from equipoise.design.judgement import find_slopes, judge
from equipoise.design.trial_values import values_of_trials
from equipoise.simulation import simulate_arrays

TRIALS = 1000


def without_sensitivity(protocol: eq.Protocol) -> eq.Protocol:
    """The protocol's main analysis alone."""
    changes: dict[str, object] = {"sensitivity": {}}
    if protocol.analysis.prediction is not None:
        plan = protocol.analysis.prediction.model_copy(update={"permutations": 19})
        changes["prediction"] = plan
    return protocol.model_copy(update={"analysis": protocol.analysis.model_copy(update=changes)})


def per_trial(protocol: eq.Protocol) -> float:
    """Seconds that `simulate` and `analyse` take for one trial."""
    eq.analyse(protocol, eq.simulate(protocol, 1))
    started = time.perf_counter()
    for trial in range(5):
        eq.analyse(protocol, eq.simulate(protocol, 1, trial=trial))
    return (time.perf_counter() - started) / 5


def parts(protocol: eq.Protocol, trials: int = 200) -> dict[str, float]:
    """Milliseconds a trial of each step, in one process."""
    work = prepare(protocol, 1)

    def run() -> dict[str, float]:
        at = [time.perf_counter()]
        drawn = [simulate_arrays(protocol, 1, trial=k) for k in range(trials)]
        at.append(time.perf_counter())
        values = values_of_trials(protocol, drawn, work.plan.endpoints)
        at.append(time.perf_counter())
        effects = analyse_chunk(work.plan, values, lambda _: eq.simulate(protocol, 1))
        at.append(time.perf_counter())
        find_slopes(work.plan, values)
        at.append(time.perf_counter())
        judge(work.plan, work.claims, work.quantities, values, effects)
        at.append(time.perf_counter())
        names = ("simulate", "stack", "mixed models", "associations", "judge, with associations")
        return dict(zip(names, 1000 * np.diff(at) / trials, strict=True))

    run()
    return run()


def main() -> None:
    """Measure and print."""
    for study in sys.argv[1:] or ["il2-depression"]:
        protocol = without_sensitivity(eq.load_protocol(study))
        print(f"{study}, {protocol.population.size} participants, 3 scenarios of {TRIALS} trials")
        single = per_trial(protocol)
        print(f"  simulate and analyse, trial by trial   {single:8.3f} s a trial")
        eq.operating_characteristics(protocol, 20, 1, workers=1)
        taken = {}
        for workers in (1, 2):
            started = time.perf_counter()
            eq.operating_characteristics(protocol, TRIALS, 1, workers=workers)
            taken[workers] = time.perf_counter() - started
            rate = 3 * TRIALS / taken[workers]
            print(
                f"  workers {workers}: {taken[workers]:6.1f} s, {rate:6.0f} trials/s, "
                f"{single * rate:5.0f} times the rate of trial by trial"
            )
        print(f"  two workers are {taken[1] / taken[2]:.2f} times as fast as one")
        print("  of a trial, in one process (ms):")
        for name, value in parts(protocol).items():
            print(f"    {name:26}{value:8.3f}")


if __name__ == "__main__":
    main()
