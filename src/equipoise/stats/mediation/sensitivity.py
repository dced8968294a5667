"""What unmeasured confounding and assay error would do to an indirect effect.

Both for one mediator in linear models without interaction. Derivation: docs/methods/mediation.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from .cross_products import cross_products, solve
from .linear_mediation import MediationData, effects_of, fit_sums

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Confounding:
    """The indirect effect if the errors of mediator and outcome were correlated.

    Attributes
    ----------
    rho : ndarray (R,)
    indirect : ndarray (B, R)
        Outcome units.
    vanishing : ndarray (B,)
        The rho at which the indirect effect is 0.
    mediator_unexplained, outcome_unexplained : ndarray (B,)
        1 - R² of the mediator's model, and of the outcome's model with the mediator. rho² is the
        product of the parts of the residual variances that an unmeasured cause explains; times
        both of these, of the total variances.
    """

    rho: np.ndarray
    indirect: np.ndarray
    vanishing: np.ndarray
    mediator_unexplained: np.ndarray
    outcome_unexplained: np.ndarray


def confounded(
    data: MediationData, rho: np.ndarray, counts: np.ndarray | None = None
) -> Confounding:
    """The indirect effect for correlations `rho` of the two models' errors.

    At rho = 0 it is the estimate itself. Assumes linear models without interaction, one
    mediator, and that nothing else is wrong.

    Parameters
    ----------
    rho : ndarray (R,)
        Each above -1 and below 1.
    counts : ndarray (B, n), optional
        Samples as in `estimate`.

    Raises
    ------
    ArgumentError
        With interaction, several mediators, or a rho outside its range.

    References
    ----------
    Imai K, Keele L, Yamamoto T (2010) Identification, inference and sensitivity analysis for
    causal mediation effects. Stat Sci 25:51–71, theorem 4.
    """
    import numpy as np

    _require_simple(data)
    rho = np.asarray(rho, dtype=float)
    if not (np.abs(rho) < 1.0).all():
        raise ArgumentError("each lies between -1 and 1", where="rho", value=rho.tolist())
    weights = np.ones((1, data.n)) if counts is None else counts
    sums = cross_products(data.columns, weights)
    left, m, y = data.mediator_columns, data.first_mediator, data.columns.shape[1] - 1
    pair = [m, y]
    coefficients, _ = solve(sums[:, left][:, :, left], sums[:, left][:, :, pair])
    explained = np.swapaxes(coefficients, -1, -2) @ sums[:, left][:, :, pair]
    residual = sums[:, pair][:, :, pair] - explained
    ss_m, ss_y, both = residual[:, 0, 0], residual[:, 1, 1], residual[:, 0, 1]
    total = np.array([sums[:, j, j] - sums[:, 0, j] ** 2 / sums[:, 0, 0] for j in pair])
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = both / np.sqrt(ss_m * ss_y)
        factor = coefficients[:, 1, 0] * np.sqrt(ss_y / ss_m) * data.outcome_scale
        bend = np.sqrt((1.0 - seen[:, None] ** 2) / (1.0 - rho**2))
        indirect = factor[:, None] * (seen[:, None] - rho * bend)
        unexplained = ss_y * (1.0 - seen**2) / total[1]
    return Confounding(rho, indirect, seen, ss_m / total[0], unexplained)


def without_assay_error(
    data: MediationData, baseline: int | None, cv: float, counts: np.ndarray | None = None
) -> np.ndarray:
    """(B,) the indirect effect had the assay been free of error, in outcome units.

    For the log of a ratio with independent multiplicative errors of one coefficient of
    variation at both visits, s² = log(1 + cv²): the early change carries 2s², its baseline among
    the covariates s², and, as the baseline is subtracted, the two together -s². These are taken
    from the residual sums of squares and products (method of moments); NaN where nothing is
    left of them: the error would then explain all that was seen.

    Parameters
    ----------
    baseline : int, optional
        Place of the marker's log baseline among the covariates; None where it is not there.
    cv : float
        0 or more.

    Raises
    ------
    ArgumentError
        With interaction, several mediators, or an impossible `cv` or `baseline`.

    References
    ----------
    Fuller WA (1987) Measurement Error Models, section 2.2.
    """
    import numpy as np

    _require_simple(data)
    if not cv >= 0.0:
        raise ArgumentError("0 or more", where="cv", value=cv)
    if baseline is not None and baseline < 0:
        raise ArgumentError("the place of a covariate", where="baseline", value=baseline)
    weights = np.ones((1, data.n)) if counts is None else counts
    sums = cross_products(data.columns, weights)
    variance = float(np.log1p(cv * cv))
    m = data.first_mediator
    # A baseline that adds nothing to the other covariates is not among the columns.
    place = data.kept.index(baseline) if baseline in data.kept else None
    noisy = [m] if place is None else [m, 2 + place]
    clean = [j for j in data.mediator_columns if j not in noisy]
    spare = sums[:, 0, 0] - len(clean)
    scale = float(data.mediator_scales[0])
    error = np.array([[2.0 * variance / scale**2]])
    if place is not None:
        own = float(data.covariate_scales[place])
        error = np.array(
            [
                [2.0 * variance / scale**2, -variance / (scale * own)],
                [-variance / (scale * own), variance / own**2],
            ]
        )
    coefficients, _ = solve(sums[:, clean][:, :, clean], sums[:, clean][:, :, noisy])
    left = (
        sums[:, noisy][:, :, noisy]
        - np.swapaxes(coefficients, -1, -2) @ sums[:, clean][:, :, noisy]
    )
    left = left - spare[:, None, None] * error
    positive = np.linalg.eigvalsh(np.where(np.isfinite(left), left, 0.0))[:, 0] > 0.0
    corrected = sums.copy()
    corrected[:, np.array(noisy)[:, None], noisy] -= spare[:, None, None] * error
    fit = fit_sums(data, corrected)
    found = effects_of(data, fit.mediator, fit.outcome, fit.mean).indirect
    return np.where(positive, found, np.nan)


def _require_simple(data: MediationData) -> None:
    if data.interaction or data.mediators != 1:
        raise ArgumentError("one mediator without interaction", where="data")
