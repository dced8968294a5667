"""Stratified score interval for the difference of two proportions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .errors import ArgumentError, ConvergenceError
from .exact_intervals import require_level
from .score_intervals import last_inside, restricted_p2

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

WEIGHTS = ("miettinen-nurminen", "mantel-haenszel")
_ITERATIONS = 500


@dataclass(frozen=True, slots=True)
class StratifiedRiskDifference:
    """Common difference of two proportions over strata, first arm minus second.

    Attributes
    ----------
    estimate, lower, upper : float
        Proportions, between −1 and 1.
    z, p : float
        Score statistic of a difference of 0, and its two-sided p-value.
    weights : tuple of float
        Share of each stratum in the estimate, in the order given; 0 for one left out.
    strata_used, strata_left_out : int
        Strata with participants in both arms, and those without (they compare nothing).
    participants_left_out : int
        Participants of the strata left out.
    """

    estimate: float
    lower: float
    upper: float
    z: float
    p: float
    weights: tuple[float, ...]
    strata_used: int
    strata_left_out: int
    participants_left_out: int


def miettinen_nurminen_stratified(
    e1: ArrayLike,
    n1: ArrayLike,
    e0: ArrayLike,
    n0: ArrayLike,
    alpha: float = 0.05,
    weights: Literal["miettinen-nurminen", "mantel-haenszel"] = "miettinen-nurminen",
) -> StratifiedRiskDifference:
    """Asymptotic score interval for a difference p1 − p0 that is common to all strata.

    Assumes independent participants and one difference in every stratum; where it varies, the
    interval is about its weighted average. All differences whose score test does not reject at
    two-sided level alpha, the variance taken per stratum at the maximum-likelihood estimates
    under that difference and multiplied by N/(N − 1). At a difference of 0 both weights agree,
    and the test is the Cochran–Mantel–Haenszel test without continuity correction. With one
    stratum it is `miettinen_nurminen`. Derivation: docs/methods/stratified-risk-difference.md.

    Parameters
    ----------
    e1, n1, e0, n0 : array_like of int (H,)
        Events and participants of each stratum, in the first and in the second arm. A stratum
        in which an arm is empty is left out and counted.
    alpha : float
    weights : {"miettinen-nurminen", "mantel-haenszel"}
        Miettinen and Nurminen's own, which change with the difference tested, or the fixed
        n1 n0/(n1 + n0).

    Raises
    ------
    ArgumentError
        If the counts are not whole numbers with 0 <= events <= n, if no stratum has both arms,
        or if the weights have another name.
    ConvergenceError
        If the iterated weights do not settle at a difference tested (never seen).

    References
    ----------
    Miettinen O, Nurminen M (1985) Comparative analysis of two rates. Stat Med 4:213–226.
    """
    import numpy as np
    from scipy.special import ndtr, ndtri

    require_level(alpha)
    if weights not in WEIGHTS:
        raise ArgumentError(
            "unknown weights", where="weights", value=weights, rule=f"One of: {', '.join(WEIGHTS)}"
        )
    counts = _stratum_counts(e1, n1, e0, n0)
    used = (counts[:, 1] > 0) & (counts[:, 3] > 0)
    if not used.any():
        raise ArgumentError(
            "no stratum has participants in both arms", where="n1, n0", value=counts.tolist()
        )
    strata = _Strata(counts[used], fixed=weights == "mantel-haenszel")
    bound = float(ndtri(1.0 - alpha / 2.0))

    def inside(delta: float) -> bool:
        return abs(strata.score(delta)) <= bound

    estimate = strata.estimate()
    z = strata.score(0.0)
    share = np.zeros(len(counts))
    share[used] = strata.weights(estimate)[0]
    return StratifiedRiskDifference(
        estimate=estimate,
        lower=last_inside(inside, estimate, -1.0),
        upper=last_inside(inside, estimate, 1.0),
        z=z,
        p=float(2.0 * ndtr(-abs(z))),
        weights=tuple(float(w) for w in share),
        strata_used=int(used.sum()),
        strata_left_out=int((~used).sum()),
        participants_left_out=int(counts[~used][:, (1, 3)].sum()),
    )


class _Strata:
    """The strata that count, and their statistic as a function of the difference tested."""

    def __init__(self, counts: np.ndarray, *, fixed: bool) -> None:
        self.counts: list[list[int]] = counts.tolist()
        e1, n1, e0, n0 = (counts[:, i].astype(float) for i in range(4))
        self.n1, self.n0, self.fixed = n1, n0, fixed
        self.differences = e1 / n1 - e0 / n0
        size = n1 * n0 / (n1 + n0)
        self.size_weights = size / size.sum()

    def weights(self, delta: float) -> tuple[np.ndarray, np.ndarray]:
        """Weights that sum to 1, and the variances of the stratum differences."""
        import numpy as np

        p0 = np.array([restricted_p2(a, b, c, d, delta) for a, b, c, d in self.counts])
        p1 = np.clip(p0 + delta, 0.0, 1.0)
        n = self.n1 + self.n0
        variances = (p1 * (1.0 - p1) / self.n1 + p0 * (1.0 - p0) / self.n0) * n / (n - 1.0)
        w = self.size_weights
        if self.fixed:
            return w, variances
        for _ in range(_ITERATIONS):
            r1, r0 = float(w @ p1), float(w @ p0)
            v1, v0 = max(r1 * (1.0 - r1), 0.0), max(r0 * (1.0 - r0), 0.0)
            if v1 + v0 < 1e-14:
                return self.size_weights, variances
            new = 1.0 / (v1 / self.n1 + v0 / self.n0)
            new /= new.sum()
            if float(np.abs(new - w).max()) < 1e-14:
                return new, variances
            w = new
        raise ConvergenceError(
            "the iterated weights did not settle",
            where="weights",
            value=delta,
            remedy="Use the weights mantel-haenszel, if the protocol allows",
        )

    def score(self, delta: float) -> float:
        """Signed root of the score statistic for a common difference `delta`."""
        w, variances = self.weights(delta)
        distance = float(w @ self.differences) - delta
        if abs(distance) < 1e-15:
            return 0.0
        variance = float(w * w @ variances)
        return (
            math.copysign(math.inf, distance) if variance <= 0.0 else distance / math.sqrt(variance)
        )

    def estimate(self) -> float:
        """The difference at which the score is 0."""
        if self.fixed or len(self.counts) == 1:
            return float(self.size_weights @ self.differences)
        low, high = float(self.differences.min()), float(self.differences.max())

        def above(delta: float) -> bool:
            return float(self.weights(delta)[0] @ self.differences) >= delta

        return last_inside(above, low, high)


def _stratum_counts(e1: ArrayLike, n1: ArrayLike, e0: ArrayLike, n0: ArrayLike) -> np.ndarray:
    """(H, 4) whole numbers e1, n1, e0, n0."""
    import numpy as np

    columns = [np.asarray(column) for column in (e1, n1, e0, n0)]
    if any(column.ndim != 1 or column.shape != columns[0].shape for column in columns):
        raise ArgumentError(
            "four rows of one length, one entry a stratum",
            where="e1, n1, e0, n0",
            value=[column.shape for column in columns],
        )
    if any(column.size and column.dtype.kind not in "iu" for column in columns):
        raise ArgumentError(
            "counts are whole numbers",
            where="e1, n1, e0, n0",
            value=[column.tolist() for column in columns],
        )
    counts = np.stack([column.astype(np.int64) for column in columns], axis=1)
    for h, (a, b, c, d) in enumerate(counts.tolist()):
        if not (0 <= a <= b and 0 <= c <= d):
            raise ArgumentError(
                "events lie between 0 and n", where=f"stratum {h}", value=(a, b, c, d)
            )
    return counts
