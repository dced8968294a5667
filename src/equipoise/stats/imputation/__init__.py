"""Reference-based imputation, as stages: draw → impute → analyse → pool.

Each stage is a function that takes the frozen result of the stage before. Derivation:
docs/methods/reference-based-imputation.md.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .analysis_models import Analyses, Ancova, analyse, ancova
    from .deltas import Deltas, delta_adjustment, matching_deltas
    from .imputed_values import Imputations, impute
    from .parameter_draws import DrawMethod, Draws, draw
    from .pooling import Pooled, pool
    from .strategies import Strategy
    from .tipping import TippingPoint, tipping_point
    from .whole_analysis import reference_based_imputation

_HOME = {
    "Analyses": "analysis_models",
    "Ancova": "analysis_models",
    "Deltas": "deltas",
    "DrawMethod": "parameter_draws",
    "Draws": "parameter_draws",
    "Imputations": "imputed_values",
    "Pooled": "pooling",
    "Strategy": "strategies",
    "TippingPoint": "tipping",
    "analyse": "analysis_models",
    "ancova": "analysis_models",
    "delta_adjustment": "deltas",
    "draw": "parameter_draws",
    "impute": "imputed_values",
    "matching_deltas": "deltas",
    "pool": "pooling",
    "reference_based_imputation": "whole_analysis",
    "tipping_point": "tipping",
}

__all__ = [
    "Analyses",
    "Ancova",
    "Deltas",
    "DrawMethod",
    "Draws",
    "Imputations",
    "Pooled",
    "Strategy",
    "TippingPoint",
    "analyse",
    "ancova",
    "delta_adjustment",
    "draw",
    "impute",
    "matching_deltas",
    "pool",
    "reference_based_imputation",
    "tipping_point",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
