"""Rating scales as data: items, ranges, scoring, response and remission."""

from equipoise.instruments.composition import Component, component_range, components, needed
from equipoise.instruments.consistency import missing_rule_inconsistencies
from equipoise.instruments.definition import TOTAL, Instrument, MissingItems, Scoring
from equipoise.instruments.library import find_scale, get_scale, load_scale, scale_names
from equipoise.instruments.scoring import PartScores, ScoredItems, score_items

__all__ = [
    "TOTAL",
    "Component",
    "Instrument",
    "MissingItems",
    "PartScores",
    "ScoredItems",
    "Scoring",
    "component_range",
    "components",
    "find_scale",
    "get_scale",
    "load_scale",
    "missing_rule_inconsistencies",
    "needed",
    "scale_names",
    "score_items",
]
