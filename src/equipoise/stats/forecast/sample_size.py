"""How many people a forecast needs before it may be trusted: the criteria of Riley et al."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..distributions import t_quantile
from ..errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

#: Shrinkage that is still small overfitting; optimism of R2; margins of spread and mean, and risk.
_SHRINKAGE = 0.9
_OPTIMISM = 0.05
_MARGIN = 1.1
_RISK_MARGIN = 0.05
_MOST = 10_000_000


@dataclass(frozen=True, slots=True)
class SampleSize:
    """People needed, by each criterion.

    Attributes
    ----------
    criteria
        (name, people) in the order of the paper.
    needed
        The largest.
    """

    criteria: tuple[tuple[str, int], ...]

    @property
    def needed(self) -> int:
        """The largest of all criteria."""
        return max(n for _, n in self.criteria)


def riley_continuous(r2: float, parameters: int, mean: float, sd: float) -> SampleSize:
    """For a continuous outcome (Riley et al. 2019, part I).

    Shrinkage of at least 0.9; R2 in the training people at most 0.05 above that in others; the
    residual standard deviation, and the mean outcome, within 10 % of themselves.

    Parameters
    ----------
    r2
        Adjusted R2 that is expected, between 0 and 1.
    parameters
        Candidate coefficients besides the intercept.
    mean, sd
        Of the outcome. With a mean of 0 its criterion cannot be met, and is left out.

    Notes
    -----
    The last criterion takes the standard error of the mean, sd (1 - R2)^1/2 / n^1/2. The R package
    pmsampsize 1.1.3 has sd in the place of its square under the root, which is smaller where sd is
    above 1.

    References
    ----------
    Riley RD, Snell KIE, Ensor J, et al. (2019) Minimum sample size for developing a multivariable
    prediction model: Part I – continuous outcomes. Stat Med 38:1262–1275.
    """
    _checked(r2, parameters)
    first = _smallest(lambda n: _shrinkage(n, r2, parameters) >= _SHRINKAGE, parameters + 2)
    found = [
        ("shrinkage of at least 0.9", first),
        ("optimism of R² of at most 0.05", math.ceil(1.0 + parameters * (1.0 - r2) / _OPTIMISM)),
        ("residual spread within 10 %", 234 + parameters),
    ]
    if mean != 0.0:
        margin = (_MARGIN - 1.0) * abs(mean)
        start = max(n for _, n in found)

        def precise(n: int) -> bool:
            reach = float(t_quantile(0.975, float(n - parameters - 1)))
            return reach * sd * math.sqrt((1.0 - r2) / n) <= margin

        found.append(("mean within 10 %", _smallest(precise, start)))
    return SampleSize(tuple(found))


def riley_binary(r2: float, parameters: int, rate: float) -> SampleSize:
    """For response (Riley et al. 2019, part II).

    Shrinkage of at least 0.9; Nagelkerke's R2 at most 0.05 too large; the overall risk to within
    0.05.

    Parameters
    ----------
    r2
        Cox–Snell's R2 that is expected, below its largest possible value.
    rate
        Share of responders.

    References
    ----------
    Riley RD, Snell KIE, Ensor J, et al. (2019) Minimum sample size for developing a multivariable
    prediction model: Part II – binary and time-to-event outcomes. Stat Med 38:1276–1296.
    Riley RD, Ensor J, Snell KIE, et al. (2020) Calculating the sample size required for developing
    a clinical prediction model. BMJ 368:m441.
    """
    _checked(r2, parameters)
    if not 0.0 < rate < 1.0:
        raise ArgumentError("a share between 0 and 1", where="rate", value=rate)
    largest = largest_cox_snell(rate)
    if r2 >= min(largest, _SHRINKAGE):
        raise ArgumentError(f"below {min(largest, _SHRINKAGE):.3f}", where="r2", value=r2)
    second = r2 / (r2 + _OPTIMISM * largest)
    return SampleSize(
        (
            ("shrinkage of at least 0.9", _by_shrinkage(r2, parameters, _SHRINKAGE)),
            ("optimism of R² of at most 0.05", _by_shrinkage(r2, parameters, second)),
            (
                "overall rate within 0.05",
                math.ceil((1.96 / _RISK_MARGIN) ** 2 * rate * (1.0 - rate)),
            ),
        )
    )


def largest_cox_snell(rate: float) -> float:
    """The R2 of Cox and Snell of a perfect forecast."""
    return 1.0 - (rate**rate * (1.0 - rate) ** (1.0 - rate)) ** 2


def _by_shrinkage(r2: float, parameters: int, shrinkage: float) -> int:
    return math.ceil(parameters / ((shrinkage - 1.0) * math.log(1.0 - r2 / shrinkage)))


def _shrinkage(n: int, r2: float, parameters: int) -> float:
    """Expected global shrinkage, from the apparent R2 that n people would show."""
    apparent = (r2 * (n - parameters - 1) + parameters) / (n - 1)
    return 1.0 + (parameters - 2) / (n * math.log(1.0 - apparent))


def _smallest(met: Callable[[int], bool], start: int) -> int:
    """The smallest n from `start` that meets a criterion that more people meet more easily."""
    if met(start):
        return start
    low, high = start, start + 1
    while not met(high):
        low, high = high, 2 * high
        if high > _MOST:
            return _MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if met(middle) else (middle, high)
    return high


def _checked(r2: float, parameters: int) -> None:
    if not 0.0 < r2 < 1.0:
        raise ArgumentError("between 0 and 1", where="r2", value=r2)
    if parameters < 1:
        raise ArgumentError("at least one", where="parameters", value=parameters)
