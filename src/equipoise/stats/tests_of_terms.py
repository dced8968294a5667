"""Type III hypotheses of every term, as SAS builds them.

Written with a dummy for every level, the design has the estimable functions that the coefficients
of the fit span. A term is contained in another that involves the same covariates and all its
factors and more. Its type III functions involve no parameters but its own and those of the terms
that contain it, and are orthogonal to the estimable functions that belong to those alone
(Goodnight 1978, SAS technical report R-101; SAS/STAT, "The Four Types of Estimable Functions").
They depend neither on the reference levels nor on the coding nor, as a fit has full column rank,
on how many observations a cell holds. Derivation: docs/methods/tests-of-terms.md.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .design_grid import PlannedFactor, PlannedTerm, design_plan
from .errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np

    from .model_data import ModelData

_LARGEST_TABLE = 20_000_000
_ZERO = 1e-9


@dataclass(frozen=True, slots=True)
class Effect:
    """A term as SAS sees it.

    Attributes
    ----------
    label : str
    factors : frozenset of str
        Columns whose levels it codes.
    covariates : frozenset of str
        Numeric expressions that it multiplies.
    term : PlannedTerm
    first : int
        Position of its first column in the design.
    """

    label: str
    factors: frozenset[str]
    covariates: frozenset[str]
    term: PlannedTerm
    first: int

    def within(self, other: Effect) -> bool:
        """Whether `other` contains this effect."""
        return self.covariates == other.covariates and self.factors < other.factors


def type_three_hypotheses(data: ModelData) -> dict[str, np.ndarray]:
    """Label of each term to its (df, p) matrix L; no rows where nothing of it is estimable.

    The intercept has none, as in SAS. The matrices are built once for a fit.
    """
    known = data.cache.get("type3")
    if known is None:
        known = data.cache["type3"] = _all_hypotheses(data)
    return known


def _all_hypotheses(data: ModelData) -> dict[str, np.ndarray]:
    effects = _effects(data)
    found: dict[str, np.ndarray] = {}
    for covariates in dict.fromkeys(effect.covariates for effect in effects):
        found.update(_group(data, [e for e in effects if e.covariates == covariates]))
    return {effect.label: found[effect.label] for effect in effects if effect.label != "1"}


def _effects(data: ModelData) -> list[Effect]:
    plan = design_plan(data)
    if not plan.names_agree:
        raise ArgumentError(
            "the columns of this design are not products of levels and covariates",
            where="type3",
            value=data.formula.text,
            remedy="Test hypotheses of your own with test(L)",
        )
    effects: list[Effect] = []
    first = 0
    for term in plan.terms:
        pieces = {f for block in term.blocks for f in block}
        effects.append(
            Effect(
                term.label,
                frozenset(f.column for f in pieces if f.column is not None),
                frozenset(f.text for f in pieces if f.column is None),
                term,
                first,
            )
        )
        first += term.width
    return effects


def _group(data: ModelData, effects: list[Effect]) -> dict[str, np.ndarray]:
    """Hypotheses of the effects that involve the same covariates."""
    import numpy as np

    factors = [name for name in data.levels if any(name in e.factors for e in effects)]
    sizes = [len(data.levels[name]) for name in factors]
    cells = math.prod(sizes)
    if cells * sum(e.term.width for e in effects) > _LARGEST_TABLE:
        raise ArgumentError(
            f"the factors of {', '.join(e.label for e in effects)} have {cells} combinations",
            where="type3",
            rule=f"At most {_LARGEST_TABLE} combinations times coefficients",
        )
    codes = dict(zip(factors, np.indices(sizes).reshape(len(factors), cells), strict=True))
    coded: list[np.ndarray] = []
    places: list[np.ndarray] = []
    for effect in effects:
        at = effect.first
        for block in effect.term.blocks:
            values, columns = _class_part(block, codes, cells)
            coded.append(values)
            places.append(at + columns)
            at += columns.size
    P = np.concatenate(coded, axis=1)
    where = np.concatenate(places, axis=1)  # (products of covariates, columns of P)
    dummies = [_dummies(effect, data, codes, cells) for effect in effects]
    owner = np.repeat(np.arange(len(effects)), [d.shape[1] for d in dummies])
    G = np.linalg.pinv(P) @ np.concatenate(dummies, axis=1)
    inner = G @ G.T

    def belonging(effect: Effect) -> np.ndarray:
        """Estimable functions of an effect and of those that contain it, as columns."""
        others = [
            i for i, e in enumerate(effects) if e.label != effect.label and not effect.within(e)
        ]
        return _null_space(G[:, np.isin(owner, others)].T)

    found: dict[str, np.ndarray] = {}
    for effect in effects:
        own = belonging(effect)
        above = [belonging(e) for e in effects if effect.within(e)]
        if above:
            own = own @ _null_space(np.concatenate(above, axis=1).T @ inner @ own)
        L = np.zeros((where.shape[0] * own.shape[1], len(data.terms)))
        for j, columns in enumerate(where):
            L[j * own.shape[1] : (j + 1) * own.shape[1], columns] = own.T
        found[effect.label] = L
    return found


def _class_part(
    block: tuple[PlannedFactor, ...], codes: dict[str, np.ndarray], cells: int
) -> tuple[np.ndarray, np.ndarray]:
    """Indicators of the levels at every cell, and which column each is of the block.

    Returns
    -------
    values : (cells, c)
    columns : (products of covariates, c)
    """
    import numpy as np

    widths = [factor.width for factor in reversed(block)]
    numbers = np.arange(math.prod(widths)).reshape(widths)
    order = list(reversed(block))
    numeric = sorted(
        (i for i, f in enumerate(order) if f.column is None), key=lambda i: order[i].text
    )
    classes = [i for i, f in enumerate(order) if f.column is not None]
    across = math.prod(widths[i] for i in numeric)
    columns = numbers.transpose([*numeric, *classes]).reshape(across, -1)
    values = np.ones((cells, 1))
    for i in classes:
        factor = order[i]
        first = 0 if factor.full else 1
        own = codes[str(factor.column)][:, None] == np.arange(first, first + factor.width)
        values = (values[:, :, None] * own[:, None, :]).reshape(cells, -1)
    return values, columns


def _dummies(
    effect: Effect, data: ModelData, codes: dict[str, np.ndarray], cells: int
) -> np.ndarray:
    """An indicator for every combination of the effect's levels."""
    import numpy as np

    names = [name for name in codes if name in effect.factors]
    levels = itertools.product(*(range(len(data.levels[name])) for name in names))
    columns = [
        np.all([codes[name] == c for name, c in zip(names, cell, strict=True)], axis=0)
        for cell in levels
    ]
    return np.stack([np.broadcast_to(column, cells) for column in columns], axis=1).astype(float)


def _null_space(matrix: np.ndarray) -> np.ndarray:
    """Orthonormal columns x with matrix · x = 0."""
    import numpy as np

    if matrix.shape[0] == 0:
        return np.eye(matrix.shape[1])
    _, singular, rows = np.linalg.svd(matrix)
    rank = int(np.sum(singular > _ZERO * max(1.0, float(singular[0])))) if len(singular) else 0
    return rows[rank:].T
