"""Chunks of trials in this process, or in spawned ones: the same rows in any order of work.

Workers are spawned, never forked (a fork after a parallel kernel hangs); each has one Numba
thread and finds the kernels compiled. They ignore Ctrl-C, which is the asking process's: it
tells them to stop between two trials and waits for them.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from equipoise.design.chunks import BrokenTrial, Chunk, StoppedError, Work, prepare, run_chunk
from equipoise.faults import EquipoiseError, single

if TYPE_CHECKING:
    from concurrent.futures import Future
    from multiprocessing.context import SpawnContext

    from equipoise.design.judgement import TrialRows
    from equipoise.protocol import Protocol

#: Work and stop signal of a worker.
_mine: dict[str, Any] = {}


def run_here(work: Work, chunks: Sequence[Chunk]) -> Iterator[tuple[Chunk, TrialRows]]:
    """The rows of every chunk, one after another, in this process."""
    for chunk in chunks:
        yield chunk, _rows(run_chunk(work, chunk))


def run_apart(
    protocol: Protocol, seed: int, patients: str | None, chunks: Sequence[Chunk], workers: int
) -> Iterator[tuple[Chunk, TrialRows]]:
    """The rows of every chunk as they come from spawned processes.

    At most a few chunks a worker are under way, so that memory does not grow with their number.

    Raises
    ------
    EquipoiseError
        When a trial cannot be drawn or analysed, or the processes cannot be kept.
    """
    import multiprocessing
    from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
    from concurrent.futures.process import BrokenProcessPool

    if getattr(multiprocessing.current_process(), "_inheriting", False):
        # A worker runs the script that asked, which asks again: let it go without a word.
        raise SystemExit(1)
    context: SpawnContext = multiprocessing.get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_begin, initargs=(protocol, seed, patients, stop)
    )
    waiting = iter(chunks)
    under_way: dict[Future[TrialRows | BrokenTrial], Chunk] = {}

    def submit() -> None:
        chunk = next(waiting, None)
        if chunk is not None:
            with _without_interrupt():
                under_way[pool.submit(_run, chunk)] = chunk

    try:
        for _ in range(2 * workers):
            submit()
        while under_way:
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                chunk = under_way.pop(future)
                rows = _rows(future.result())
                submit()
                yield chunk, rows
    except BrokenProcessPool:
        raise single(
            "The trials were not run",
            code="workers-lost",
            field="workers",
            value=str(workers),
            rule="a worker is a process of its own, which imports the script that asks; it ended "
            "before its work was done",
            remedy="put what asks under `if __name__ == '__main__':`, or run with workers=1; where "
            "memory is short, use fewer workers",
        ) from None
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(protocol: Protocol, seed: int, patients: str | None, stop: Any) -> None:
    """In a worker, once: before anything imports Numba."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["NUMBA_NUM_THREADS"] = "1"
    _mine["work"] = prepare(protocol, seed, patients)
    _mine["stop"] = stop


def _run(chunk: Chunk) -> TrialRows | BrokenTrial:
    try:
        return run_chunk(_mine["work"], chunk, _mine["stop"].is_set)
    except StoppedError:
        return BrokenTrial(chunk.scenario, chunk.begin, "stopped")


@contextlib.contextmanager
def _without_interrupt() -> Generator[None]:
    """Hold Ctrl-C back while a process starts: it inherits that, and dies of none itself."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _rows(found: TrialRows | BrokenTrial) -> TrialRows:
    if isinstance(found, BrokenTrial):
        raise broken(found)
    return found


def broken(found: BrokenTrial) -> EquipoiseError:
    """The error of a trial that could not be drawn or analysed."""
    return single(
        "The trials were not run to the end",
        code="trial-failed",
        field="trial",
        value=str(found.trial),
        where=f"scenario {found.scenario}",
        rule=f"every trial can be simulated and analysed; this one ended with {found.said}",
        remedy=f"look at it alone: equipoise simulate STUDY --scenario {found.scenario}; in "
        f"Python simulate(protocol, seed, scenario={found.scenario!r}, trial={found.trial})",
    )
