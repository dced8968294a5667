"""How the severity of a model shows on rating scales: data with an origin."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from equipoise.mechanisms.parameters import Origin

FILE = Path(__file__).parent / "severity_scales.toml"


@dataclass(frozen=True, slots=True)
class SeverityScale:
    """A rating scale as a straight line of the severity.

    Attributes
    ----------
    slope, intercept
        Points of the scale for each HDRS-17 point of severity, and at none.
    noise
        SD of one rating as a multiple of the model's `rater_sd`.
    origin
        Where the numbers are from.
    """

    slope: float
    intercept: float
    noise: float
    origin: Origin


@lru_cache(maxsize=1)
def severity_scales() -> Mapping[str, SeverityScale]:
    """By name of the scale: the depression scales on which a model's severity shows."""
    with FILE.open("rb") as file:
        table = tomllib.load(file)
    return MappingProxyType(
        {
            name: SeverityScale(
                float(row["slope"]),
                float(row["intercept"]),
                float(row["noise"]),
                Origin(row["origin"]),
            )
            for name, row in table.items()
        }
    )
