"""How the effect on an early change and the effect on the later outcome go together in one trial.

Relative effect and adjusted association, never a verdict: from one trial a surrogate cannot be
validated. Derivation: docs/methods/surrogacy.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .distributions import t_quantile
from .errors import ArgumentError
from .exact_intervals import require_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import ArrayLike

Shape = Literal["interval", "two rays", "whole line"]

#: Of a column that adds nothing no more is left than this part of it.
_NOTHING_LEFT = 1e-10


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval.

    Attributes
    ----------
    value, lower, upper : float
    """

    value: float
    lower: float
    upper: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of 0."""
        return self.lower > 0.0 or self.upper < 0.0


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of two estimates with Fieller's confidence set.

    Attributes
    ----------
    value : float
        Numerator over denominator.
    shape : {"interval", "two rays", "whole line"}
        ``two rays``: every value up to `lower` and every value from `upper` on. ``whole line``:
        every value, and no limits.
    lower, upper : float
        NaN for the whole line.
    """

    value: float
    shape: Shape
    lower: float
    upper: float

    def __contains__(self, value: float) -> bool:
        if self.shape == "whole line":
            return True
        if self.shape == "interval":
            return self.lower <= value <= self.upper
        return value <= self.lower or value >= self.upper


@dataclass(frozen=True, slots=True)
class Surrogacy:
    """What one trial says of an early change beside its outcome.

    Attributes
    ----------
    n : int
        Participants used.
    df : float
        Residual degrees of freedom of either model.
    outcome_effect, marker_effect : Estimate
        Effect of treatment on the outcome and on the marker, adjusted alike, with t intervals.
    relative_effect : Ratio
        Effect on the outcome over effect on the marker: outcome units per unit of the marker.
    association : Estimate
        Correlation of the two residuals, given treatment and covariates, with Fisher's interval.
    direct_effect : Estimate
        Effect on the outcome given the marker as well.
    proportion_explained : Ratio or None
        1 - direct/total effect (Freedman); None while the total's interval includes 0. It can be
        below 0 or above 1 and is no proportion of anything.
    """

    n: int
    df: float
    outcome_effect: Estimate
    marker_effect: Estimate
    relative_effect: Ratio
    association: Estimate
    direct_effect: Estimate
    proportion_explained: Ratio | None


def fieller(
    numerator: float,
    denominator: float,
    variances: tuple[float, float, float],
    df: float,
    *,
    alpha: float = 0.05,
) -> Ratio:
    """Fieller's confidence set of a ratio of two normal estimates.

    The values r with (a - r b)^2 <= t^2 (v_a - 2 r c + r^2 v_b): an interval where b differs
    from 0 at the level, else two rays that leave a gap out, or every number.

    Parameters
    ----------
    numerator, denominator : float
        a and b.
    variances : (float, float, float)
        v_a, v_b and the covariance c, on `df` degrees of freedom.
    df : float
        Infinity for known variances.
    alpha : float

    Raises
    ------
    ArgumentError
        If a value is not finite, or the variances are not those of two estimates.

    References
    ----------
    Fieller EC (1954) Some problems in interval estimation. J R Stat Soc B 16:175–185.
    """
    require_level(alpha)
    for name, value in (("numerator", numerator), ("denominator", denominator)):
        if not math.isfinite(value):
            raise ArgumentError("a finite number", where=name, value=value)
    va, vb, c = variances
    if not (va > 0.0 and vb > 0.0 and c * c <= va * vb * (1.0 + 1e-9)):
        raise ArgumentError(
            "two positive variances and a covariance no larger than they allow",
            where="variances",
            value=variances,
        )
    if not df > 0.0:
        raise ArgumentError("a positive number", where="df", value=df)
    if math.isinf(df):
        from scipy.special import ndtri

        t = float(ndtri(1.0 - alpha / 2.0))
    else:
        t = float(t_quantile(1.0 - alpha / 2.0, df))
    squared = t * t
    a = denominator**2 - squared * vb
    b = numerator * denominator - squared * c
    rest = numerator**2 - squared * va
    value = numerator / denominator if denominator != 0.0 else math.nan
    inside = b * b - a * rest
    if a < 0.0 and inside <= 0.0:
        return Ratio(value, "whole line", math.nan, math.nan)
    if a == 0.0:  # one of the limits lies at infinity
        limit = rest / (2.0 * b) if b != 0.0 else math.nan
        if b > 0.0:
            return Ratio(value, "interval", limit, math.inf)
        if b < 0.0:
            return Ratio(value, "interval", -math.inf, limit)
        return Ratio(value, "whole line", math.nan, math.nan)
    reach = math.sqrt(max(inside, 0.0))
    first, second = sorted(((b - reach) / a, (b + reach) / a))
    return Ratio(value, "interval" if a > 0.0 else "two rays", first, second)


def surrogacy(
    outcome: ArrayLike,
    marker: ArrayLike,
    treated: ArrayLike,
    covariates: Sequence[ArrayLike] = (),
    *,
    alpha: float = 0.05,
) -> Surrogacy | None:
    """Relative effect and adjusted association of a marker in one randomised comparison.

    Assumes a bivariate linear model of outcome and marker with the same covariates, so that
    seemingly unrelated regressions are two least-squares fits with correlated errors of constant
    variance, and that whoever lacks a value does so at random. Treatment is randomised, the
    marker is not: the effect given the marker is no direct effect without more assumptions.

    Parameters
    ----------
    outcome, marker : array_like (n,)
        NaN: missing; complete cases are used.
    treated : array_like (n,)
        1 for the active arm, 0 for the control.
    covariates : sequence of array_like (n,)
        Baselines and strata; NaN: missing. An intercept is added.
    alpha : float

    Returns
    -------
    Surrogacy or None
        None where too few people have all values, or a value does not vary beyond the rest.

    Raises
    ------
    ArgumentError
        If shapes do not fit, or `treated` holds anything but 0 and 1.

    References
    ----------
    Buyse M, Molenberghs G (1998) Criteria for the validation of surrogate endpoints in
    randomized experiments. Biometrics 54:1014–1029.
    Freedman LS, Graubard BI, Schatzkin A (1992) Statistical validation of intermediate endpoints
    for chronic diseases. Stat Med 11:167–178.
    """
    import numpy as np

    require_level(alpha)
    y, x, z = (np.asarray(values, dtype=float) for values in (outcome, marker, treated))
    others = [np.asarray(values, dtype=float) for values in covariates]
    for name, values in (("marker", x), ("treated", z), *(("covariates", c) for c in others)):
        if y.ndim != 1 or values.shape != y.shape:
            raise ArgumentError(
                "the same participants as the outcome", where=name, value=values.shape
            )
    if not np.isin(z, (0.0, 1.0)).all():
        raise ArgumentError("0 for the control and 1 for the active arm", where="treated")
    used = np.isfinite(y) & np.isfinite(x)
    for values in others:
        used = used & np.isfinite(values)
    n = int(used.sum())
    columns: list[np.ndarray] = []
    for values in (np.ones(len(y)), *others):
        left, squares = _cleared(values[used], columns)
        if squares > 0.0:
            columns.append(left / math.sqrt(squares))
    arm, spread = _cleared(z[used], columns)
    df = float(n - len(columns) - 1)
    if not spread > 0.0 or df < 2.0:
        return None
    # Effects are inner products with `weights`; residuals lie outside the columns and the arm.
    weights = arm / spread
    outcome_effect, marker_effect = float(weights @ y[used]), float(weights @ x[used])
    space = [*columns, arm / math.sqrt(spread)]
    ry, yy = _cleared(y[used], space)
    rx, xx = _cleared(x[used], space)
    if not (yy > 0.0 and xx > 0.0):
        return None
    v = 1.0 / spread
    syy, sxx, sxy = yy / df, xx / df, float(ry @ rx) / df
    slope = sxy / sxx
    residual = max(yy - slope * float(ry @ rx), 0.0) / (df - 1.0)
    direct = outcome_effect - slope * marker_effect
    direct_variance = residual * (v + marker_effect**2 / xx)
    total = _t_limits(outcome_effect, syy * v, df, alpha)
    explained = None
    if total.excludes_zero and residual > 0.0:
        # Given the marker, direct and total effect share the errors of the outcome: covariance
        # residual * v (docs/methods/surrogacy.md).
        shared = residual * v
        kept = fieller(
            direct,
            outcome_effect,
            (direct_variance, syy * v, min(shared, math.sqrt(direct_variance * syy * v))),
            df - 1.0,
            alpha=alpha,
        )
        explained = Ratio(1.0 - kept.value, kept.shape, 1.0 - kept.upper, 1.0 - kept.lower)
    return Surrogacy(
        n=n,
        df=df,
        outcome_effect=total,
        marker_effect=_t_limits(marker_effect, sxx * v, df, alpha),
        relative_effect=fieller(
            outcome_effect, marker_effect, (syy * v, sxx * v, sxy * v), df, alpha=alpha
        ),
        association=_fisher(sxy / math.sqrt(syy * sxx), df, alpha),
        direct_effect=_t_limits(direct, direct_variance, df - 1.0, alpha),
        proportion_explained=explained,
    )


def _cleared(values: np.ndarray, columns: list[np.ndarray]) -> tuple[np.ndarray, float]:
    """What of `values` orthonormal columns do not hold, and its sum of squares: 0 for nothing."""
    left = values.astype(float)
    for _ in range(2):
        for column in columns:
            left = left - column * float(column @ left)
    squares = float(left @ left)
    adds = squares > _NOTHING_LEFT**2 * float(values @ values)
    return left, squares if adds else 0.0


def _t_limits(value: float, variance: float, df: float, alpha: float) -> Estimate:
    reach = float(t_quantile(1.0 - alpha / 2.0, df)) * math.sqrt(variance)
    return Estimate(value, value - reach, value + reach)


def _fisher(r: float, df: float, alpha: float) -> Estimate:
    """Fisher's interval: `df` residual degrees of freedom leave a variance of 1/(df - 2)."""
    from scipy.special import ndtri

    r = min(max(r, -1.0), 1.0)
    if df <= 2.0 or abs(r) == 1.0:
        return Estimate(r, math.nan, math.nan)
    z, reach = math.atanh(r), float(ndtri(1.0 - alpha / 2.0)) / math.sqrt(df - 2.0)
    return Estimate(r, math.tanh(z - reach), math.tanh(z + reach))
