"""The lock: which plan was fixed, when, and how it was amended since.

``protocol.lock`` stands beside ``protocol.toml``. Each entry carries a seal, SHA-256 over the seal
of the entry before it and its own content: whoever has noted the last seal sees whether anything
before it was changed. A lock proves an order within its file, not a time, nor that nobody looked
at the data before: publish the seal, or have it witnessed.
"""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equipoise._version import __version__
from equipoise.faults import EquipoiseError, single
from equipoise.staging import write_error

if TYPE_CHECKING:
    from equipoise.protocol.model import Protocol

FILE = "protocol.lock"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class LockEntry:
    """One locking.

    Attributes
    ----------
    hash
        The protocol's hash.
    time
        When it was locked: UTC, ISO 8601.
    reason
        Why the plan was amended; empty for the first locking.
    changes
        Dotted fields that differ from the entry before.
    software, seal
        Version that wrote it; the seal (hex).
    """

    hash: str
    time: str
    reason: str
    changes: tuple[str, ...]
    software: str
    seal: str


@dataclass(frozen=True, slots=True)
class Lock:
    """The entries in order, and the canonical form of the plan as last locked."""

    entries: tuple[LockEntry, ...]
    plan: str

    @property
    def current(self) -> LockEntry:
        """The entry in force."""
        return self.entries[-1]

    def holds(self, protocol: Protocol) -> bool:
        """Whether the plan last locked is this very one, by its content and not its hash alone."""
        return self.plan == protocol.canonical()


def write_lock(protocol: Protocol, folder: str | Path, reason: str | None = None) -> Lock:
    """Lock a protocol, or record its amendment, in a folder.

    Parameters
    ----------
    folder
        The study's folder.
    reason
        Why the plan was amended: required when another plan is locked there.

    Returns
    -------
    Lock
        Unchanged when this plan is the one in force already.

    Raises
    ------
    EquipoiseError
        When the protocol is a copy that is not consistent, an amendment has no reason, the
        existing lock is damaged, another locking is under way, or the folder cannot be written.
    """
    folder = Path(folder)
    plan = protocol.canonical()
    before = read_lock(folder)
    if before is not None and before.plan == plan:
        return before
    _refuse_unchecked(protocol)
    said = _checked_reason(reason)
    with _only_writer(folder) as replace:
        found = _content(folder / FILE)
        before = _parsed(folder / FILE, found)
        if before is not None and before.plan == plan:
            return before
        lock = _with_entry(before, plan, said, folder / FILE)
        data = {
            "what": "Plans of this trial as they were locked, and why they were amended",
            "format": _FORMAT,
            "entries": [asdict(e) for e in lock.entries],
            "plan": json.loads(plan),
        }
        replace(found, (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode())
    return lock


def _refuse_unchecked(protocol: Protocol) -> None:
    """What is locked is consistent, a changed copy too."""
    from pydantic import ValidationError

    from equipoise.toml_faults import Sources, TomlFile, faults_of

    model = type(protocol)
    try:
        model.model_validate(protocol.model_dump(warnings=False))
    except ValidationError as error:
        sources = Sources(TomlFile("the copy of a protocol", "", "a protocol"))
        found = [fault for _, fault in faults_of(error, model, sources)]
        raise EquipoiseError("Nothing is locked", found) from error


def _checked_reason(reason: str | None) -> str:
    said = (reason or "").strip()
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in said):
        raise single(
            "Nothing is locked",
            code="reason-invalid",
            field="--reason",
            value=ascii(said[:60]),
            rule="a reason is plain text in UTF-8 without control characters",
            remedy="write it again",
        )
    return said


def _with_entry(before: Lock | None, plan: str, reason: str, path: Path) -> Lock:
    """The lock with one entry more."""
    changes = () if before is None else changed_fields(before.plan, plan)
    if before is not None and not reason:
        raise single(
            "The amendment is not recorded",
            code="amendment-without-reason",
            where=str(path),
            field="--reason",
            value=", ".join(changes[:12]),
            rule="a plan that was locked changes by an amendment, with its reason",
            remedy='give it: equipoise lock STUDY --reason "…"',
        )
    content = {
        "hash": hashlib.sha256(plan.encode()).hexdigest(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "reason": reason,
        "changes": list(changes),
        "software": f"equipoise {__version__}",
    }
    seal = _seal("" if before is None else before.current.seal, content)
    entry = LockEntry(
        **{**content, "changes": changes},  # type: ignore[arg-type]
        seal=seal,
    )
    return Lock((*(() if before is None else before.entries), entry), plan)


@contextmanager
def _only_writer(folder: Path) -> Generator[Callable[[bytes | None, bytes], None]]:
    """Hold ``protocol.lock.new``, which one process alone can make; it becomes the lock.

    Yields what puts a content in the place of the one that was read. It is renamed, so that a
    reader finds the old lock or the new one, and a process that is killed loses neither.
    """
    new, path = folder / f"{FILE}.new", folder / FILE

    def replace(found: bytes | None, content: bytes) -> None:
        new.write_bytes(content)
        if _content(path) != found:
            raise _busy(path, "it was changed while the plan was being locked", "lock again")
        os.replace(new, path)
        held.clear()

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(error, folder) from error
    held = [new]
    try:
        new.touch(exist_ok=False)
    except FileExistsError as error:
        raise _busy(
            new,
            "another locking is under way, or was killed",
            "wait for it; if none is under way any more, delete this file and lock again",
        ) from error
    except OSError as error:
        raise write_error(error, folder) from error
    try:
        yield replace
    except OSError as error:
        raise write_error(error, folder) from error
    finally:
        for left in held:
            with suppress(OSError):
                left.unlink()


def _busy(path: Path, why: str, remedy: str) -> EquipoiseError:
    return single(
        "Nothing is locked",
        code="lock-busy",
        where=str(path),
        rule=f"one locking of a study at a time: {why}",
        remedy=remedy,
    )


def read_lock(folder: str | Path) -> Lock | None:
    """The lock of a folder; None without one.

    Raises
    ------
    EquipoiseError
        When the file cannot be read, or its seals do not fit its entries.
    """
    path = Path(folder) / FILE
    return _parsed(path, _content(path))


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _damaged(path, str(error.strerror or error)) from error


def _parsed(path: Path, content: bytes | None) -> Lock | None:
    if content is None:
        return None
    try:
        data = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "it is not JSON") from error
    try:
        entries = tuple(_entry(entry) for entry in data["entries"])
        plan = json.dumps(data["plan"], ensure_ascii=False, separators=(",", ":"))
        if data["format"] != _FORMAT or not entries:
            raise ValueError("another format")
        previous = ""
        for number, entry in enumerate(entries, 1):
            content_of = {name: value for name, value in asdict(entry).items() if name != "seal"}
            content_of["changes"] = list(entry.changes)
            if _seal(previous, content_of) != entry.seal:
                raise _damaged(path, f"the seal of entry {number} does not fit its content")
            previous = entry.seal
        if hashlib.sha256(plan.encode()).hexdigest() != entries[-1].hash:
            raise _damaged(path, "the plan it holds is not the one of its last entry")
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _damaged(path, "an entry is not as it was written") from error
    return Lock(entries, plan)


def _entry(data: Mapping[str, Any]) -> LockEntry:
    values: dict[str, Any] = {**data, "changes": tuple(data["changes"])}
    entry = LockEntry(**values)
    texts = [value for name, value in asdict(entry).items() if name != "changes"]
    if not isinstance(data["changes"], list) or not all(
        isinstance(text, str) for text in (*texts, *entry.changes)
    ):
        raise TypeError("a text is another thing")
    datetime.fromisoformat(entry.time)
    return entry


def _damaged(path: Path, why: str) -> EquipoiseError:
    return single(
        "The lock of this study cannot be relied on",
        code="lock-damaged",
        where=str(path),
        rule=f"{FILE} is as `equipoise lock` wrote it: {why}",
        remedy="put the original back from a backup; it is never mended by hand",
    )


def _seal(previous: str, content: Mapping[str, object]) -> str:
    body = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{body}".encode()).hexdigest()


def changed_fields(before: str, after: str) -> tuple[str, ...]:
    """Dotted fields in which two canonical forms differ.

    Mappings of the plan are lists of (key, value) pairs in the canonical form.
    """
    found: list[str] = []
    _compare(json.loads(before), json.loads(after), "", found)
    return tuple(found)


def _compare(a: Any, b: Any, path: str, found: list[str]) -> None:
    one, other = _as_dict(a), _as_dict(b)
    if one is not None and other is not None:
        for key in dict.fromkeys((*one, *other)):
            place = f"{path}.{key}" if path else str(key)
            if key not in one or key not in other:
                found.append(place)
            else:
                _compare(one[key], other[key], place, found)
        if list(one) != list(other) and set(one) == set(other) and not isinstance(a, dict):
            found.append(f"{path} (order)")
    elif a != b:
        found.append(path)


def _as_dict(value: Any) -> dict[str, Any] | None:
    """A table, a mapping (list of pairs), or a list of visits by their ids; else None."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(x, list) and len(x) == 2 and isinstance(x[0], str) for x in value):
        return {x[0]: x[1] for x in value}
    if all(isinstance(x, dict) and isinstance(x.get("id"), str) for x in value):
        return {x["id"]: x for x in value}
    return None


def require_lock(protocol: Protocol) -> Lock:
    """The lock in force for this very plan.

    Raises
    ------
    EquipoiseError
        When the plan is not locked, or is not the one that was locked.
    """
    lock = protocol.lock_in_force()
    heading = "Observed data with the allocation are not opened"
    if lock is None:
        raise single(
            heading,
            code="plan-unlocked",
            where=FILE,
            field="protocol.hash",
            value=protocol.hash,
            rule="unblinded data are analysed by a plan that was locked before",
            remedy="lock it: equipoise lock STUDY; the blinded analysis needs no lock",
        )
    if not lock.holds(protocol):
        changes = changed_fields(lock.plan, protocol.canonical())
        raise single(
            heading,
            code="plan-changed",
            where=FILE,
            field="protocol.hash",
            value=protocol.hash,
            rule=f"the plan is the one that was locked ({lock.current.hash}); it differs in "
            + ", ".join(changes[:20]),
            remedy='undo the change, or record it: equipoise lock STUDY --reason "…"',
        )
    return lock
