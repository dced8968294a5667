"""The largest of several correlated t statistics, for comparisons against one reference and others.

P(max \\|T_j\\| > c) for T multivariate t with any correlation matrix, singular ones included. Under
the normal distribution the tail is found

- from one t distribution, where all correlations are 1 or −1;
- by quadrature over the common factor, where every correlation is a product b_i b_j (Dunnett 1955,
  JASA 50:1096–1121): two comparisons always, groups against a reference without covariates;
- else by sequential conditioning over a randomly shifted Richtmyer lattice (Genz and Bretz 1999,
  J Stat Comput Simul 63:361–378; Genz and Kwong 2000 for singular matrices), once on a grid of
  thresholds between which the logarithm of its ratio to Bonferroni's bound is interpolated. The
  shifts come from a seed that is an argument; the error is estimated from their spread.

The mean over the scale follows in `studentised_maximum`. Derivation:
docs/methods/multiple-comparisons.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import ArgumentError
from .studentised_maximum import critical_value, legendre, studentised_tail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from .studentised_maximum import NormalTail

_ZERO = 1e-9  # of a unit variance: below it nothing is left to condition on
_REACH = 9.0  # standard deviations of the common factor
#: Thresholds of the lattice: panels with their number of Chebyshev nodes.
_PANELS = ((0.0, 2.75, 17), (2.75, 6.5, 9))
_HIGHEST = 6.5  # where the tail is below 1e-10; beyond it the ratio stays as it is
_SHIFTS = 8
_POINTS = (509, 4099)
_TOLERANCE = 3e-6  # of the tail, absolute; relative 1e-2 besides
_INTERPOLATION = 3e-5  # relative error of the series itself, from the tests
_FLOOR = 1e-6  # absolute: eight runs may agree by chance
_MOST_CELLS = 400_000  # panel nodes times thresholds held at once


@dataclass(frozen=True, slots=True)
class MaximumT:
    """Distribution of the largest absolute value of correlated t statistics.

    Attributes
    ----------
    normal : NormalTail
        Its tail under the normal distribution.
    method : str
        ``"exact"`` (quadrature) or ``"lattice"``.
    """

    normal: NormalTail
    method: str

    def tail(self, c: float, df: float) -> tuple[float, float]:
        """P(max \\|T\\| > c) and an estimate of its absolute error."""
        p, error = studentised_tail(self.normal, abs(c), df)
        return min(p, 1.0), error

    def quantile(self, alpha: float, df: float) -> float:
        """The c that is exceeded with probability alpha."""
        return critical_value(self.normal, alpha, df)


def maximum_t(correlation: ArrayLike, seed: int = 20261123) -> MaximumT:
    """Prepare the distribution of max \\|T_j\\| for a correlation matrix.

    Parameters
    ----------
    correlation : (k, k) array_like
        Symmetric, positive semidefinite, ones on the diagonal.
    seed : int
        Of the lattice's shifts; without effect where the tail is exact.

    Raises
    ------
    ArgumentError
        If the matrix is not a correlation matrix.
    """
    import numpy as np

    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ArgumentError("a seed is a whole number, 0 or more", where="seed", value=seed)
    matrix = np.asarray(correlation, dtype=float)
    if (
        matrix.ndim != 2
        or matrix.shape[0] != matrix.shape[1]
        or len(matrix) == 0
        or not np.all(np.isfinite(matrix))
        or np.max(np.abs(matrix - matrix.T)) > 1e-8
        or np.max(np.abs(np.diag(matrix) - 1.0)) > 1e-8
        or np.linalg.eigvalsh(matrix)[0] < -1e-8
    ):
        raise ArgumentError(
            "not a correlation matrix",
            where="correlation",
            rule="Symmetric, positive semidefinite, ones on the diagonal",
        )
    if np.all(np.abs(matrix) > 1.0 - _ZERO):
        return MaximumT(CommonFactor(np.zeros(1)), "exact")
    loadings = _loadings(matrix)
    if loadings is not None:
        return MaximumT(CommonFactor(loadings), "exact")
    return MaximumT(_tabulate(matrix, seed), "lattice")


def _loadings(matrix: np.ndarray) -> np.ndarray | None:
    """b with correlations b_i b_j, or None where no such b is below one."""
    import numpy as np

    k = len(matrix)
    if k == 2:
        r = matrix[0, 1]
        b = np.array([math.sqrt(abs(r)), math.copysign(math.sqrt(abs(r)), r)])
    else:
        off = np.abs(matrix - np.diag(np.diag(matrix)))
        first = int(np.argmax(off.sum(axis=0)))
        rest = [j for j in range(k) if j != first]
        r1 = matrix[first, rest]
        inner = matrix[np.ix_(rest, rest)]
        pairs = np.triu_indices(k - 1, 1)
        if np.any(np.abs(inner[pairs]) < 1e-12):
            if np.max(off) > 1e-12:
                return None
            return np.zeros(k)
        squares = np.outer(r1, r1)[pairs] / inner[pairs]
        if squares[0] <= 1e-12:
            return None
        b = np.empty(k)
        b[first] = math.sqrt(squares[0])
        b[rest] = r1 / b[first]
    fitted = np.outer(b, b)
    np.fill_diagonal(fitted, 1.0)
    small_enough = np.max(b * b) <= 1.0 - 1e-4
    return b if small_enough and np.max(np.abs(fitted - matrix)) < 1e-11 else None


@dataclass(frozen=True, slots=True)
class CommonFactor:
    """Z_j = b_j U + sqrt(1 − b_j²) E_j with independent standard normal U and E_j."""

    loadings: np.ndarray

    def tail(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """P(max \\|Z\\| > w) at each w; the quadrature is exact to rounding."""
        import numpy as np
        from scipy.special import ndtr

        width = np.sqrt(1.0 - self.loadings**2)
        panels = max(2, math.ceil(_REACH / (4.0 * float(np.min(width)))))
        node, weight = legendre(32)
        step = _REACH / panels
        u = (np.arange(panels)[:, None] * step + 0.5 * step * (1.0 + node)).ravel()
        weight = np.tile(weight * 0.5 * step, panels)
        weight = 2.0 * weight * np.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi)
        tail = np.empty(len(w))
        chunk = max(1, _MOST_CELLS // len(u))
        for at in range(0, len(w), chunk):
            threshold = w[at : at + chunk, None]
            inside = np.zeros((len(threshold), len(u)))
            with np.errstate(divide="ignore"):
                for b, q in zip(self.loadings, width, strict=True):
                    outside = ndtr((b * u - threshold) / q) + ndtr((-b * u - threshold) / q)
                    inside += np.log1p(-np.minimum(outside, 1.0))
            tail[at : at + chunk] = -np.expm1(inside) @ weight
        return np.minimum(tail, 1.0), np.zeros(len(w))

    def exceedances(self, w: float, df: float) -> float:
        """Bonferroni's bound."""
        return _bonferroni(len(self.loadings), w, df)


@dataclass(frozen=True, slots=True)
class TabulatedTail:
    """Tail known at some thresholds, as its log ratio to Bonferroni's bound.

    Attributes
    ----------
    size : int
        Number of statistics.
    series : tuple of (g,) arrays
        Chebyshev series of the log ratio on each panel.
    errors : tuple of (g, runs) arrays
        The same for each run of the lattice left out in turn.
    """

    size: int
    series: tuple[np.ndarray, ...]
    errors: tuple[np.ndarray, ...]

    def tail(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """P(max \\|Z\\| > w) at each w, with its estimated absolute error."""
        import numpy as np
        from numpy.polynomial.chebyshev import chebval
        from scipy.special import ndtr

        log_ratio, spread = np.zeros(len(w)), np.zeros(len(w))
        for (low, high, _), series, runs in zip(_PANELS, self.series, self.errors, strict=True):
            own = (w >= low) & ((w < high) | (high == _HIGHEST))
            x = 2.0 * (np.minimum(w[own], high) - low) / (high - low) - 1.0
            log_ratio[own] = chebval(x, series)
            each = chebval(x, runs)
            spread[own] = (_SHIFTS - 1.0) / math.sqrt(_SHIFTS) * each.std(axis=0, ddof=1)
        one = 2.0 * ndtr(-w)
        # at least as likely as one of them, at most as their sum
        tail = np.clip(self.size * one * np.exp(log_ratio), one, np.minimum(self.size * one, 1.0))
        error = tail * (3.0 * spread + _INTERPOLATION) + _FLOOR
        return tail, np.minimum(error, (self.size - 1) * one)

    def exceedances(self, w: float, df: float) -> float:
        """Bonferroni's bound."""
        return _bonferroni(self.size, w, df)


def _bonferroni(size: int, w: float, df: float) -> float:
    from .distributions import two_sided_t

    return size * float(two_sided_t(w, df)) if math.isfinite(df) else size * math.erfc(w / 2**0.5)


def _tabulate(matrix: np.ndarray, seed: int) -> TabulatedTail:
    import numpy as np
    from scipy.special import ndtr

    size = len(matrix)
    factor = _ordered_factor(matrix)
    nodes = [np.cos(math.pi * (np.arange(g) + 0.5) / g) for _, _, g in _PANELS]
    w = np.concatenate(
        [
            low + 0.5 * (high - low) * (1.0 + x)
            for (low, high, _), x in zip(_PANELS, nodes, strict=True)
        ]
    )
    dimensions = max(1, factor.shape[1] - 1)
    shifts = np.random.default_rng(seed).random((_SHIFTS, dimensions))
    steps = np.sqrt(_primes(dimensions))
    runs = np.empty((_SHIFTS, len(w)))
    todo = np.arange(len(w))
    for n_points in _POINTS:
        points = np.mod(np.arange(1, n_points + 1)[:, None] * steps + shifts[:, None, :], 1.0)
        points = np.abs(2.0 * points - 1.0)  # the baker's map makes the integrand periodic
        points = points.reshape(-1, dimensions)
        for i in todo:
            runs[:, i] = _tail_at(factor, float(w[i]), points).reshape(_SHIFTS, -1).mean(axis=1)
        error = runs.std(axis=0, ddof=1) / math.sqrt(_SHIFTS)
        todo = np.flatnonzero((error > _TOLERANCE) | (error > 0.01 * runs.mean(axis=0)))
    tails = np.vstack([runs.mean(axis=0), (runs.sum(axis=0) - runs) / (_SHIFTS - 1.0)])
    ratios = np.log(np.clip(tails / (size * 2.0 * ndtr(-w)), 1.0 / size, 1.0))
    series: list[np.ndarray] = []
    errors: list[np.ndarray] = []
    first = 0
    for (_, _, g), x in zip(_PANELS, nodes, strict=True):
        transform = np.cos(np.arange(g)[:, None] * np.arccos(x)) * (2.0 / g)
        transform[0] *= 0.5
        fitted = transform @ ratios[:, first : first + g].T
        series.append(fitted[:, 0])
        errors.append(fitted[:, 1:])
        first += g
    return TabulatedTail(size, tuple(series), tuple(errors))


def _ordered_factor(matrix: np.ndarray) -> np.ndarray:
    """Cholesky factor (k, rank) with the largest conditional variance first; rows reordered."""
    import numpy as np

    k = len(matrix)
    left = list(range(k))
    order: list[int] = []
    columns: list[np.ndarray] = []
    rest = matrix.copy()
    while left:
        pivot = max(left, key=lambda j: rest[j, j])
        if rest[pivot, pivot] < _ZERO:
            break
        column = rest[:, pivot] / math.sqrt(rest[pivot, pivot])
        columns.append(column)
        rest = rest - np.outer(column, column)
        order.append(pivot)
        left.remove(pivot)
    factor = np.stack(columns, axis=1)[[*order, *left]]
    factor[np.abs(factor) < _ZERO] = 0.0
    return factor


def _tail_at(factor: np.ndarray, w: float, points: np.ndarray) -> np.ndarray:
    """P(max \\|Z\\| > w) given the coordinates that each point stands for."""
    import numpy as np
    from scipy.special import ndtr, ndtri

    rank = factor.shape[1]
    last = np.array([int(np.flatnonzero(row)[-1]) for row in factor])
    normal = np.zeros((len(points), rank))
    inside = np.ones(len(points))
    tail = np.zeros(len(points))
    for m in range(rank):
        rows = np.flatnonzero(last == m)
        middle = (normal[:, :m] @ factor[rows, :m].T) * np.sign(factor[rows, m])
        slope = np.abs(factor[rows, m])
        below = ndtr(np.max((-w - middle) / slope, axis=1))
        above = ndtr(-np.min((w - middle) / slope, axis=1))
        outside = np.minimum(below + above, 1.0)
        tail += inside * outside
        inside *= 1.0 - outside
        if m < rank - 1:
            share = below + points[:, m] * (1.0 - outside)
            normal[:, m] = ndtri(np.clip(share, 1e-300, 1.0 - 1e-16))
    return tail


def _primes(count: int) -> list[int]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return found
