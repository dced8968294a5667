"""Race the kernel of virtual patients against libRoadRunner's CVODE, and show how it grows.

    python benchmarks/virtual_patients.py                 # everything, about three minutes
    python benchmarks/virtual_patients.py race growth     # parts by name

Parts: race, growth, stream, trial. The race: interleukin-2, 84 days, 9 doses, 8 visits, all 13
states, in one run on one machine. Errors of both are against DOP853 at 1e-12 (the plain twin of
the tests), as the largest over people, visits and states of |x - reference| / max(|reference|,
floor), with the floor 0.3 for margination, activation and log tone (they begin at 0 and are of
the order of 1) and 0.01 elsewhere. libRoadRunner simulates the exported SBML with amounts in MIU,
once a person in a loop, its parameters set from an array; its messages go nowhere. Times are
in-process and warm, the best of several runs: what the machine can do when nobody else uses it.
The time of processors stands beside that of the clock: it suffers less where somebody does.
Drawing the patients is a line of its own and in no time of the race.

Everything here is SIMULATED.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

if TYPE_CHECKING:
    import numpy as np

    from equipoise.patients.population import VirtualPatients
    from equipoise.patients.schedules import Schedule

VISITS = (1.0, 4.0, 7.0, 14.0, 28.0, 42.0, 56.0, 84.0)
DOSES = (0.0, 1.0, 2.0, 3.0, 4.0, 14.0, 21.0, 28.0, 35.0)
FLOORS = {"margination": 0.3, "activation": 0.3, "tone": 0.3}

#: Relative and absolute tolerance of CVODE.
TOLERANCES = ((1e-6, 1e-8), (1e-7, 1e-9), (1e-8, 1e-10), (1e-9, 1e-11))

#: People whose error is measured, and people whom libRoadRunner is timed on.
HELD, TIMED = 24, 32


def best(action: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Seconds of the fastest of several warm runs: on the clock, and of processors."""
    action()
    wall, used = [], []
    for _ in range(repeats):
        begin, busy = time.perf_counter(), time.process_time()
        action()
        wall.append(time.perf_counter() - begin)
        used.append(time.process_time() - busy)
    return min(wall), min(used)


def schedule_of(days: Sequence[float]) -> Schedule:
    import numpy as np

    from equipoise.patients.schedules import Schedule

    return Schedule(np.array(days), np.ones(len(days)))


def people(n: int, seed: int = 1) -> VirtualPatients:
    import numpy as np

    from equipoise.mechanisms import find_model
    from equipoise.patients.population import draw_patients

    return draw_patients(find_model("il2"), n, np.random.default_rng(seed))


def largest_error(found: dict[str, np.ndarray], reference: dict[str, np.ndarray]) -> float:
    import numpy as np

    return max(
        float(np.max(np.abs(found[name] - x) / np.maximum(np.abs(x), FLOORS.get(name, 0.01))))
        for name, x in reference.items()
    )


def states() -> list[str]:
    from equipoise.exchange.model_equations import STATES

    return ["concentration", *(state.name for state in STATES)]


def references(patients: VirtualPatients) -> dict[str, np.ndarray]:
    """State → (HELD, visits) by DOP853."""
    import numpy as np
    from tests.patients.plain_twin import Dose, follow_plainly

    doses = [Dose(day, 1e6) for day in DOSES]
    rows = [
        follow_plainly({k: float(v[i]) for k, v in patients.values.items()}, doses, VISITS)
        for i in range(HELD)
    ]
    return {name: np.stack([row[name] for row in rows]) for name in states()}


# -- libRoadRunner ------------------------------------------------------------------------------


@contextmanager
def silent() -> Iterator[None]:
    """CVODE prints thousands of lines around events, past Python."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept, nowhere = (os.dup(1), os.dup(2)), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for handle in (*kept, nowhere):
            os.close(handle)


def roadrunner_rows(
    text: str, names: list[str], values: np.ndarray, tolerance: tuple[float, float]
) -> tuple[np.ndarray, float, float]:
    """(people, visits, states), seconds of clock and processor, for (people, parameters)."""
    import numpy as np
    import roadrunner

    with silent():
        roadrunner.Logger.disableLogging()
        runner = roadrunner.RoadRunner(text)
        runner.integrator.relative_tolerance, runner.integrator.absolute_tolerance = tolerance
        runner.integrator.maximum_num_steps = 1_000_000
        runner.timeCourseSelections = states()
        ids = list(runner.model.getGlobalParameterIds())
        index = [ids.index(name) for name in names]
        severity, start = [ids.index("severity")], names.index("S0")
        times = [0.0, *VISITS]
        found = np.empty((len(values), len(VISITS), len(states())))

        def one(k: int) -> None:
            runner.reset()
            runner.model.setGlobalParameterValues(index, values[k])
            runner.model.setGlobalParameterValues(severity, [values[k][start]])
            found[k] = np.asarray(runner.simulate(times=times))[1:]

        def everybody() -> None:
            for k in range(len(values)):
                one(k)

        wall, used = best(everybody, 2)
    return found, wall, used


def _half(text: str, names: list[str], values: np.ndarray, tolerance: tuple[float, float]) -> float:
    return roadrunner_rows(text, names, values, tolerance)[1]


# -- parts --------------------------------------------------------------------------------------


def part_race(repeats: int) -> None:
    import numpy as np

    from equipoise.exchange import export_sbml
    from equipoise.patients.courses import follow

    print("\nRace: 84 days, 9 doses, 8 visits, 13 states; microseconds a patient")
    schedule, many = schedule_of(DOSES), people(8192)
    held = people(HELD)
    reference = references(held)
    few = follow(held, schedule, VISITS)
    own_error = largest_error({name: few[name] for name in states()}, reference)
    cores = min(2, os.cpu_count() or 1)
    head = f"{'largest error':>14}{'one core':>11}{'(processor)':>13}{f'{cores} cores':>11}"
    print(f"  {'':34}{head}")
    (one, busy), (two, _) = (
        best(lambda n=n: follow(many, schedule, VISITS, threads=n), repeats) for n in (1, cores)
    )
    each = 1e6 / many.size
    print(
        f"  {'kernel':34}{own_error:14.1e}{each * one:11.1f}{each * busy:13.1f}{each * two:11.1f}"
    )
    wall, used = best(lambda: people(many.size), 3)
    print(f"  {'drawing them, beside it':34}{'':14}{each * wall:11.1f}{each * used:13.1f}")
    try:
        import roadrunner
    except ImportError:
        print("  libRoadRunner is not installed: pip install -e '.[dev]'")
        return
    text = export_sbml(held.model, schedule)
    names = [name for name in held.model.parameters if f'id="{name}"' in text]
    checked = np.stack([held.values[name] for name in names], axis=1)
    values = np.stack([people(TIMED).values[name] for name in names], axis=1)
    for tolerance in TOLERANCES:
        found, _, _ = roadrunner_rows(text, names, checked, tolerance)
        error = largest_error({s: found[:, :, i] for i, s in enumerate(states())}, reference)
        _, wall, used = roadrunner_rows(text, names, values, tolerance)
        both = float("nan")
        if cores == 2:
            with multiprocessing.get_context("spawn").Pool(2) as pool:
                both = max(pool.starmap(_half, [(text, names, values, tolerance)] * 2))
        label = f"libRoadRunner {roadrunner.__version__} {tolerance[0]:.0e}/{tolerance[1]:.0e}"
        own = 1e6 / TIMED
        print(
            f"  {label:34}{error:14.1e}{own * wall:11.0f}{own * used:13.0f}{own * both / 2:11.0f}"
            f"   kernel {own * wall / (each * one):.0f} ({own * used / (each * busy):.0f}) and "
            f"{own * both / 2 / (each * two):.0f} times as fast"
        )
    print("  At equal accuracy: the first line of libRoadRunner whose error is no larger.")


def part_growth(repeats: int) -> None:
    from equipoise.patients.courses import follow
    from equipoise.patients.time_grid import time_grid

    print("\nGrowth on one core, time of the processor; last column: the line over the one before")
    lag = 0.01875

    def row(name: str, n: int, doses: Sequence[float], days: Sequence[float]) -> float:
        patients, schedule = people(n), schedule_of(doses)
        _, seconds = best(lambda: follow(patients, schedule, days, threads=1), repeats)
        steps = time_grid([day + lag for day in doses], days).steps
        each = 1e6 * seconds / n
        last = times[-1] if times else None
        grown = "" if last is None else f"{seconds / last:8.2f}"
        print(
            f"  {name:34}{steps:7} steps {1e3 * seconds:9.1f} ms {each:8.2f} µs a patient "
            f"{1e3 * each / max(steps, 1):7.1f} ns a step {grown}"
        )
        return seconds

    for title, rows in (
        ("patients", [(f"{n} patients", n, DOSES, VISITS) for n in (2048, 4096, 8192, 16384)]),
        (
            "doses, weekly, 280 days",
            [
                (f"{k} doses", 2048, tuple(7.0 * i for i in range(k)), (140.0, 280.0))
                for k in (5, 10, 20, 40)
            ],
        ),
        (
            "days, a dose a week",
            [
                (f"{d} days", 2048, tuple(7.0 * i for i in range(d // 7)), (float(d),))
                for d in (84, 168, 336, 672)
            ],
        ),
    ):
        print(f" {title}")
        times: list[float] = []
        for given in rows:
            times.append(row(*given))


STREAM = """
import resource, sys, time
import numpy as np
from equipoise.mechanisms import find_model
from equipoise.patients.courses import follow
from equipoise.patients.population import draw_patients
from equipoise.streams import stream
sys.path.insert(0, "benchmarks")
from virtual_patients import DOSES, VISITS, schedule_of
model, schedule, chunk = find_model("il2"), schedule_of(DOSES), 8192
total, done, begin, drawing, squares = 0.0, 0, time.perf_counter(), 0.0, 0.0
for part, target in enumerate((100_000, 250_000, 500_000, 1_000_000)):
    while done < target:
        n = min(chunk, target - done)
        start = time.perf_counter()
        patients = draw_patients(model, n, stream(1, "patients", done))
        drawing += time.perf_counter() - start
        severity = follow(patients, schedule, VISITS)["severity"][:, 6]
        total, squares, done = total + severity.sum(), squares + (severity**2).sum(), done + n
    seconds, mean = time.perf_counter() - begin, total / done
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  {done:9} patients {seconds:7.1f} s of which {drawing:5.1f} s drawing; "
          f"peak memory {peak:6.0f} MB; "
          f"severity on day 56: {mean:.3f} (SD {(squares / done - mean * mean) ** 0.5:.3f})")
"""


def part_stream(repeats: int) -> None:
    del repeats
    print("\nA million patients in chunks of 8,192, in a process of their own (SIMULATED)")
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", STREAM], cwd=root, check=True, capture_output=True, text=True
    )
    print(done.stdout.rstrip())


def part_trial(repeats: int) -> None:
    import equipoise as eq
    from equipoise.simulation import simulate_arrays

    print("\nA whole simulated trial as arrays, one core; milliseconds a trial")
    for study in ("il2-depression", "il2-bipolar", "minocycline-randomised"):
        protocol = eq.load_protocol(study)
        size = protocol.population.size

        def twenty(plan: eq.Protocol = protocol) -> None:
            for trial in range(20):
                simulate_arrays(plan, 1, trial=trial)

        wall, used = best(twenty, repeats)
        shown = f"{1e3 * wall / 20:.2f} ({1e3 * used / 20:.2f} of the processor)"
        print(f"  {study:28}{size:4} participants   {shown}")


PARTS = {"race": part_race, "growth": part_growth, "stream": part_stream, "trial": part_trial}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], default=[])
    parser.add_argument("--repeats", type=int, default=7)
    given = parser.parse_args()
    from equipoise.stats import compile_kernels

    compile_kernels()
    load = f"load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{os.cpu_count()} processors; {load}")
    for name in given.parts or PARTS:
        PARTS[name](given.repeats)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nPeak memory of this process: {peak:.0f} MB")


if __name__ == "__main__":
    main()
