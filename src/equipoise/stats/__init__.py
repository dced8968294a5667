"""Statistical methods that stand alone: they take arrays and data frames, and know no trial.

Importing this package loads the standard library only; each public name brings what it needs
when it is first used (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .allocation_arrays import permuted_allocations
    from .balance import standardised_difference_mean, standardised_difference_proportions
    from .batch_fits import BatchFits, mmrm_batch
    from .convergence import Convergence, Outcome
    from .errors import ArgumentError, ConvergenceError, DesignError, FormulaError, StatsError
    from .event_rates import event_rate, rate_ratio
    from .exact_intervals import clopper_pearson, upper_limit_excluded
    from .graphical_procedure import graphical_procedure_p
    from .imputation import reference_based_imputation
    from .inference_by_design import rerandomisation_test
    from .information_criteria import InformationCriteria
    from .kernel_cache import compile_kernels, kernels_compiled
    from .largest_statistic import MaximumTest, westfall_young
    from .log_rank_test import log_rank
    from .mmrm_fit import MMRMFit
    from .model_formula import FUNCTIONS, ParsedFormula, check_formula
    from .multiplicity import benjamini_hochberg, fixed_sequence, hochberg, holm
    from .probability_of_winning import win_probability
    from .refitting import arm_contrast
    from .repeated_measures import mmrm
    from .restricted_mean_time import restricted_mean, restricted_mean_difference
    from .score_intervals import RiskDifference, miettinen_nurminen
    from .small_samples import TestResult
    from .stopping import stopping_boundary, stopping_characteristics
    from .stratified_risk_difference import miettinen_nurminen_stratified
    from .survival import kaplan_meier
    from .unconditional_risk_difference import exact_risk_difference
    from .vocabulary import (
        CoefficientCovariance,
        CovarianceStructure,
        DegreesOfFreedom,
        Likelihood,
    )

_HOME = {
    "FUNCTIONS": "model_formula",
    "ArgumentError": "errors",
    "BatchFits": "batch_fits",
    "CoefficientCovariance": "vocabulary",
    "Convergence": "convergence",
    "ConvergenceError": "errors",
    "CovarianceStructure": "vocabulary",
    "DegreesOfFreedom": "vocabulary",
    "DesignError": "errors",
    "FormulaError": "errors",
    "Likelihood": "vocabulary",
    "MaximumTest": "largest_statistic",
    "InformationCriteria": "information_criteria",
    "MMRMFit": "mmrm_fit",
    "Outcome": "convergence",
    "ParsedFormula": "model_formula",
    "RiskDifference": "score_intervals",
    "StatsError": "errors",
    "TestResult": "small_samples",
    "arm_contrast": "refitting",
    "benjamini_hochberg": "multiplicity",
    "check_formula": "model_formula",
    "clopper_pearson": "exact_intervals",
    "compile_kernels": "kernel_cache",
    "event_rate": "event_rates",
    "exact_risk_difference": "unconditional_risk_difference",
    "fixed_sequence": "multiplicity",
    "graphical_procedure_p": "graphical_procedure",
    "hochberg": "multiplicity",
    "holm": "multiplicity",
    "kaplan_meier": "survival",
    "kernels_compiled": "kernel_cache",
    "log_rank": "log_rank_test",
    "miettinen_nurminen": "score_intervals",
    "miettinen_nurminen_stratified": "stratified_risk_difference",
    "mmrm": "repeated_measures",
    "mmrm_batch": "batch_fits",
    "permuted_allocations": "allocation_arrays",
    "rate_ratio": "event_rates",
    "reference_based_imputation": "imputation",
    "rerandomisation_test": "inference_by_design",
    "restricted_mean": "restricted_mean_time",
    "restricted_mean_difference": "restricted_mean_time",
    "standardised_difference_mean": "balance",
    "standardised_difference_proportions": "balance",
    "stopping_boundary": "stopping",
    "stopping_characteristics": "stopping",
    "upper_limit_excluded": "exact_intervals",
    "westfall_young": "largest_statistic",
    "win_probability": "probability_of_winning",
}

__all__ = [
    "FUNCTIONS",
    "ArgumentError",
    "BatchFits",
    "CoefficientCovariance",
    "Convergence",
    "ConvergenceError",
    "CovarianceStructure",
    "DegreesOfFreedom",
    "DesignError",
    "FormulaError",
    "InformationCriteria",
    "Likelihood",
    "MMRMFit",
    "MaximumTest",
    "Outcome",
    "ParsedFormula",
    "RiskDifference",
    "StatsError",
    "TestResult",
    "arm_contrast",
    "benjamini_hochberg",
    "check_formula",
    "clopper_pearson",
    "compile_kernels",
    "event_rate",
    "exact_risk_difference",
    "fixed_sequence",
    "graphical_procedure_p",
    "hochberg",
    "holm",
    "kaplan_meier",
    "kernels_compiled",
    "log_rank",
    "miettinen_nurminen",
    "miettinen_nurminen_stratified",
    "mmrm",
    "mmrm_batch",
    "permuted_allocations",
    "rate_ratio",
    "reference_based_imputation",
    "rerandomisation_test",
    "restricted_mean",
    "restricted_mean_difference",
    "standardised_difference_mean",
    "standardised_difference_proportions",
    "stopping_boundary",
    "stopping_characteristics",
    "upper_limit_excluded",
    "westfall_young",
    "win_probability",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
