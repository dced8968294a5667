"""Chunks of trials in this process, and in spawned ones: the same rows in any order of work.

The process that asks is the first worker. Others are called when what is left is worth the
seconds that a process takes to start; they are spawned, never forked (a fork after a parallel
kernel hangs), have one Numba thread each and find the kernels compiled. They ignore Ctrl-C, which
is the asking process's: it tells them to stop between two chunks and waits for them.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from equipoise.design.chunks import BrokenTrial, Chunk, StoppedError, Work, prepare, run_chunk
from equipoise.faults import EquipoiseError, single

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor
    from multiprocessing.context import SpawnContext

    from equipoise.design.data_generators import Patients
    from equipoise.design.judgement import TrialRows
    from equipoise.design.settings import Setting

#: Settings, work on them and stop signal of a worker.
_mine: dict[str, Any] = {}

#: Seconds of work left from which other processes are called: they take about three to start.
WORTH_PROCESSES = 5.0
#: A chunk is taken to last at least this long (s), until some have been seen.
LEAST_SECONDS = 0.04

#: Settings whose plans a process keeps: chunks come setting by setting.
_KEPT = 4


class Bench:
    """The settings of a run in one process, and what follows from those that are under way."""

    def __init__(self, settings: Sequence[Setting], seed: int, patients: Patients) -> None:
        self.settings, self.seed, self.patients = settings, seed, patients
        self._kept: dict[int, Work] = {}

    def __reduce__(self) -> tuple[type[Bench], tuple[Sequence[Setting], int, Patients]]:
        return Bench, (self.settings, self.seed, self.patients)

    def work(self, place: int) -> Work:
        """What follows from the setting at this place."""
        if place not in self._kept:
            while len(self._kept) >= _KEPT:
                self._kept.pop(next(iter(self._kept)))
            one = self.settings[place]
            base = one.scenario.base
            self._kept[place] = prepare(
                one.protocol, self.seed, self.patients, base, one.looks, one.allocation
            )
        return self._kept[place]


class Crew(Protocol):
    """Who runs chunks: this process, spawned ones, or a cluster."""

    def run(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, TrialRows]]:
        """The rows of every chunk as they come, in any order."""
        ...

    def dismiss(self) -> None:
        """Stop what is under way and let everybody go."""
        ...


class ThisProcess:
    """A crew of this process alone."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def run(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, TrialRows]]:
        """The rows of every chunk, one after another."""
        for chunk in chunks:
            work = self.bench.work(chunk.setting)
            yield chunk, rows_of(run_chunk(work, chunk.begin, chunk.end))

    def dismiss(self) -> None:
        """Nothing is under way."""


class SpawnedProcesses:
    """A crew of this process and of others, which are kept until it is dismissed.

    Parameters
    ----------
    bench
        Pickled to every other process, once.
    workers
        How many, this process among them.
    """

    def __init__(self, bench: Bench, workers: int) -> None:
        import multiprocessing

        if getattr(multiprocessing.current_process(), "_inheriting", False):
            # A worker runs the script that asked, which asks again: let it go without a word.
            raise SystemExit(1)
        self.bench, self.workers = bench, workers
        self._context: SpawnContext = multiprocessing.get_context("spawn")
        self._stop = self._context.Event()
        self._pool: ProcessPoolExecutor | None = None
        self._seconds = LEAST_SECONDS

    def run(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, TrialRows]]:
        """The rows of every chunk as they come.

        At most a few chunks a worker are under way, so that memory does not grow with their
        number.

        Raises
        ------
        EquipoiseError
            When a trial cannot be drawn or analysed, or the processes cannot be kept.
        """
        from concurrent.futures import FIRST_COMPLETED, wait
        from concurrent.futures.process import BrokenProcessPool

        waiting = deque(chunks)
        under_way: dict[Future[TrialRows | BrokenTrial], Chunk] = {}
        mine = ThisProcess(self.bench)
        chunks_done, fastest = 0, math.inf
        try:
            while waiting or under_way:
                if self._pool is None and len(waiting) * self._seconds > WORTH_PROCESSES:
                    self._pool = self._called()
                while self._pool and waiting and len(under_way) < 2 * (self.workers - 1):
                    chunk = waiting.popleft()
                    with _without_interrupt():
                        under_way[self._pool.submit(_run, chunk)] = chunk
                if waiting:
                    started = time.perf_counter()
                    yield from mine.run((waiting.popleft(),))
                    chunks_done += 1
                    if chunks_done > 1:  # the first one also loads what all need
                        fastest = min(fastest, time.perf_counter() - started)
                        self._seconds = max(LEAST_SECONDS, fastest)
                done, _ = wait(
                    under_way, timeout=0 if waiting else None, return_when=FIRST_COMPLETED
                )
                for future in done:
                    chunk = under_way.pop(future)
                    yield chunk, rows_of(future.result())
        except BrokenProcessPool:
            raise single(
                "The trials were not run",
                code="workers-lost",
                field="workers",
                value=str(self.workers),
                rule="a worker is a process of its own, which imports the script that asks; it "
                "ended before its work was done",
                remedy="put what asks under `if __name__ == '__main__':`, or run with workers=1; "
                "where memory is short, use fewer workers",
            ) from None

    def dismiss(self) -> None:
        """Stop between two trials, and wait for all."""
        self._stop.set()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _called(self) -> ProcessPoolExecutor:
        from concurrent.futures import ProcessPoolExecutor

        return ProcessPoolExecutor(
            self.workers - 1,
            mp_context=self._context,
            initializer=_begin,
            initargs=(self.bench, self._stop),
        )


def _begin(bench: Bench, stop: Any) -> None:
    """In a worker, once: before anything imports Numba."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["NUMBA_NUM_THREADS"] = "1"
    _mine["bench"] = bench
    _mine["stop"] = stop


def _run(chunk: Chunk) -> TrialRows | BrokenTrial:
    work = _mine["bench"].work(chunk.setting)
    try:
        return run_chunk(work, chunk.begin, chunk.end, _mine["stop"].is_set)
    except StoppedError:
        return BrokenTrial(work.scenario, chunk.begin, "stopped")


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


def rows_of(found: TrialRows | BrokenTrial) -> TrialRows:
    """The rows of a chunk.

    Raises
    ------
    EquipoiseError
        When a trial could not be drawn or analysed.
    """
    if isinstance(found, BrokenTrial):
        raise broken(found)
    return found


def broken(found: BrokenTrial) -> EquipoiseError:
    """The error of a trial that could not be drawn or analysed."""
    arguments = f"(protocol, seed, scenario={str(found.scenario)!r}, trial={found.trial})"
    alone = (
        f"{found.own}{arguments}"
        if found.own
        else f"equipoise simulate STUDY --scenario {found.scenario}; in Python simulate{arguments}"
    )
    return single(
        "The trials were not run to the end",
        code="trial-failed",
        field="trial",
        value=str(found.trial),
        where=f"scenario {found.scenario}",
        rule=f"every trial can be simulated and analysed; this one ended with {found.said}",
        remedy=f"look at it alone: {alone}",
    )
