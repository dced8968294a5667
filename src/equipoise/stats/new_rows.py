"""Rows to predict: from a frame of the user's, or every visit of the fit's participants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .design_grid import design_rows
from .design_matrix import response_values
from .errors import ArgumentError, StatsError, design_error
from .frame_columns import level_label, missing_values, polars_column, repeated_visits

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from .model_data import ModelData

_SHOWN = 10


@dataclass(frozen=True, slots=True, eq=False)
class NewRows:
    """Rows of a prediction.

    Attributes
    ----------
    participants : tuple
        Labels, in the order of their first row.
    subject : int64 (m,)
        Index into `participants`.
    visit : int64 (m,)
        Index into the visits of the fit.
    row : int64 (m,)
        Row of the user's frame, −1 for a visit that had none.
    design : float64 (m, p)
    response : float64 (m,)
        NaN where there is none.
    weights : float64 (m,) or None
    group : int64 (participants,) or None
    coordinates : float64 (m, d) or None
    """

    participants: tuple[Any, ...]
    subject: np.ndarray
    visit: np.ndarray
    row: np.ndarray
    design: np.ndarray
    response: np.ndarray
    weights: np.ndarray | None
    group: np.ndarray | None
    coordinates: np.ndarray | None


def rows_of_fit(data: ModelData) -> NewRows:
    """Every participant of the fit at every visit, with the responses that the fit used.

    The columns of the formula are filled at unobserved visits where they are constant within
    every participant, or the same for everybody at a visit.

    Raises
    ------
    ArgumentError
        If a column varies in another way: its value at an unobserved visit is not known.
    """
    import numpy as np

    n, visits = data.n_subjects, len(data.visits)
    subject, visit = np.repeat(np.arange(n), visits), np.tile(np.arange(visits), n)
    place = np.full((n, visits), -1, dtype=np.int64)
    place[data.subject, data.visit] = np.arange(len(data.response))
    at = place.ravel()
    unknown: list[str] = []

    def filled(name: str, values: np.ndarray) -> np.ndarray:
        for codes, key in ((data.subject, subject), (data.visit, visit)):
            table = np.zeros(int(codes.max()) + 1, dtype=values.dtype)
            table[codes] = values
            if np.array_equal(table[codes], values):
                return table[key]
        unknown.append(name)
        return values[np.maximum(at, 0)]

    filled_columns = {name: filled(name, values) for name, values in data.columns.items()}
    roles = data.roles
    weights = None if data.weights is None else filled(roles.weights or "weights", data.weights)
    coordinates = data.coordinates
    if coordinates is not None:
        names = roles.coordinates
        coordinates = np.column_stack(
            [filled(name, values) for name, values in zip(names, coordinates.T, strict=True)]
        )
    if unknown and (at < 0).any():
        raise ArgumentError(
            f"the values of {', '.join(unknown)} at unobserved visits are not known",
            where="data",
            rule="Without data, columns must be constant within participants, or the same for "
            "everybody at a visit",
            remedy="Give predict a frame with a row for each visit to predict",
        )
    return NewRows(
        participants=data.participants,
        subject=subject,
        visit=visit,
        row=np.where(at < 0, -1, data.source_row[at]),
        design=_design(data, filled_columns, len(at)),
        response=np.where(at < 0, np.nan, data.response[at]),
        weights=weights,
        group=data.group,
        coordinates=coordinates,
    )


def rows_of_frame(data: ModelData, frame: Any) -> NewRows:
    """Rows of a frame with the columns that the fit used; the response may be absent.

    Raises
    ------
    ArgumentError
        If it is not a data frame.
    DesignError
        With every fault: columns that are not there, levels or visits that the fit does not
        know, missing covariates, a visit twice for one participant.
    """
    import narwhals as nw
    import numpy as np
    import polars as pl

    try:
        table = nw.from_native(frame)
        if isinstance(table, nw.LazyFrame):
            table = table.collect()
    except TypeError:
        raise ArgumentError("not a data frame", where="data", value=type(frame).__name__) from None
    roles = data.roles
    named = [roles.subject, roles.visit, *sorted(data.columns)]
    named += [name for name in (roles.weights, roles.group) if name] + list(roles.coordinates)
    wanted = list(dict.fromkeys(named))
    absent = [name for name in wanted if name not in table.columns]
    if absent:
        raise design_error(
            [
                StatsError(
                    "no such column",
                    where=f"data[{name!r}]",
                    rule=f"Columns: {', '.join(table.columns)}",
                )
                for name in absent
            ]
        )
    if not len(table):
        raise ArgumentError("no row to predict", where="data")
    columns = {name: polars_column(table[name]) for name in wanted}
    faults: list[StatsError] = []
    for name, column in columns.items():
        faults += missing_values(
            column, name, {roles.subject: "participant", roles.visit: "visit"}.get(name)
        )
    if faults:
        raise design_error(faults)
    filled: dict[str, np.ndarray] = {}
    for name in data.columns:
        if name in data.levels:
            filled[name] = _codes(columns[name], name, data.levels[name], faults)
        else:
            filled[name] = _numbers(columns[name], name, faults)
    visit = _codes(columns[roles.visit], roles.visit, data.visits, faults)
    labels = columns[roles.subject]
    participants = labels.unique(maintain_order=True)
    position = pl.DataFrame({"label": participants, "at": np.arange(len(participants))})
    subject = (
        pl.DataFrame({"label": labels})
        .join(position, on="label", how="left", maintain_order="left")["at"]
        .to_numpy()
        .astype(np.int64)
    )
    faults += repeated_visits(columns, roles.subject, roles.visit)
    weights = None
    if roles.weights is not None:
        weights = _numbers(columns[roles.weights], roles.weights, faults)
        if (weights <= 0.0).any():
            faults.append(StatsError("a weight is not positive", where=roles.weights))
    group = None
    if roles.group is not None:
        codes = _codes(columns[roles.group], roles.group, data.group_levels, faults)
        group = np.zeros(len(participants), dtype=np.int64)
        group[subject] = codes
        if not np.array_equal(group[subject], codes):
            faults.append(
                StatsError("a participant stands in two covariance groups", where=roles.group)
            )
    coordinates = None
    if roles.coordinates:
        coordinates = np.column_stack(
            [_numbers(columns[name], name, faults) for name in roles.coordinates]
        )
    response = np.full(len(labels), np.nan)
    present = {name: table[name] for name in data.formula.response_columns if name in table.columns}
    if len(present) == len(data.formula.response_columns):
        values = {
            name: _numbers(polars_column(series), name, faults) for name, series in present.items()
        }
        response = response_values(data.formula, values)
        if np.isinf(response).any():
            faults.append(StatsError("infinite value(s)", where=data.formula.response))
    if faults:
        raise design_error(faults)
    return NewRows(
        participants=tuple(participants.to_list()),
        subject=subject,
        visit=visit,
        row=np.arange(len(labels)),
        design=_design(data, filled, len(labels)),
        response=response,
        weights=weights,
        group=group,
        coordinates=coordinates,
    )


def _design(data: ModelData, columns: dict[str, np.ndarray], length: int) -> np.ndarray:
    import numpy as np
    from formulaic.errors import FormulaicError

    factors = {name: columns[name] for name in data.levels}
    numeric = {name: values for name, values in columns.items() if name not in data.levels}
    try:
        design = design_rows(data, factors, numeric)
    except FormulaicError as error:  # a spline beyond its knots
        raise ArgumentError(
            "the design cannot be built at these values",
            where="data",
            value=str(error).partition("\n")[0],
            remedy="Leave out rows beyond the range of the fit's covariates",
        ) from None
    if not columns:
        return np.repeat(design, length, axis=0)
    if not np.all(np.isfinite(design)):
        raise ArgumentError(
            "the design is not finite at these values",
            where="data",
            remedy="A logarithm or root of a value that has none?",
        )
    return design


def _codes(
    column: pl.Series, name: str, levels: tuple[str, ...], faults: list[StatsError]
) -> np.ndarray:
    """Positions in `levels`; levels that the fit does not know are a fault."""
    import numpy as np
    import polars as pl

    values = column.unique(maintain_order=True)
    place = {level: i for i, level in enumerate(levels)}
    found = [place.get(level_label(value), -1) for value in values.to_list()]
    unknown = [str(v) for v, at in zip(values.to_list(), found, strict=True) if at < 0]
    if unknown:
        shown = ", ".join(unknown[:_SHOWN]) + (", …" if len(unknown) > _SHOWN else "")
        faults.append(
            StatsError(
                "levels that the fit does not know",
                where=name,
                value=shown,
                rule=f"Levels with data in the fit: {', '.join(levels)}",
                remedy="Leave these rows out: the model says nothing about them",
            )
        )
    table = pl.DataFrame({"value": values, "code": np.array(found, dtype=np.int64)})
    joined = pl.DataFrame({"value": column}).join(
        table, on="value", how="left", nulls_equal=True, maintain_order="left"
    )
    return joined["code"].to_numpy().astype(np.int64)


def _numbers(column: pl.Series, name: str, faults: list[StatsError]) -> np.ndarray:
    import numpy as np
    import polars as pl

    if not column.dtype.is_numeric() and column.dtype != pl.Null:
        faults.append(
            StatsError(
                "not numeric, as it was in the fit",
                where=name,
                value=str(column.dtype),
                remedy="Give it as numbers",
            )
        )
        return np.zeros(len(column))
    return column.cast(pl.Float64).to_numpy().astype(float)
