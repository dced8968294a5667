"""Whether the effect of treatment differs between people: interactions, as planned and shrunk.

Outcome on treatment, covariates, modifiers and treatment x modifiers, by least squares and under
a normal prior that holds the interactions together. Derivation: docs/methods/heterogeneity.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class InteractionData:
    """One trial of two arms; complete cases.

    Attributes
    ----------
    outcome : ndarray (n,)
    fixed : ndarray (n, f)
        Intercept, treatment (column 1; 0 or 1), covariates and modifiers.
    products : ndarray (n, k)
        Treatment x modifier.
    modifiers : ndarray (n, k)
        As they enter: less their mean, numbers divided by two standard deviations, so that a
        number and a factor with two levels of equal size are alike (Gelman 2008).
    """

    outcome: np.ndarray
    fixed: np.ndarray
    products: np.ndarray
    modifiers: np.ndarray

    @property
    def n(self) -> int:
        """People."""
        return len(self.outcome)

    @property
    def df(self) -> int:
        """Residual degrees of freedom with all interactions."""
        return self.n - self.fixed.shape[1] - self.products.shape[1]


@dataclass(frozen=True, slots=True)
class Interactions:
    """Least squares.

    Attributes
    ----------
    estimate, se : ndarray (k,)
        Difference of the treatment effect per unit of the modifier, all interactions together.
    alone, alone_se, alone_df : ndarray (k,)
        The same with this interaction alone, every modifier's main effect kept.
    df : int
    joint_f, joint_p : float
        Of all k interactions together, on k and `df` degrees of freedom.
    effect, effect_se : float
        Effect of treatment at the means of the modifiers.
    residual_variance : float
    """

    estimate: np.ndarray
    se: np.ndarray
    alone: np.ndarray
    alone_se: np.ndarray
    alone_df: np.ndarray
    df: int
    joint_f: float
    joint_p: float
    effect: float
    effect_se: float
    residual_variance: float


def interaction_data(
    outcome: ArrayLike,
    treatment: ArrayLike,
    covariates: ArrayLike,
    modifiers: ArrayLike,
    factors: ArrayLike,
) -> InteractionData:
    """The data of an analysis of interactions, checked. Whoever lacks a value is left out.

    Parameters
    ----------
    outcome : array_like (n,)
    treatment : array_like (n,)
        0 control, 1 active.
    covariates : array_like (n, q)
        Without an intercept. A column that modifiers or columns before it hold already is
        dropped.
    modifiers : array_like (n, k)
        Numbers; of a factor the indicator of a level.
    factors : array_like of bool (k,)
        Which modifiers are indicators; the others are divided by two standard deviations.

    Raises
    ------
    ArgumentError
        If shapes do not fit, an arm is empty, a modifier does not vary within an arm or repeats
        others, or too few people are left for the model or to tell its interactions apart.
    """
    import numpy as np

    y = np.asarray(outcome, dtype=float)
    t = np.asarray(treatment, dtype=float)
    z = np.asarray(modifiers, dtype=float).reshape(len(y), -1)
    x = np.asarray(covariates, dtype=float).reshape(len(y), -1)
    is_factor = np.asarray(factors, dtype=bool)
    if len(t) != len(y) or is_factor.shape != (z.shape[1],):
        raise ArgumentError("as many values as people and modifiers", where="treatment, factors")
    if not z.shape[1]:
        raise ArgumentError("at least one", where="modifiers", value=0)
    used = np.isfinite(np.column_stack([y, t, z, x])).all(axis=1)
    y, t, z, x = y[used], t[used], z[used], x[used]
    if not np.isin(t, (0.0, 1.0)).all() or not (t == 0.0).any() or not (t == 1.0).any():
        raise ArgumentError("0 for control and 1 for active, people in both", where="treatment")
    for place, column in enumerate(z.T):
        if any(np.ptp(column[t == arm]) == 0.0 for arm in (0.0, 1.0)):
            raise ArgumentError("it does not vary within each arm", where=f"modifiers[{place}]")
    spread = np.where(is_factor, 1.0, 2.0 * z.std(axis=0, ddof=1))
    z = (z - z.mean(axis=0)) / spread
    columns = [np.ones_like(y), t, *z.T]
    if np.linalg.matrix_rank(np.column_stack(columns)) < len(columns):
        raise ArgumentError("none repeats treatment or the others", where="modifiers")
    for column in x.T:
        held = np.column_stack(columns)
        left = column - held @ np.linalg.lstsq(held, column, rcond=None)[0]
        size = np.linalg.norm(column - column.mean())
        if size > 0.0 and np.linalg.norm(left) > 1e-8 * size:
            columns.append((column - column.mean()) / (size / np.sqrt(len(y) - 1)))
    data = InteractionData(y, np.column_stack(columns), t[:, None] * z, z)
    if data.df < 1:
        raise ArgumentError(
            "too few people have all values",
            where="outcome",
            value=data.n,
            rule=f"more than {data.n - data.df} are needed for this model",
        )
    everything = np.column_stack([data.fixed, data.products])
    lengths = np.sqrt((everything**2).sum(axis=0))
    if np.linalg.matrix_rank(everything / lengths, tol=1e-7) < everything.shape[1]:
        raise ArgumentError(
            "too few people to tell the interactions apart", where="modifiers", value=data.n
        )
    left = y - everything @ np.linalg.lstsq(everything, y, rcond=None)[0]
    varied = float(np.linalg.norm(y - y.mean()))
    if not np.linalg.norm(left) > 1e-8 * varied + 1e-12 * float(np.linalg.norm(y)):
        raise ArgumentError("it does not vary beyond what the model holds", where="outcome")
    return data


def fit_interactions(data: InteractionData) -> Interactions:
    """All interactions together, each alone, and their joint test, by least squares."""
    import numpy as np

    from ..distributions import f_tail

    f, k = data.fixed.shape[1], data.products.shape[1]
    both, variance, inverse = _least_squares(np.column_stack([data.fixed, data.products]), data)
    theta, block = both[f:], inverse[f:, f:]
    joint = float(theta @ np.linalg.solve(block, theta)) / k / variance
    alone = np.empty((3, k))
    for place in range(k):
        columns = np.column_stack([data.fixed, data.products[:, place]])
        own, own_variance, own_inverse = _least_squares(columns, data)
        alone[:, place] = own[f], np.sqrt(own_variance * own_inverse[f, f]), data.n - f - 1
    return Interactions(
        estimate=theta,
        se=np.sqrt(variance * np.diag(block)),
        alone=alone[0],
        alone_se=alone[1],
        alone_df=alone[2],
        df=data.df,
        joint_f=joint,
        joint_p=f_tail(joint, k, data.df),
        effect=float(both[1]),
        effect_se=float(np.sqrt(variance * inverse[1, 1])),
        residual_variance=variance,
    )


def _least_squares(
    columns: np.ndarray, data: InteractionData
) -> tuple[np.ndarray, float, np.ndarray]:
    import numpy as np

    found = np.linalg.lstsq(columns, data.outcome, rcond=None)[0]
    left = data.outcome - columns @ found
    variance = float(left @ left) / (data.n - columns.shape[1])
    return found, variance, np.linalg.inv(columns.T @ columns)
