"""Trials with interim looks: error spending, boundaries, and what they cost."""

from equipoise.stats.group_sequential.boundaries import (
    Boundaries,
    efficacy_boundaries,
    futility_boundaries,
    inflation,
)
from equipoise.stats.group_sequential.classical_boundaries import wang_tsiatis_constant
from equipoise.stats.group_sequential.crossing import Crossing, crossing_probabilities
from equipoise.stats.group_sequential.spending import Spending, spent

__all__ = [
    "Boundaries",
    "Crossing",
    "Spending",
    "crossing_probabilities",
    "efficacy_boundaries",
    "futility_boundaries",
    "inflation",
    "spent",
    "wang_tsiatis_constant",
]
