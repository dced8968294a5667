"""All early changes together and the later outcome: partial least squares and elastic net.

Covariates are taken out within every training set; many outcomes, folds and bootstrap samples go
through in one call. Derivation: docs/methods/multivariate.md.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .adjusted_sets import AdjustedSets, adjust_sets
    from .cross_validation import (
        CrossValidation,
        Tuned,
        choose_tuning,
        cross_validate,
        make_folds,
    )
    from .elastic_net import STRENGTHS, fit_elastic_net, net_penalty
    from .importance_intervals import Importance, resample_importance
    from .partial_least_squares import PartialLeastSquares, fit_partial_least_squares
    from .whole_procedure import WholeTest, permute_whole

_HOME = {
    "STRENGTHS": "elastic_net",
    "AdjustedSets": "adjusted_sets",
    "CrossValidation": "cross_validation",
    "Importance": "importance_intervals",
    "PartialLeastSquares": "partial_least_squares",
    "Tuned": "cross_validation",
    "WholeTest": "whole_procedure",
    "adjust_sets": "adjusted_sets",
    "choose_tuning": "cross_validation",
    "cross_validate": "cross_validation",
    "fit_elastic_net": "elastic_net",
    "fit_partial_least_squares": "partial_least_squares",
    "make_folds": "cross_validation",
    "net_penalty": "elastic_net",
    "permute_whole": "whole_procedure",
    "resample_importance": "importance_intervals",
}

__all__ = [
    "STRENGTHS",
    "AdjustedSets",
    "CrossValidation",
    "Importance",
    "PartialLeastSquares",
    "Tuned",
    "WholeTest",
    "adjust_sets",
    "choose_tuning",
    "cross_validate",
    "fit_elastic_net",
    "fit_partial_least_squares",
    "make_folds",
    "net_penalty",
    "permute_whole",
    "resample_importance",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
