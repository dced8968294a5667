"""Stage three: the analysis of each completed data set."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..design_grid import design_rows
from ..errors import ArgumentError, StatsError, design_error
from ..model_data import read_model_data

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from ..model_data import ModelData
    from .deltas import Deltas
    from .imputed_values import Imputations
    from .incomplete_data import IncompleteData

#: One completed data set in, estimate, standard error and degrees of freedom out by name.
AnalysisFunction = Callable[["pl.DataFrame"], Mapping[str, tuple[float, float, float]]]


@dataclass(frozen=True, slots=True)
class Ancova:
    """Ordinary least squares at one visit.

    Attributes
    ----------
    formula : str
        Of one row a participant, for instance ``"change ~ baseline + arm"``.
    visit : str
    reference : str or None
        Arm that the others are compared with; the first where it is None.
    """

    formula: str
    visit: str
    reference: str | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Analyses:
    """K quantities in each of D completed data sets.

    Attributes
    ----------
    imputations : Imputations
    names : tuple of str
    estimate, se, df : float64 (D, K)
        Units of the response; df of the complete-data analysis, infinite where it has none.
    touched : bool (K,)
        Whether imputed values enter the quantity.
    """

    imputations: Imputations
    names: tuple[str, ...]
    estimate: np.ndarray
    se: np.ndarray
    df: np.ndarray
    touched: np.ndarray

    def __repr__(self) -> str:
        return f"Analyses: {len(self.estimate)} data sets, {', '.join(self.names)}"


def ancova(formula: str, *, visit: object, reference: str | None = None) -> Ancova:
    """The analysis of covariance at one visit; see `Ancova`.

    Its quantities are the difference of each arm from the reference, named ``"drug - placebo"``,
    and the least-squares mean of each arm, named like the arm. With more than one visit analysed
    the visit stands behind ``" at "``.
    """
    label = str(int(visit)) if isinstance(visit, float) and visit.is_integer() else str(visit)
    return Ancova(formula, label, reference)


def analyse(
    imputations: Imputations,
    analysis: Ancova | PreparedAncova | AnalysisFunction | list[Ancova] | tuple[Ancova, ...],
    deltas: Deltas | None = None,
) -> Analyses:
    """Analyse each completed data set.

    Parameters
    ----------
    imputations : Imputations
    analysis : Ancova, sequence of Ancova, or callable
        A callable takes the completed data as a Polars frame and returns a mapping of name to
        (estimate, standard error, complete-data degrees of freedom).
    deltas : Deltas, optional
        Added to the imputed values before.

    Returns
    -------
    Analyses

    Raises
    ------
    DesignError, FormulaError, ArgumentError
    """
    import numpy as np

    from .imputed_values import Imputations as ImputationsType

    if deltas is not None:
        if deltas.shift.shape != imputations.participant.shape:
            raise ArgumentError(
                "the deltas belong to other imputations",
                where="deltas",
                value=deltas.shift.shape,
                rule=f"One for each of the {len(imputations.participant)} missing values",
            )
        imputations = ImputationsType(
            imputations.draws, imputations.events, imputations.references,
            imputations.participant, imputations.visit, imputations.values + deltas.shift,
        )  # fmt: skip
    if isinstance(analysis, Ancova):
        analysis = prepare(imputations, analysis)
    if isinstance(analysis, PreparedAncova):
        return _ancova(imputations, analysis, "")
    if isinstance(analysis, list | tuple):
        parts = [
            _ancova(imputations, prepare(imputations, one), f" at {one.visit}") for one in analysis
        ]
        return Analyses(
            imputations,
            tuple(name for part in parts for name in part.names),
            *(
                np.concatenate([getattr(part, field) for part in parts], axis=-1)
                for field in ("estimate", "se", "df", "touched")
            ),
        )
    return _called(imputations, analysis)


@dataclass(frozen=True, slots=True, eq=False)
class PreparedAncova:
    """An `Ancova` whose design is built, to analyse the same data under many deltas.

    Attributes
    ----------
    at : int
        The visit.
    names : tuple of str
    design : float64 (N, k)
    rows : list of int64 arrays
        Participants of each sample; one of everybody without samples.
    contrasts : float64 (samples, K, k)
    """

    at: int
    names: tuple[str, ...]
    design: np.ndarray
    rows: list[np.ndarray]
    contrasts: np.ndarray


def prepare(imputations: Imputations, analysis: Ancova) -> PreparedAncova:
    """Check an `Ancova` against the data and build its design."""
    import numpy as np

    data = imputations.draws.data
    if analysis.visit not in data.visits:
        raise ArgumentError(
            "no such visit",
            where="visit",
            value=analysis.visit,
            rule=f"Visits: {', '.join(data.visits)}",
        )
    at = data.visits.index(analysis.visit)
    model, design, names = _ancova_design(data, analysis, imputations.completed(0)[:, at])
    samples = imputations.draws.samples
    everybody = np.arange(len(design))
    rows = [everybody] if samples is None else [sample[sample >= 0] for sample in samples]
    contrasts = _quantities(model, data, analysis, rows)
    return PreparedAncova(at, tuple(names), design, rows, contrasts)


def _ancova(imputations: Imputations, prepared: PreparedAncova, suffix: str) -> Analyses:
    import numpy as np

    values = imputations.at_visit(prepared.at)
    if imputations.draws.samples is None:
        estimate, se, df = _least_squares(prepared.design, values, prepared.contrasts[0])
    else:
        parts = [
            _least_squares(prepared.design[row], value[row][None], L)
            for row, value, L in zip(prepared.rows, values, prepared.contrasts, strict=True)
        ]
        estimate, se, df = (np.concatenate([part[i] for part in parts]) for i in range(3))
    touched = np.full(len(prepared.names), bool(np.any(imputations.visit == prepared.at)))
    names = tuple(name + suffix for name in prepared.names)
    return Analyses(imputations, names, estimate, se, df, touched)


def _ancova_design(
    data: IncompleteData, analysis: Ancova, example: np.ndarray
) -> tuple[ModelData, np.ndarray, list[str]]:
    """The model of one completed data set, its design (N, k), and the names of the quantities."""
    import numpy as np
    import polars as pl

    frame = data.frame.filter(pl.col(data.visit_column).cast(pl.String) == analysis.visit)
    frame = frame.with_columns(pl.Series(data.response_column, example))
    model = read_model_data(
        analysis.formula, frame, subject=data.subject_column, visit=data.visit_column
    )
    faults: list[StatsError] = []
    if model.formula.response != data.response_column:
        faults.append(
            StatsError(
                "another response than the imputation model's",
                where=f"formula {analysis.formula!r}",
                value=model.formula.response,
                rule=f"The imputed values are those of {data.response_column!r}",
            )
        )
    if data.arm_column not in model.levels:
        faults.append(
            StatsError(
                "the arm is not in the analysis model",
                where=f"formula {analysis.formula!r}",
                remedy=f"Add {data.arm_column!r}",
            )
        )
    design = model.design
    n, k = design.shape
    if not faults and (n <= k or np.linalg.matrix_rank(design / np.abs(design).max(axis=0)) < k):
        faults.append(
            StatsError(
                f"the design of {n} participants and {k} columns has no full rank",
                where=f"formula {analysis.formula!r}",
                remedy="Take redundant terms out of the formula",
            )
        )
    if faults:
        raise design_error(faults)
    reference = analysis.reference or data.arm_levels[0]
    if reference not in data.arm_levels:
        raise ArgumentError(
            "not an arm",
            where="reference",
            value=reference,
            rule=f"Arms: {', '.join(data.arm_levels)}",
        )
    others = [level for level in data.arm_levels if level != reference]
    names = [*(f"{level} - {reference}" for level in others), *data.arm_levels]
    return model, design[np.argsort(model.subject, kind="stable")], names


def _quantities(
    model: ModelData, data: IncompleteData, analysis: Ancova, rows: list[np.ndarray]
) -> np.ndarray:
    """Rows L (samples, K, k): numeric covariates at their mean in each sample, other factors
    weighted equally."""
    import numpy as np
    import polars as pl

    factors = [data.arm_column, *(name for name in model.levels if name != data.arm_column)]
    cells = np.array(list(itertools.product(*(range(len(model.levels[f])) for f in factors))))
    frame = data.frame.filter(pl.col(data.visit_column).cast(pl.String) == analysis.visit)
    means = {
        name: np.array([float(np.mean(column[row])) for row in rows])
        for name in model.means
        for column in [frame[name].cast(pl.Float64).to_numpy()]
    }
    grid = design_rows(
        model,
        {name: np.tile(cells[:, i], len(rows)) for i, name in enumerate(factors)},
        {name: np.repeat(column, len(cells)) for name, column in means.items()},
    )
    levels = model.levels[data.arm_column]
    by_arm = grid.reshape(len(rows), len(levels), -1, grid.shape[1]).mean(axis=2)
    of = [levels.index(level) for level in data.arm_levels]
    base = data.arm_levels.index(analysis.reference or data.arm_levels[0])
    by_arm = by_arm[:, of]
    differences = np.delete(by_arm, base, axis=1) - by_arm[:, [base]]
    return np.concatenate([differences, by_arm], axis=1)


def _least_squares(
    design: np.ndarray, values: np.ndarray, L: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimates, standard errors and df (D, K) of L beta for D responses (D, n)."""
    import numpy as np

    n, k = design.shape
    ortho, triangle = np.linalg.qr(design)
    if np.min(np.abs(np.diagonal(triangle))) <= 1e-10 * np.max(np.abs(np.diagonal(triangle))):
        raise design_error(
            [
                StatsError(
                    "the design of a sample of participants has no full rank",
                    where="analysis",
                    remedy="Take terms with rare levels out of the formula",
                )
            ]
        )
    coordinates = values @ ortho
    rows = np.linalg.solve(triangle.T, L.T)
    residuals = values - coordinates @ ortho.T
    variance = np.sum(residuals**2, axis=1) / (n - k)
    se = np.sqrt(variance)[:, None] * np.linalg.norm(rows, axis=0)
    return coordinates @ rows, se, np.full(se.shape, float(n - k))


def _called(imputations: Imputations, function: AnalysisFunction) -> Analyses:
    import numpy as np

    if not callable(function):
        raise ArgumentError(
            "neither an Ancova nor a function", where="analysis", value=type(function).__name__
        )
    found = [function(imputations.frame(d)) for d in range(len(imputations))]
    names = tuple(found[0])
    for d, one in enumerate(found):
        if tuple(one) != names or any(len(value) != 3 for value in one.values()):
            raise ArgumentError(
                f"the function returned something else for imputation {d}",
                where="analysis",
                value=dict(one),
                rule="Each time the same names, each with (estimate, standard error, df)",
            )
    table = np.array([[one[name] for name in names] for one in found], dtype=float)
    if not np.all(np.isfinite(table[:, :, :2])):
        raise ArgumentError("an estimate or standard error is not finite", where="analysis")
    df = np.where(np.isnan(table[:, :, 2]), np.inf, table[:, :, 2])
    # rounding between imputations is no imputation
    spread = np.ptp(table[:, :, 0], axis=0)
    touched = spread > 1e-12 * np.max(np.abs(table[:, :, :2]), axis=(0, 2))
    return Analyses(imputations, names, table[:, :, 0], table[:, :, 1], df, touched)
