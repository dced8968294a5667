"""Statistics that are a maximum of normal ones over an independent scale: tails and quantiles.

M = W / s with W a maximum (or range) of normal variables with known covariance and s² an
independent chi-square over its degrees of freedom. P(M > c) is the mean over s of P(W > c s): one
smooth integral over log s, for which Gauss–Legendre quadrature is exact to rounding. Tails are
integrated, never found as one minus a probability. Used by `studentised_range` and
`multivariate_t`; derivation in docs/methods/multiple-comparisons.md.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np

_NODES = 160
#: What lies beyond these quantiles of the scale is left out: below the rounding of a p-value.
_CUT = 1e-17


class NormalTail(Protocol):
    """P(W > w) for W the maximum under the normal distribution."""

    def tail(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities, and an estimate of their absolute error."""
        ...

    def exceedances(self, w: float, df: float) -> float:
        """A bound on P(M > w) from above: the sum over the single comparisons."""
        ...


@cache
def legendre(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on −1 to 1."""
    import numpy as np

    return np.polynomial.legendre.leggauss(nodes)


def scale_nodes(df: float) -> tuple[np.ndarray, np.ndarray]:
    """Values of s and their probabilities, which sum to one."""
    import numpy as np
    from scipy.special import gammainccinv, gammaincinv

    if not math.isfinite(df) or df > 1e12:
        return np.ones(1), np.ones(1)
    low = 0.5 * math.log(2.0 / df * max(float(gammaincinv(0.5 * df, _CUT)), 1e-300))
    high = 0.5 * math.log(2.0 / df * float(gammainccinv(0.5 * df, _CUT)))
    x, w = legendre(_NODES)
    x = 0.5 * (high + low) + 0.5 * (high - low) * x
    log_density = df * x - 0.5 * df * np.exp(2.0 * x)
    density = w * np.exp(log_density - log_density.max())
    return np.exp(x), density / density.sum()


def studentised_tail(normal: NormalTail, c: float, df: float) -> tuple[float, float]:
    """P(M > c) with `df` degrees of freedom, and an estimate of its absolute error."""
    s, probability = scale_nodes(df)
    tail, error = normal.tail(c * s)
    return float(probability @ tail), float(probability @ error)


def critical_value(normal: NormalTail, alpha: float, df: float) -> float:
    """The c with P(M > c) = alpha, by the Illinois method in log probability."""
    s, probability = scale_nodes(df)

    def excess(c: float) -> float:
        return math.log(float(probability @ normal.tail(c * s)[0]) / alpha)

    low, high = 0.0, 4.0
    while normal.exceedances(high, df) > alpha:  # the tail lies below
        high *= 2.0
    f_low, f_high = -math.log(alpha), excess(high)
    for _ in range(200):
        middle = high - f_high * (high - low) / (f_high - f_low)
        f_middle = excess(middle)
        if f_middle == 0.0 or abs(high - low) < 1e-13 * high:
            return middle
        if (f_middle > 0.0) == (f_high > 0.0):
            f_low *= 0.5
        else:
            low, f_low = high, f_high
        if abs(middle - high) < 1e-13 * middle:
            return middle
        high, f_high = middle, f_middle
    return high
