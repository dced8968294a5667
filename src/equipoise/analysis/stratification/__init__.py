"""Who benefits: profiles, differences between people in the effect, and forecasts."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .enrichment_rule import EnrichmentRule, MarkerMeasure
    from .forecast_file import read_forecast, write_forecast
    from .forecast_measure import ForecastMeasure
    from .forecast_model import ForecastModel
    from .forecast_table import forecast
    from .model_training import train_forecast

_HOME = {
    "EnrichmentRule": "enrichment_rule",
    "ForecastMeasure": "forecast_measure",
    "ForecastModel": "forecast_model",
    "MarkerMeasure": "enrichment_rule",
    "forecast": "forecast_table",
    "read_forecast": "forecast_file",
    "train_forecast": "model_training",
    "write_forecast": "forecast_file",
}

__all__ = [
    "EnrichmentRule",
    "ForecastMeasure",
    "ForecastModel",
    "MarkerMeasure",
    "forecast",
    "read_forecast",
    "train_forecast",
    "write_forecast",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
