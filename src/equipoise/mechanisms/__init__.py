"""Mechanistic models as data: every parameter with value, spread, bounds and source."""

from equipoise.mechanisms.mechanistic_model import MechanisticModel
from equipoise.mechanisms.model_files import builtin_models, find_model, model_path
from equipoise.mechanisms.parameters import (
    Covariate,
    CovariateEffect,
    Distribution,
    Origin,
    Parameter,
    PublishedSource,
)

__all__ = [
    "Covariate",
    "CovariateEffect",
    "Distribution",
    "MechanisticModel",
    "Origin",
    "Parameter",
    "PublishedSource",
    "builtin_models",
    "find_model",
    "model_path",
]
