"""Chunks of trials on the workers of a Dask cluster: the same rows as in processes here.

The settings go to every worker once, by a plugin that the scheduler also gives to workers that
come later; a chunk that was under way on a worker that died is run again on another. A trial's
numbers depend on seed and trial alone, so that it does not matter who draws it.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from equipoise.design.chunks import BrokenTrial, run_chunk
from equipoise.design.kept_characteristics import software_key
from equipoise.design.workers import Bench, rows_of
from equipoise.faults import EquipoiseError, single

if TYPE_CHECKING:
    from equipoise.design.chunks import Chunk
    from equipoise.design.judgement import TrialRows

#: Seconds in which a scheduler has to answer, and a first worker to be there.
ANSWER = 10

#: In a worker: name of a run → its settings, or the software that it has instead.
_benches: dict[str, Bench | str] = {}

#: A worker's threads take turns: parallel work is for processes.
_one_at_a_time = threading.Lock()


class Cluster:
    """A crew of the workers of a Dask scheduler.

    Parameters
    ----------
    address
        Of the scheduler: ``tcp://host:8786``.

    Raises
    ------
    EquipoiseError
        When Dask is not installed, or the scheduler does not answer or has no worker.
    """

    def __init__(self, bench: Bench, address: str) -> None:
        try:
            from distributed import Client, WorkerPlugin
        except ImportError:
            raise single(
                "The trials are not run",
                code="cluster-not-installed",
                field="cluster",
                value=address,
                rule="a cluster is reached by Dask",
                remedy='pip install "equipoise[cluster]"',
            ) from None
        try:
            self._client: Any = Client(address, timeout=ANSWER, name="equipoise")
            self._client.wait_for_workers(1, timeout=ANSWER)
        except (OSError, TimeoutError, ValueError) as error:
            raise single(
                "The trials are not run",
                code="cluster-silent",
                field="cluster",
                value=address,
                rule=f"a Dask scheduler answers there within {ANSWER} s and has a worker "
                f"({type(error).__name__})",
                remedy="check the address (tcp://HOST:PORT) and that scheduler and workers run",
            ) from None
        self._address = address
        blob = pickle.dumps(bench)
        self._name = hashlib.sha256(blob).hexdigest()
        wanted = software_key()

        class Settings(WorkerPlugin):
            """Gives the settings to a worker as it comes."""

            name = f"equipoise-{self._name[:16]}"

            def __init__(self, key: str) -> None:
                self.key = key

            def setup(self, worker: Any) -> None:
                take_settings(self.key, blob, wanted)

        self._plugin = Settings.name
        self._client.register_plugin(Settings(self._name))

    def run(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, TrialRows]]:
        """The rows of every chunk as they come.

        Raises
        ------
        EquipoiseError
            When a trial cannot be drawn or analysed, a worker has other software, or the cluster
            goes away.
        """
        from distributed import as_completed
        from distributed.scheduler import KilledWorker

        waiting = iter(chunks)
        under_way: dict[str, Chunk] = {}
        ended = as_completed(with_results=False)

        def submit() -> None:
            chunk = next(waiting, None)
            if chunk is None:
                return
            future = self._client.submit(
                run_there, self._name, chunk.setting, chunk.begin, chunk.end,
                pure=False, retries=2, priority=-chunk.setting,
            )  # fmt: skip
            under_way[future.key] = chunk
            ended.add(future)

        threads = sum(self._client.nthreads().values())
        try:
            for _ in range(max(4, 3 * threads)):
                submit()
            for future in ended:
                found = future.result()
                chunk = under_way.pop(future.key)
                future.release()
                if isinstance(found, str):
                    raise self._other_software(found)
                submit()
                yield chunk, rows_of(found)
        except (KilledWorker, OSError, TimeoutError) as error:
            raise single(
                "The trials were not run to the end",
                code="cluster-lost",
                field="cluster",
                value=self._address,
                rule=f"the cluster stays until all trials are run ({type(error).__name__})",
                remedy="give the same command again: the trials that are kept are not run again; "
                "where workers ran out of memory, give them more",
            ) from None

    def _other_software(self, there: str) -> EquipoiseError:
        return single(
            "The trials are not run",
            code="cluster-other-software",
            field="cluster",
            value=there,
            rule="every worker has the software of who asks, down to its sources, so that numbers "
            f"are the same ({software_key()})",
            remedy="install the same version of Equipoise and of its dependencies on the workers",
        )

    def dismiss(self) -> None:
        """Take the settings back and let the cluster go."""
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # it may be gone already
            self._client.unregister_worker_plugin(self._plugin)
        self._client.close(timeout=ANSWER)


def take_settings(name: str, blob: bytes, wanted: str) -> None:
    """In a worker: keep the settings of a run, or note that the software is another."""
    mine = software_key()
    _benches.clear()
    _benches[name] = pickle.loads(blob) if mine == wanted else mine


def run_there(name: str, setting: int, begin: int, end: int) -> TrialRows | BrokenTrial | str:
    """In a worker: the rows of a chunk; the software that it has where that is another."""
    bench = _benches[name]
    if isinstance(bench, str):
        return bench
    with _one_at_a_time:
        return run_chunk(bench.work(setting), begin, end)
