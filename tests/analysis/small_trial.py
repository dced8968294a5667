"""A trial of six people that can be counted by hand: P1 and P2 on placebo, P3 to P6 on il2."""

from __future__ import annotations

import polars as pl

import equipoise as eq
from equipoise.analysis.groups import make_groups
from equipoise.analysis.safety import make_safety
from equipoise.records import Manifest, Origin

PEOPLE = ("P1", "P2", "P3", "P4", "P5", "P6")
ARMS = ("placebo", "placebo", "il2", "il2", "il2", "il2")


def frame(columns: str, rows: list[tuple]) -> pl.DataFrame:
    """A frame from the names of its columns, with spaces between, and its rows."""
    names = columns.split()
    return pl.DataFrame(
        {name: [row[i] for row in rows] for i, name in enumerate(names)}, strict=False
    )


def small_records(protocol: eq.Protocol, *, blinded=False, observed=False, **tables):
    """Records with these tables beside participants and allocation."""
    frames = {
        "participants": frame(
            "participant site diagnosis sex age",
            [(p, "01", "MDD" if i % 2 else "BD", "male", 40) for i, p in enumerate(PEOPLE)],
        ),
        **tables,
    }
    if not blinded:
        frames["allocation"] = frame(
            "participant stratum arm",
            [(p, "MDD" if i % 2 else "BD", ARMS[i]) for i, p in enumerate(PEOPLE)],
        )
    manifest = Manifest(
        origin=Origin.SIMULATED, protocol_hash=protocol.hash, scenario="planned", seed=1
    )
    if observed:
        return eq.records_from_tables(protocol, frames, origin="observed")
    return eq.records_from_tables(protocol, frames, manifest=manifest)


def small_safety(protocol: eq.Protocol, *, smallest=None, **tables):
    """Harms of such records."""
    records = small_records(protocol, **tables)
    return make_safety(protocol, records, make_groups(protocol, records), smallest=smallest)


def events_of(rows) -> dict[str, tuple[int, ...]]:
    """Key of a row → participants with it in each group."""
    return {row.key: tuple(rate.events for rate in row.rates) for row in rows}
