"""Design by simulation: trials a second, what a map costs, memory, keeping, a cluster.

The peers in the same run: one setting against many, in memory against kept in files, processes
against a Dask cluster of as many; beside them the trials that the two kernels alone would allow.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable

import equipoise as eq
from equipoise.design.chunks import prepare, run_chunk
from equipoise.protocol.changes import change_protocol

WORKERS = 2


def timed(call: Callable[[], object]) -> float:
    """Seconds of a call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def clinical_alone() -> eq.Protocol:
    """`il2-depression` with its clinical estimand alone: one mixed model a trial."""
    twin = eq.load_protocol("il2-depression")
    models = {
        key: model.model_copy(update={"subgroup": None, "subgroup_formula": None})
        for key, model in twin.analysis.models.items()
    }
    analysis = twin.analysis.model_copy(
        update={
            "models": models,
            "families": {},
            "prediction": None,
            "stratification": None,
            "sensitivity": {},
        }
    )
    kept = {"depression_week8": twin.estimands["depression_week8"]}
    return twin.model_copy(update={"analysis": analysis, "estimands": kept})


def share_of_kernels(protocol: eq.Protocol) -> tuple[float, dict[str, float]]:
    """Milliseconds of processor a trial, and of the calls of both kernels within."""
    import cProfile
    import pstats

    work = prepare(protocol, 1)
    run_chunk(work, 0, 20)
    started = time.process_time()
    for begin in range(0, 200, 20):
        run_chunk(work, begin, begin + 20)
    whole = 1000 * (time.process_time() - started) / 200
    profile = cProfile.Profile()
    profile.enable()
    for begin in range(0, 200, 20):
        run_chunk(work, begin, begin + 20)
    profile.disable()
    found: dict[str, float] = {}
    for (_, _, name), row in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if name in ("fit_trials", "follow_blocks"):
            found[name] = 1000 * row[2] / 200
    return whole, found


def memory() -> float:
    """Largest memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    twin = eq.load_protocol("il2-depression")
    alone = clinical_alone()
    for protocol, patients, name, target in (
        (twin, None, "mechanistic, whole analysis", 30.0),
        (alone, "statistical", "statistical, clinical estimand alone", 4.0),
    ):
        eq.operating_characteristics(protocol, 4, 1, scenarios="planned", patients=patients)

        def run(protocol: eq.Protocol = protocol, patients: str | None = patients) -> None:
            eq.operating_characteristics(
                protocol, trials, 1, scenarios="planned", patients=patients, workers=WORKERS
            )

        seconds = timed(run)
        print(
            f"il2-depression, {name}: {trials} trials in {seconds:.1f} s with {WORKERS} workers, "
            f"{trials / seconds:.0f} a second (target {target:g} s for 10,000)"
        )
    whole, kernels = share_of_kernels(twin)
    within = ", ".join(f"{name} {value:.2f} ms" for name, value in kernels.items())
    print(f"  processor a trial {whole:.2f} ms; of that the kernels: {within}")

    small = eq.load_protocol("antidepressant-example")
    some = 1000

    def mapped(points: int, **more: object) -> None:
        alphas = [0.01 + 0.001 * k for k in range(points)]
        eq.map_characteristics(
            small, {"analysis.alpha": alphas}, some, 1, scenarios="planned", workers=WORKERS,
            **more,  # type: ignore[arg-type]
        )  # fmt: skip

    one, twenty = timed(lambda: mapped(1)), timed(lambda: mapped(20))
    print(
        f"antidepressant-example, {some} trials: one setting {one:.2f} s, twenty {twenty:.2f} s, "
        f"ratio {twenty / one:.1f}"
    )
    with tempfile.TemporaryDirectory() as folder:
        kept = timed(lambda: mapped(20, store=folder))
        print(f"  kept in files {kept:.2f} s, {kept / twenty:.2f} times; ", end="")
        print(f"found there again {timed(lambda: mapped(20, store=folder)):.2f} s")
    before = memory()
    with tempfile.TemporaryDirectory() as folder:
        eq.map_characteristics(
            small, {}, 20_000, 1, scenarios="planned", workers=WORKERS, store=folder
        )
    print(f"  20,000 kept trials: largest memory {memory():.0f} MiB, {before:.0f} before")
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=WORKERS, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        for chunk in (20, 200):
            where = {"cluster": cluster.scheduler_address, "chunk": chunk}
            timed(lambda where=where: mapped(1, **where))
            there = timed(lambda where=where: mapped(20, **where))
            here = timed(lambda chunk=chunk: mapped(20, chunk=chunk))
            print(
                f"  chunks of {chunk}: on a cluster of as many {there:.2f} s, in processes "
                f"{here:.2f} s, ratio {there / here:.2f}"
            )
    sizes = [36, 72]
    for size in sizes:
        protocol = change_protocol(twin, {"population.size": size}).protocol
        print(f"  il2-depression with {size}: {share_of_kernels(protocol)[0]:.2f} ms a trial")


if __name__ == "__main__":
    main()
