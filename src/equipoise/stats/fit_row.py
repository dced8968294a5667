"""A fit as one row of a table: many fits are compared by stacking them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from .mmrm_fit import MMRMFit


def fit_as_row(fit: MMRMFit) -> pl.DataFrame:
    """One row: the model, its size and its likelihood."""
    import polars as pl

    return pl.DataFrame(
        {
            "formula": fit.formula,
            "covariance": fit.structure.word,
            "method": fit.likelihood.word,
            "df": fit.df_method.word,
            "vcov": fit.vcov.word,
            "n_subjects": fit.n_subjects,
            "n_observations": fit.n_observations,
            "n_dropped": fit.n_dropped,
            "n_visits": len(fit.visits),
            "n_coefficients": len(fit.terms),
            "n_covariance_parameters": fit.n_covariance_parameters,
            "minus2_log_likelihood": fit.minus2_log_likelihood,
            "aic": fit.aic,
            "bic": fit.bic,
            "converged": fit.convergence.converged,
        }
    )
