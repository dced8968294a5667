"""Many simulated trials become the operating characteristics of a protocol, and of its like."""

from equipoise.design.assurance import Assurance, assure
from equipoise.design.characteristics import (
    Characteristics,
    Claim,
    Performance,
    Quantity,
    Tally,
)
from equipoise.design.design_map import DesignMap, MapPoint, map_characteristics
from equipoise.design.enrichment import Kept, compare_enrichment, enrich
from equipoise.design.enrichment_results import EnrichmentComparison, EnrichmentRow
from equipoise.design.interim_results import LooksCompared, SpendingRule, compare_looks
from equipoise.design.operating import operating_characteristics
from equipoise.design.randomisation_compared import RandomisationCompared, compare_randomisation
from equipoise.design.sample_size import FoundSize, find_size

__all__ = [
    "Assurance",
    "Characteristics",
    "Claim",
    "DesignMap",
    "EnrichmentComparison",
    "EnrichmentRow",
    "FoundSize",
    "Kept",
    "LooksCompared",
    "MapPoint",
    "Performance",
    "Quantity",
    "RandomisationCompared",
    "SpendingRule",
    "Tally",
    "assure",
    "compare_enrichment",
    "compare_looks",
    "compare_randomisation",
    "enrich",
    "find_size",
    "map_characteristics",
    "operating_characteristics",
]
