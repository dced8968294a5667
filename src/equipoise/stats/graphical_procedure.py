"""Graphical procedure: hypotheses that pass their share of alpha on when they are rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ArgumentError
from .multiplicity import require_p_values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

_SLACK = 1e-9


def graphical_procedure_p(p: ArrayLike, weights: ArrayLike, transitions: ArrayLike) -> np.ndarray:
    """Adjusted p-values of the sequentially rejective graphical procedure of Bretz et al.

    Valid under any dependence of the p-values. Weights and transitions are fixed in advance.
    Holm's procedure, fixed sequences, fallback and gatekeeping orders are special cases.
    Derivation: docs/methods/graphical-procedure.md.

    Parameters
    ----------
    p : array_like (m,)
        Unadjusted p-values.
    weights : array_like (m,)
        Share of alpha of each hypothesis at the start; not negative, at most 1 in all.
    transitions : array_like (m, m)
        transitions[i, j] is the part of hypothesis i's share that j receives when i is
        rejected; not negative, zero diagonal, at most 1 in a row.

    Returns
    -------
    (m,) array
        In the order given; a hypothesis is rejected at family-wise level alpha where its
        adjusted p is at most alpha.

    Raises
    ------
    ArgumentError
        If a p-value, a weight or a transition breaks these bounds.

    References
    ----------
    Bretz F, Maurer W, Brannath W, Posch M (2009) A graphical approach to sequentially rejective
    multiple test procedures. Stat Med 28:586–604, algorithm 1.
    """
    import numpy as np

    values = require_p_values(p)
    w, g = _require_graph(weights, transitions, len(values))
    adjusted = np.ones(len(values))
    left = np.ones(len(values), dtype=bool)
    reached = 0.0
    while left.any():
        ratio = np.full(len(values), np.inf)
        np.divide(values, w, out=ratio, where=left & (w > 0.0))
        j = int(np.argmin(ratio))
        if not np.isfinite(ratio[j]):
            break
        reached = max(reached, min(1.0, float(ratio[j])))
        adjusted[j] = reached
        left[j] = False
        w, g = _without(j, w, g, left)
    return adjusted


def _without(
    j: int, w: np.ndarray, g: np.ndarray, left: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and transitions once hypothesis j is rejected."""
    import numpy as np

    weights = np.where(left, w + w[j] * g[j], 0.0)
    back = g[:, j] * g[j, :]
    through = np.outer(g[:, j], g[j])
    loop = np.broadcast_to(back[:, None], g.shape)
    updated = np.zeros_like(g)
    allowed = left[:, None] & left[None, :] & ~np.eye(len(w), dtype=bool) & (loop < 1.0 - _SLACK)
    np.divide(g + through, 1.0 - loop, out=updated, where=allowed)
    return weights, updated


def _require_graph(
    weights: ArrayLike, transitions: ArrayLike, m: int
) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    w, g = np.asarray(weights, dtype=float), np.asarray(transitions, dtype=float)
    if w.shape != (m,):
        raise ArgumentError(
            f"one weight a hypothesis, {m} in all", where="weights", value=f"shape {w.shape}"
        )
    if not np.all(w >= 0.0) or w.sum() > 1.0 + _SLACK:
        raise ArgumentError(
            "weights are not negative and at most 1 in all", where="weights", value=w.tolist()
        )
    if g.shape != (m, m):
        raise ArgumentError(
            f"a matrix of {m} rows and columns", where="transitions", value=f"shape {g.shape}"
        )
    for i, row in enumerate(g):
        if not np.all(row >= 0.0) or row.sum() > 1.0 + _SLACK or row[i] != 0.0:
            raise ArgumentError(
                "transitions are not negative, at most 1 in a row, and 0 on the diagonal",
                where=f"transitions[{i}]",
                value=row.tolist(),
            )
    return w, g
