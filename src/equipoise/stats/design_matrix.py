"""The design matrix and the response of a formula, coded by the formula library or by its plan.

The library codes a handful of rows that hold every level; how it did so is kept for the next fit
with the same formula and levels, and the data's own rows follow from the plan. Formulas with
functions that learn from the data (splines, centring, …) are coded by the library throughout.
"""

from __future__ import annotations

import ast
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .design_grid import evaluate_expression, is_elementwise, planned_rows, read_plan
from .model_formula import ParsedFormula

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from formulaic import ModelSpec

    from .design_grid import DesignPlan
    from .model_data import ModelData


def materialise(
    parsed: ParsedFormula,
    factors: Mapping[str, np.ndarray],
    levels: Mapping[str, tuple[str, ...]],
    numeric: Mapping[str, np.ndarray],
) -> tuple[np.ndarray, np.ndarray, ModelSpec]:
    """Response (n,), design (n, p) and the library's specification of the columns.

    Parameters
    ----------
    parsed : ParsedFormula
    factors : mapping of str to int (n,)
        Codes of every factor.
    levels : mapping of str to tuple of str
    numeric : mapping of str to float (n,)
        Numeric covariates and the columns of the response.
    """
    import numpy as np

    response = response_values(parsed, numeric)
    explaining = [
        (text, ast.parse(text, mode="eval").body) for term in parsed.factors for text in term
    ]
    plain = all(_is_factor(body, levels) or is_elementwise(text) for text, body in explaining)
    terms = parsed.canonical.partition("~")[2]
    covariates = tuple(sorted(name for name in numeric if name not in parsed.response_columns))
    if plain:
        known = tuple(sorted(levels.items()))
        specification, plan = _planned_design(terms, known, covariates)
        if plan.elementwise and plan.names_agree:
            return response, planned_rows(plan, factors, numeric, len(response)), specification
    design, specification = _library_design(terms, factors, levels, numeric)
    return np.ascontiguousarray(response), design, specification


def _is_factor(body: ast.expr, levels: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a factor of the formula is a column of levels, plain or inside ``C(…)``."""
    if isinstance(body, ast.Call) and isinstance(body.func, ast.Name) and body.func.id == "C":
        body = body.args[0]
    return isinstance(body, ast.Name) and body.id in levels


@lru_cache(maxsize=256)
def _planned_design(
    terms: str,
    levels: tuple[tuple[str, tuple[str, ...]], ...],
    covariates: tuple[str, ...],
) -> tuple[ModelSpec, DesignPlan]:
    """How the library codes a formula without a function that learns: the levels decide it."""
    import numpy as np

    rows = max([2, *(len(found) for _, found in levels)])
    codes = {name: np.arange(rows) % len(found) for name, found in levels}
    numeric = {name: np.ones(rows) for name in covariates}
    _, specification = _library_design(terms, codes, dict(levels), numeric)
    names = tuple(str(name) for name in specification.column_names)
    return specification, read_plan(specification, dict(levels), names)


def _library_design(
    terms: str,
    factors: Mapping[str, np.ndarray],
    levels: Mapping[str, tuple[str, ...]],
    numeric: Mapping[str, np.ndarray],
) -> tuple[np.ndarray, ModelSpec]:
    import numpy as np
    import pandas as pd
    from formulaic import model_matrix

    columns: dict[str, Any] = dict(numeric)
    columns.update({name: _categorical(codes, levels[name]) for name, codes in factors.items()})
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # formulaic on pandas 3: deprecations that are theirs
        matrix: Any = model_matrix(
            terms, pd.DataFrame(columns), context=_context(), na_action="ignore"
        )
    return np.ascontiguousarray(np.asarray(matrix, dtype=float)), matrix.model_spec


def library_rows(
    data: ModelData, factors: Mapping[str, np.ndarray], numeric: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Rows of the design matrix at given values, evaluated by the formula library.

    Parameters and result as in `design_grid.design_rows`, which needs it for functions that
    learnt something from the data.
    """
    import numpy as np
    import pandas as pd

    columns: dict[str, Any] = {
        name: _categorical(codes, data.levels[name]) for name, codes in factors.items()
    }
    columns.update({name: np.asarray(values, dtype=float) for name, values in numeric.items()})
    length = max((len(column) for column in columns.values()), default=1)
    frame = pd.DataFrame(columns, index=range(length))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # formulaic on pandas 3: deprecations that are theirs
        matrix = data.specification.get_model_matrix(frame, context=_context())
    return np.ascontiguousarray(np.asarray(matrix, dtype=float).reshape(length, len(data.terms)))


def response_values(formula: ParsedFormula, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """The response at given values of its columns; NaN stays NaN."""
    import numpy as np

    if formula.response in columns:
        return np.asarray(columns[formula.response], dtype=float)
    with np.errstate(all="ignore"):
        values = evaluate_expression(ast.parse(formula.response, mode="eval").body, columns)
    return np.asarray(values, dtype=float)


def _categorical(codes: np.ndarray, levels: Sequence[str]) -> Any:
    import pandas as pd

    return pd.Categorical.from_codes(list(codes), categories=list(levels))


def _context() -> dict[str, Any]:
    """Names beyond formulaic's own that a checked formula may use."""
    import numpy as np

    return {"sqrt": np.sqrt}
