# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""From rows of a design, participant by participant, to compressed rows."""

from __future__ import annotations

import numba
import numpy as np
from numba import int64

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
