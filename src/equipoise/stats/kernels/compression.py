# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""Participants of one pattern replaced by as few pseudo-participants with the same sums.

An orthogonal basis of the columns of the design (one participant a row, the design at all of
their visits side by side) is found by pivoted modified Gram–Schmidt; in that basis as many
pseudo-participants as it has vectors carry the design, and what is left of the responses enters
by its sums of products alone. See docs/methods/mmrm.md.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from .triangular import FAST, dot

#: A direction this much smaller than the largest of its pattern is zero (its square, 1e-24, is
#: what enters the sums).
RELATIVE_RANK = 1e-12


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def compress(columns, n_design, most, kept):
    """Rotate participants so that few of them carry the design; in place.

    Parameters
    ----------
    columns : float64 (n_columns, N)
        Each row one column of the pattern: first `n_design` of the design, then the responses.
        On return the design's are destroyed and the responses' hold what is left of them.
    n_design : int
    most : int
        At most so many pseudo-participants are made.
    kept : float64 (most, n_columns)
        On return the pseudo-participants in its first rows.

    Returns
    -------
    int
        Number of pseudo-participants; −1 if `most` were not enough.
    """
    n_columns, n = columns.shape
    norms = np.empty(n_design)
    largest = 0.0
    for k in range(n_design):
        norms[k] = dot(columns[k], columns[k])
        largest = max(largest, norms[k])
    floor = largest * RELATIVE_RANK * RELATIVE_RANK
    basis = np.empty(n)
    made = 0
    if not largest > 0.0:
        return 0
    while True:
        pivot = -1
        best = 0.0
        for k in range(n_design):
            if norms[k] > best:
                best = norms[k]
                pivot = k
        if pivot < 0:
            break
        exact = dot(columns[pivot], columns[pivot])
        if exact <= floor:
            norms[pivot] = 0.0
            continue
        if exact < 0.25 * best:  # the running norm was off: look again
            norms[pivot] = exact
            continue
        if made == most:
            return -1
        scale = 1.0 / math.sqrt(exact)
        for i in range(n):
            basis[i] = columns[pivot, i] * scale
        line = kept[made]
        made += 1
        for k in range(n_columns):
            if k < n_design and norms[k] == 0.0:
                line[k] = 0.0
                continue
            column = columns[k]
            share = dot(basis, column)
            line[k] = share
            if share != 0.0:
                for i in range(n):
                    column[i] -= share * basis[i]
            if k < n_design:
                norms[k] = max(norms[k] - share * share, 0.0)
                if norms[k] <= 1e-6 * share * share:
                    norms[k] = dot(column, column)
        norms[pivot] = 0.0
        if made == n:
            break
    return made
