"""Characteristics as files: the summary as JSON, tidy tables as CSV."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equipoise.faults import single

if TYPE_CHECKING:
    from equipoise.design.characteristics import Characteristics

FILE = "characteristics.json"


def characteristics_files(found: Characteristics) -> dict[str, bytes]:
    """The files of characteristics: name → content; the same numbers give the same bytes.

    ``characteristics.json`` holds what the page shows; ``characteristics/claims.csv``,
    ``estimates.csv`` and ``trials.csv`` hold one row a scenario and claim, quantity or trial.
    """
    text = json.dumps(_summary(found), indent=1, ensure_ascii=False, allow_nan=False)
    return {
        FILE: text.encode() + b"\n",
        "characteristics/claims.csv": found.table.write_csv().encode(),
        "characteristics/estimates.csv": found.estimates.write_csv().encode(),
        "characteristics/trials.csv": found.each_trial.write_csv().encode(),
    }


def refuse_other_characteristics(folder: Path, protocol_hash: str) -> None:
    """Refuse a folder that holds the characteristics of another protocol.

    Raises
    ------
    EquipoiseError
        Naming the file and its protocol's hash.
    """
    path = folder / FILE
    try:
        there = json.loads(path.read_text(encoding="utf-8")).get("protocol_hash")
    except FileNotFoundError:
        return
    except (OSError, ValueError, AttributeError):
        there = "not readable"
    if there != protocol_hash:
        raise single(
            "Nothing was written",
            code="characteristics-of-another-protocol",
            where=str(path),
            field="protocol_hash",
            value=str(there),
            rule="a folder holds the characteristics of one protocol",
            remedy="name another --out, or move that file away",
        )


def _summary(found: Characteristics) -> dict[str, Any]:
    return {
        "format": 1,
        "origin": "SIMULATED",
        "meaning": "a consequence of the protocol's assumptions, not evidence",
        "study": found.study,
        "title": found.title,
        "protocol_hash": found.protocol_hash,
        "seed": found.seed,
        "trials": found.trials,
        "scenarios": list(found.scenarios),
        "software": found.software,
        "patients": found.patients,
        "sizes": dict(found.sizes),
        "alpha": found.alpha,
        "assumptions": [{"path": path, "text": text} for path, text in found.assumptions],
        "notes": list(found.notes),
        "claims": [
            {
                **dataclasses.asdict(claim),
                "scenarios": {
                    s: dataclasses.asdict(found.tally(s, claim.key)) for s in found.scenarios
                },
            }
            for claim in found.claims
        ],
        "headline": {s: dataclasses.asdict(found.joint(s)) for s in found.scenarios},
        "quantities": [
            {
                **dataclasses.asdict(quantity),
                "scenarios": {
                    s: _plain(dataclasses.asdict(found.performance(s, quantity.key)))
                    for s in found.scenarios
                },
            }
            for quantity in found.quantities
        ],
        "failed_fits": {s: found.failed_fits(s) for s in found.scenarios},
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """None for what cannot be said."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
