"""Probabilities to cross boundaries at each look, by recursive numerical integration.

Standardised statistics Z_k with information I_k are jointly normal with mean θ√I_k and
covariance √(I_j / I_k), j ≤ k. The density of Z_k on the region of going on is carried from look
to look on the grid of Jennison and Turnbull: dense in the middle, logarithmic in the tails,
Simpson's weights.

References
----------
Armitage P, McPherson CK, Rowe BC (1969) Repeated significance tests on accumulating data. JRSS A
132:235–244.
Jennison C, Turnbull BW (2000) Group Sequential Methods with Applications to Clinical Trials.
Chapman & Hall/CRC. Chapter 19.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np

#: Points of the grid: 6 times this less 1, and those between.
_POINTS = 32


@dataclass(frozen=True, slots=True)
class Crossing:
    """Probabilities at each look.

    Attributes
    ----------
    upper, lower
        (K,) to cross there for the first time.
    """

    upper: np.ndarray
    lower: np.ndarray

    @property
    def power(self) -> float:
        """To cross the upper boundary at any look."""
        return float(self.upper.sum())

    def expected(self, values: Sequence[float]) -> float:
        """Mean of a value that a trial has when it ends at a look: information, participants."""
        import numpy as np

        ends = self.upper + self.lower
        ends[-1] += 1.0 - ends.sum()
        return float(np.asarray(values, dtype=float) @ ends)


class Walk:
    """The density of a statistic that goes on, look by look.

    Parameters
    ----------
    drift
        θ: mean of Z over √information.
    """

    def __init__(self, drift: float) -> None:
        self.drift = drift
        self.information = 0.0
        self._z: np.ndarray | None = None
        self._mass: np.ndarray | None = None

    def beyond(self, information: float, bound: float) -> float:
        """Probability that the next statistic, at this information, lies above `bound`."""
        import numpy as np
        from scipy.special import ndtr

        step = information - self.information
        if self._z is None or self._mass is None:
            return float(ndtr(self.drift * math.sqrt(information) - bound))
        at = self._z * math.sqrt(self.information) + self.drift * step
        return float(self._mass @ ndtr((at - bound * math.sqrt(information)) / np.sqrt(step)))

    def below(self, information: float, bound: float) -> float:
        """Probability that it lies below."""
        from scipy.special import ndtr

        step = information - self.information
        if self._z is None or self._mass is None:
            return float(ndtr(bound - self.drift * math.sqrt(information)))
        at = self._z * math.sqrt(self.information) + self.drift * step
        return float(self._mass @ ndtr((bound * math.sqrt(information) - at) / math.sqrt(step)))

    def go_on(self, information: float, lower: float, upper: float) -> None:
        """Take the look: who is between the bounds goes on."""
        z, weight = _grid(self.drift * math.sqrt(information), lower, upper)
        step = information - self.information
        root = math.sqrt(information / step)
        if self._z is None or self._mass is None:
            density = _normal(z - self.drift * math.sqrt(information))
        else:
            at = self._z * math.sqrt(self.information) + self.drift * step
            apart = (z[:, None] * math.sqrt(information) - at[None, :]) / math.sqrt(step)
            density = root * (_normal(apart) @ self._mass)
        self._z, self._mass = z, weight * density
        self.information = information


def crossing_probabilities(
    information: Sequence[float],
    upper: Sequence[float],
    lower: Sequence[float] | None = None,
    drift: float = 0.0,
) -> Crossing:
    """Probabilities to cross boundaries for the first time at each look.

    Parameters
    ----------
    information
        (K,) ascending, above 0.
    upper
        (K,) on the scale of Z; infinite for none.
    lower
        (K,) not above `upper`; none where left out.
    drift
        θ: mean of Z over √information.

    Raises
    ------
    ArgumentError
        When shapes do not fit, information does not rise or boundaries cross.
    """
    import numpy as np

    looks = len(information)
    low = [-math.inf] * looks if lower is None else list(lower)
    check_looks(information)
    if len(upper) != looks or len(low) != looks:
        raise ArgumentError("a boundary a look", where="upper, lower", value=len(upper))
    if any(a > b for a, b in zip(low, upper, strict=True)):
        raise ArgumentError("not above the upper boundary", where="lower")
    walk = Walk(drift)
    above, under = np.zeros(looks), np.zeros(looks)
    for k, level in enumerate(information):
        above[k] = walk.beyond(level, upper[k]) if upper[k] < math.inf else 0.0
        under[k] = walk.below(level, low[k]) if low[k] > -math.inf else 0.0
        if k < looks - 1:
            if low[k] == upper[k]:
                break
            walk.go_on(level, low[k], upper[k])
    return Crossing(above, under)


def check_looks(information: Sequence[float]) -> None:
    """Information is above 0 and rises.

    Raises
    ------
    ArgumentError
    """
    steps = [b - a for a, b in itertools.pairwise((0.0, *information))]
    if not steps or not all(math.isfinite(s) and s > 0.0 for s in steps):
        raise ArgumentError(
            "above 0 and rising from look to look", where="information", value=list(information)
        )


def _normal(x: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.exp(-0.5 * x**2) / math.sqrt(2.0 * math.pi)


def _grid(middle: float, lower: float, upper: float) -> tuple[np.ndarray, np.ndarray]:
    """Points between the bounds and Simpson's weights."""
    import numpy as np

    r = _POINTS
    tail = 4.0 * np.log(r / np.arange(1.0, r))
    x = np.concatenate([
        -3.0 - tail, -3.0 + 3.0 * np.arange(4 * r + 1) / (2 * r), (3.0 + tail)[::-1]
    ]) + middle  # fmt: skip
    x = np.clip(x, lower, upper)
    x = x[np.concatenate([[True], np.diff(x) > 0])]
    if len(x) < 2:
        x = np.array([lower, upper])
    z = np.empty(2 * len(x) - 1)
    z[::2] = x
    z[1::2] = 0.5 * (x[1:] + x[:-1])
    width = np.diff(x)
    weight = np.zeros(len(z))
    weight[1::2] = 4.0 * width / 6.0
    weight[:-2:2] += width / 6.0
    weight[2::2] += width / 6.0
    return z, weight
