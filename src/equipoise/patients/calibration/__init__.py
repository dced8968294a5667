"""Calibration of a mechanistic model: published targets in, parameters and misses out."""

from equipoise.patients.calibration.fitting import Fit, fit
from equipoise.patients.calibration.published_statistics import Experiments
from equipoise.patients.calibration.targets import CalibrationPlan, Target, read_plan

__all__ = ["CalibrationPlan", "Experiments", "Fit", "Target", "fit", "read_plan"]
