"""Rows of the design at chosen values, without the formula library.

A column of the design is a product of indicators of factor levels and of numeric expressions.
Which product it is, is read once from the specification that coded the data (`DesignPlan`); from
then on a row needs a few multiplications, where the formula library needs ten milliseconds. Only
elementwise expressions are evaluated here. Splines, orthogonal polynomials, centring and scaling
carry what they learnt from the data; for them the library evaluates the rows, and where the names
of the planned columns are not those of the fit, too.
"""

from __future__ import annotations

import ast
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .model_formula import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from formulaic import ModelSpec

    from .model_data import ModelData


@dataclass(frozen=True, slots=True)
class PlannedFactor:
    """One factor of a term.

    Attributes
    ----------
    text : str
        As it stands in the formula.
    column : str or None
        The factor whose levels it codes; None for a numeric expression.
    full : bool
        A column for each level; otherwise for each but the first.
    width : int
        Its number of columns.
    """

    text: str
    column: str | None
    full: bool
    width: int


@dataclass(frozen=True, slots=True)
class PlannedTerm:
    """A term of the formula and the blocks of columns that code it.

    Attributes
    ----------
    label : str
        ``"1"`` for the intercept.
    blocks : tuple of tuple of PlannedFactor
        Each is the row-wise product of its factors; the first factor varies fastest.
    """

    label: str
    blocks: tuple[tuple[PlannedFactor, ...], ...]

    @property
    def width(self) -> int:
        """Its number of columns in the design."""
        return sum(math.prod(factor.width for factor in block) for block in self.blocks)


@dataclass(frozen=True, slots=True)
class DesignPlan:
    """How the columns of a design follow from factors and covariates.

    Attributes
    ----------
    terms : tuple of PlannedTerm
        In the order of the columns.
    elementwise : bool
        Whether every numeric expression can be evaluated point by point.
    names_agree : bool
        Whether the names that follow from the plan are those of the design.
    """

    terms: tuple[PlannedTerm, ...]
    elementwise: bool
    names_agree: bool


def design_plan(data: ModelData) -> DesignPlan:
    """The plan of a fit's design; built once."""
    plan = data.cache.get("plan")
    if plan is None:
        plan = data.cache["plan"] = read_plan(data.specification, data.levels, data.terms)
    return plan


def design_rows(
    data: ModelData, factors: Mapping[str, np.ndarray], numeric: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Rows of the design matrix at given values.

    Parameters
    ----------
    data : ModelData
    factors : mapping of str to int (m,)
        Codes of every factor in the formula.
    numeric : mapping of str to float (m,)
        Values of every numeric covariate.

    Returns
    -------
    (m, p) array
    """
    from .design_matrix import library_rows

    plan = design_plan(data)
    if not (plan.elementwise and plan.names_agree):
        return library_rows(data, factors, numeric)
    length = max((len(v) for v in (*factors.values(), *numeric.values())), default=1)
    return planned_rows(plan, factors, numeric, length)


def planned_rows(
    plan: DesignPlan,
    factors: Mapping[str, np.ndarray],
    numeric: Mapping[str, np.ndarray],
    length: int,
) -> np.ndarray:
    """The same from an elementwise plan."""
    import numpy as np

    known: dict[PlannedFactor, np.ndarray] = {}
    matrix = np.empty((length, sum(term.width for term in plan.terms)))
    place = 0
    for term in plan.terms:
        for block in term.blocks:
            product = np.ones((length, 1))
            for factor in block:
                if factor not in known:
                    known[factor] = _columns(factor, factors, numeric, length)
                values = known[factor]
                product = (values[:, None, :] * product[:, :, None]).transpose(0, 2, 1)
                product = product.reshape(length, -1)
            matrix[:, place : place + product.shape[1]] = product
            place += product.shape[1]
    return matrix


def _columns(
    factor: PlannedFactor,
    factors: Mapping[str, np.ndarray],
    numeric: Mapping[str, np.ndarray],
    length: int,
) -> np.ndarray:
    import numpy as np

    if factor.column is None:
        with np.errstate(all="ignore"):
            values = evaluate_expression(ast.parse(factor.text, mode="eval").body, numeric)
        return np.broadcast_to(np.asarray(values, dtype=float), length)[:, None]
    first = 0 if factor.full else 1
    return (factors[factor.column][:, None] == np.arange(first, first + factor.width)).astype(float)


def evaluate_expression(node: ast.expr, numeric: Mapping[str, np.ndarray]) -> Any:
    """An elementwise expression that `check_formula` has passed."""
    import numpy as np

    if isinstance(node, ast.Name):
        return numeric[node.id]
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.UnaryOp):
        value = evaluate_expression(node.operand, numeric)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp):
        left, right = (
            evaluate_expression(node.left, numeric),
            evaluate_expression(node.right, numeric),
        )
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        return left * right if isinstance(node.op, ast.Mult) else np.divide(left, right)
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    function = {"log": np.log, "log2": np.log2, "log10": np.log10, "exp": np.exp, "sqrt": np.sqrt}
    return function[node.func.id](evaluate_expression(node.args[0], numeric))


# -- reading the specification ------------------------------------------------------------------


def read_plan(
    specification: ModelSpec, levels: Mapping[str, tuple[str, ...]], names: tuple[str, ...]
) -> DesignPlan:
    """The plan that a specification of the formula library follows.

    Parameters
    ----------
    specification : formulaic.ModelSpec
    levels : mapping of str to tuple of str
        Of each factor.
    names : tuple of str
        Of the columns of the design.
    """
    terms: list[PlannedTerm] = []
    for encoded in specification.structure or ():
        blocks = tuple(
            tuple(_planned(levels, str(f.factor.expr), not f.reduced) for f in scoped.factors)
            for scoped in encoded.scoped_terms
        )
        terms.append(PlannedTerm(str(encoded.term), blocks))
    numeric = [f.text for t in terms for b in t.blocks for f in b if f.column is None]
    planned = tuple(name for term in terms for name in _names(term, levels))
    return DesignPlan(
        terms=tuple(terms),
        elementwise=all(is_elementwise(text) for text in numeric),
        names_agree=planned == names,
    )


def _planned(levels: Mapping[str, tuple[str, ...]], text: str, full: bool) -> PlannedFactor:
    body = ast.parse(text, mode="eval").body
    inner = body
    if isinstance(body, ast.Call) and isinstance(body.func, ast.Name) and body.func.id == "C":
        inner = body.args[0]
    if isinstance(inner, ast.Name) and inner.id in levels:
        width = len(levels[inner.id]) - (not full)
        return PlannedFactor(text, inner.id, full, width)
    return PlannedFactor(text, None, True, _numeric_width(body))


def _numeric_width(body: ast.expr) -> int:
    """Columns of a numeric expression, from the options of `poly` and `bs`."""
    if not (isinstance(body, ast.Call) and isinstance(body.func, ast.Name)):
        return 1
    name = body.func.id
    if name not in ("poly", "bs"):
        return 1
    options: dict[str, Any] = dict(
        zip(FUNCTIONS[name].options, (ast.literal_eval(a) for a in body.args[1:]), strict=False)
    )
    options.update({str(k.arg): ast.literal_eval(k.value) for k in body.keywords})
    if name == "poly":
        return int(options.get("degree", 1))
    if options.get("df") is not None:
        return int(options["df"])
    knots = len(options.get("knots") or ())
    return knots + int(options.get("degree", 3)) + int(bool(options.get("include_intercept")))


def is_elementwise(text: str) -> bool:
    """Whether an expression has no function that learns from the data."""
    return all(
        FUNCTIONS[node.func.id].elementwise
        for node in ast.walk(ast.parse(text, mode="eval"))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    )


def _names(term: PlannedTerm, levels: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Names of the columns as the formula library gives them."""
    names: list[str] = []
    for block in term.blocks:
        pieces = [_piece_names(factor, levels) for factor in reversed(block)]
        names += [":".join(reversed(product)) for product in itertools.product(*pieces)]
    return [name or "Intercept" for name in names]


def _piece_names(factor: PlannedFactor, known: Mapping[str, tuple[str, ...]]) -> list[str]:
    if factor.column is not None:
        levels = known[factor.column]
        if factor.full:
            return [f"{factor.text}[{level}]" for level in levels]
        return [f"{factor.text}[T.{level}]" for level in levels[1:]]
    if factor.width == 1 and not factor.text.startswith(("poly(", "bs(")):
        return [factor.text]
    first = 0 if "include_intercept=True" in factor.text else 1
    return [f"{factor.text}[{i}]" for i in range(first, first + factor.width)]
