"""Many simulated trials become the operating characteristics of a protocol."""

from equipoise.design.characteristics import (
    Characteristics,
    Claim,
    Performance,
    Quantity,
    Tally,
)
from equipoise.design.operating import operating_characteristics

__all__ = [
    "Characteristics",
    "Claim",
    "Performance",
    "Quantity",
    "Tally",
    "operating_characteristics",
]
