"""Forecasting an outcome: ridge regression with a predictive distribution, and its honest test.

Derivations: docs/methods/forecast.md, docs/methods/forecast-validation.md.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .predictor_columns import PredictorColumns, predictor_columns
    from .ridge_forecast import Predicted, RidgeForecast, fit_ridge_forecast

_HOME = {
    "Predicted": "ridge_forecast",
    "PredictorColumns": "predictor_columns",
    "RidgeForecast": "ridge_forecast",
    "fit_ridge_forecast": "ridge_forecast",
    "predictor_columns": "predictor_columns",
}

__all__ = [
    "Predicted",
    "PredictorColumns",
    "RidgeForecast",
    "fit_ridge_forecast",
    "predictor_columns",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
