"""Many trials of many settings: those that are not there yet are run, and kept as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from equipoise.design.chunks import Chunk
from equipoise.design.trial_store import ENDING, MemoryTrials, TrialFile, TrialHolder
from equipoise.design.workers import Bench, Crew, SpawnedProcesses, ThisProcess

if TYPE_CHECKING:
    from equipoise.design.data_generators import Patients
    from equipoise.design.judgement import TrialRows
    from equipoise.design.settings import Setting

#: Trials of a chunk: enough to fill a call of the kernels, few enough to stop soon.
CHUNK = 50

#: Called with trials done and trials in all.
Progress = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class HowToRun:
    """How trials are run; the numbers are the same whatever it says.

    Attributes
    ----------
    workers
        Processes; None: all processors. 1 runs in this process.
    chunk
        Trials that a worker takes at a time.
    progress
        Called as trials end.
    store
        Folder in which trials are kept as they come; None: in memory.
    cluster
        Address of a Dask scheduler whose workers do the work instead of processes here.
    """

    workers: int | None = None
    chunk: int = CHUNK
    progress: Progress | None = None
    store: Path | None = None
    cluster: str | None = None


class TrialRun:
    """A run over some settings: a crew that stays, and where the trials of each are.

    A context manager; leaving it dismisses the crew. What was kept in files stays.

    Parameters
    ----------
    settings
        All that may be asked for.
    """

    def __init__(
        self, settings: Sequence[Setting], seed: int, patients: Patients, how: HowToRun
    ) -> None:
        self.bench = Bench(settings, seed, patients)
        self.how = how
        self._holders: dict[int, TrialHolder] = {}
        self._files: dict[str, TrialFile] = {}
        self._crew: Crew | None = None

    def __enter__(self) -> TrialRun:
        return self

    def __exit__(self, *_: object) -> None:
        if self._crew is not None:
            self._crew.dismiss()
        for holder in self._holders.values():
            holder.close()

    def trials(self, wanted: Mapping[int, int]) -> dict[int, TrialHolder]:
        """Run what is missing of some settings' trials.

        Parameters
        ----------
        wanted
            Place of a setting → trials from the first on.

        Returns
        -------
        Where the trials of each are.

        Raises
        ------
        EquipoiseError
            When a trial cannot be simulated or analysed, or kept. What was kept before stays.
        """
        found = {place: self._kept_in(place, n) for place, n in wanted.items()}
        missing = {place: found[place].lacking(n) for place, n in wanted.items()}
        left, total = sum(map(len, missing.values())), sum(wanted.values())
        done, progress = total - left, self.how.progress
        if progress is not None and done:
            progress(done, total)
        chunks = list(_chunks(missing, self.how.chunk))
        if not chunks:
            return found
        made = self._crew_for(len(chunks)).run(chunks)
        for chunk, rows in made:
            found[chunk.setting].put(chunk.begin, rows)
            done += chunk.end - chunk.begin
            if progress is not None:
                progress(done, total)
        return found

    def chunks(self, chunks: Sequence[Chunk]) -> Iterator[tuple[Chunk, TrialRows]]:
        """The rows of some chunks as they come; nothing is kept.

        Raises
        ------
        EquipoiseError
            When a trial cannot be simulated or analysed.
        """
        return self._crew_for(len(chunks)).run(chunks)

    def _crew_for(self, chunks: int) -> Crew:
        if self._crew is not None:
            return self._crew
        from equipoise.patients import compile_patient_kernels, patient_kernels_compiled
        from equipoise.stats import compile_kernels, kernels_compiled
        from equipoise.stats.threads import available_threads

        if self.how.cluster is not None:
            from equipoise.design.cluster import Cluster

            self._crew = Cluster(self.bench, self.how.cluster)
            return self._crew
        if not kernels_compiled():
            compile_kernels()
        if not patient_kernels_compiled():
            compile_patient_kernels()
        asked = self.how.workers or available_threads()
        if min(asked, chunks) == 1:
            # One chunk alone is not worth a process; a later call may want more.
            crew = ThisProcess(self.bench)
            if asked == 1:
                self._crew = crew
            return crew
        self._crew = SpawnedProcesses(self.bench, asked)
        return self._crew

    def _kept_in(self, place: int, trials: int) -> TrialHolder:
        if place in self._holders:
            holder = self._holders[place]
            holder.extend(trials)
            return holder
        if self.how.store is None:
            made: TrialHolder = MemoryTrials(self.bench.work(place), trials)
        else:
            from equipoise.design.kept_characteristics import software_key

            setting = self.bench.settings[place]
            key = setting.key(self.bench.seed, self.bench.patients, software_key())
            if key not in self._files:  # two settings may come to the same plan
                path = self.how.store / f"{key[:24]}{ENDING}"
                self._files[key] = TrialFile(path, self.bench.work(place), key)
            made = self._files[key]
        self._holders[place] = made
        return made


def _chunks(wanted: Mapping[int, Sequence[int]], size: int) -> Iterator[Chunk]:
    """Runs of missing trials, none across a multiple of the chunk's size."""
    for place, trials in wanted.items():
        begin = end = -1
        for trial in trials:
            if trial == end and trial % size:
                end += 1
                continue
            if end > begin:
                yield Chunk(place, begin, end)
            begin, end = trial, trial + 1
        if end > begin:
            yield Chunk(place, begin, end)
