"""Interactions held together by a normal prior whose width the data help to find.

Given the width everything has closed form (a t distribution); the width is integrated on a grid.
Derivation: docs/methods/heterogeneity.md, "Shrinkage".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from ..exact_intervals import require_level
from .treatment_interactions import InteractionData

if TYPE_CHECKING:
    import numpy as np

#: Points of the grid over the width; each stands for the same prior probability.
_POINTS = 120


@dataclass(frozen=True, slots=True)
class ShrunkenInteractions:
    """The posterior: a mixture of t distributions, one a point of the grid.

    Attributes
    ----------
    width : ndarray (G,)
        Standard deviation of the interactions, in residual standard deviations.
    weight : ndarray (G,)
        Posterior probability of each point; they sum to 1.
    mean : ndarray (G, p)
        Of all coefficients: those of the fixed columns, then the interactions.
    scale : ndarray (G, p, p)
        Scale matrices of the t distributions.
    df : int
        Their degrees of freedom.
    fixed : int
        How many fixed columns there are.
    """

    width: np.ndarray
    weight: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    df: int
    fixed: int

    @property
    def expected_width(self) -> float:
        """Posterior mean of the width, in residual standard deviations."""
        return float(self.width @ self.weight)

    def combine(
        self, matrix: np.ndarray, *, alpha: float = 0.05
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Posterior mean and equal-tailed interval of linear combinations, rows of (r, p)."""
        import numpy as np

        require_level(alpha)
        centre = self.mean @ matrix.T
        spread = np.sqrt(np.einsum("rp,gpq,rq->gr", matrix, self.scale, matrix))
        lower = self._quantile(alpha / 2.0, centre, spread)
        upper = self._quantile(1.0 - alpha / 2.0, centre, spread)
        return self.weight @ centre, lower, upper

    def below(self, matrix: np.ndarray, value: float = 0.0) -> np.ndarray:
        """(r,) posterior probability that a combination lies below `value`."""
        import numpy as np
        from scipy.special import stdtr

        centre = self.mean @ matrix.T
        spread = np.sqrt(np.einsum("rp,gpq,rq->gr", matrix, self.scale, matrix))
        return self.weight @ stdtr(float(self.df), (value - centre) / spread)

    def effect_rows(self, modifiers: np.ndarray) -> np.ndarray:
        """(r, p) rows whose combination is the treatment effect at these modifiers (r, k)."""
        import numpy as np

        rows = np.zeros((len(modifiers), self.mean.shape[1]))
        rows[:, 1] = 1.0
        rows[:, self.fixed :] = modifiers
        return rows

    def _quantile(self, probability: float, centre: np.ndarray, spread: np.ndarray) -> np.ndarray:
        import numpy as np
        from scipy.special import stdtr, stdtrit

        reach = stdtrit(float(self.df), max(probability, 1.0 - probability)) * spread
        low, high = (centre - reach).min(axis=0), (centre + reach).max(axis=0)
        for _ in range(60):
            middle = 0.5 * (low + high)
            below = self.weight @ stdtr(float(self.df), (middle - centre) / spread) < probability
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return 0.5 * (low + high)


def shrink_interactions(data: InteractionData, prior_scale: float) -> ShrunkenInteractions:
    """Interactions under theta ~ N(0, (sigma·w)²), w half-Cauchy, the rest without prior.

    Assumes normal errors of one variance and that the interactions are exchangeable before the
    data are seen: none is known to be larger, and either sign is as likely.

    Parameters
    ----------
    data : InteractionData
    prior_scale : float
        Scale of the half-Cauchy prior of w, its median, in residual standard deviations; above 0.
        Its tail is heavy on purpose: interactions much wider than expected are then believed.

    Raises
    ------
    ArgumentError
        If `prior_scale` is not above 0.

    References
    ----------
    Dixon DO, Simon R (1991) Bayesian subset analysis. Biometrics 47:871–881.
    Jones HE, Ohlssen DI, Neuenschwander B, Racine A, Branson M (2011) Bayesian models for
    subgroup analysis in clinical trials. Clin Trials 8:129–143.
    Gelman A (2006) Prior distributions for variance parameters in hierarchical models. Bayesian
    Anal 1:515–534.
    """
    import numpy as np

    if not prior_scale > 0.0:
        raise ArgumentError("above 0", where="prior_scale", value=prior_scale)
    columns = np.column_stack([data.fixed, data.products])
    f, k = data.fixed.shape[1], data.products.shape[1]
    sums, right = columns.T @ columns, columns.T @ data.outcome
    # Quantiles of the half-Cauchy distribution in the middle of cells of equal probability.
    width = prior_scale * np.tan(0.5 * np.pi * (np.arange(_POINTS) + 0.5) / _POINTS)
    penalty = np.zeros((_POINTS, f + k, f + k))
    places = np.arange(f, f + k)
    penalty[:, places, places] = (1.0 / width**2)[:, None]
    matrix = sums + penalty
    inverse = np.linalg.inv(matrix)
    mean = inverse @ right
    left = float(data.outcome @ data.outcome) - mean @ right
    df = data.n - f
    _, log_determinant = np.linalg.slogdet(matrix)
    log_weight = -0.5 * log_determinant - k * np.log(width) - 0.5 * df * np.log(left)
    weight = np.exp(log_weight - log_weight.max())
    return ShrunkenInteractions(
        width=width,
        weight=weight / weight.sum(),
        mean=mean,
        scale=(left / df)[:, None, None] * inverse,
        df=df,
        fixed=f,
    )
