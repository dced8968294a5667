"""The mixed model for repeated measures, from a data frame to a fit.

Marginal model y_i ~ N(X_i beta, Sigma_i) with one covariance matrix over the visits. Derivation
and sources: docs/methods/mmrm.md.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .between_within import between_within_df
from .covariance_estimate import estimate_covariance, group_matrices
from .covariance_layout import covariance_layout
from .errors import ArgumentError
from .mmrm_fit import MMRMFit
from .model_data import read_model_data
from .model_maximum import maximum_of_model
from .restricted_likelihood import rescaled
from .sandwich import with_sandwich
from .small_samples import require_variances
from .vocabulary import (
    CoefficientCovariance,
    CovarianceStructure,
    DegreesOfFreedom,
    Likelihood,
    Spacing,
    parse_df,
    parse_word,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from .model_data import ModelData


def mmrm(
    formula: str,
    data: Any,
    *,
    subject: str,
    visit: str,
    covariance: str | CovarianceStructure = "us",
    method: str | Likelihood = "reml",
    df: str | DegreesOfFreedom | None = None,
    vcov: str | CoefficientCovariance = "model",
    group: str | None = None,
    weights: str | None = None,
    coordinates: str | Sequence[str] | None = None,
    alpha: float = 0.05,
    visit_levels: Sequence[object] | None = None,
) -> MMRMFit:
    """Fit a mixed model for repeated measures.

    Assumptions: participants are independent; the responses of a participant are multivariate
    normal with one covariance matrix over the visits; responses are missing at random given what
    the model contains. Rows with a missing response are dropped and counted, nothing else is.

    Parameters
    ----------
    formula : str
        For instance ``"change ~ baseline*visit + arm*visit"``; see `check_formula`.
    data : data frame
        One row a participant and visit; any frame that Narwhals reads. Factor levels keep the
        order of a Polars ``Enum`` or a pandas ``Categorical``, otherwise sorted order; the first
        is the reference. The visit is a factor, also where it is a number.
    subject, visit : str
        Columns that name the participant and the visit.
    covariance : str
        A word of `CovarianceStructure`. ``ar1`` and ``toep`` take the visits in their order to be
        equally spaced; see docs/methods/covariance-structures.md.
    method : str
        A word of `Likelihood`.
    df : str, optional
        A word of `DegreesOfFreedom`: ``kenward-roger`` where it is left out, ``satterthwaite``
        where the covariance of the coefficients is empirical, and under maximum likelihood.
        ``kenward-roger`` and ``kenward-roger-firstorder`` are the same under ``us``, ``cs`` and
        ``toep``, which are linear in SAS's parameters.
    vcov : str
        Covariance of the coefficients, a word of `CoefficientCovariance`: ``model``, or
        empirical (sandwich, by participant): ``cr0``, ``cr2``, ``cr2-root``, ``cr3``. These have
        Satterthwaite, residual or between-within degrees of freedom.
    group : str, optional
        Column whose levels have covariance matrices of their own; constant within a participant.
    weights : str, optional
        Column of positive weights: the variance of a response is divided by its weight.
    coordinates : str or sequence of str, optional
        Numeric columns between which ``sp_exp`` takes Euclidean distances. They may differ
        between participants; the visit orders and labels the rows then.
    alpha : float
        For two-sided 100(1 − alpha) % limits.
    visit_levels : sequence, optional
        Order of the visits, where the column does not declare one.

    Returns
    -------
    MMRMFit

    Raises
    ------
    FormulaError
        If the formula breaks the whitelist; nothing of it was evaluated.
    DesignError
        With all the faults of the data.
    ConvergenceError
        If there is no valid optimum. No other model is fitted instead.

    References
    ----------
    Mallinckrodt CH, Clark WS, David SR (2001) J Biopharm Stat 11:9–21.
    Kenward MG, Roger JH (1997) Biometrics 53:983–997.
    """
    structure = parse_word(CovarianceStructure, covariance, "covariance")
    likelihood = parse_word(Likelihood, method, "method")
    robust = parse_word(CoefficientCovariance, vcov, "vcov")
    df_method = parse_df(df, robust, likelihood)
    if not isinstance(alpha, int | float) or not 0.0 < alpha < 1.0:
        raise ArgumentError("alpha lies between 0 and 1", where="alpha", value=alpha)
    if coordinates is not None and structure.spacing is not Spacing.COORDINATES:
        raise ArgumentError(
            "coordinates are given, but the covariance does not use them",
            where=f"covariance={structure.word!r}",
            value=coordinates,
            rule="Only sp_exp is a function of distances",
            remedy="Use covariance='sp_exp', or leave coordinates out",
        )
    read = read_model_data(
        formula,
        data,
        subject=subject,
        visit=visit,
        visit_levels=visit_levels,
        weights=weights,
        group=group,
        coordinates=coordinates,
    )
    return fit_model(
        read,
        structure=structure,
        likelihood=likelihood,
        df_method=df_method,
        vcov=robust,
        alpha=float(alpha),
    )


def fit_model(
    read: ModelData,
    *,
    structure: CovarianceStructure,
    likelihood: Likelihood,
    df_method: DegreesOfFreedom,
    vcov: CoefficientCovariance,
    alpha: float,
) -> MMRMFit:
    """Fit to the arrays of a model; see `mmrm`."""
    n, p = read.design.shape
    reml = likelihood is Likelihood.REML
    design, response, log_weights = weighted_rows(read)
    layout = covariance_layout(read, structure)
    maximum = maximum_of_model(
        read, structure, layout, design, response, reml=reml, df_method=df_method
    )
    size, effects = maximum.size, maximum.effects
    if df_method is DegreesOfFreedom.BETWEEN_WITHIN:
        effects = replace(effects, coefficient_df=between_within_df(read))
    counted = n - p if reml else n
    minus2 = maximum.value - log_weights
    minus2 += counted * (math.log(2.0 * math.pi) + 2.0 * math.log(size))
    if reml:
        minus2 += 2.0 * maximum.log_root
    estimate = estimate_covariance(structure, layout, maximum.at, effects.information_inverse, size)
    matrices = group_matrices(estimate, read)
    n_parameters = estimate.parameters.size
    fit = MMRMFit(
        formula=read.formula.text,
        structure=structure,
        likelihood=likelihood,
        df_method=df_method,
        alpha=alpha,
        covariance=dict(zip(read.group_levels, matrices, strict=True))
        if read.group_levels
        else matrices[0],
        visits=read.visits,
        minus2_log_likelihood=minus2,
        aic=minus2 + 2.0 * n_parameters,
        bic=minus2 + n_parameters * math.log(read.n_subjects),
        n_subjects=read.n_subjects,
        n_observations=n,
        n_dropped=read.n_dropped,
        dropped_levels=read.dropped_levels,
        convergence=rescaled(maximum.convergence, size**2),
        effects=effects,
        data=read,
        covariance_estimate=estimate,
    )
    if vcov is not CoefficientCovariance.MODEL:
        fit = with_sandwich(fit, vcov)
    require_variances(fit.effects, fit.terms, vcov)
    return fit


def weighted_rows(read: ModelData) -> tuple[np.ndarray, np.ndarray, float]:
    """Design and response times the roots of the weights, and the sum of the logs of these.

    V_i = G^(-1/2) Sigma_i G^(-1/2) with weights G on the diagonal is Sigma_i for such rows.
    """
    import numpy as np

    if read.weights is None:
        return read.design, read.response, 0.0
    roots = np.sqrt(read.weights)
    log_weights = float(np.sum(np.log(read.weights)))
    return read.design * roots[:, None], read.response * roots, log_weights
