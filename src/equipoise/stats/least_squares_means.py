"""Least-squares means: the rows of the design at a reference grid, averaged.

With equal weights over the levels of the other factors and numeric covariates at their mean over
the rows used they are SAS's LSMEANS (Searle, Speed and Milliken 1980, The American Statistician
34:216–221). Derivation: docs/methods/least-squares-means.md.
"""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .design_grid import design_rows
from .errors import ArgumentError
from .vocabulary import MeanWeights

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import polars as pl

    from .model_data import ModelData

_LARGEST_GRID = 2_000_000
_CACHED_GRIDS = 256


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceGrid:
    """Combinations of levels and values, and the row of coefficients of each one's LS mean.

    Attributes
    ----------
    names : tuple of str
        Factors, and covariates that take several values; the last varies fastest.
    levels : tuple of tuple
        The levels and values of each name, in order.
    frame : polars.DataFrame
        One column a name; the factors are Enums.
    matrix : (rows, p) array, read-only
    """

    names: tuple[str, ...]
    levels: tuple[tuple[Any, ...], ...]
    frame: pl.DataFrame
    matrix: np.ndarray


def reference_grid(
    data: ModelData,
    factors: Sequence[str],
    at: Mapping[str, Any] | None = None,
    weights: MeanWeights = MeanWeights.EQUAL,
) -> ReferenceGrid:
    """Levels of `factors` and the row of coefficients that gives each LS mean.

    Parameters
    ----------
    data : ModelData
    factors : sequence of str
        The last varies fastest. A numeric covariate may stand here if `at` gives its values.
    at : mapping, optional
        Numeric covariates: a value instead of the mean, or several, each of which is reported.
        Factors: one level, or several over which is averaged, instead of all.
    weights : MeanWeights
        Of the levels over which is averaged.

    Returns
    -------
    ReferenceGrid
        The same object for the same question.

    Raises
    ------
    ArgumentError
        If a name is not a factor of the formula, a value is not one of its levels, or a mean has
        no row to take its weights from.
    """
    if at is not None and not isinstance(at, Mapping):
        raise ArgumentError(
            "not a mapping from columns to values",
            where="at",
            value=at,
            remedy="For instance at={'baseline': 22.0}",
        )
    fixed = {name: _plain(value) for name, value in (at or {}).items()}
    key = (
        "grid",
        tuple(factors),
        tuple(sorted((str(n), repr(v)) for n, v in fixed.items())),
        weights,
    )
    grid = data.cache.get(key)
    if grid is None:
        grid = _build(data, list(factors), fixed, weights)
        if len(data.cache) > _CACHED_GRIDS:
            data.cache.clear()
        data.cache[key] = grid
    return grid


def _plain(value: Any) -> Any:
    """One value, or the list of several; arrays and series too."""
    if isinstance(value, str | bytes) or not hasattr(value, "__len__"):
        return value
    if getattr(value, "ndim", 1) == 0:
        return value.item()
    return [item.item() if getattr(item, "ndim", 1) == 0 else item for item in value]


def _build(
    data: ModelData, listed: list[str], at: dict[str, Any], weights: MeanWeights
) -> ReferenceGrid:
    import numpy as np
    import polars as pl

    values, codes = _chosen(data, listed, at)
    several = [name for name, points in values.items() if len(points) > 1 and name not in listed]
    names = [*several, *listed]
    averaged = [name for name in data.levels if name not in names]
    axes = [*names, *averaged]
    sizes = [len(codes[name] if name in codes else values[name]) for name in axes]
    rows = math.prod(sizes)
    if rows > _LARGEST_GRID:
        raise ArgumentError(
            f"the reference grid has {rows} points",
            where="factors",
            rule=f"At most {_LARGEST_GRID}",
            remedy="Hold factors with many levels at one level with at={…}",
        )
    place = dict(zip(axes, np.indices(sizes).reshape(len(axes), rows), strict=True))
    numeric = {
        name: np.asarray(points)[place[name]] if name in place else np.full(rows, points[0])
        for name, points in values.items()
    }
    matrix = design_rows(
        data, {name: np.asarray(c)[place[name]] for name, c in codes.items()}, numeric
    )
    cells = math.prod(sizes[: len(names)])
    matrix = matrix.reshape(cells, rows // cells, -1)
    levels = tuple(
        tuple(data.levels[name][c] for c in codes[name]) if name in codes else values[name]
        for name in names
    )
    if weights is MeanWeights.EQUAL:
        averages = matrix.mean(axis=1)
    else:
        shares = _shares(data, axes, len(names), codes, sizes, weights)
        _require_rows(shares, names, levels, weights)
        averages = np.einsum("cr,crp->cp", shares, matrix)
    if not np.all(np.isfinite(averages)):
        raise ArgumentError(
            "the design is not finite at these values",
            where="at",
            value=at or data.means,
            remedy="A logarithm or root of a value that has none?",
        )
    averages.flags.writeable = False
    columns = [
        pl.Series(
            name,
            [levels[i][j] for j in place[name].reshape(cells, -1)[:, 0]],
            dtype=pl.Enum(data.levels[name]) if name in codes else pl.Float64,
        )
        for i, name in enumerate(names)
    ]
    return ReferenceGrid(tuple(names), levels, pl.DataFrame(columns), averages)


def _chosen(
    data: ModelData, listed: list[str], at: dict[str, Any]
) -> tuple[dict[str, tuple[float, ...]], dict[str, list[int]]]:
    """Values of every covariate and codes of every factor that the grid holds."""
    for name in listed:
        if name in data.means and isinstance(at.get(name), list):
            continue
        _require_factor(data, name)
        if name in at and not isinstance(at[name], list):
            raise ArgumentError(
                "a factor is both listed and held at one level", where="at", value=name
            )
    values: dict[str, tuple[float, ...]] = {name: (mean,) for name, mean in data.means.items()}
    codes = {name: list(range(len(levels))) for name, levels in data.levels.items()}
    for name, value in at.items():
        given: list[Any] = value if isinstance(value, list) else [value]
        if not given or len({str(v) for v in given}) < len(given):
            raise ArgumentError(f"no value, or one twice, for {name!r}", where="at", value=value)
        if name in data.levels:
            unknown = [v for v in given if str(v) not in data.levels[name]]
            if unknown:
                raise ArgumentError(
                    f"not a level of {name!r}",
                    where="at",
                    value=unknown[0],
                    rule=f"Levels: {', '.join(data.levels[name])}",
                )
            codes[name] = [data.levels[name].index(str(v)) for v in given]
        elif name not in data.means:
            raise ArgumentError(
                "not a column of the formula",
                where="at",
                value=name,
                rule=f"Columns: {', '.join([*data.levels, *data.means])}",
            )
        else:
            values[name] = tuple(_number(name, v) for v in given)
    return values, codes


def _number(name: str, value: Any) -> float:
    try:
        number = math.nan if isinstance(value, str | bytes) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ArgumentError(
            f"the value of the numeric covariate {name!r} is not a number", where="at", value=value
        )
    return number


def _shares(
    data: ModelData,
    axes: list[str],
    n_names: int,
    codes: dict[str, list[int]],
    sizes: list[int],
    weights: MeanWeights,
) -> np.ndarray:
    """(cells, combinations of the averaged levels) weights; each row has sum one, or is NaN."""
    import numpy as np

    kept = np.ones(len(data.subject), dtype=bool)
    index = np.zeros(len(data.subject), dtype=np.int64)
    shape: list[int] = []
    for axis, size in zip(axes, sizes, strict=True):
        if axis not in codes:
            shape.append(1)
            continue
        position = np.full(len(data.levels[axis]), -1)
        position[codes[axis]] = np.arange(size)
        where = position[data.columns[axis]]
        kept &= where >= 0
        index = index * size + where
        shape.append(size)
    row_weights = np.ones(len(data.subject))
    if weights is MeanWeights.PARTICIPANTS:
        row_weights /= np.bincount(data.subject)[data.subject]
    counts = np.bincount(index[kept], row_weights[kept], minlength=math.prod(shape)).reshape(shape)
    own = tuple(range(n_names))
    if weights is MeanWeights.FLAT:
        counts = (counts > 0.0).astype(float)
    elif weights is not MeanWeights.CELLS:
        counts = counts.sum(axis=own, keepdims=True)
    if weights is MeanWeights.OUTER:
        total, product = counts.sum(), np.ones_like(counts)
        for axis in range(n_names, len(axes)):
            others = tuple(i for i in range(len(axes)) if i != axis)
            product = product * (counts.sum(axis=others, keepdims=True) / total)
        counts = product
    cells = math.prod(sizes[:n_names])
    full = np.broadcast_to(counts, sizes).reshape(cells, -1)
    with np.errstate(invalid="ignore"):
        return full / full.sum(axis=1, keepdims=True)


def _require_rows(
    shares: np.ndarray,
    names: list[str],
    levels: tuple[tuple[Any, ...], ...],
    weights: MeanWeights,
) -> None:
    import numpy as np

    empty = ~np.all(np.isfinite(shares), axis=1)
    if not np.any(empty):
        return
    cells = list(itertools.product(*levels))
    shown = [", ".join(str(v) for v in cells[i]) or "all" for i in np.flatnonzero(empty)]
    raise ArgumentError(
        f"no row has these levels of {', '.join(names)}",
        where=f"weights={weights.word!r}",
        value="; ".join(shown[:8]) + ("; …" if len(shown) > 8 else ""),
        remedy="Use weights='equal', or hold other factors at levels that occur together",
    )


def _require_factor(data: ModelData, name: str) -> None:
    if name in data.levels:
        return
    known = list(data.levels)
    near = difflib.get_close_matches(str(name), known, n=1)
    if name in data.means:
        remedy = f"{name!r} is numeric: use at={{{name!r}: value}}"
    elif near:
        remedy = f"Did you mean {near[0]!r}?"
    else:
        remedy = f"Factors: {', '.join(known) or 'none'}"
    raise ArgumentError("not a factor of the formula", where="factor", value=name, remedy=remedy)
