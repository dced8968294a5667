"""Linear combinations of coefficients written by name, and means of written-out profiles."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .design_grid import design_rows
from .errors import ArgumentError
from .least_squares_means import reference_grid

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from .model_data import ModelData


def combination_rows(
    terms: Sequence[str], weights: Mapping[str, Any]
) -> tuple[np.ndarray, list[str]]:
    """L and its labels from weights of coefficients.

    Parameters
    ----------
    terms : sequence of str
    weights : mapping
        Term to number; or label to such a mapping, for several combinations.

    Raises
    ------
    ArgumentError
        With every name that is no coefficient.
    """
    import numpy as np

    if not isinstance(weights, Mapping) or not weights:
        raise ArgumentError(
            "no weights of coefficients",
            where="weights",
            value=weights,
            rule="A mapping from terms to numbers, or from labels to such mappings",
        )
    several = all(isinstance(value, Mapping) for value in weights.values())
    rows: dict[str, Any] = dict(weights) if several else {"": weights}
    position = {term: i for i, term in enumerate(terms)}
    unknown = sorted({str(t) for row in rows.values() for t in row if t not in position})
    if unknown:
        near = [m for name in unknown for m in difflib.get_close_matches(name, terms, n=1)]
        raise ArgumentError(
            "not coefficients of the fit",
            where="weights",
            value=", ".join(unknown),
            rule=f"Coefficients: {', '.join(terms)}",
            remedy=f"Did you mean {near[0]!r}?" if near else "",
        )
    L = np.zeros((len(rows), len(terms)))
    for row, chosen in zip(L, rows.values(), strict=True):
        for term, value in chosen.items():
            if isinstance(value, bool) or not isinstance(value, int | float | np.number):
                raise ArgumentError(
                    "a weight is not a number", where=f"weights, {term}", value=value
                )
            row[position[term]] = float(value)
    return L, [str(label) for label in rows] if several else [_label(weights)]


def _label(weights: Mapping[str, Any]) -> str:
    return " + ".join(
        str(term) if value == 1 else f"{value} × {term}" for term, value in weights.items()
    )


def profile_rows(
    data: ModelData, profiles: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> tuple[pl.DataFrame, np.ndarray]:
    """The profiles as a frame, and the row of the design of each.

    Raises
    ------
    ArgumentError
        If a profile leaves a column of the formula open, or gives one that is not there.
    """
    import numpy as np
    import polars as pl

    if isinstance(profiles, Mapping):
        given = [profiles]
    elif isinstance(profiles, Sequence) and all(isinstance(p, Mapping) for p in profiles):
        given = list(profiles)
    else:
        given = []
    columns = [*data.levels, *data.means]
    if not given:
        raise ArgumentError(
            "no profile is given",
            where="profiles",
            value=profiles,
            rule="A mapping from every column of the formula to its value, or several in a list",
        )
    codes: dict[str, list[int]] = {name: [] for name in data.levels}
    numeric: dict[str, list[float]] = {name: [] for name in data.means}
    for i, profile in enumerate(given):
        missing = [name for name in columns if name not in profile]
        if missing:
            raise ArgumentError(
                f"the profile leaves out {', '.join(missing)}",
                where=f"profiles[{i}]",
                rule="A profile gives every column of the formula",
                remedy="To average over columns, use lsmeans with at={…}",
            )
        at = {name: [profile[name]] for name in profile}
        grid = reference_grid(data, [], at)  # checks names, levels and numbers
        assert len(grid.matrix) == 1
        for name in data.levels:
            codes[name].append(data.levels[name].index(str(profile[name])))
        for name in data.means:
            numeric[name].append(float(profile[name]))
    matrix = design_rows(
        data,
        {name: np.array(values) for name, values in codes.items()},
        {name: np.array(values) for name, values in numeric.items()},
    )
    frame = pl.DataFrame(
        [
            pl.Series(
                name,
                [data.levels[name][c] for c in codes[name]] if name in codes else numeric[name],
                dtype=pl.Enum(data.levels[name]) if name in codes else pl.Float64,
            )
            for name in columns
        ]
    )
    return frame, matrix
