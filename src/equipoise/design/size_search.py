"""The smallest size for a wanted power, by a noisy search.

Power at a size is seen with binomial error. Of many tests it is close to ``Φ(a + b √n)``: a
probit line in the root of the size, fitted by maximum likelihood to the trials of all sizes that
were tried. Trials are spent where the line says that the answer lies; the answer's interval is
Fieller's, of the size at which the line crosses the wanted power. A line that does not fit is
noticed (likelihood-ratio test against power free at each size): it is then fitted to the sizes
near the answer alone, and where it does not fit these either its interval is widened.

References
----------
Finney DJ (1971) Probit Analysis, 3rd ed. Cambridge University Press. Chapters 3 and 4.
Fieller EC (1954) Some problems in interval estimation. JRSS B 16:175–185.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: Trials of the first look at a size, and the most at one size in one step.
FIRST, STEP = 200, 400

#: A line whose likelihood-ratio test against free powers is below this does not fit.
_MISFIT = 0.1


@dataclass(frozen=True, slots=True)
class SizeTried:
    """A size and its trials."""

    size: float
    trials: int
    made: int

    @property
    def power(self) -> float:
        """Share of the trials in which the claim is made."""
        return self.made / self.trials


@dataclass(frozen=True, slots=True)
class ProbitLine:
    """``Φ(intercept + slope · x)``.

    Attributes
    ----------
    intercept, slope
    covariance
        (2, 2), times `scale` where the line does not fit.
    scale
        Deviance over its degrees of freedom where that is above 1 and the misfit is clear.
    misfit_p
        Of the likelihood-ratio test of the line; NaN with two sizes.
    lowest, highest
        The x between which it was fitted.
    """

    intercept: float
    slope: float
    covariance: np.ndarray
    scale: float
    misfit_p: float
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class SizeFound:
    """The answer of a search.

    Attributes
    ----------
    size
        Smallest admissible size at which the line reaches the wanted power; None where none does.
    lower, upper
        95 % interval of the size at which power is reached; None where it is open on that side.
    wanted
        Power.
    tried
        Every size with its trials, in order.
    line
        None where it could not be fitted.
    best
        The size with the highest power seen.
    said
        Why there is no answer; empty where there is one.
    """

    size: float | None
    lower: float | None
    upper: float | None
    wanted: float
    tried: tuple[SizeTried, ...]
    line: ProbitLine | None
    best: SizeTried
    said: str

    @property
    def trials(self) -> int:
        """In all."""
        return sum(one.trials for one in self.tried)


def fit_probit_line(x: Sequence[float], made: Sequence[int], trials: Sequence[int]) -> ProbitLine:
    """Maximum likelihood of ``Φ(a + b x)``, by Fisher scoring.

    Parameters
    ----------
    x, made, trials
        (k,) each, k ≥ 2 different x.

    Raises
    ------
    ValueError
        When the likelihood has no maximum: every trial on one side is a hit, or none is.
    """
    import numpy as np
    from scipy.special import chdtrc, log_ndtr, ndtr, ndtri

    at, hits, n = (np.asarray(v, dtype=float) for v in (x, made, trials))
    middle, spread = at.mean(), max(float(np.ptp(at)), 1e-12)
    z = (at - middle) / spread
    design = np.column_stack([np.ones_like(z), z])
    share = (hits + 0.5) / (n + 1.0)
    beta = np.linalg.lstsq(design * np.sqrt(n)[:, None], ndtri(share) * np.sqrt(n), rcond=None)[0]

    def log_likelihood(b: np.ndarray) -> float:
        eta = design @ b
        return float((hits * log_ndtr(eta) + (n - hits) * log_ndtr(-eta)).sum())

    now = log_likelihood(beta)
    information = np.eye(2)
    for _ in range(100):
        eta = np.clip(design @ beta, -8.0, 8.0)
        density = np.exp(-0.5 * eta**2) / math.sqrt(2 * math.pi)
        p = ndtr(eta)
        weight = n * density**2 / (p * (1 - p))
        score = design.T @ ((hits - n * p) * density / (p * (1 - p)))
        information = design.T @ (weight[:, None] * design)
        step = np.linalg.solve(information + 1e-12 * np.eye(2), score)
        factor = 1.0
        while log_likelihood(beta + factor * step) < now - 1e-12 and factor > 1e-6:
            factor /= 2
        beta = beta + factor * step
        change, now = abs(log_likelihood(beta) - now), log_likelihood(beta)
        if change < 1e-10:
            break
    if not np.isfinite(beta).all() or abs(beta[1]) > 50:
        raise ValueError("no line: power jumps from 0 to 1 between two sizes")
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = hits / n
        free = np.where(hits > 0, hits * np.log(seen), 0.0) + np.where(
            hits < n, (n - hits) * np.log1p(-seen), 0.0
        )
    deviance, df = max(2 * (float(free.sum()) - now), 0.0), len(at) - 2
    misfit = float(chdtrc(df, deviance)) if df > 0 else math.nan
    scale = max(1.0, deviance / df) if df > 0 and misfit < _MISFIT else 1.0
    # From (x - middle) / spread back to x.
    back = np.array([[1.0, -middle / spread], [0.0, 1.0 / spread]])
    covariance = scale * back @ np.linalg.inv(information) @ back.T
    intercept, slope = back @ beta
    ends = float(at.min()), float(at.max())
    return ProbitLine(float(intercept), float(slope), covariance, scale, misfit, *ends)


def crossing(line: ProbitLine, power: float) -> tuple[float, float, float]:
    """Where a line crosses a power, with Fieller's 95 % limits; infinite where open."""
    import numpy as np
    from scipy.special import ndtri

    target, z = float(ndtri(power)), 1.959963984540054
    a, b = line.intercept - target, line.slope
    v = line.covariance
    at = -a / b if b else math.inf
    # The x at which (a + b x)² ≤ z² var(a + b x).
    q2 = b**2 - z**2 * v[1, 1]
    q1 = a * b - z**2 * v[0, 1]
    q0 = a**2 - z**2 * v[0, 0]
    root = q1**2 - q2 * q0
    if q2 <= 0 or root < 0:
        return at, -math.inf, math.inf
    half = float(np.sqrt(root))
    return at, (-q1 - half) / q2, (-q1 + half) / q2


def search_size(
    count: Callable[[float, int], int],
    sizes: Sequence[float],
    wanted: float,
    *,
    start: Sequence[float],
    root: bool = True,
    most_trials: int = 20_000,
    precision: float = 0.05,
) -> SizeFound:
    """The smallest size with a wanted power.

    Parameters
    ----------
    count
        (size, trials) → in how many of that size's first trials the claim is made; asked again
        with more trials it counts those from before too.
    sizes
        Admissible ones, ascending.
    wanted
        Power, above 0 and below 1.
    start
        Sizes that are looked at first.
    root
        Whether power follows the root of the size; else the size itself.
    most_trials
        That may be spent in all.
    precision
        The search ends when the interval is within this share of the answer on either side.
    """
    scale = math.sqrt if root else float
    seen: dict[float, SizeTried] = {}

    def look(size: float, trials: int) -> None:
        known = seen[size].trials if size in seen else 0
        seen[size] = SizeTried(size, known + trials, count(size, known + trials))

    def spent() -> int:
        return sum(one.trials for one in seen.values())

    low, high = sizes[0], sizes[-1]
    for size in dict.fromkeys(start):
        look(size, FIRST)
    line: ProbitLine | None = None
    found: tuple[float, float, float] | None = None
    while True:
        line, found = _line_of(seen, wanted, scale)
        if spent() + STEP > most_trials:
            break
        if found is None:
            target = _between(seen, sizes, wanted)
            if target is None and high not in seen:
                target = high
            if target is None:
                break
            look(target, FIRST)
            continue
        at, lower, upper = found
        # What lies beyond the sizes is not looked for, once trials at the end say so clearly.
        if lower > scale(high) and high in seen:
            break
        if upper < scale(low) and low in seen:
            break
        if math.isfinite(lower) and upper - lower <= 2 * precision * at * (0.5 if root else 1.0):
            break
        target = _admissible(sizes, at, scale)
        # A little to either side: the slope is told by points apart.
        near = sizes.index(target)
        apart = max(1, len(sizes) // 20)
        options = {sizes[max(0, near - apart)], target, sizes[min(len(sizes) - 1, near + apart)]}
        look(min(options, key=lambda s: seen[s].trials if s in seen else 0), STEP)
    return _answer(seen, sizes, wanted, line, found, root=root)


def _line_of(
    seen: dict[float, SizeTried], wanted: float, scale: Callable[[float], float]
) -> tuple[ProbitLine | None, tuple[float, float, float] | None]:
    ordered = [seen[size] for size in sorted(seen)]
    near = [one for one in ordered if _close(one, wanted)]
    line = _fitted(ordered, scale)
    if line is not None and line.misfit_p < _MISFIT and len(near) >= 2:
        line = _fitted(near, scale) or line
    if line is None or line.slope <= 0:
        return line, None
    return line, crossing(line, wanted)


def _close(one: SizeTried, wanted: float) -> bool:
    """Whether a size's power is within one probit of the wanted one."""
    from scipy.special import ndtri

    seen = (one.made + 0.5) / (one.trials + 1.0)
    return abs(float(ndtri(seen)) - float(ndtri(wanted))) < 1.0


def _fitted(tried: Sequence[SizeTried], scale: Callable[[float], float]) -> ProbitLine | None:
    if len(tried) < 2:
        return None
    try:
        return fit_probit_line(
            [scale(one.size) for one in tried],
            [one.made for one in tried],
            [one.trials for one in tried],
        )
    except ValueError:
        return None


def _between(seen: dict[float, SizeTried], sizes: Sequence[float], wanted: float) -> float | None:
    """The size midway between the largest too small and the smallest large enough; None."""
    below = [s for s in sizes if s in seen and seen[s].power < wanted]
    above = [s for s in sizes if s in seen and seen[s].power >= wanted]
    if not below or not above or max(below) > min(above):
        return None
    inside = [s for s in sizes if max(below) < s < min(above)]
    return inside[len(inside) // 2] if inside else None


def _admissible(sizes: Sequence[float], at: float, scale: Callable[[float], float]) -> float:
    """The smallest admissible size whose scale is at or above `at`; the largest of all without."""
    return next((size for size in sizes if scale(size) >= at - 1e-9), sizes[-1])


def _answer(
    seen: dict[float, SizeTried],
    sizes: Sequence[float],
    wanted: float,
    line: ProbitLine | None,
    found: tuple[float, float, float] | None,
    *,
    root: bool,
) -> SizeFound:
    tried = tuple(seen[size] for size in sorted(seen))
    best = max(tried, key=lambda one: (one.power, -one.size))
    scale = math.sqrt if root else float

    def back(value: float) -> float | None:
        if not math.isfinite(value):
            return None
        return max(value, 0.0) ** 2 if root else value

    def result(size: float | None, said: str) -> SizeFound:
        lower, upper = (None, None) if found is None else (back(found[1]), back(found[2]))
        return SizeFound(size, lower, upper, wanted, tried, line, best, said)

    highest = f"the highest power seen is {100 * best.power:.1f} % at {best.size:g}"
    if found is None:
        enough = [one for one in tried if one.power >= wanted]
        if line is not None and line.slope <= 0:
            return result(None, f"power does not rise with size; {highest}")
        if enough:
            return result(
                min(one.size for one in enough),
                "power jumps between two sizes: no line could be fitted",
            )
        return result(None, f"no size in the range reaches it; {highest}")
    if found[0] > scale(sizes[-1]) + 1e-9:
        return result(None, f"no size in the range reaches it; {highest}")
    return result(_admissible(sizes, found[0], scale), "")
