"""Trials with interim looks: error spending, boundaries, and what they cost."""

from .adjusted import StagewiseInference, stagewise_inference
from .boundaries import (
    Boundaries,
    efficacy_boundaries,
    futility_boundaries,
    inflation,
)
from .classical_boundaries import wang_tsiatis_constant
from .crossing import Crossing, crossing_probabilities
from .planned_boundaries import PlannedBoundaries, planned_boundaries
from .spending import Spending, spent

__all__ = [
    "Boundaries",
    "Crossing",
    "PlannedBoundaries",
    "Spending",
    "StagewiseInference",
    "crossing_probabilities",
    "efficacy_boundaries",
    "futility_boundaries",
    "inflation",
    "planned_boundaries",
    "spent",
    "stagewise_inference",
    "wang_tsiatis_constant",
]
