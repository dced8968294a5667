"""An early change and the later outcome: what goes together within arms, and in proportion.

Arrays of one trial, or of many on leading axes. Derivation: docs/methods/early-change.md.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .freedman_lane import ResidualPermutation, permute_residuals
    from .landmark_arrays import Among, LandmarkData, landmark_data
    from .landmark_association import Association, associate, associate_ranks
    from .marker_imputation import impute_markers
    from .maximum_statistic import JointPermutation, permute_jointly
    from .proportional_response import AddedTerm, curvature, slope_difference
    from .restricted_spline import DoseResponse, dose_response, spline_columns

_HOME = {
    "AddedTerm": "proportional_response",
    "DoseResponse": "restricted_spline",
    "dose_response": "restricted_spline",
    "spline_columns": "restricted_spline",
    "Among": "landmark_arrays",
    "Association": "landmark_association",
    "JointPermutation": "maximum_statistic",
    "LandmarkData": "landmark_arrays",
    "ResidualPermutation": "freedman_lane",
    "associate": "landmark_association",
    "associate_ranks": "landmark_association",
    "curvature": "proportional_response",
    "impute_markers": "marker_imputation",
    "landmark_data": "landmark_arrays",
    "permute_jointly": "maximum_statistic",
    "permute_residuals": "freedman_lane",
    "slope_difference": "proportional_response",
}

__all__ = [
    "AddedTerm",
    "Among",
    "Association",
    "DoseResponse",
    "JointPermutation",
    "LandmarkData",
    "ResidualPermutation",
    "associate",
    "associate_ranks",
    "curvature",
    "dose_response",
    "impute_markers",
    "landmark_data",
    "permute_jointly",
    "permute_residuals",
    "slope_difference",
    "spline_columns",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
