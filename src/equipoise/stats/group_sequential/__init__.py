"""Trials with interim looks: error spending, boundaries, and what they cost."""

from .boundaries import (
    Boundaries,
    efficacy_boundaries,
    futility_boundaries,
    inflation,
)
from .classical_boundaries import wang_tsiatis_constant
from .crossing import Crossing, crossing_probabilities
from .spending import Spending, spent

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
