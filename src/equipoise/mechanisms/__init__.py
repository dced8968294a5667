"""Mechanistic models as data: every parameter with value, spread, bounds and source."""

from equipoise.mechanisms.mechanistic_model import MechanisticModel
from equipoise.mechanisms.model_files import builtin_models, find_model, model_path
from equipoise.mechanisms.outputs import LABS, POPULATIONS, ROUTES, UNITS, route_of, units_of
from equipoise.mechanisms.parameters import (
    Covariate,
    CovariateEffect,
    Distribution,
    Origin,
    Parameter,
    PublishedSource,
)
from equipoise.mechanisms.severity_scales import SeverityScale, severity_scales

__all__ = [
    "LABS",
    "POPULATIONS",
    "ROUTES",
    "UNITS",
    "Covariate",
    "CovariateEffect",
    "Distribution",
    "MechanisticModel",
    "Origin",
    "Parameter",
    "PublishedSource",
    "SeverityScale",
    "builtin_models",
    "find_model",
    "model_path",
    "route_of",
    "severity_scales",
    "units_of",
]
