"""From a data frame to arrays of participants by visits, the missing values among them.

Every participant gets a row at every visit, and the design of the imputation model is built for
all of them: under the arm that they have, and under every other arm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..design_grid import design_rows
from ..errors import ArgumentError, StatsError, design_error
from ..frame_columns import declared_order, polars_column, read_factor, repeated_visits
from ..model_data import read_model_data
from ..model_formula import check_formula
from .intercurrent_events import read_events

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import polars as pl

    from ..model_data import ModelData
    from .intercurrent_events import Events
    from .strategies import Strategy

_SHOWN = 10


@dataclass(frozen=True, slots=True, eq=False)
class IncompleteData:
    """A trial with N participants, T visits and A arms.

    Attributes
    ----------
    model : ModelData
        The rows that the imputation model is fitted to.
    designs : float64 (A, N, T, p)
        Rows of the design with everybody's arm set to each arm in turn.
    response : float64 (N, T)
        NaN where it is missing.
    modelled : bool (N, T)
        Values that the imputation model is fitted to: observed, and not after an event whose
        strategy is another than MAR.
    arm : int64 (N,)
    arm_levels : tuple of str
    participants : tuple
    visits : tuple of str
    events : Events
    frame : polars.DataFrame
        One row a participant and visit, participants then visits in order.
    subject_column, visit_column, arm_column, response_column : str
    """

    model: ModelData
    designs: np.ndarray
    response: np.ndarray
    modelled: np.ndarray
    arm: np.ndarray
    arm_levels: tuple[str, ...]
    participants: tuple[Any, ...]
    visits: tuple[str, ...]
    events: Events
    frame: pl.DataFrame
    subject_column: str
    visit_column: str
    arm_column: str
    response_column: str

    @property
    def missing(self) -> np.ndarray:
        """(N, T) mask of the values that are imputed."""
        import numpy as np

        return np.isnan(self.response)


def read_incomplete_data(
    formula: str,
    data: Any,
    *,
    subject: str,
    visit: str,
    arm: str,
    events: Any = None,
    strategy: str | Strategy | Mapping[str, str | Strategy] = "mar",
    visit_levels: Sequence[object] | None = None,
) -> IncompleteData:
    """Check and complete the grid of participants by visits.

    Raises
    ------
    FormulaError, DesignError, ArgumentError
        With every fault that was found.
    """
    import numpy as np
    import polars as pl

    names, columns, orders = _columns(data)
    faults = [
        StatsError("no such column", where=f"{role}={name!r}", rule=f"Columns: {', '.join(names)}")
        for role, name in (("subject", subject), ("visit", visit), ("arm", arm))
        if name not in names
    ]
    if faults:
        raise design_error(faults)
    parsed = check_formula(formula, names)
    (response,) = parsed.response_columns
    if parsed.response != response:
        faults.append(
            StatsError(
                "the response is a function of a column",
                where=f"formula {formula!r}",
                value=parsed.response,
                rule="Imputed values are values of the column on the left",
                remedy="Make a column of the transformed values, and put it on the left",
            )
        )
    if arm not in parsed.columns:
        faults.append(
            StatsError(
                "the arm is not in the imputation model",
                where=f"formula {formula!r}",
                rule=f"A strategy compares the means of the arms: the formula contains {arm!r}",
                remedy=f"Add {arm}*{visit}",
            )
        )
    for name in (subject, visit, arm):
        n_missing = columns[name].null_count()
        if n_missing:
            faults.append(StatsError(f"{n_missing} rows have no value", where=f"column {name!r}"))
    if not columns[response].dtype.is_numeric():
        faults.append(
            StatsError(
                "the response is not numeric", where=response, value=str(columns[response].dtype)
            )
        )
    if faults:
        raise design_error(faults)
    if columns[arm].dtype.is_numeric():
        columns[arm] = columns[arm].cast(pl.String)
    faults += repeated_visits(columns, subject, visit)
    factor, visit_faults = read_factor(columns[visit], visit, orders[visit], visit_levels)
    faults += visit_faults
    if faults:
        raise design_error(faults)
    grid, order = _complete_grid(columns, subject, visit, factor.levels, factor.codes)
    participants = tuple(grid[subject].to_list()[:: len(factor.levels)])
    wide = _values(grid[response]).reshape(len(participants), -1)
    _require_covariates(grid, sorted(parsed.columns - {response, visit}), subject, arm)
    grid = _ordered(grid, {**orders, visit: factor.levels})
    arms, arm_codes = _arms(grid, arm, participants, len(factor.levels))
    found = read_events(
        events, strategy, subject, visit, participants, factor.levels, arms, arm_codes, wide
    )
    after = np.arange(wide.shape[1])[None, :] >= found.first[:, None]
    modelled = ~np.isnan(wide) & ~(after & found.changes_the_model[:, None])
    kept = grid.with_columns(
        pl.Series(response, np.where(modelled, wide, np.nan).ravel()).fill_nan(None)
    )
    model = read_model_data(formula, kept, subject=subject, visit=visit, visit_levels=factor.levels)
    _require_seen(model, factor.levels, arms, arm, visit)
    designs = _designs(model, grid, arm, arms, order)
    return IncompleteData(
        model=model,
        designs=designs.reshape(len(arms), len(participants), len(factor.levels), -1),
        response=wide,
        modelled=modelled,
        arm=arm_codes,
        arm_levels=arms,
        participants=participants,
        visits=factor.levels,
        events=found,
        frame=grid,
        subject_column=subject,
        visit_column=visit,
        arm_column=arm,
        response_column=response,
    )


def _columns(
    data: Any,
) -> tuple[list[str], dict[str, pl.Series], dict[str, tuple[str, ...] | None]]:
    import narwhals as nw

    try:
        frame = nw.from_native(data)
        if isinstance(frame, nw.LazyFrame):
            frame = frame.collect()
    except TypeError:
        raise ArgumentError(
            "not a data frame",
            where="data",
            value=type(data).__name__,
            rule="Any frame that Narwhals reads will do: Polars, pandas, PyArrow, …",
        ) from None
    names = list(frame.columns)
    if not len(frame):
        raise design_error([StatsError("no rows", where="data")])
    columns = {name: polars_column(frame[name]) for name in names}
    return names, columns, {name: declared_order(frame[name]) for name in names}


def _values(column: pl.Series) -> np.ndarray:
    import numpy as np
    import polars as pl

    values = column.cast(pl.Float64).fill_null(float("nan")).to_numpy().copy()
    if np.any(np.isinf(values)):
        raise design_error([StatsError("infinite value(s)", where=column.name)])
    if not np.any(np.isfinite(values)):
        raise design_error([StatsError("no row has a response", where=column.name)])
    return values


def _complete_grid(
    columns: dict[str, pl.Series],
    subject: str,
    visit: str,
    levels: tuple[str, ...],
    codes: np.ndarray,
) -> tuple[pl.DataFrame, list[str]]:
    """One row a participant and visit; what is constant in a participant is known at all visits."""
    import polars as pl

    frame = pl.DataFrame(columns).with_columns(pl.Series(visit, [levels[c] for c in codes]))
    people = frame.select(pl.col(subject).unique().sort())
    grid = people.join(pl.DataFrame({visit: list(levels)}), how="cross")
    grid = grid.join(frame, on=[subject, visit], how="left", maintain_order="left")
    others = [name for name in columns if name not in (subject, visit)]
    flat = [name for name in others if not frame[name].dtype.is_nested()]
    constant = frame.group_by(subject).agg(
        pl.col(name).drop_nulls().n_unique().alias(name) for name in flat
    )
    carried = [name for name in flat if constant[name].max() in (0, 1)]
    grid = grid.with_columns(
        pl.col(name).drop_nulls().first().over(subject).alias(name) for name in carried
    )
    return grid, others


def _require_covariates(grid: pl.DataFrame, names: list[str], subject: str, arm: str) -> None:
    import polars as pl

    faults = []
    for name in names:
        lacking = grid.filter(pl.col(name).is_null())
        if not len(lacking):
            continue
        people = lacking[subject].unique().sort().to_list()
        listed = ", ".join(map(str, people[:_SHOWN]))
        if len(people) > _SHOWN:
            listed += f" and {len(people) - _SHOWN} more"
        faults.append(
            StatsError(
                f"no value for {len(people)} participant(s): {listed}",
                where=f"covariate {name!r}",
                rule="A covariate of the imputation model is known for everybody at every visit; "
                "one that is constant in a participant is carried to all visits",
                remedy="Complete these values, or give rows with them for the missing visits",
            )
        )
    varying = grid.group_by(subject).agg(pl.col(arm).n_unique()).filter(pl.col(arm) > 1)
    if len(varying):
        faults.append(
            StatsError(
                "a participant in more than one arm",
                where=f"column {arm!r}",
                value=", ".join(map(str, varying[subject].sort().to_list()[:_SHOWN])),
            )
        )
    if faults:
        raise design_error(faults)


def _ordered(grid: pl.DataFrame, orders: Mapping[str, tuple[str, ...] | None]) -> pl.DataFrame:
    """Columns whose levels have an order, as Enums again."""
    import polars as pl

    return grid.with_columns(
        pl.col(name).cast(pl.String).cast(pl.Enum(list(levels)))
        for name, levels in orders.items()
        if levels is not None
        and name in grid.columns
        and set(grid[name].cast(pl.String).drop_nulls().unique()) <= set(levels)
    )


def _arms(
    grid: pl.DataFrame, arm: str, participants: tuple[Any, ...], visits: int
) -> tuple[tuple[str, ...], np.ndarray]:
    import numpy as np

    factor, faults = read_factor(grid[arm], arm, declared_levels(grid[arm]), None)
    if len(factor.levels) < 2:
        faults.append(
            StatsError(
                "one arm only",
                where=f"arm={arm!r}",
                value=", ".join(factor.levels),
                rule="A comparison has at least two arms",
            )
        )
    if faults:
        raise design_error(faults)
    codes = np.asarray(factor.codes).reshape(len(participants), visits)[:, 0]
    return factor.levels, codes.astype(np.int64)


def declared_levels(column: pl.Series) -> tuple[str, ...] | None:
    """Levels of an Enum column in their order."""
    import polars as pl

    return tuple(column.dtype.categories.to_list()) if isinstance(column.dtype, pl.Enum) else None


def _require_seen(
    model: ModelData, visits: tuple[str, ...], arms: tuple[str, ...], arm: str, visit: str
) -> None:
    """Every visit and arm has a value that the model is fitted to."""
    faults = []
    for name, levels, seen in ((visit, visits, model.visits), (arm, arms, model.levels.get(arm))):
        unseen = [level for level in levels if level not in (seen or ())]
        if unseen:
            faults.append(
                StatsError(
                    "nobody has a value that the imputation model may use",
                    where=name,
                    value=", ".join(unseen),
                    rule="What is imputed is learnt from observed values at every visit and arm; "
                    "values after an event with another strategy than MAR are not used",
                    remedy="Leave the visit or the arm out",
                )
            )
    if faults:
        raise design_error(faults)


def _designs(
    model: ModelData, grid: pl.DataFrame, arm: str, arms: tuple[str, ...], names: list[str]
) -> np.ndarray:
    import numpy as np
    import polars as pl

    factors: dict[str, np.ndarray] = {}
    faults = []
    for name, levels in model.levels.items():
        place = {level: code for code, level in enumerate(levels)}
        labels = [_label(value) for value in grid[name].to_list()]
        unknown = sorted({label for label in labels if label not in place})
        if unknown:
            faults.append(
                StatsError(
                    "levels of participants without any value that the model may use",
                    where=name,
                    value=", ".join(unknown),
                    rule="Nothing is known of these levels",
                    remedy="Merge them with others, or leave these participants out and say so",
                )
            )
            continue
        factors[name] = np.array([place[label] for label in labels], dtype=np.int64)
    if faults:
        raise design_error(faults)
    numeric = {name: grid[name].cast(pl.Float64).to_numpy() for name in model.means}
    return np.stack(
        [
            design_rows(model, {**factors, arm: np.full(len(grid), code)}, numeric)
            for code in range(len(arms))
        ]
    )


def _label(value: object) -> str:
    """The text of a level, as factors name it."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
