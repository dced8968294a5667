"""Sample size estimated again from outcomes whose arms nobody has looked at.

The variance is taken about one mean for all arms, given covariates: what the arms differ by is
part of it, and its excess is stated, not hidden. Sources: Gould and Shih, Commun Stat Theory
Methods 21 (1992) 2833-2853; Kieser and Friede, Stat Med 22 (2003) 3571-3581.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

from .arguments import check_alpha, check_finite, check_positive
from .means import ancova_power

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class BlindedVariance:
    """Variance of outcomes about one mean for all arms.

    Attributes
    ----------
    variance
        Residual variance given the covariates, in the outcome's unit squared.
    df
        Residual degrees of freedom.
    participants
        With outcome and covariates.
    """

    variance: float
    df: int
    participants: int

    @property
    def sd(self) -> float:
        """In the outcome's unit."""
        return sqrt(self.variance)


def blinded_variance(outcome: ArrayLike, covariates: ArrayLike) -> BlindedVariance:
    """Residual variance of a regression on covariates that knows no arm.

    With a difference δ between two arms, of which one has the share π of the participants, it
    expects σ² + π(1 - π)δ² and a little more (`variance_excess`).

    Parameters
    ----------
    outcome : array_like (n,)
        NaN where it is missing: that participant is left out.
    covariates : array_like (n, k)
        Without the intercept, k at least 0; NaN leaves the participant out. Columns that say
        what others say already cost no degree of freedom.

    Raises
    ------
    ValueError
        When fewer than two degrees of freedom are left.
    """
    import numpy as np

    y = np.asarray(outcome, dtype=float)
    x = np.asarray(covariates, dtype=float).reshape(len(y), -1)
    used = np.isfinite(y) & np.isfinite(x).all(axis=1)
    y, x = y[used], x[used]
    n = len(y)
    columns = np.column_stack([np.ones(n), x - x.mean(axis=0)]) if n else np.ones((0, 1))
    scale = np.sqrt((columns**2).sum(axis=0))
    rank = int(np.linalg.matrix_rank(columns / np.where(scale > 0, scale, 1.0))) if n else 0
    if n - rank < 2:
        raise ValueError(
            f"outcome: {n} participants with outcome and covariates leave {max(n - rank, 0)} "
            "degrees of freedom; a variance needs at least 2"
        )
    fitted = columns @ np.linalg.lstsq(columns, y, rcond=None)[0]
    return BlindedVariance(float(((y - fitted) ** 2).sum() / (n - rank)), n - rank, n)


def variance_excess(effect: float, ratio: tuple[int, int]) -> float:
    """By how much a variance without arm means is too large: π(1 - π)δ².

    Parameters
    ----------
    effect
        Difference δ of the two arms, in the outcome's unit.
    ratio
        Participants of the arms: 2 : 1 makes 2/9 of δ², 1 : 1 a quarter.

    Raises
    ------
    ValueError
    """
    check_finite("effect", effect)
    _check_ratio(ratio)
    share = ratio[0] / sum(ratio)
    return share * (1.0 - share) * effect * effect


@dataclass(frozen=True, slots=True)
class SizeBySpread:
    """Sizes of a trial, and the largest spread at which each still has its power.

    Attributes
    ----------
    totals : int64 (k,)
        Participants with an outcome, ascending by whole multiples of the ratio.
    largest_sd : float64 (k,)
        Residual SD at which the power of that size is the target, in the outcome's unit.
    """

    totals: np.ndarray
    largest_sd: np.ndarray

    def completers(self, sd: ArrayLike) -> np.ndarray:
        """Fewest participants with an outcome; beyond the largest size that is tabled, -1."""
        import numpy as np

        place = np.searchsorted(self.largest_sd, np.asarray(sd, dtype=float))
        there = place < len(self.totals)
        return np.where(there, self.totals[np.minimum(place, len(self.totals) - 1)], -1)

    def sizes(
        self, sd: ArrayLike, retention: ArrayLike, least: int, most: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Participants needed when a share of them has no outcome, and that within bounds.

        Parameters
        ----------
        sd, retention : array_like (t,)
            Residual SD, and share of participants with an outcome, above 0.
        least, most
            Bounds: never fewer than were planned, never more than can be had.

        Returns
        -------
        needed, taken : int64 (t,)
            `needed` is -1 beyond the largest size tabled.
        """
        import numpy as np

        unit = int(self.totals[1] - self.totals[0]) if len(self.totals) > 1 else 1
        found = self.completers(sd)
        share = np.asarray(retention, dtype=float)
        # To a millionth of a participant, so that 12 / 0.8 is 15.
        needed = unit * np.ceil(np.round(found / share / unit, 6)).astype(np.int64)
        needed = np.where(found < 0, -1, needed)
        taken = np.where(needed < 0, most, np.clip(needed, least, most))
        return needed, taken


def size_by_spread(
    effect: float,
    ratio: tuple[int, int],
    *,
    most: int,
    alpha: float = 0.05,
    power: float = 0.9,
    covariates: int = 1,
) -> SizeBySpread:
    """For each size of a trial the largest residual SD at which it finds an effect.

    Power as in `ancova_power`: averaged over chance imbalance of the covariates.

    Parameters
    ----------
    effect
        Difference to be found, in the outcome's unit; not 0.
    ratio
        Participants of the two arms, in whole numbers.
    most
        Largest number of participants with an outcome that is tabled.
    alpha, power
        Two-sided level, and the target.
    covariates
        Of the analysis, at least 1.

    Raises
    ------
    ValueError
    """
    import numpy as np
    from scipy.optimize import brentq
    from scipy.special import ndtri

    check_finite("effect", effect)
    check_positive("size of the effect", abs(effect))
    check_alpha(alpha)
    _check_ratio(ratio)
    if not alpha < power < 1.0:
        raise ValueError(f"power = {power}: a target above the level and below 1; usual is 0.9")
    unit = sum(ratio)
    first = ceil((covariates + 3) / unit)
    if most < unit * (first + 1):
        raise ValueError(f"most = {most}: at least {unit * (first + 1)}, to leave a choice")
    totals = np.arange(first, most // unit + 1) * unit
    reach = float(ndtri(1.0 - alpha / 2.0) + ndtri(power))
    largest: list[float] = []
    for total in totals.tolist():
        sizes = (ratio[0] * total // unit, ratio[1] * total // unit)
        # With known variance; the t-distribution and imbalance allow less.
        known = abs(effect) / (reach * sqrt(1.0 / sizes[0] + 1.0 / sizes[1]))

        def gap(part: float, sizes: tuple[int, int] = sizes, known: float = known) -> float:
            found = ancova_power(
                effect, part * known, sizes, alpha, correlation=0.0, covariates=covariates
            )
            return found - power

        low, high = 0.005, 1.05
        if gap(low) < 0.0:  # too few for this level, whatever the spread
            largest.append(0.0)
            continue
        while gap(high) > 0.0:  # rejections on the wrong side count where the target is low
            high *= 1.5
        root: Any = brentq(gap, low, high, xtol=1e-9)
        largest.append(known * float(root))
    return SizeBySpread(totals, np.array(largest))


def _check_ratio(ratio: tuple[int, int]) -> None:
    if min(ratio) < 1:
        raise ValueError(f"ratio = {ratio}: whole numbers of at least 1")
