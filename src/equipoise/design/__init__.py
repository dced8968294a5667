"""Many simulated trials become the operating characteristics of a protocol."""

from equipoise.design.characteristics import (
    Characteristics,
    Claim,
    Performance,
    Quantity,
    Tally,
)
from equipoise.design.enrichment import Kept, compare_enrichment, enrich
from equipoise.design.enrichment_results import EnrichmentComparison, EnrichmentRow
from equipoise.design.operating import operating_characteristics

__all__ = [
    "Characteristics",
    "Claim",
    "EnrichmentComparison",
    "EnrichmentRow",
    "Kept",
    "Performance",
    "Quantity",
    "Tally",
    "compare_enrichment",
    "enrich",
    "operating_characteristics",
]
