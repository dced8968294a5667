"""Contrasts of the levels of a factor, as weights of the levels.

Names as in docs/methods/multiple-comparisons.md; every kind has its counterpart in R's emmeans.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import ArgumentError
from .vocabulary import Comparison, parse_word

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class LevelContrasts:
    """Weights of the levels of one factor, or of the combinations of several.

    Attributes
    ----------
    matrix : (c, m) array
        One row a contrast, one column a level.
    names : tuple of str
    level, reference : tuple of (str or None)
        What is compared with what, where a contrast compares two levels.
    kind : Comparison or None
        None for contrasts of one's own and for products.
    """

    matrix: np.ndarray
    names: tuple[str, ...]
    level: tuple[str | None, ...]
    reference: tuple[str | None, ...]
    kind: Comparison | None


def level_contrasts(
    factor: str, levels: Sequence[Sequence[str]], kind: Any, reference: Any = None
) -> LevelContrasts:
    """The contrasts that `kind` names.

    Parameters
    ----------
    factor : str
        For error text.
    levels : sequence of tuple of str
        Each level, as a tuple with one entry a factor.
    kind : str or mapping
        A word of `Comparison`; or name → weights, which are a mapping from levels to numbers
        (levels left out weigh nothing) or one number a level.
    reference : str or tuple, optional
        For ``"reference"``; the first level where it is left out.
    """
    keys = [tuple(level) for level in levels]
    labels = [" ".join(key) for key in keys]
    if isinstance(kind, Mapping):
        if reference is not None:
            raise _no_reference(reference)
        return _custom(factor, keys, labels, kind)
    comparison = parse_word(Comparison, kind, "kind")
    if reference is not None and comparison is not Comparison.REFERENCE:
        raise _no_reference(reference)
    if len(keys) < 2:
        raise ArgumentError(
            "one level cannot be compared with itself",
            where=factor,
            value=", ".join(labels),
            remedy="Hold fewer levels fast with at={…}",
        )
    base = 0
    if comparison is Comparison.REFERENCE and reference is not None:
        base = _position(factor, keys, labels, reference, "reference")
    return _standard(comparison, labels, base)


def product_contrasts(parts: Sequence[LevelContrasts]) -> LevelContrasts:
    """Contrasts of contrasts: every product of the weights, the last part varying fastest."""
    import numpy as np

    matrix = np.ones((1, 1))
    for part in parts:
        matrix = np.kron(matrix, part.matrix)
    names = tuple(" : ".join(pieces) for pieces in itertools.product(*(p.names for p in parts)))
    nothing = (None,) * len(names)
    return LevelContrasts(matrix, names, nothing, nothing, None)


def _standard(kind: Comparison, labels: list[str], base: int) -> LevelContrasts:
    import numpy as np

    m = len(labels)
    pairs: list[tuple[int, int]] = []
    if kind is Comparison.REFERENCE:
        pairs = [(i, base) for i in range(m) if i != base]
    elif kind is Comparison.PAIRWISE:
        pairs = list(itertools.combinations(range(m), 2))
    elif kind is Comparison.REVERSE_PAIRWISE:
        pairs = [(j, i) for j in range(m) for i in range(j)]
    elif kind is Comparison.CONSECUTIVE:
        pairs = [(i + 1, i) for i in range(m - 1)]
    if pairs:
        matrix = np.zeros((len(pairs), m))
        for row, (one, other) in zip(matrix, pairs, strict=True):
            row[one], row[other] = 1.0, -1.0
        return LevelContrasts(
            matrix,
            tuple(f"{labels[one]} - {labels[other]}" for one, other in pairs),
            tuple(labels[one] for one, _ in pairs),
            tuple(labels[other] for _, other in pairs),
            kind,
        )
    others = m if kind is Comparison.MEAN else m - 1
    matrix = np.full((m, m), -1.0 / others)
    np.fill_diagonal(matrix, 1.0 - 1.0 / m if kind is Comparison.MEAN else 1.0)
    against = "mean" if kind is Comparison.MEAN else "mean of the others"
    return LevelContrasts(
        matrix,
        tuple(f"{label} - {against}" for label in labels),
        tuple(labels),
        (against,) * m,
        kind,
    )


def _custom(
    factor: str, keys: list[tuple[str, ...]], labels: list[str], kind: Mapping[Any, Any]
) -> LevelContrasts:
    import numpy as np

    if not kind:
        raise ArgumentError("no contrast is given", where="kind", value=dict(kind))
    matrix = np.zeros((len(kind), len(keys)))
    for row, (name, weights) in zip(matrix, kind.items(), strict=True):
        where = f"kind, contrast {str(name)!r}"
        if isinstance(weights, Mapping):
            places = [_position(factor, keys, labels, key, where) for key in weights]
            if len(set(places)) < len(places):
                raise ArgumentError("a level stands twice", where=where, value=list(weights))
            given = list(weights.values())
        elif isinstance(weights, Sequence | np.ndarray) and not isinstance(weights, str):
            if len(weights) != len(keys):
                raise ArgumentError(
                    f"{len(weights)} weights for {len(keys)} levels",
                    where=where,
                    rule=f"Levels: {', '.join(labels)}",
                )
            places, given = list(range(len(keys))), list(weights)
        else:
            raise ArgumentError(
                "not weights of levels",
                where=where,
                value=weights,
                rule="A mapping from levels to numbers, or one number a level",
            )
        for place, value in zip(places, given, strict=True):
            try:
                row[place] = float(value)
            except (TypeError, ValueError):
                row[place] = math.nan
        if not np.all(np.isfinite(row)) or not np.any(row):
            raise ArgumentError(
                "its weights are not numbers, or all zero", where=where, value=given
            )
    nothing = (None,) * len(kind)
    return LevelContrasts(matrix, tuple(str(name) for name in kind), nothing, nothing, None)


def _position(
    factor: str, keys: list[tuple[str, ...]], labels: list[str], wanted: Any, where: str
) -> int:
    key = tuple(str(w) for w in wanted) if isinstance(wanted, tuple) else (str(wanted),)
    if key in keys:
        return keys.index(key)
    if not isinstance(wanted, tuple) and key[0] in labels:
        return labels.index(key[0])
    raise ArgumentError(
        f"not a level of {factor!r}",
        where=where,
        value=wanted,
        rule=f"Levels: {', '.join(labels)}",
    )


def _no_reference(reference: Any) -> ArgumentError:
    return ArgumentError(
        "these contrasts have no reference level",
        where="reference",
        value=reference,
        remedy="Use kind='reference', or leave the reference out",
    )
