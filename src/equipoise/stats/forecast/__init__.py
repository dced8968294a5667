"""Forecasting an outcome: ridge regression with a predictive distribution, and its honest test.

Derivations: docs/methods/forecast.md, docs/methods/forecast-validation.md.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .calibration import (
        CalibrationGroups,
        Recalibration,
        calibration_groups,
        recalibrate,
        score_line,
    )
    from .corrected_resampling import Resampled, gains, measure_intervals
    from .forecast_columns import PredictorColumns, predictor_columns
    from .learning import LearningCurve, drawn_on, learning_curve
    from .left_out_pairs import leave_pair_out
    from .optimism import Optimism, bootstrap_optimism
    from .performance import FoldSums
    from .ridge_forecast import Predicted, RidgeForecast, fit_ridge_forecast
    from .sample_size import SampleSize, riley_binary, riley_continuous
    from .validation import (
        NestedValidation,
        Target,
        nested_validation,
        outer_folds,
        permuted_orders,
    )

_HOME = {
    "CalibrationGroups": "calibration",
    "FoldSums": "performance",
    "LearningCurve": "learning",
    "NestedValidation": "validation",
    "Optimism": "optimism",
    "Predicted": "ridge_forecast",
    "PredictorColumns": "forecast_columns",
    "Recalibration": "calibration",
    "Resampled": "corrected_resampling",
    "RidgeForecast": "ridge_forecast",
    "SampleSize": "sample_size",
    "Target": "validation",
    "bootstrap_optimism": "optimism",
    "calibration_groups": "calibration",
    "drawn_on": "learning",
    "fit_ridge_forecast": "ridge_forecast",
    "gains": "corrected_resampling",
    "learning_curve": "learning",
    "leave_pair_out": "left_out_pairs",
    "measure_intervals": "corrected_resampling",
    "nested_validation": "validation",
    "outer_folds": "validation",
    "permuted_orders": "validation",
    "predictor_columns": "forecast_columns",
    "recalibrate": "calibration",
    "riley_binary": "sample_size",
    "riley_continuous": "sample_size",
    "score_line": "calibration",
}

__all__ = [
    "CalibrationGroups",
    "FoldSums",
    "LearningCurve",
    "NestedValidation",
    "Optimism",
    "Predicted",
    "PredictorColumns",
    "Recalibration",
    "Resampled",
    "RidgeForecast",
    "SampleSize",
    "Target",
    "bootstrap_optimism",
    "calibration_groups",
    "drawn_on",
    "fit_ridge_forecast",
    "gains",
    "learning_curve",
    "leave_pair_out",
    "measure_intervals",
    "nested_validation",
    "outer_folds",
    "permuted_orders",
    "predictor_columns",
    "recalibrate",
    "riley_binary",
    "riley_continuous",
    "score_line",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
