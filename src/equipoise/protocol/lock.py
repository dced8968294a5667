"""The lock: which plan was fixed, when, and how it was amended since.

``protocol.lock`` stands beside ``protocol.toml``. Each entry carries a seal, SHA-256 over the seal
of the entry before it and its own content: whoever has noted the last seal sees whether anything
before it was changed. A lock proves an order, not a time: publish the seal, or have it witnessed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equipoise._version import __version__
from equipoise.faults import EquipoiseError, single

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
        When an amendment has no reason, the existing lock is damaged, or the folder cannot be
        written.
    """
    from equipoise.staging import write_files

    folder = Path(folder)
    before = read_lock(folder)
    if before is not None and before.current.hash == protocol.hash:
        return before
    plan = protocol.canonical()
    changes: tuple[str, ...] = ()
    said = (reason or "").strip()
    if before is not None:
        changes = changed_fields(before.plan, plan)
        if not said:
            raise single(
                "The amendment is not recorded",
                code="amendment-without-reason",
                where=str(folder / FILE),
                field="--reason",
                value=", ".join(changes[:12]),
                rule="a plan that was locked changes by an amendment, with its reason",
                remedy='give it: equipoise lock STUDY --reason "…"',
            )
    content = {
        "hash": protocol.hash,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "reason": said,
        "changes": list(changes),
        "software": f"equipoise {__version__}",
    }
    previous = "" if before is None else before.current.seal
    seal = _seal(previous, content)
    entry = LockEntry(
        **{**content, "changes": changes},  # type: ignore[arg-type]
        seal=seal,
    )
    lock = Lock((*(() if before is None else before.entries), entry), plan)
    data = {
        "what": "Plans of this trial as they were locked, and why they were amended",
        "format": _FORMAT,
        "entries": [asdict(e) for e in lock.entries],
        "plan": json.loads(plan),
    }
    text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    write_files(folder, {"lock": {FILE: text.encode()}}, last=FILE, unindexed=("lock",))
    return lock


def read_lock(folder: str | Path) -> Lock | None:
    """The lock of a folder; None without one.

    Raises
    ------
    EquipoiseError
        When the file cannot be read, or its seals do not fit its entries.
    """
    path = Path(folder) / FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _damaged(path, str(getattr(error, "strerror", None) or "it is not JSON")) from error
    try:
        entries = tuple(
            LockEntry(**{**entry, "changes": tuple(entry["changes"])}) for entry in data["entries"]
        )
        plan = json.dumps(data["plan"], ensure_ascii=False, separators=(",", ":"))
        if data["format"] != _FORMAT or not entries:
            raise ValueError("another format")
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, "an entry is not as it was written") from error
    previous = ""
    for number, entry in enumerate(entries, 1):
        content = {name: value for name, value in asdict(entry).items() if name != "seal"}
        content["changes"] = list(entry.changes)
        if _seal(previous, content) != entry.seal:
            raise _damaged(path, f"the seal of entry {number} does not fit its content")
        previous = entry.seal
    if hashlib.sha256(plan.encode()).hexdigest() != entries[-1].hash:
        raise _damaged(path, "the plan it holds is not the one of its last entry")
    return Lock(entries, plan)


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
    if all(isinstance(x, dict) and "id" in x for x in value):
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
    heading = "Observed data with the allocation are not analysed"
    if lock is None:
        raise single(
            heading,
            code="plan-unlocked",
            where=FILE,
            field="protocol.hash",
            value=protocol.hash,
            rule="unblinded data are analysed by a plan that was locked before",
            remedy="lock it: equipoise lock STUDY; blinded records need no lock",
        )
    if lock.current.hash != protocol.hash:
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
