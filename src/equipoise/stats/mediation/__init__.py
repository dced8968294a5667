"""Mediation: natural direct and indirect effects through an early change.

Numerics alone: batched over bootstrap samples, without the rest of the package.
Derivation: docs/methods/mediation.md.
"""

from __future__ import annotations

from .intervals import (
    MOST_FAILED,
    Interval,
    ProductOfSlopes,
    bca_interval,
    bootstrap,
    left_out,
    percentile_interval,
    product_of_slopes,
    quasi_bayesian,
    resampled_counts,
)
from .linear_mediation import Effects, MediationData, estimate, mediation_data
from .sensitivity import Confounding, confounded, without_assay_error

__all__ = [
    "MOST_FAILED",
    "Confounding",
    "Effects",
    "Interval",
    "MediationData",
    "ProductOfSlopes",
    "bca_interval",
    "bootstrap",
    "confounded",
    "estimate",
    "left_out",
    "mediation_data",
    "percentile_interval",
    "product_of_slopes",
    "quasi_bayesian",
    "resampled_counts",
    "without_assay_error",
]
