"""Columns of any data frame as Polars series, factors as codes, and the faults of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import ArgumentError, StatsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import polars as pl

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor over the rows of the fit.

    Attributes
    ----------
    levels : tuple of str
        Only those that occur, reference first.
    codes : int64 (n,)
        Index into `levels`.
    dropped : tuple of str
        Declared levels that do not occur.
    """

    levels: tuple[str, ...]
    codes: np.ndarray
    dropped: tuple[str, ...]


def polars_column(series: Any) -> pl.Series:
    """A Narwhals series as a Polars one, without PyArrow; NaN becomes missing."""
    import polars as pl

    native = series.to_native()
    if isinstance(native, pl.Series):
        column = native
        if column.dtype == pl.Categorical or isinstance(column.dtype, pl.Enum):
            column = column.cast(pl.String)
    else:
        values = [None if _is_missing(v) else v for v in series.to_list()]
        try:
            column = pl.Series(series.name, values)
        except (TypeError, pl.exceptions.PolarsError):
            column = pl.Series(series.name, [None if v is None else str(v) for v in values])
    if column.dtype.is_float():
        column = column.fill_nan(None)
    return column


def _is_missing(value: object) -> bool:
    """None, NaN, pandas.NA and pandas.NaT."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value  # noqa: PLR0124


def declared_order(series: Any) -> tuple[str, ...] | None:
    """Levels in the order that an Enum or a pandas Categorical declares, if it does."""
    import polars as pl

    native = series.to_native()
    if isinstance(native, pl.Series):
        if isinstance(native.dtype, pl.Enum):
            return tuple(native.dtype.categories.to_list())
        return None
    categories = getattr(getattr(native, "dtype", None), "categories", None)  # pandas and its kin
    return None if categories is None else tuple(level_label(level) for level in categories)


def observed_rows(column: pl.Series, name: str) -> tuple[np.ndarray, list[StatsError]]:
    keep = column.is_not_null().to_numpy()
    faults: list[StatsError] = []
    if column.dtype.is_float():
        n_infinite = int(column.is_infinite().sum() or 0)
        if n_infinite:
            faults.append(
                StatsError(
                    f"{n_infinite} infinite value(s), the first in row "
                    f"{column.is_infinite().fill_null(False).arg_true()[0] + 1}",
                    where=name,
                    rule="A response is finite, or missing",
                    remedy="Make it missing where there is no value, and say so",
                )
            )
    return keep, faults


def missing_values(column: pl.Series, name: str, role: str | None) -> list[StatsError]:
    faults: list[StatsError] = []
    n_missing = column.null_count()
    if n_missing:
        faults.append(
            StatsError(
                f"{n_missing} of {len(column)} rows with a response have no value",
                where=f"{role or 'covariate'} {name!r}",
                rule="Only a missing response drops a row; rows are never dropped silently",
                remedy="Complete these values, or take the rows out yourself and say so",
            )
        )
    if column.dtype.is_nested():
        faults.append(
            StatsError(
                "a column of lists or records",
                where=name,
                value=str(column.dtype),
                rule="A value is a number, a text, a date or a level of a factor",
            )
        )
    if column.dtype.is_float():
        n_infinite = int(column.is_infinite().sum() or 0)
        if n_infinite:
            faults.append(
                StatsError(
                    f"{n_infinite} infinite value(s)", where=f"{role or 'covariate'} {name!r}"
                )
            )
    return faults


def level_label(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def read_factor(
    column: pl.Series,
    name: str,
    declared: tuple[str, ...] | None,
    wanted: Sequence[object] | None,
) -> tuple[Factor, list[StatsError]]:
    """Levels (only those that occur), their codes, and the unused ones by name."""
    import numpy as np

    values = column.unique().sort()
    present = [level_label(value) for value in values.to_list()]
    order: tuple[str, ...] = tuple(present)
    if wanted is not None:
        if isinstance(wanted, str) or not hasattr(wanted, "__iter__"):
            raise ArgumentError(
                "not a list of levels",
                where="visit_levels",
                value=wanted,
                remedy="Give the visits in their order, for instance ['week 1', 'week 4']",
            )
        order = tuple(level_label(level) for level in wanted)
    elif declared is not None:
        order = declared
    faults: list[StatsError] = []
    unknown = [level for level in present if level not in set(order)]
    if unknown or len(set(order)) < len(order):
        faults.append(
            StatsError(
                "levels that are not in visit_levels" if unknown else "a level stands twice",
                where=name,
                value=", ".join(unknown or order),
                rule=f"visit_levels: {', '.join(order)}",
                remedy="Name each level once, in order",
            )
        )
        order = tuple(present)
    occurring = set(present)
    levels = tuple(level for level in order if level in occurring)
    position = {level: index for index, level in enumerate(levels)}
    places = np.array([position[label] for label in present], dtype=np.int64)
    codes = places[_rank(column, values)]
    dropped = tuple(level for level in order if level not in occurring)
    return Factor(levels, codes, dropped), faults


def _rank(column: pl.Series, values: pl.Series) -> np.ndarray:
    """Index of each entry of `column` among the sorted distinct `values`."""
    import numpy as np
    import polars as pl

    if column.dtype == pl.String or column.dtype.is_integer():
        return values.search_sorted(column).to_numpy().astype(np.int64)
    table = pl.DataFrame({"value": values, "code": np.arange(len(values), dtype=np.int64)})
    found = pl.DataFrame({"value": column}).join(
        table, on="value", how="left", maintain_order="left"
    )
    return found["code"].to_numpy().astype(np.int64)


def subject_codes(column: pl.Series) -> tuple[np.ndarray, int]:
    import numpy as np

    codes = column.rank("dense").to_numpy().astype(np.int64) - 1
    return codes, int(codes.max()) + 1


def repeated_visits(columns: dict[str, pl.Series], subject: str, visit: str) -> list[StatsError]:
    import polars as pl

    pairs = pl.DataFrame({"subject": columns[subject], "visit": columns[visit]})
    twice = pairs.group_by("subject", "visit", maintain_order=True).len().filter(pl.col("len") > 1)
    if not len(twice):
        return []
    listed = [f"{s} at {level_label(v)} ({n} rows)" for s, v, n in twice.head(_SHOWN).rows()]
    if len(twice) > _SHOWN:
        listed.append(f"and {len(twice) - _SHOWN} more")
    return [
        StatsError(
            "a visit twice for one participant: " + "; ".join(listed),
            where=f"{subject!r}, {visit!r}",
            rule="A participant has at most one response at a visit",
            remedy="Keep one row for each, by a rule that the protocol states",
        )
    ]


def measured_visits(column: pl.Series) -> list[StatsError]:
    """Refuse visits that are numbers with decimals: a measured time is not a planned visit."""
    if not column.dtype.is_float():
        return []
    values = column.unique().sort()
    odd = [str(value) for value in values.to_list() if not float(value).is_integer()]
    if not odd:
        return []
    return [
        StatsError(
            f"a number with decimals where a factor is needed: {', '.join(odd[:_SHOWN])}"
            + (f" and {len(odd) - _SHOWN} more" if len(odd) > _SHOWN else ""),
            where=f"visit {column.name!r}",
            rule="The visit is the planned one, the same for all participants; measured times "
            "would each become a visit of their own",
            remedy="Give the planned visit as text or whole number, name the visits in "
            "visit_levels, or use measured times as the coordinates of covariance='sp_exp'",
        )
    ]


def not_numeric(name: str, column: pl.Series, role: str) -> StatsError:
    return StatsError(
        f"{role} is not numeric" if role == "the response" else f"{role} inside a numeric function",
        where=name,
        value=str(column.dtype),
        remedy="Give it as numbers",
    )
