"""What a trial says that could have stopped before: p, estimate and interval by stage-wise order.

A result is the more extreme, the earlier it crossed, and at one look the larger its statistic. The
probability of what is at least as extreme rises with the effect; the effects at which it is α/2,
1/2 and 1 − α/2 are the limits and the median-unbiased estimate. The order does not depend on looks
that were not taken. A t statistic enters, under each effect, as the normal deviate of its
probability: without looks the interval is Student's.

References
----------
Tsiatis AA, Rosner GL, Mehta CR (1984) Exact confidence intervals following a group sequential
test. Biometrics 40:797-803.
Jennison C, Turnbull BW (2000) Group Sequential Methods with Applications to Clinical Trials.
Chapman & Hall/CRC. Chapter 8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ArgumentError
from .crossing import Walk, check_looks

#: Half-widths in standard errors within which an effect is searched.
_REACH = 40.0


@dataclass(frozen=True, slots=True)
class StagewiseInference:
    """Inference after the last look taken.

    Attributes
    ----------
    p
        Two-sided p of no effect.
    estimate
        Median-unbiased, in units of 1/√information.
    lower, upper
        Limits.
    """

    p: float
    estimate: float
    lower: float
    upper: float


def stagewise_inference(
    information: Sequence[float],
    upper: Sequence[float],
    z: float,
    alpha: float = 0.05,
    *,
    lower: Sequence[float] | None = None,
    df: float = math.inf,
) -> StagewiseInference:
    """p, estimate and interval of a trial that ended at its K-th look.

    Parameters
    ----------
    information
        (K,) 1/SE² at each look taken, ascending.
    upper
        (K,) boundaries on the scale of Z; that of the last look does not matter.
    z
        Statistic at the last look.
    alpha
        1 minus the confidence.
    lower
        (K,) the other boundaries; minus `upper` where left out.
    df
        Degrees of freedom of the statistic, Student's; infinite: normal.

    Raises
    ------
    ArgumentError
        When shapes do not fit, information does not rise, or z is not finite.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri, stdtr

    check_looks(information)
    looks = len(information)
    low = [-bound for bound in upper] if lower is None else list(lower)
    if len(upper) != looks or len(low) != looks:
        raise ArgumentError("a boundary a look", where="upper, lower", value=len(upper))
    if not math.isfinite(z):
        raise ArgumentError("a finite statistic", where="z", value=z)
    if not 0.0 < alpha < 1.0:
        raise ArgumentError("a level", where="alpha", value=alpha)

    def more_extreme(drift: float) -> float:
        """Probability of a result at least as far up."""
        walk = Walk(drift)
        before = 0.0
        for k in range(looks - 1):
            before += walk.beyond(information[k], upper[k])
            walk.go_on(information[k], low[k], upper[k])
        shift = drift * math.sqrt(information[-1])
        bound = z
        if math.isfinite(df):  # from the nearer tail, where the probability keeps its digits
            far = abs(z - shift)
            bound = shift + math.copysign(-float(ndtri(stdtr(df, -far))), z - shift)
        return before + walk.beyond(information[-1], bound)

    se = 1.0 / math.sqrt(information[-1])
    at = z * se

    def effect(share: float) -> float:
        reach = 4.0
        while reach < _REACH:
            a, b = at - reach * se, at + reach * se
            if more_extreme(a) < share < more_extreme(b):
                found: Any = brentq(
                    lambda drift: more_extreme(drift) - share, a, b, xtol=1e-10 * se
                )
                return float(found)
            reach *= 1.5
        return math.nan

    up = more_extreme(0.0)
    return StagewiseInference(
        p=min(1.0, 2.0 * min(up, 1.0 - up)),
        estimate=effect(0.5),
        lower=effect(0.5 * alpha),
        upper=effect(1.0 - 0.5 * alpha),
    )
