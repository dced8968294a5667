"""The seal: proof, published before the trial, that the list was fixed.

What is published is SHA-256 over a secret 256-bit salt, the protocol's hash and the list. The
salt keeps the list from being guessed (protocols and short seeds can be tried one by one); at
unlock it is published too, and anybody can check the list against the commitment.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from equipoise.faults import single
from equipoise.staging import write_files

if TYPE_CHECKING:
    import polars as pl

    from equipoise.randomisation.allocation_list import Allocation

LIST_FILE = "allocation-list.csv"
COMMITMENT_FILE = "commitment.json"
SECRET_FILE = "secret.json"

#: Columns of a list, and of the random numbers that minimisation has in its place.
LIST_COLUMNS = ("stratum", "sequence", "arm")
NUMBER_COLUMNS = ("sequence", "tie", "coin")


@dataclass(frozen=True, slots=True)
class Seal:
    """Commitment (hex, public) and salt (hex, secret until unlock)."""

    commitment: str
    salt: str

    def __repr__(self) -> str:
        return f"Seal(commitment={self.commitment!r})"


def seal(frame: pl.DataFrame, protocol_hash: str, salt: str | None = None) -> Seal:
    """Commit to the list of a protocol (columns stratum, sequence, arm) under a secret salt.

    Under minimisation the list is that of its random numbers (sequence, tie, coin).

    The salt is drawn when it is left out.
    """
    salt = secrets.token_hex(32) if salt is None else salt
    return Seal(_digest(frame, protocol_hash, salt), salt)


def verify_commitment(frame: pl.DataFrame, protocol_hash: str, salt: str, commitment: str) -> bool:
    """Whether this list, for this protocol, under this salt, is what was committed to."""
    return hmac.compare_digest(_digest(frame, protocol_hash, salt), commitment.strip().lower())


def _digest(frame: pl.DataFrame, protocol_hash: str, salt: str) -> str:
    columns = _columns(frame)
    canonical = frame.select(columns).sort(columns[:-1])
    body = f"{protocol_hash}\n{canonical.write_csv()}"
    return hashlib.sha256(bytes.fromhex(salt) + body.encode()).hexdigest()


def _columns(frame: pl.DataFrame) -> tuple[str, ...]:
    """What is committed to: the arms of a list, or the random numbers of a minimisation."""
    return LIST_COLUMNS if "arm" in frame.columns else NUMBER_COLUMNS


def write_allocation(allocation: Allocation, folder: str | Path, *, rehearsal: bool) -> Seal:
    """Write the list, its public commitment and the secret, each a file of its own.

    Parameters
    ----------
    rehearsal
        True for a list from an open seed: it is marked as unfit for a real trial.

    Raises
    ------
    EquipoiseError
        When a list already stands there: a list is drawn once. Or when the folder cannot
        be written.
    """
    folder = Path(folder)
    for name in (LIST_FILE, COMMITMENT_FILE, SECRET_FILE):
        if (folder / name).exists():
            raise single(
                "The list is not written",
                code="list-exists",
                where=str(folder / name),
                rule="a randomisation list, its commitment and its secret are drawn once and "
                "never overwritten",
                remedy="name another --out, or keep what is there",
            )
    made = seal(allocation.frame, allocation.protocol_hash)
    kind = "rehearsal from an open seed, not for a real trial" if rehearsal else "real trial"
    public = {
        "what": "Commitment to a randomisation list: SHA-256 over salt, protocol hash and list",
        "kind": kind,
        "protocol_hash": allocation.protocol_hash,
        "places": allocation.frame.height,
        "commitment": made.commitment,
    }
    secret = {
        "what": "Keep secret until the trial is unblinded; with the protocol it gives the list",
        "kind": kind,
        "protocol_hash": allocation.protocol_hash,
        "seed": str(allocation.seed),
        "salt": made.salt,
    }
    files = {
        LIST_FILE: allocation.frame.write_csv().encode(),
        COMMITMENT_FILE: _json(public),
        SECRET_FILE: _json(secret),
    }
    write_files(
        folder,
        {"randomisation": files},
        last=LIST_FILE,
        private=(LIST_FILE, SECRET_FILE),
        unindexed=("randomisation",),
    )
    return made


def _json(data: Mapping[str, object]) -> bytes:
    return (json.dumps(data, indent=2) + "\n").encode()


def read_seal(folder: str | Path) -> tuple[pl.DataFrame, Seal]:
    """The list and the seal of a folder that `write_allocation` wrote.

    Raises
    ------
    EquipoiseError
        When a file is missing or damaged.
    """
    import polars as pl

    folder = Path(folder)
    try:
        frame = pl.read_csv(folder / LIST_FILE, schema_overrides={"stratum": pl.String})
        public = json.loads((folder / COMMITMENT_FILE).read_text(encoding="utf-8"))
        secret = json.loads((folder / SECRET_FILE).read_text(encoding="utf-8"))
        bytes.fromhex(secret["salt"])
        frame.select(_columns(frame))
        return frame, Seal(str(public["commitment"]), str(secret["salt"]))
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise single(
            f"The list in `{folder}` cannot be verified",
            code="list-unreadable",
            where=str(folder),
            value=str(error).split("\n", 1)[0][:120],
            rule=f"the folder holds {LIST_FILE}, {COMMITMENT_FILE} and {SECRET_FILE}, as written",
            remedy="name the folder that `equipoise randomise` wrote, complete",
        ) from error
