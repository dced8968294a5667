"""Rating scales as data: items, ranges, scoring, response and remission."""

from equipoise.instruments.definition import Instrument, MissingItems, Scoring
from equipoise.instruments.library import get_scale, load_scale, scale_names
from equipoise.instruments.scoring import PartScores, ScoredItems, score_items

__all__ = [
    "Instrument",
    "MissingItems",
    "PartScores",
    "ScoredItems",
    "Scoring",
    "get_scale",
    "load_scale",
    "scale_names",
    "score_items",
]
