"""Columns with a role beside the formula: weights, covariance group, coordinates.

Each reader returns its arrays with the faults that it found; nothing is dropped or repaired.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import StatsError
from .frame_columns import read_factor

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

_SHOWN = 10


#: Distances are sums of squares.
_LARGEST = 1e100


def name_rows(chosen: np.ndarray, subjects: pl.Series, visits: pl.Series) -> str:
    """Rows as ``participant at visit``, ten at most."""
    import numpy as np

    rows = np.flatnonzero(chosen)
    listed = [f"{subjects[int(i)]} at {visits[int(i)]}" for i in rows[:_SHOWN]]
    if len(rows) > _SHOWN:
        listed.append(f"and {len(rows) - _SHOWN} more")
    return "; ".join(listed)


def read_numbers(
    column: pl.Series, role: str, subjects: pl.Series, visits: pl.Series
) -> tuple[np.ndarray | None, list[StatsError]]:
    """A column of finite numbers, one a row."""
    import numpy as np
    import polars as pl

    where = f"{role}={column.name!r}"
    if not column.dtype.is_numeric():
        fault = StatsError(
            "not numeric", where=where, value=str(column.dtype), remedy="Give it as numbers"
        )
        return None, [fault]
    values = column.cast(pl.Float64).to_numpy()
    wrong = ~np.isfinite(values)
    if not wrong.any():
        return values, []
    return None, [
        StatsError(
            f"{int(wrong.sum())} of {len(values)} rows with a response have no finite value: "
            + name_rows(wrong, subjects, visits),
            where=where,
            rule="Every row with a response needs one; rows are never dropped silently",
            remedy="Complete these values, or take the rows out yourself and say so",
        )
    ]


def read_weights(
    column: pl.Series, subjects: pl.Series, visits: pl.Series
) -> tuple[np.ndarray | None, list[StatsError]]:
    """Weights: finite and positive."""
    values, faults = read_numbers(column, "weights", subjects, visits)
    if values is None:
        return None, faults
    wrong = values <= 0.0
    if not wrong.any():
        return values, []
    return None, [
        StatsError(
            f"{int(wrong.sum())} weight(s) are zero or negative: "
            + name_rows(wrong, subjects, visits),
            where=f"weights={column.name!r}",
            value=sorted({float(value) for value in values[wrong]})[:_SHOWN],
            rule="The variance of a response is divided by its weight, which is positive",
            remedy="A response that should not count is taken out of the data, by a rule that the "
            "protocol states",
        )
    ]


def read_group(
    column: pl.Series, declared: tuple[str, ...] | None, subjects: pl.Series, codes: np.ndarray
) -> tuple[np.ndarray | None, tuple[str, ...], list[StatsError]]:
    """Group of each participant (N,), levels in the order of factors, and the faults.

    `codes` (n,) are the participants of the rows.
    """
    import numpy as np

    where = f"group={column.name!r}"
    if column.null_count():
        fault = StatsError(
            f"{column.null_count()} of {len(column)} rows with a response have no group",
            where=where,
            rule="Every participant belongs to one group",
            remedy="Complete these values, or take the participants out yourself and say so",
        )
        return None, (), [fault]
    factor, faults = read_factor(column, column.name, declared, None)
    n = int(codes.max()) + 1
    group = np.full(n, -1, dtype=np.int64)
    group[codes] = factor.codes
    wandering = np.unique(codes[group[codes] != factor.codes])
    if len(wandering):
        first = {int(code): row for row, code in reversed(list(enumerate(codes.tolist())))}
        names = [str(subjects[first[int(code)]]) for code in wandering[:_SHOWN]]
        if len(wandering) > _SHOWN:
            names.append(f"and {len(wandering) - _SHOWN} more")
        faults.append(
            StatsError(
                f"the group changes within a participant: {', '.join(names)}",
                where=where,
                rule="A participant has one covariance matrix",
                remedy="Give the group that the participant belongs to throughout, such as the arm",
            )
        )
    if len(factor.levels) < 2:
        faults.append(
            StatsError(
                "a group with one level",
                where=where,
                value=", ".join(factor.levels),
                rule="Groups are two at least in the rows used",
                remedy="Leave group out: there is one covariance",
            )
        )
    return group, factor.levels, faults


def read_coordinates(
    columns: list[pl.Series], subjects: pl.Series, visits: pl.Series, codes: np.ndarray
) -> tuple[np.ndarray | None, list[StatsError]]:
    """Coordinates (n, d); no participant has two responses at one place."""
    import numpy as np

    faults: list[StatsError] = []
    parts: list[Any] = []
    for column in columns:
        values, column_faults = read_numbers(column, "coordinates", subjects, visits)
        faults += column_faults
        parts.append(values)
    if faults:
        return None, faults
    places = np.ascontiguousarray(np.column_stack(parts))
    largest = float(np.max(np.abs(places)))
    if not largest < _LARGEST:
        faults.append(
            StatsError(
                "coordinates are too large to be squared",
                where=f"coordinates={[column.name for column in columns]}",
                value=largest,
                rule=f"They lie within {_LARGEST:g} of zero",
                remedy="Give them in another unit",
            )
        )
        return None, faults
    both = np.column_stack([codes.astype(float), places])
    _, first, counts = np.unique(both, axis=0, return_index=True, return_counts=True)
    twice = np.zeros(len(codes), dtype=bool)
    twice[first[counts > 1]] = True
    if twice.any():
        faults.append(
            StatsError(
                f"two responses of one participant at the same coordinates, {int(twice.sum())} "
                "time(s): " + name_rows(twice, subjects, visits),
                where=f"coordinates={[column.name for column in columns]}",
                rule="Responses at distance zero would have correlation one",
                remedy="Keep one row for each place, or give coordinates that tell them apart",
            )
        )
    return places, faults
