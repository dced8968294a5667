"""Exposures and images at baseline: as columns of models, and for the baseline table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from equipoise.protocol import Protocol
    from equipoise.records import Records


def baseline_exposures(protocol: Protocol, records: Records) -> pl.DataFrame:
    """participant and one column an exposure with its baseline value.

    Categorical ones are Enum in the protocol's order, numeric ones Float64; who has no value
    has null, or no row.
    """
    frame = records.participants.select("participant")
    for key, exposure in protocol.exposures.items():
        kind = pl.Enum(list(exposure.levels)) if exposure.type == "categorical" else pl.Float64()
        if records.exposures is None:
            frame = frame.with_columns(pl.lit(None, dtype=kind).alias(key))
            continue
        mine = records.exposures.filter(exposure=key, visit=protocol.baseline.id)
        values = mine.select("participant", pl.col("value").cast(kind).alias(key))
        frame = frame.join(values, on="participant", how="left", maintain_order="left")
    return frame


def covariate_exposures(protocol: Protocol, records: Records) -> pl.DataFrame:
    """The exposures that model formulas may name, by participant."""
    names = [key for key, exposure in protocol.exposures.items() if exposure.covariate]
    return baseline_exposures(protocol, records).select("participant", *names)
