"""The studentised range, for Tukey's comparisons of all pairs.

P(range of m independent standard normals > w) = m ∫ phi(z) {Phi(z)^(m−1) − [Phi(z) −
Phi(z − w)]^(m−1)} dz, then the mean over the scale (Copenhaver and Holland 1988, J Stat Comput
Simul 30:1–15). Derivation: docs/methods/multiple-comparisons.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .studentised_maximum import critical_value, legendre, studentised_tail

if TYPE_CHECKING:
    import numpy as np

_NODES = 160
_REACH = 9.0


@dataclass(frozen=True, slots=True)
class NormalRange:
    """Range of `size` independent standard normal variables."""

    size: int

    def tail(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """P(range > w) at each w; the quadrature is exact to rounding."""
        import numpy as np
        from scipy.special import ndtr

        z, weight = legendre(_NODES)
        z = _REACH * z
        weight = weight * _REACH * np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
        below = ndtr(z)
        power = self.size - 1
        with np.errstate(divide="ignore"):
            lost = -np.expm1(power * np.log1p(-ndtr(z - w[:, None]) / below))
        tail = self.size * (lost @ (weight * below**power))
        return np.minimum(tail, 1.0), np.zeros(len(w))

    def exceedances(self, w: float, df: float) -> float:
        """Bonferroni's bound over the pairs."""
        from .distributions import two_sided_t

        pairs = self.size * (self.size - 1) // 2
        return pairs * float(two_sided_t(w / math.sqrt(2.0), df))


def studentised_range_tail(q: float, size: int, df: float) -> float:
    """P(studentised range of `size` means > q); R's ptukey(lower.tail = FALSE)."""
    return studentised_tail(NormalRange(size), q, df)[0]


def studentised_range_quantile(alpha: float, size: int, df: float) -> float:
    """The q that is exceeded with probability alpha; R's qtukey(1 − alpha)."""
    return critical_value(NormalRange(size), alpha, df)
