"""From a data frame to the arrays of a repeated-measures model, every fault reported at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .design_matrix import materialise
from .errors import ArgumentError, StatsError, design_error
from .frame_columns import (
    Factor,
    declared_order,
    measured_visits,
    missing_values,
    not_numeric,
    observed_rows,
    polars_column,
    read_factor,
    repeated_visits,
    subject_codes,
)
from .model_formula import ParsedFormula, check_formula
from .role_columns import read_coordinates, read_group, read_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from formulaic import ModelSpec

_SMALLEST, _LARGEST = 1e-100, 1e100


@dataclass(frozen=True, slots=True)
class ColumnRoles:
    """Names of the user's columns that have a role beside the formula."""

    subject: str
    visit: str
    weights: str | None = None
    group: str | None = None
    coordinates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ModelData:
    """The rows that enter the fit, as arrays.

    Attributes
    ----------
    formula : ParsedFormula
    specification : formulaic.ModelSpec
        Builds rows of the design matrix from a frame of the model's columns.
    design : float64 (n, p)
    response : float64 (n,)
        In the response's units.
    terms : tuple of str
        Names of the p columns, as formulaic names them.
    subject : int64 (n,)
        Participant of each row, 0 to N − 1.
    visit : int64 (n,)
        Visit of each row, as index into `visits`.
    visits : tuple of str
    levels : dict of str to tuple of str
        Levels of each factor that the formula uses, reference first.
    means : dict of str to float
        Mean of each numeric covariate over the rows used.
    dropped_levels : dict of str to tuple of str
        Levels without a row in the fit.
    n_subjects, n_dropped : int
        Participants in the fit; rows dropped because their response is missing.
    n_subjects_in_data : int
        Participants in the frame, those without any response among them.
    participants : tuple
        Labels of the N participants as the data give them, in the order of `subject`.
    source_row : int64 (n,)
        Row of the user's frame that each row was.
    weights : float64 (n,) or None
        Of each row: its variance is divided by it.
    group : int64 (N,) or None
        Covariance group of each participant, as index into `group_levels`.
    group_levels : tuple of str
    coordinates : float64 (n, d) or None
        Of each row, for spatial covariance structures.
    roles : ColumnRoles
    columns : dict of str to (n,) array
        The formula's columns but the response: codes of factors (as `levels`), numbers.
    cache : dict
        What follows from the rest and is costly to find again (`design_grid`, reference grids).
    """

    formula: ParsedFormula
    specification: ModelSpec
    design: np.ndarray
    response: np.ndarray
    terms: tuple[str, ...]
    subject: np.ndarray
    visit: np.ndarray
    visits: tuple[str, ...]
    levels: dict[str, tuple[str, ...]]
    means: dict[str, float]
    dropped_levels: dict[str, tuple[str, ...]]
    n_subjects: int
    n_dropped: int
    n_subjects_in_data: int
    participants: tuple[Any, ...]
    source_row: np.ndarray
    roles: ColumnRoles
    columns: dict[str, np.ndarray]
    weights: np.ndarray | None = None
    group: np.ndarray | None = None
    group_levels: tuple[str, ...] = ()
    coordinates: np.ndarray | None = None
    cache: dict[Any, Any] = field(default_factory=dict, repr=False)


def read_model_data(
    formula: str,
    data: Any,
    *,
    subject: str,
    visit: str,
    visit_levels: Sequence[object] | None = None,
    weights: str | None = None,
    group: str | None = None,
    coordinates: str | Sequence[str] | None = None,
) -> ModelData:
    """Check `formula` and `data` against each other and build the arrays of the fit.

    Raises
    ------
    FormulaError
        If the formula breaks the whitelist.
    DesignError
        With every fault of the data.
    """
    import narwhals as nw
    import numpy as np
    import polars as pl

    try:
        frame = nw.from_native(data)
        if isinstance(frame, nw.LazyFrame):
            frame = frame.collect()
        names = list(frame.columns)
    except TypeError:
        raise ArgumentError(
            "not a data frame",
            where="data",
            value=type(data).__name__,
            rule="Any frame that Narwhals reads will do: Polars, pandas, PyArrow, …",
        ) from None
    except nw.exceptions.DuplicateError as error:
        raise ArgumentError(
            "column names stand twice",
            where="data",
            value=str(error).replace("\n", " "),
            remedy="Give every column its own name",
        ) from None
    places = (coordinates,) if isinstance(coordinates, str) else tuple(coordinates or ())
    faults: list[StatsError] = [
        StatsError("no such column", where=f"{role}={name!r}", rule=f"Columns: {', '.join(names)}")
        for role, name in (
            ("subject", subject),
            ("visit", visit),
            *((("weights", weights),) if weights is not None else ()),
            *((("group", group),) if group is not None else ()),
            *(("coordinates", name) for name in places),
        )
        if name not in names
    ]
    if faults:
        raise design_error(faults)
    parsed = check_formula(formula, names)
    if subject in parsed.columns:
        faults.append(
            StatsError(
                "the participant stands in the formula",
                where=f"subject={subject!r}",
                rule="Participants are accounted for by the covariance matrix",
                remedy="Take it out of the formula",
            )
        )
    wanted = list(dict.fromkeys([subject, visit, *sorted(parsed.columns)]))
    beside = [name for name in (weights, group) if name is not None]
    columns = {name: polars_column(frame[name]) for name in [*wanted, *beside, *places]}
    orders = {name: declared_order(frame[name]) for name in [*wanted, *beside]}

    (response_column,) = parsed.response_columns
    keep, response_faults = observed_rows(columns[response_column], response_column)
    faults += response_faults
    n_dropped = int((~keep).sum())
    if not keep.any():
        faults.append(StatsError("no row has a response", where=response_column))
        raise design_error(faults)
    everyone = columns[subject].drop_nulls()
    n_subjects_in_data = 0 if everyone.dtype.is_nested() else everyone.n_unique()
    columns = {name: column.filter(pl.Series(keep)) for name, column in columns.items()}

    for name in wanted:
        if name == response_column:
            continue
        faults += missing_values(
            columns[name], name, {subject: "participant", visit: "visit"}.get(name)
        )
    if faults:
        raise design_error(faults)

    if visit_levels is None and not places:
        faults += measured_visits(columns[visit])
    visit_factor, visit_faults = read_factor(columns[visit], visit, orders[visit], visit_levels)
    faults += visit_faults
    factors: dict[str, Factor] = {}
    frame_columns: dict[str, Any] = {}
    for name in sorted(parsed.columns):
        column = columns[name]
        numeric = column.dtype.is_numeric()
        if name == response_column or (
            numeric and name != visit and name not in parsed.categorical
        ):
            frame_columns[name] = column.cast(pl.Float64, strict=False).to_numpy()
            if not numeric:
                faults.append(not_numeric(name, column, "the response"))
            continue
        factor, level_faults = (
            (visit_factor, []) if name == visit else read_factor(column, name, orders[name], None)
        )
        faults += level_faults
        factors[name] = factor
        if name in parsed.numeric:
            faults.append(not_numeric(name, column, "a factor"))
        if len(factor.levels) < 2:
            faults.append(
                StatsError(
                    "a factor with one level",
                    where=name,
                    value=", ".join(factor.levels),
                    rule="A factor in the formula needs at least two levels in the rows used",
                    remedy=f"Take {name!r} out of the formula",
                )
            )
    if not columns[subject].dtype.is_nested():
        faults += repeated_visits(columns, subject, visit)
    if faults:
        raise design_error(faults)
    codes, n_subjects = subject_codes(columns[subject])
    labels = (columns[subject], columns[visit])
    weight_values, group_codes, coordinate_values = None, None, None
    group_levels: tuple[str, ...] = ()
    if weights is not None:
        weight_values, found = read_weights(columns[weights], *labels)
        faults += found
    if group is not None:
        group_codes, group_levels, found = read_group(
            columns[group], orders[group], columns[subject], codes
        )
        faults += found
    if places:
        coordinate_values, found = read_coordinates(
            [columns[name] for name in places], *labels, codes
        )
        faults += found
    if faults:
        raise design_error(faults)

    levels = {name: factor.levels for name, factor in factors.items()}
    response, design, specification = materialise(
        parsed, {name: factor.codes for name, factor in factors.items()}, levels, frame_columns
    )
    terms = tuple(str(name) for name in specification.column_names)
    faults = _infinite(response, design, parsed.response, terms)
    if faults:
        raise design_error(faults)
    means = {
        name: float(np.mean(frame_columns[name]))
        for name in sorted(parsed.columns - parsed.response_columns)
        if name not in factors
    }
    dropped = {name: factor.dropped for name, factor in factors.items() if factor.dropped}
    if visit_factor.dropped:
        dropped[visit] = visit_factor.dropped
    return ModelData(
        formula=parsed,
        specification=specification,
        design=design,
        response=response,
        terms=terms,
        subject=codes,
        visit=visit_factor.codes,
        visits=visit_factor.levels,
        levels=levels,
        means=means,
        dropped_levels=dropped,
        n_subjects=n_subjects,
        n_dropped=n_dropped,
        n_subjects_in_data=n_subjects_in_data,
        participants=tuple(columns[subject].unique().sort().to_list()),
        source_row=np.flatnonzero(keep),
        roles=ColumnRoles(subject, visit, weights, group, places),
        columns={
            name: factors[name].codes if name in factors else frame_columns[name]
            for name in sorted(parsed.columns - parsed.response_columns)
        },
        weights=weight_values,
        group=group_codes,
        group_levels=group_levels,
        coordinates=coordinate_values,
    )


def _infinite(
    response: np.ndarray, design: np.ndarray, name: str, terms: tuple[str, ...]
) -> list[StatsError]:
    import numpy as np

    faults = []
    for column, values in ((name, response), *zip(terms, design.T, strict=True)):
        bad = int((~np.isfinite(values)).sum())
        if bad:
            faults.append(
                StatsError(
                    f"{bad} value(s) are not finite after the formula's functions",
                    where=column,
                    remedy="A logarithm or root of a value that has none?",
                )
            )
        elif not _SMALLEST < float(np.max(np.abs(values))) < _LARGEST and np.any(values):
            faults.append(
                StatsError(
                    "its values are too large or too small to be squared",
                    where=column,
                    rule=f"The largest lies between {_SMALLEST:g} and {_LARGEST:g}",
                    remedy="Give it in another unit",
                )
            )
    return faults
