"""Least-squares means: the rows of the design at a balanced reference grid, averaged.

Equal weights over the levels of the other factors, numeric covariates at their mean over the
rows used (SAS LSMEANS; Searle, Speed and Milliken 1980, The American Statistician 34:216–221).
Derivation: docs/methods/least-squares-means.md.
"""

from __future__ import annotations

import difflib
import itertools
import math
from typing import TYPE_CHECKING

from .errors import ArgumentError
from .model_data import design_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from .model_data import ModelData

_LARGEST_GRID = 2_000_000


def reference_grid(
    data: ModelData,
    factors: Sequence[str],
    at: Mapping[str, float | str] | None = None,
) -> tuple[list[tuple[str, ...]], np.ndarray]:
    """Levels of `factors` and the row of coefficients that gives each LS mean.

    Parameters
    ----------
    data : ModelData
    factors : sequence of str
        The last varies fastest.
    at : mapping, optional
        Values for numeric covariates instead of their means, and single levels for factors
        instead of the average over all levels.

    Returns
    -------
    levels : list of tuple of str
        One tuple a row of the matrix.
    L : (rows, p) array

    Raises
    ------
    ArgumentError
        If a name is not a factor of the formula, or a value is not one of its levels.
    """
    import numpy as np

    fixed = dict(at or {})
    for name in factors:
        _require_factor(data, name)
        if name in fixed:
            raise ArgumentError(
                "a factor is both listed and held at one level", where="at", value=name
            )
    for name, value in fixed.items():
        if name in data.levels:
            if str(value) not in data.levels[name]:
                raise ArgumentError(
                    f"not a level of {name!r}",
                    where="at",
                    value=value,
                    rule=f"Levels: {', '.join(data.levels[name])}",
                )
        elif name not in data.means:
            raise ArgumentError(
                "not a column of the formula",
                where="at",
                value=name,
                rule=f"Columns: {', '.join([*data.levels, *data.means])}",
            )
        elif isinstance(value, str) or not math.isfinite(value):
            raise ArgumentError(
                f"the value of the numeric covariate {name!r} is not a number",
                where="at",
                value=value,
            )

    averaged = [name for name in data.levels if name not in factors]
    codes = {
        name: [data.levels[name].index(str(fixed[name]))]
        if name in fixed
        else range(len(data.levels[name]))
        for name in [*factors, *averaged]
    }
    rows = math.prod(len(c) for c in codes.values())
    if rows > _LARGEST_GRID:
        raise ArgumentError(
            f"the reference grid has {rows} points",
            where="factors",
            rule=f"At most {_LARGEST_GRID}",
            remedy="Hold factors with many levels at one level with at={…}",
        )
    grid = np.array(list(itertools.product(*codes.values())), dtype=np.int64).reshape(rows, -1)
    matrix = design_rows(
        data,
        {name: grid[:, i] for i, name in enumerate(codes)},
        {name: np.full(rows, float(fixed.get(name, mean))) for name, mean in data.means.items()},
    )
    cells = math.prod(len(codes[name]) for name in factors)
    averages = matrix.reshape(cells, rows // cells, -1).mean(axis=1)
    if not np.all(np.isfinite(averages)):
        raise ArgumentError(
            "the design is not finite at these values",
            where="at",
            value=fixed or data.means,
            remedy="A logarithm or root of a value that has none?",
        )
    levels = list(itertools.product(*(data.levels[name] for name in factors)))
    return levels, averages


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
