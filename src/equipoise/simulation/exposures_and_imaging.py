"""The tables `exposures` and `imaging` of a simulated trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from equipoise.protocol.endpoint_sources import planned_visits
from equipoise.simulation.observation import long_table, significant

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from equipoise.protocol import Protocol


def exposure_table(
    protocol: Protocol, drawn: Mapping[str, np.ndarray], ids: np.ndarray, days: np.ndarray
) -> pl.DataFrame | None:
    """The table `exposures`: levels as they are, numbers to three significant digits."""
    import numpy as np
    import polars as pl

    frames = []
    for key, found in drawn.items():
        exposure = protocol.exposures[key]
        at, names = _at(protocol, exposure)
        values = found
        if exposure.type == "numeric":
            text = [f"{value:g}" for value in significant(found, 3).ravel()]
            values = np.array(text).reshape(found.shape)
        frame = long_table(ids, names, days[:, at], {"value": values})
        unit = pl.lit(exposure.unit, dtype=pl.String)
        frames.append(
            frame.with_columns(exposure=pl.lit(key), unit=unit).select(
                "participant", "visit", "day", "exposure", "value", "unit"
            )
        )
    return pl.concat(frames) if frames else None


def imaging_table(
    protocol: Protocol,
    drawn: Mapping[tuple[str, str], np.ndarray],
    ids: np.ndarray,
    days: np.ndarray,
) -> pl.DataFrame | None:
    """The table `imaging`, to four significant digits; who was not imaged has no row."""
    import polars as pl

    frames = []
    for (key, region), values in drawn.items():
        image = protocol.imaging[key]
        at, names = _at(protocol, image)
        frame = long_table(ids, names, days[:, at], {"value": significant(values, 4)})
        frame = frame.filter(pl.col("value").is_not_nan())
        frames.append(
            frame.with_columns(
                measure=pl.lit(key), region=pl.lit(region), unit=pl.lit(image.unit)
            ).select("participant", "visit", "day", "measure", "region", "unit", "value")
        )
    return pl.concat(frames) if frames else None


def _at(protocol: Protocol, entry: object) -> tuple[list[int], list[str]]:
    """Positions and ids of the visits at which an entry is measured."""
    planned = planned_visits(entry, protocol.visits)
    at = [index for index, visit in enumerate(protocol.visits) if visit.id in planned]
    return at, [protocol.visits[index].id for index in at]
