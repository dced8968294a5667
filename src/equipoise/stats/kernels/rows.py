# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""From rows of a design, participant by participant, to compressed rows."""

from __future__ import annotations

import numba
import numpy as np
from numba import int64, types

from .compression import compress
from .signatures import A3, IM, IV, M, V
from .triangular import FAST

#: designs, allocation, inverse_norms, response, members, member_first, row_of, visits, n_visits
_ROWS = (A3, IV, V, V, IV, IV, IM, IM, IV)


@numba.njit(
    int64(*_ROWS, M, A3, IV), cache=True, fastmath=FAST, error_model="numpy", nogil=True
)  # fmt: skip
def compress_rows(
    designs, allocation, inverse_norms, response, members, member_first, row_of, visits, n_visits,
    rows, sums, first,
):  # fmt: skip
    """Compress the participants of each pattern.

    Parameters
    ----------
    designs : float64 (A, n, p)
        The design as it were if everybody were in arm a.
    allocation : int64 (N,)
        Which of them holds for each participant.
    inverse_norms : float64 (p,)
        Factors that bring the columns of the design to like sizes.
    response : float64 (n,)
    members, member_first : int64 (N,), (G + 1,)
        Participants, pattern by pattern.
    row_of : int64 (N, T)
        Row of each participant at each visit; read only where observed.
    visits, n_visits : int64 (G, T), (G,)
    rows : float64 (n, p + 1)
        Filled from the top.
    sums : float64 (G, T, T)
        Filled.
    first : int64 (G + 1,)
        Filled.

    Returns
    -------
    int
        Number of rows.
    """
    p = designs.shape[2]
    sums[:] = 0.0
    first[0] = 0
    at = 0
    for g in range(n_visits.shape[0]):
        m = n_visits[g]
        begin, end = member_first[g], member_first[g + 1]
        n = end - begin
        width = m * p
        columns = np.empty((width + m, n))
        most = min(n, width)
        kept = np.empty((most, width + m))
        for i in range(n):
            person = members[begin + i]
            design = designs[allocation[person]]
            for j in range(m):
                source = row_of[person, visits[g, j]]
                for col in range(p):
                    columns[j * p + col, i] = design[source, col] * inverse_norms[col]
                columns[width + j, i] = response[source]
        made = compress(columns, width, most, kept)
        for row in range(made):
            for j in range(m):
                for col in range(p):
                    rows[at, col] = kept[row, j * p + col]
                rows[at, p] = kept[row, width + j]
                at += 1
        if made < n:
            for j in range(m):
                for k in range(j + 1):
                    total = 0.0
                    for i in range(n):
                        total += columns[width + j, i] * columns[width + k, i]
                    sums[g, j, k] = total
                    sums[g, k, j] = total
        first[g + 1] = at
    return at


@numba.njit(
    types.void(M, V, V, M, IM, M), cache=True, fastmath=FAST, error_model="numpy", nogil=True
)
def solved_rows(design, inverse_norms, response, root, rows, out):
    """Participants' rows side by side, the design solved by its triangular factor.

    Forward substitution row by row is exact for a factor that differs from `root` by rounding,
    which a product with an inverse is not.

    Parameters
    ----------
    design, inverse_norms, response
        As in `compress_rows`, of one arm.
    root : float64 (p, p)
        Upper triangular.
    rows : int64 (n, m)
        Rows of each participant.
    out : float64 (n, m (p + 1))
        Filled.
    """
    p = root.shape[0]
    n, m = rows.shape
    pivots = np.empty(p)
    for col in range(p):
        pivots[col] = 1.0 / root[col, col]
    line = np.empty(p)
    for i in range(n):
        for j in range(m):
            source = rows[i, j]
            for col in range(p):
                line[col] = design[source, col] * inverse_norms[col]
            for col in range(p):
                value = line[col] * pivots[col]
                line[col] = value
                for other in range(col + 1, p):
                    line[other] -= value * root[col, other]
            at = j * (p + 1)
            for col in range(p):
                out[i, at + col] = line[col]
            out[i, at + p] = response[source]
