"""Which arm is behind which letter: drawn from a secret seed, kept in a file of its own."""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from equipoise.faults import EquipoiseError, single
from equipoise.streams import stream

if TYPE_CHECKING:
    from equipoise.protocol import Protocol


@dataclass(frozen=True, slots=True)
class MonitorKey:
    """The seed (secret) and the arms in the order of their letters.

    Attributes
    ----------
    protocol_id
        Of the trial; an amendment keeps it, so that the letters stay.
    seed
        Secret, below 2¹²⁸.
    order
        Keys of the arms behind A, B, …
    """

    protocol_id: str
    seed: int
    order: tuple[str, ...]

    def __repr__(self) -> str:
        return f"MonitorKey(protocol_id={self.protocol_id!r})"

    @property
    def letters(self) -> dict[str, str]:
        """Arm → its letter."""
        return dict(zip(self.order, string.ascii_uppercase, strict=False))

    def content(self) -> bytes:
        """The file of the key."""
        data = {
            "what": "Keep from the committee and from everybody blinded: the arms behind the "
            "letters of the monitoring report",
            "protocol_id": self.protocol_id,
            "seed": str(self.seed),
            "arms": {letter: arm for arm, letter in self.letters.items()},
        }
        return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()


def draw_key(protocol: Protocol, seed: int | None = None) -> MonitorKey:
    """A key from a secret seed of 128 bits, or from the one given."""
    seed = secrets.randbits(128) if seed is None else seed
    arms = list(protocol.arm_order)
    order = stream(seed, "letters of the monitoring report").permutation(len(arms))
    return MonitorKey(protocol.trial.id, seed, tuple(arms[i] for i in order))


def read_key(path: str | Path, protocol: Protocol) -> MonitorKey:
    """The key that an earlier report of this trial wrote.

    Raises
    ------
    EquipoiseError
        When the file is missing or damaged, or belongs to another trial.
    """
    path = Path(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        key = draw_key(protocol, int(data["seed"]))
        arms = tuple(data["arms"][letter] for letter in sorted(data["arms"]))
        trial = str(data["protocol_id"])
    except OSError as error:
        raise single(
            "The letters of the arms cannot be read",
            code="monitor-key-missing",
            where=str(path),
            rule=str(error.strerror or error),
            remedy="name the key that an earlier `equipoise monitor` wrote, or leave --key out to "
            "draw new letters",
        ) from error
    except (ValueError, KeyError, TypeError, EquipoiseError) as error:
        raise single(
            "The letters of the arms cannot be read",
            code="monitor-key-invalid",
            where=str(path),
            rule="the file is a key as `equipoise monitor` wrote it",
            remedy="restore it from a copy, or leave --key out to draw new letters",
        ) from error
    if trial != protocol.trial.id or arms != key.order:
        raise single(
            "The letters of the arms belong to another trial",
            code="monitor-key-differs",
            where=str(path),
            value=trial[:60],
            rule="a key holds the identifier and the arms of the trial that it was drawn for",
            remedy="name the key of this trial, or leave --key out to draw new letters",
        )
    return key
