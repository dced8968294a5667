"""Natural direct and indirect effects of a treatment through an early change, linear models.

Mediators on treatment and covariates; outcome on treatment, mediators, their products with
treatment where asked, and the same covariates. Derivation: docs/methods/mediation.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from .cross_products import cross_products, solve

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class MediationData:
    """One trial of two arms: complete cases, centred and scaled.

    Attributes
    ----------
    columns : ndarray (n, 1 + 1 + q + k + h + 1)
        Intercept, treatment (0 or 1), q covariates, k mediators, their h products with
        treatment (k with interaction, else none), outcome. Covariates, mediators and outcome
        have mean 0 and standard deviation 1.
    covariates, mediators : int
        q and k.
    interaction : bool
    block : ndarray of int (n,)
        Arm x stratum of each person: within these people are resampled.
    outcome_scale : float
        Outcome units per unit of the scaled outcome.
    mediator_scales : ndarray (k,)
        The same of the mediators.
    kept : tuple of int
        Which of the covariates given are among the columns; the others add nothing to those
        before them.
    covariate_scales : ndarray (q,)
        Units per unit of the scaled covariates that are kept.
    """

    columns: np.ndarray
    covariates: int
    mediators: int
    interaction: bool
    block: np.ndarray
    outcome_scale: float
    mediator_scales: np.ndarray
    kept: tuple[int, ...]
    covariate_scales: np.ndarray

    @property
    def n(self) -> int:
        """People."""
        return len(self.columns)

    @property
    def first_mediator(self) -> int:
        """Column of the first mediator."""
        return 2 + self.covariates

    @property
    def outcome_columns(self) -> list[int]:
        """Columns on the right of the outcome's model."""
        return list(range(self.columns.shape[1] - 1))

    @property
    def mediator_columns(self) -> list[int]:
        """Columns on the right of the mediators' models."""
        return list(range(2 + self.covariates))


@dataclass(frozen=True, slots=True)
class Effects:
    """Effects in outcome units, each of shape (B,); NaN where a model has no solution.

    Attributes
    ----------
    total
        indirect_control + direct_treated, which is indirect_treated + direct_control.
    indirect_control, indirect_treated
        Natural indirect effect with the treatment held at control, or at active.
    direct_control, direct_treated
        Natural direct effect with the mediators at their values under control, or under active.
    to_mediator, to_outcome
        (B, k) effect of treatment on each mediator, in its units, and of each mediator on the
        outcome per its unit, averaged over the arms' slopes with equal weight.
    """

    total: np.ndarray
    indirect_control: np.ndarray
    indirect_treated: np.ndarray
    direct_control: np.ndarray
    direct_treated: np.ndarray
    to_mediator: np.ndarray
    to_outcome: np.ndarray

    @property
    def indirect(self) -> np.ndarray:
        """Average of the two indirect effects."""
        return 0.5 * (self.indirect_control + self.indirect_treated)

    @property
    def direct(self) -> np.ndarray:
        """Average of the two direct effects."""
        return 0.5 * (self.direct_control + self.direct_treated)


@dataclass(frozen=True, slots=True)
class LinearFit:
    """Both models, for B weightings.

    Attributes
    ----------
    mediator : ndarray (B, 2 + q, k)
        Coefficients of the mediators' models.
    outcome : ndarray (B, r)
        Coefficients of the outcome's model.
    mediator_inverse, outcome_inverse : ndarray
        Inverses of the matrices of sums of products, (B, 2 + q, 2 + q) and (B, r, r).
    mediator_residual : ndarray (B, k, k)
        Residual sums of squares and products of the mediators.
    outcome_residual : ndarray (B,)
        Residual sum of squares of the outcome.
    mean : ndarray (B, 2 + q)
        Weighted means of intercept, treatment and covariates.
    """

    mediator: np.ndarray
    outcome: np.ndarray
    mediator_inverse: np.ndarray
    outcome_inverse: np.ndarray
    mediator_residual: np.ndarray
    outcome_residual: np.ndarray
    mean: np.ndarray


def mediation_data(
    outcome: ArrayLike,
    mediators: ArrayLike,
    treatment: ArrayLike,
    covariates: ArrayLike,
    block: ArrayLike,
    *,
    interaction: bool = True,
) -> MediationData:
    """The data of a mediation analysis, checked.

    Whoever lacks a value is left out (complete cases).

    Parameters
    ----------
    outcome : array_like (n,)
    mediators : array_like (n,) or (n, k)
    treatment : array_like (n,)
        0 control, 1 active.
    covariates : array_like (n, q)
        Without an intercept; a column that adds nothing to those before it is dropped.
    block : array_like of int (n,)
    interaction : bool
        Whether the mediators' slopes may differ between the arms.

    Raises
    ------
    ArgumentError
        If shapes do not fit, an arm is empty, there are too few people for the model, or the
        outcome or a mediator does not vary beyond treatment and covariates.
    """
    import numpy as np

    y = np.asarray(outcome, dtype=float)
    m = np.asarray(mediators, dtype=float)
    m = m[:, None] if m.ndim == 1 else m
    t = np.asarray(treatment, dtype=float)
    x = np.asarray(covariates, dtype=float).reshape(len(y), -1)
    blocks = np.asarray(block)
    for name, part in (("mediators", m), ("treatment", t), ("covariates", x), ("block", blocks)):
        if len(part) != len(y):
            raise ArgumentError(f"{len(y)} people, as the outcome has", where=name, value=len(part))
    if not np.isin(t[np.isfinite(t)], (0.0, 1.0)).all():
        raise ArgumentError("0 for control and 1 for active", where="treatment")
    used = np.isfinite(np.column_stack([y, m, t, x])).all(axis=1)
    y, m, t, x, blocks = y[used], m[used], t[used], x[used], blocks[used]
    if not (t == 0.0).any() or not (t == 1.0).any():
        raise ArgumentError("both arms have people with all values", where="treatment")
    x, kept, scales = _independent(np.column_stack([np.ones_like(t), t]), x)
    scale = m.std(axis=0, ddof=1) if len(m) > 1 else np.zeros(m.shape[1])
    spread = y.std(ddof=1) if len(y) > 1 else 0.0
    base = np.column_stack([np.ones_like(t), t, x])
    spare = len(y) - base.shape[1] - m.shape[1] * (2 if interaction else 1)
    if spare < 1:
        raise ArgumentError(
            "too few people have all values",
            where="outcome",
            value=len(y),
            rule=f"more than {len(y) - spare} are needed for this model",
        )
    left = np.column_stack([m, y])
    left = left - base @ np.linalg.lstsq(base, left, rcond=None)[0]
    whole = np.column_stack([m, y])
    for place, name in enumerate([*["mediators"] * m.shape[1], "outcome"]):
        size = np.sqrt(((whole[:, place] - whole[:, place].mean()) ** 2).sum())
        # A constant leaves the rounding of its own size behind.
        least = max(1e-8 * size, 1e-12 * np.sqrt((whole[:, place] ** 2).sum()))
        if not np.sqrt((left[:, place] ** 2).sum()) > least:
            raise ArgumentError("it does not vary beyond treatment and covariates", where=name)
    m = (m - m.mean(axis=0)) / scale
    products = m * t[:, None] if interaction else np.empty((len(t), 0))
    columns = np.column_stack([base, m, products, (y - y.mean()) / spread])
    return MediationData(
        columns=columns,
        covariates=x.shape[1],
        mediators=m.shape[1],
        interaction=interaction,
        block=blocks,
        outcome_scale=float(spread),
        mediator_scales=scale,
        kept=kept,
        covariate_scales=scales,
    )


def fit_models(data: MediationData, counts: np.ndarray) -> LinearFit:
    """Both models by least squares, one fit a row of counts (B, n)."""
    return fit_sums(data, cross_products(data.columns, counts))


def fit_sums(data: MediationData, sums: np.ndarray) -> LinearFit:
    """Both models from sums of squares and products (B, p, p) of the data's columns."""
    import numpy as np

    left, right = data.mediator_columns, data.outcome_columns
    own = list(range(data.first_mediator, data.first_mediator + data.mediators))
    last = data.columns.shape[1] - 1
    alpha, alpha_inverse = solve(sums[:, left][:, :, left], sums[:, left][:, :, own])
    beta, beta_inverse = solve(sums[:, right][:, :, right], sums[:, right][:, :, [last]])
    explained = np.swapaxes(alpha, -1, -2) @ sums[:, left][:, :, own]
    residual = sums[:, own][:, :, own] - explained
    outcome_residual = sums[:, last, last] - (beta[..., 0] * sums[:, right][:, :, last]).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = sums[:, 0, left] / sums[:, 0, :1]
    return LinearFit(
        mediator=alpha,
        outcome=beta[..., 0],
        mediator_inverse=alpha_inverse,
        outcome_inverse=beta_inverse,
        mediator_residual=residual,
        outcome_residual=outcome_residual,
        mean=mean,
    )


def effects_of(
    data: MediationData, mediator: np.ndarray, outcome: np.ndarray, mean: np.ndarray
) -> Effects:
    """Effects from the coefficients of both models, as in `LinearFit`.

    Source: Imai, Keele and Tingley (2010), section "Mediation analysis within the
    counterfactual framework", for linear models with interaction.
    """
    import numpy as np

    first, k = data.first_mediator, data.mediators
    a = mediator[:, 1, :]
    slope = outcome[:, first : first + k]
    extra = outcome[:, first + k : first + 2 * k] if data.interaction else np.zeros_like(slope)
    at_control = mean.copy()
    at_control[:, 1] = 0.0
    level = (at_control[:, :, None] * mediator).sum(axis=1)
    scale = data.outcome_scale
    control = (a * slope).sum(axis=-1) * scale
    treated = (a * (slope + extra)).sum(axis=-1) * scale
    direct_control = (outcome[:, 1] + (extra * level).sum(axis=-1)) * scale
    direct_treated = (outcome[:, 1] + (extra * (level + a)).sum(axis=-1)) * scale
    return Effects(
        total=control + direct_treated,
        indirect_control=control,
        indirect_treated=treated,
        direct_control=direct_control,
        direct_treated=direct_treated,
        to_mediator=a * data.mediator_scales,
        to_outcome=(slope + 0.5 * extra) * scale / data.mediator_scales,
    )


def estimate(data: MediationData, counts: np.ndarray | None = None) -> Effects:
    """The effects; without counts those of the trial itself, B = 1.

    Assumes more than randomisation gives: no common cause of mediator and outcome beyond the
    covariates, neither measured nor moved by treatment; linear models; independent people. Of
    several mediators together, that the set has no such common cause with the outcome.

    Parameters
    ----------
    counts : ndarray (B, n), optional
        How often each person is in each of B samples.

    References
    ----------
    Imai K, Keele L, Tingley D (2010) A general approach to causal mediation analysis. Psychol
    Methods 15:309–334.
    VanderWeele TJ, Vansteelandt S (2014) Mediation analysis with multiple mediators. Epidemiol
    Methods 2:95–115.
    """
    import numpy as np

    weights = np.ones((1, data.n)) if counts is None else counts
    fit = fit_models(data, weights)
    return effects_of(data, fit.mediator, fit.outcome, fit.mean)


def _independent(
    before: np.ndarray, columns: np.ndarray
) -> tuple[np.ndarray, tuple[int, ...], np.ndarray]:
    """Columns centred and scaled, which of those given they are, and their scales.

    Those that add nothing to the ones before are left out.
    """
    import numpy as np

    basis, _ = np.linalg.qr(before)
    found: list[np.ndarray] = []
    kept: list[int] = []
    scales: list[float] = []
    for place, column in enumerate(columns.T):
        own = column - column.mean()
        size = float(np.sqrt((own * own).sum()))
        left = own - basis @ (basis.T @ own)
        left = left - basis @ (basis.T @ left)
        rest = float(np.sqrt((left * left).sum()))
        if size > 0.0 and rest > 1e-8 * size:
            basis = np.column_stack([basis, left / rest])
            scales.append(size / float(np.sqrt(len(own) - 1)))
            found.append(own / scales[-1])
            kept.append(place)
    shape = (len(columns), len(found))
    return np.array(found).T.reshape(shape), tuple(kept), np.array(scales)
