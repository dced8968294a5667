"""Simulated trials kept as they come: in memory, or in files that a later run goes on with.

A file belongs to one setting and has a name made of everything that its numbers depend on
(protocol with its values, scenario, seed, kind of patients, software down to its sources), so
that a run only ever goes on with its own. It begins with a line of JSON; then one record of fixed
length a trial, in the order in which trials ended, each with its own checksum. Records are
appended: whatever ends a run, what was written before stays, and half a record is cut off by the
next run. Nothing is read into memory as a whole.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from equipoise.design.judgement import TrialRows
from equipoise.faults import EquipoiseError, single

if TYPE_CHECKING:
    import io

    import numpy as np

    from equipoise.design.chunks import Work

ENDING = ".trials"
FORMAT = 1
#: Trials that are read at a time.
BLOCK = 1000
_PARTS = ("hits", "estimate", "se", "df", "fits", "serious")


class TrialHolder(Protocol):
    """Where the rows of a setting's trials are put and read.

    Attributes
    ----------
    patients
        Kind of virtual patients; empty without a trial.
    """

    patients: str

    def extend(self, trials: int) -> None:
        """Make room for so many trials."""
        ...

    def lacking(self, trials: int) -> list[int]:
        """Trials below `trials` that are not there, in order."""
        ...

    def put(self, begin: int, rows: TrialRows) -> None:
        """Keep the rows of trials from `begin` on."""
        ...

    def blocks(self, trials: int) -> Iterator[TrialRows]:
        """The rows of trials 0 to `trials` - 1 in their order, some at a time."""
        ...

    def close(self) -> None:
        """Nothing more is put or read; what was put stays."""
        ...


class MemoryTrials:
    """Rows of trials in arrays."""

    def __init__(self, work: Work, trials: int) -> None:
        import numpy as np

        claims, quantities, fits = len(work.claims), len(work.quantities), len(work.plan.fits)
        self.hits = np.zeros((0, claims), dtype=np.int8)
        self.estimate = np.zeros((0, quantities))
        self.se, self.df = self.estimate, self.estimate
        self.fits = np.zeros((0, fits), dtype=np.int8)
        self.serious = np.zeros(0, dtype=np.int64)
        self.patients = ""
        self._there = np.zeros(0, dtype=bool)
        self.extend(trials)

    def extend(self, trials: int) -> None:
        """Make room for so many trials."""
        import numpy as np

        more = trials - len(self._there)
        for name in (*_PARTS, "_there") if more > 0 else ():
            old = getattr(self, name)
            longer = np.zeros((trials, *old.shape[1:]), dtype=old.dtype)
            longer[: len(old)] = old
            setattr(self, name, longer)

    def lacking(self, trials: int) -> list[int]:
        """Trials below `trials` that are not there, in order."""
        import numpy as np

        return np.flatnonzero(~self._there[:trials]).tolist()

    def put(self, begin: int, rows: TrialRows) -> None:
        """Keep the rows of trials from `begin` on."""
        end = begin + len(rows.hits)
        for name in _PARTS:
            getattr(self, name)[begin:end] = getattr(rows, name)
        self._there[begin:end] = True
        self.patients = rows.patients

    def blocks(self, trials: int) -> Iterator[TrialRows]:
        """The rows of trials 0 to `trials` - 1 in their order, some at a time."""
        for begin in range(0, trials, BLOCK):
            end = min(begin + BLOCK, trials)
            yield _rows({name: getattr(self, name)[begin:end] for name in _PARTS}, self.patients)

    def close(self) -> None:
        """Nothing to do."""


class TrialFile:
    """Rows of trials in a file that grows.

    Parameters
    ----------
    path
        Made where it is not there.
    work
        Whose claims and quantities its columns are.
    key
        Of the setting.

    Raises
    ------
    EquipoiseError
        When the file cannot be opened or is another's.
    """

    def __init__(self, path: Path, work: Work, key: str) -> None:
        import numpy as np

        claims, quantities, fits = len(work.claims), len(work.quantities), len(work.plan.fits)
        self.path = path
        self.patients = ""
        self._own = work.own
        self._dtype = np.dtype(
            [
                ("trial", "<i8"), ("serious", "<i8"), ("hits", "i1", (claims,)),
                ("fits", "i1", (fits,)), ("estimate", "<f8", (quantities,)),
                ("se", "<f8", (quantities,)), ("df", "<f8", (quantities,)),
                ("mechanistic", "i1"), ("checksum", "<u4"),
            ]
        )  # fmt: skip
        head = {
            "format": FORMAT,
            "origin": "SIMULATED",
            "key": key,
            "scenario": str(work.scenario),
            "protocol_hash": work.plan.protocol.hash,
            "seed": work.seed,
            "bytes_of_a_trial": self._dtype.itemsize,
            "claims": [made.claim.key for made in work.claims],
            "quantities": [made.quantity.key for made in work.quantities],
        }
        self._head = json.dumps(head, ensure_ascii=False).encode() + b"\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: io.FileIO = open(path, "a+b", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise not_kept(path, error) from error
        try:
            self._lock()
            self._places = self._recover()
        except OSError as error:
            self._file.close()
            raise not_kept(path, error) from error
        except EquipoiseError:
            self._file.close()
            raise

    def _lock(self) -> None:
        """Two runs at a time in one file would write every trial twice."""
        try:
            import fcntl
        except ImportError:  # no such locks on this system
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise single(
                "The trials are not run",
                code="trials-being-run",
                where=str(self.path),
                rule="one run at a time writes the trials of a setting",
                remedy="wait for the other run, or name another --out",
            ) from None

    def _recover(self) -> np.ndarray:
        """(trials,) place of each trial's record, -1 without one; a torn end is cut off."""
        import numpy as np

        self._file.seek(0)
        there = self._file.read(len(self._head))
        if there != self._head:
            if there and not self._head.startswith(there):
                raise single(
                    "The trials are not run",
                    code="trials-of-another-run",
                    where=str(self.path),
                    rule="the file holds the trials of this setting, and it begins otherwise",
                    remedy="move the file away, or name another --out",
                )
            self._file.truncate(0)
            self._write(self._head)
            return np.full(0, -1, dtype=np.int64)
        size = os.fstat(self._file.fileno()).st_size - len(self._head)
        records = size // self._dtype.itemsize
        self._file.truncate(len(self._head) + records * self._dtype.itemsize)
        trials: list[int] = []
        for begin in range(0, records, BLOCK):
            some = self._read(begin, min(begin + BLOCK, records))
            good = some["checksum"] == self._checksums(some)
            trials += np.where(good, some["trial"], -1).tolist()
            if good.any():
                self.patients = self._kind(some["mechanistic"][good][0])
        found = np.full(max(trials, default=-1) + 1, -1, dtype=np.int64)
        for place, trial in enumerate(trials):
            if trial >= 0:
                found[trial] = place
        self._records = records
        return found

    _records = 0

    def _kind(self, mechanistic: int) -> str:
        if self._own is not None:
            return self._own.label
        return "mechanistic" if mechanistic else "statistical"

    def _read(self, begin: int, end: int) -> np.ndarray:
        import numpy as np

        size = self._dtype.itemsize
        self._file.seek(len(self._head) + begin * size)
        return np.frombuffer(self._file.read((end - begin) * size), dtype=self._dtype)

    def _checksums(self, rows: np.ndarray) -> np.ndarray:
        import numpy as np

        length = self._dtype.itemsize - 4  # the checksum stands last
        raw = rows.tobytes()
        step = self._dtype.itemsize
        return np.array(
            [zlib.crc32(raw[at : at + length]) for at in range(0, len(raw), step)], dtype=np.uint32
        )

    def _write(self, data: bytes) -> None:
        """All of it, or nothing: what was written of it is cut off again."""
        before = os.fstat(self._file.fileno()).st_size
        try:
            if self._file.write(data) != len(data):
                raise OSError(28, "No space left on device")
        except OSError:
            self._file.truncate(before)
            raise

    def extend(self, trials: int) -> None:
        """Nothing to do: the file grows."""

    def lacking(self, trials: int) -> list[int]:
        """Trials below `trials` that are not there, in order."""
        import numpy as np

        there = np.zeros(trials, dtype=bool)
        known = self._places[:trials]
        there[: len(known)] = known >= 0
        return np.flatnonzero(~there).tolist()

    def put(self, begin: int, rows: TrialRows) -> None:
        """Append the rows of trials from `begin` on.

        Raises
        ------
        EquipoiseError
            When they cannot be written; the trials before them stay.
        """
        import numpy as np

        n = len(rows.hits)
        found = np.zeros(n, dtype=self._dtype)
        found["trial"] = np.arange(begin, begin + n)
        for name in _PARTS:
            found[name] = getattr(rows, name)
        found["mechanistic"] = rows.patients == "mechanistic"
        found["checksum"] = self._checksums(found)
        try:
            self._write(found.tobytes())
        except OSError as error:
            raise not_kept(self.path, error) from error
        self.patients = rows.patients
        if begin + n > len(self._places):
            longer = np.full(max(begin + n, 2 * len(self._places)), -1, dtype=np.int64)
            longer[: len(self._places)] = self._places
            self._places = longer
        self._places[begin : begin + n] = self._records + np.arange(n)
        self._records += n

    def blocks(self, trials: int) -> Iterator[TrialRows]:
        """The rows of trials 0 to `trials` - 1 in their order, some at a time."""
        import numpy as np

        for begin in range(0, trials, BLOCK):
            places = self._places[begin : min(begin + BLOCK, trials)]
            low, high = int(places.min()), int(places.max()) + 1
            if high - low <= 4 * BLOCK:
                some = self._read(low, high)[places - low]
            else:
                some = np.concatenate([self._read(int(p), int(p) + 1) for p in places])
            yield _rows({name: some[name] for name in _PARTS}, self.patients)

    def close(self) -> None:
        """Close the file; its trials stay."""
        self._file.close()


def _rows(parts: Mapping[str, np.ndarray], patients: str) -> TrialRows:
    return TrialRows(
        hits=parts["hits"],
        estimate=parts["estimate"],
        se=parts["se"],
        df=parts["df"],
        fits=parts["fits"],
        serious=parts["serious"],
        patients=patients,
    )


def not_kept(path: Path, error: OSError) -> EquipoiseError:
    """The error of a file that cannot be written."""
    return single(
        "The trials were not run to the end",
        code="trials-not-kept",
        where=str(path),
        rule=f"every trial is written as it comes: {error.strerror or error}",
        remedy="make room or name another --out, and give the same command again: the trials that "
        "are there are not run again",
    )
