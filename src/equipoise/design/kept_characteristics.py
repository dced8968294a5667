"""Operating characteristics kept on disk, so that the next report of the same protocol has them.

One file a computation, in a folder named after the protocol's hash, under ``EQUIPOISE_CACHE``
where the user set it, otherwise under ``XDG_CACHE_HOME`` or ``~/.cache``. What is kept is used
only by the software that made it, down to its sources; a file that is damaged, or another's, is
not used, and that is said. A file is written beside its place and renamed into it, so that two
processes never see half of one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import tempfile
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equipoise._version import __version__
from equipoise.design.characteristics import Characteristics, Claim, Quantity

if TYPE_CHECKING:
    from equipoise.patients import Scenario

ENDING = ".characteristics"
_FORMAT = 1
_ARRAYS = ("hits", "estimate", "se", "df", "fits", "truth", "serious")
#: Packages on which no number of a simulated trial depends; of a study its protocol's hash tells.
_SILENT = frozenset({"report", "cli", "exchange", "studies"})


@dataclass(frozen=True, slots=True)
class Kept:
    """What was found; `said` names files that could not be used, and why."""

    found: Characteristics | None
    said: tuple[str, ...]


def cache_root() -> Path:
    """The folder in which the user's kept files lie; not created."""
    own = os.environ.get("EQUIPOISE_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "equipoise"
    except RuntimeError:  # no home folder at all
        return Path(tempfile.gettempdir()) / "equipoise"


@lru_cache(maxsize=1)
def software_key() -> str:
    """Hash of all that a simulated trial's numbers depend on but its protocol and its seed."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256(__version__.encode())
    for name in ("numpy", "scipy", "numba", "polars"):
        digest.update(f"{name} {metadata.version(name)}".encode())
    for path in sorted([*package.rglob("*.py"), *package.rglob("*.toml")]):
        parts = path.relative_to(package).parts
        if parts[0] not in _SILENT:
            digest.update("/".join(parts).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def keep(found: Characteristics, patients: str | None) -> Path:
    """Keep characteristics; the file.

    Parameters
    ----------
    patients
        As they were asked for; None: the protocol's own.

    Raises
    ------
    OSError
        When the folder cannot be written.
    """
    import numpy as np

    text: dict[str, Any] = {
        field.name: getattr(found, field.name)
        for field in dataclasses.fields(found)
        if field.name not in _ARRAYS
    }
    text["claims"] = [dataclasses.asdict(claim) for claim in found.claims]
    text["quantities"] = [dataclasses.asdict(quantity) for quantity in found.quantities]
    packed = io.BytesIO()
    np.savez_compressed(packed, **{name: getattr(found, name) for name in _ARRAYS})
    body = json.dumps(text, ensure_ascii=False).encode() + b"\n" + packed.getvalue()
    head = _head(found.protocol_hash, patients, found.seed, found.trials)
    head["sha256"] = hashlib.sha256(body).hexdigest()
    path = _folder(found.protocol_hash) / _name(patients, found.seed, found.trials)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(json.dumps(head).encode() + b"\n" + body)
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise
    return path


def find_kept(
    protocol_hash: str,
    *,
    patients: str | None = None,
    seed: int | None = None,
    least: int = 1,
    scenarios: tuple[Scenario, ...] | None = None,
) -> Kept:
    """The characteristics of a protocol with the most trials that are kept.

    Parameters
    ----------
    patients
        As they were asked for; None: the protocol's own.
    seed
        Of the simulated trials; any when left out, the smallest of those with as many trials.
    least
        Trials, at least.
    scenarios
        That they must have, in this order; those of a run when left out.
    """
    from equipoise.design.operating import SCENARIOS

    wanted = tuple(str(name) for name in scenarios or SCENARIOS)
    said: list[str] = []
    try:
        names = sorted(os.listdir(_folder(protocol_hash)))
    except OSError:
        return Kept(None, ())
    places: list[tuple[int, int, str]] = []
    for name in names:
        parts = name.removesuffix(ENDING).split("-")
        if not name.endswith(ENDING) or len(parts) != 4 or not all(p.isdigit() for p in parts[2:]):
            continue
        its_seed, trials = int(parts[2]), int(parts[3])
        if parts[0] != software_key() or parts[1] != (patients or "own"):
            continue
        if trials >= least and seed in (None, its_seed):
            places.append((-trials, its_seed, name))
    for trials, its_seed, name in sorted(places):
        path = _folder(protocol_hash) / name
        found = _read(path, _head(protocol_hash, patients, its_seed, -trials))
        if found is None:
            said.append(f"{path} is damaged, or was not written by this program: it is not used")
        elif found.scenarios == wanted:
            return Kept(found, tuple(said))
    return Kept(None, tuple(said))


def first_trials(found: Characteristics, trials: int) -> Characteristics:
    """The characteristics of the first trials alone: what a run of so many would have given."""
    if trials >= found.trials:
        return found
    rows = {name: getattr(found, name)[:, :trials] for name in _ARRAYS if name != "truth"}
    return dataclasses.replace(found, trials=trials, **rows)


def _folder(protocol_hash: str) -> Path:
    return cache_root() / "characteristics" / protocol_hash


def _name(patients: str | None, seed: int, trials: int) -> str:
    return f"{software_key()}-{patients or 'own'}-{seed}-{trials}{ENDING}"


def _head(protocol_hash: str, patients: str | None, seed: int, trials: int) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "origin": "SIMULATED",
        "protocol_hash": protocol_hash,
        "software": software_key(),
        "patients": patients,
        "seed": seed,
        "trials": trials,
    }


def _read(path: Path, head: dict[str, Any]) -> Characteristics | None:
    """The characteristics of a file with this head; None where it is not whole, or another's."""
    import numpy as np

    try:
        first, _, body = path.read_bytes().partition(b"\n")
        if json.loads(first) != {**head, "sha256": hashlib.sha256(body).hexdigest()}:
            return None
        text, _, packed = body.partition(b"\n")
        fields = json.loads(text)
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            fields |= {name: arrays[name] for name in _ARRAYS}
        fields["claims"] = tuple(Claim(**claim) for claim in fields["claims"])
        fields["quantities"] = tuple(Quantity(**one) for one in fields["quantities"])
        for name in ("scenarios", "models", "outcomes", "notes"):
            fields[name] = tuple(fields[name])
        for name in ("assumptions", "sizes", "scenario_words"):
            fields[name] = tuple(tuple(pair) for pair in fields[name])
        for name in _ARRAYS:
            fields[name].flags.writeable = False
        return Characteristics(**fields)
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile):
        return None
