"""The four stages in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .analysis_models import Ancova, analyse
from .imputed_values import impute
from .parameter_draws import draw
from .pooling import pool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..vocabulary import CovarianceStructure
    from .analysis_models import AnalysisFunction
    from .gibbs_sampler import Prior
    from .parameter_draws import DrawMethod
    from .pooling import Pooled
    from .strategies import Strategy


def reference_based_imputation(
    formula: str,
    data: Any,
    analysis: Ancova | AnalysisFunction | list[Ancova] | tuple[Ancova, ...],
    *,
    subject: str,
    visit: str,
    arm: str,
    reference: str | Mapping[str, str] | None = None,
    strategy: str | Strategy | Mapping[str, str | Strategy] = "mar",
    events: Any = None,
    delta: float | None = None,
    delta_arms: list[str] | None = None,
    method: str | DrawMethod = "bayes",
    imputations: int = 100,
    seed: int | None = None,
    alpha: float = 0.05,
    covariance: str | CovarianceStructure = "us",
    same_covariance: bool = True,
    prior: str | Prior = "jeffreys",
    burn_in: int = 200,
    thin: int = 10,
    visit_levels: Sequence[object] | None = None,
) -> Pooled:
    """Draw, impute, analyse and pool.

    Assumptions: participants are independent; the response is multivariate normal given the
    covariates; values missing before an event are missing at random given the model; after it
    the strategy holds, which no data can confirm.

    Parameters
    ----------
    formula, data, subject, visit, arm, events, strategy, method, imputations, seed, covariance, \
    same_covariance, prior, burn_in, thin, visit_levels
        Of the imputation model; see `draw`.
    analysis : Ancova, sequence of Ancova, or callable
        See `analyse`; for instance ``imputation.ancova("change ~ baseline + arm", visit="6")``.
    reference : str or mapping of arm to arm
        See `impute`.
    delta : float, optional
        Added to every imputed value of `delta_arms` (all arms where they are left out).
    alpha : float
        For two-sided 100(1 − alpha) % limits.

    Returns
    -------
    Pooled

    References
    ----------
    Carpenter JR, Roger JH, Kenward MG (2013) J Biopharm Stat 23:1352–1371.
    Wolbers M, Noci A, Delmar P, Gower-Page C, Yiu S, Bartlett JW (2022) Pharm Stat 21:1246–1257.
    """
    from .deltas import delta_adjustment

    drawn = draw(
        formula,
        data,
        subject=subject,
        visit=visit,
        arm=arm,
        events=events,
        strategy=strategy,
        method=method,
        imputations=imputations,
        seed=seed,
        covariance=covariance,
        same_covariance=same_covariance,
        prior=prior,
        burn_in=burn_in,
        thin=thin,
        visit_levels=visit_levels,
    )
    imputed = impute(drawn, reference=reference)
    deltas = None if delta is None else delta_adjustment(imputed, delta, arms=delta_arms)
    return pool(analyse(imputed, analysis, deltas), alpha=alpha)
