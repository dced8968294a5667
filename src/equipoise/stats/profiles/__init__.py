"""Immune profiles: mixtures of normal distributions, their stability and their relations.

Derivation: docs/methods/immune-profiles.md.
"""

from __future__ import annotations

from .agreement import adjusted_rand, relative_entropy
from .mixture import Mixture, correlated_bic, fit_mixture
from .relations import permute_relation, profile_means

__all__ = [
    "Mixture",
    "adjusted_rand",
    "correlated_bic",
    "fit_mixture",
    "permute_relation",
    "profile_means",
    "relative_entropy",
]
