"""The shifts of the response that a re-randomisation test does not reject.

Every shift is tested on the same allocations. Between shifts that were refitted the statistic of
each allocation is interpolated: it is smooth in the shift. A limit is taken only next to a
refitted shift, so that interpolation saves refits and decides nothing. Derivation:
docs/methods/re-randomisation.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from .distributions import t_quantile
from .extreme_allocations import at_least_as_extreme, p_value

if TYPE_CHECKING:
    import numpy as np

    from .refitting import ArmContrast

#: Distance of a limit from the nearest refitted shift, in standard errors: drawn allocations
#: leave a Monte-Carlo error that is larger by far, all allocations leave none.
_CLOSE_DRAWN = 0.005
_CLOSE_EXACT = 1e-7
_WIDER = 1.5
_FARTHEST = 1e4
_MOST_STEPS = 60
_SLOPE_OVER = 0.5


@dataclass(frozen=True, slots=True)
class Inversion:
    """Limits of an inverted test; the attributes are those of `RerandomisationTest`."""

    lower: float
    upper: float
    lower_error: float
    upper_error: float
    monotone: bool
    evaluations: int


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    limit: float
    error: float
    monotone: bool


def invert_shift(
    contrast: ArmContrast,
    allocations: np.ndarray,
    weights: np.ndarray,
    *,
    draws: int | None,
    alpha: float,
) -> Inversion:
    """Lower and upper limit of the shifts with p > alpha.

    Parameters
    ----------
    contrast : ArmContrast
        Of two arms.
    allocations : int64 (D, N)
        Different ones.
    weights : float64 (D,)
    draws : int or None
        As in `p_value`.
    """
    search = _Search(contrast, allocations, weights, draws, alpha)
    sides = [search.side(sign) for sign in (-1.0, 1.0)]
    low, high = sorted(sides, key=lambda side: side.limit)
    return Inversion(
        lower=low.limit,
        upper=high.limit,
        lower_error=low.error,
        upper_error=high.error,
        monotone=low.monotone and high.monotone,
        evaluations=len(search.shifts),
    )


class _Search:
    """The shifts refitted so far, in standard errors from the estimate, and their statistics."""

    def __init__(
        self,
        contrast: ArmContrast,
        allocations: np.ndarray,
        weights: np.ndarray,
        draws: int | None,
        alpha: float,
    ) -> None:
        import numpy as np

        self.contrast = contrast
        self.everything = np.vstack([contrast.observed, allocations])
        self.weights = weights
        self.draws = draws
        self.alpha = alpha
        self.centre, self.unit, self.df = contrast.observed_effect()
        self.shifts: list[float] = []
        self.statistics: list[np.ndarray] = []

    def refitted(self, at: float) -> float:
        """p of the shift that lies `at` standard errors from the estimate, by refits."""
        found = self.contrast.refit(self.everything, shift=self.centre + at * self.unit)
        self.shifts.append(at)
        self.statistics.append(found.statistics)
        return self.p_of(found.statistics)

    def p_of(self, statistics: np.ndarray) -> float:
        """p from the statistic of the observed allocation and those of the others."""
        extreme = at_least_as_extreme(statistics[1:], float(statistics[0]))
        return p_value(extreme, self.weights, self.draws)

    def interpolated(self, at: float) -> float:
        """p at a shift, by the parabola through the three nearest refitted shifts."""
        import numpy as np

        shifts = np.array(self.shifts)
        near = np.argsort(np.abs(shifts - at))[:3]
        statistics = np.zeros(len(self.everything))
        for i in near:
            others = shifts[[j for j in near if j != i]]
            statistics += self.statistics[i] * float(np.prod((at - others) / (shifts[i] - others)))
        return self.p_of(statistics)

    def nearest(self, at: float) -> float:
        """Distance to the nearest refitted shift."""
        return min(abs(at - shift) for shift in self.shifts)

    def never_rejected(self) -> bool:
        """Whether the allocations that tie with the observed one at any shift exceed alpha.

        They are the observed one and, of two arms, its mirror image.
        """
        import numpy as np

        same = self.everything[1:] == self.contrast.observed
        tied = np.all(same, axis=1) | np.all(~same, axis=1)
        return p_value(tied, self.weights, self.draws) > self.alpha

    def side(self, sign: float) -> _Side:
        """The limit below (-1) or above (1) the estimate."""
        unbounded = _Side(sign * math.inf, math.nan, True)
        if self.never_rejected():
            return unbounded
        inner, outer = 0.0, math.nan
        found: dict[float, float] = {}
        at = sign * float(t_quantile(1.0 - self.alpha / 2.0, self.df))
        for _ in range(_MOST_STEPS):
            found[at] = self.refitted(at)
            if found[at] > self.alpha:
                inner = at
            else:
                outer = at
            if math.isnan(outer):
                at *= _WIDER
                if abs(at) > _FARTHEST:
                    return unbounded
                continue
            at = self.crossing(inner, outer)
            if self.nearest(at) <= (_CLOSE_EXACT if self.draws is None else _CLOSE_DRAWN):
                break
        falling = [found[shift] for shift in sorted(found, key=abs)]
        monotone = all(a >= b for a, b in pairwise(falling))
        error = 0.0
        if self.draws is not None:
            rise = self.interpolated(at - sign * _SLOPE_OVER / 2.0)
            fall = rise - self.interpolated(at + sign * _SLOPE_OVER / 2.0)
            spread = math.sqrt(self.alpha * (1.0 - self.alpha) / self.draws)
            error = spread * _SLOPE_OVER / fall * self.unit if fall > 0.0 else math.inf
        return _Side(self.centre + at * self.unit, error, monotone)

    def crossing(self, inner: float, outer: float) -> float:
        """Where the interpolated p falls to alpha, between a shift kept and one rejected."""
        for _ in range(50):
            middle = 0.5 * (inner + outer)
            if self.interpolated(middle) > self.alpha:
                inner = middle
            else:
                outer = middle
        return outer
