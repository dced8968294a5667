"""Treatment-effect heterogeneity: interactions by least squares, and shrunk.

Derivation: docs/methods/heterogeneity.md.
"""

from __future__ import annotations

from .shrunken_interactions import ShrunkenInteractions, shrink_interactions
from .treatment_interactions import (
    InteractionData,
    Interactions,
    fit_interactions,
    interaction_data,
)

__all__ = [
    "InteractionData",
    "Interactions",
    "ShrunkenInteractions",
    "fit_interactions",
    "interaction_data",
    "shrink_interactions",
]
