# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""From the responses and covariates of one trial of a batch to compressed rows."""

from __future__ import annotations

import math

import numba
import numpy as np

from .compression import compress
from .triangular import FAST


@numba.njit(cache=True)
def ascending(keys):
    """Positions that sort `keys`, ties in their order: a merge sort in few lines."""
    n = keys.shape[0]
    order = np.arange(n)
    other = np.empty(n, dtype=np.int64)
    width = 1
    while width < n:
        for begin in range(0, n, 2 * width):
            left = begin
            middle = min(begin + width, n)
            right = middle
            end = min(begin + 2 * width, n)
            for k in range(begin, end):
                if left < middle and (right >= end or keys[order[left]] <= keys[order[right]]):
                    other[k] = order[left]
                    left += 1
                else:
                    other[k] = order[right]
                    right += 1
        order, other = other, order
        width *= 2
    return order


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def compress_trial(y, z, crossed, group):
    """Compressed rows of a trial whose design is made of participants' covariates.

    Parameters
    ----------
    y : float64 (N, T)
        Responses, NaN where missing.
    z : float64 (N, f)
        Covariates of each participant, the intercept among them.
    crossed : bool (f,)
        Whether a covariate has one coefficient a visit (T columns of the design) or one in all.
    group : int64 (N,)
        Covariance block of each participant.

    Returns
    -------
    rows, sums, first, visits, n_visits, counts, block
        As `unstructured.evaluate_unstructured` takes them; no pattern without a response.
    """
    n, size = y.shape
    f = z.shape[1]
    p = 0
    for k in range(f):
        p += size if crossed[k] else 1
    keys = np.empty(n, dtype=np.int64)
    for i in range(n):
        key = np.int64(0)
        for t in range(size):
            if not math.isnan(y[i, t]):
                key |= np.int64(1) << t
        keys[i] = -1 if key == 0 else key + (group[i] << size)
    order = ascending(keys)
    begin = 0
    while begin < n and keys[order[begin]] < 0:
        begin += 1
    patterns = 0
    for i in range(begin, n):
        if i == begin or keys[order[i]] != keys[order[i - 1]]:
            patterns += 1
    rows = np.zeros(((n - begin) * size, p + 1))
    sums = np.zeros((patterns, size, size))
    first = np.zeros(patterns + 1, dtype=np.int64)
    visits = np.zeros((patterns, size), dtype=np.int64)
    n_visits = np.zeros(patterns, dtype=np.int64)
    counts = np.zeros(patterns)
    block = np.zeros(patterns, dtype=np.int64)
    kept = np.empty((f, f + size))
    g = 0
    at = 0
    while begin < n:
        end = begin
        key = keys[order[begin]]
        while end < n and keys[order[end]] == key:
            end += 1
        m = 0
        for t in range(size):
            if (key >> t) & 1:
                visits[g, m] = t
                m += 1
        n_visits[g] = m
        block[g] = key >> size
        counts[g] = end - begin
        columns = np.empty((f + m, end - begin))
        for i in range(begin, end):
            person = order[i]
            for k in range(f):
                columns[k, i - begin] = z[person, k]
            for j in range(m):
                columns[f + j, i - begin] = y[person, visits[g, j]]
        made = compress(columns, f, f, kept)
        for row in range(made):
            for j in range(m):
                line = rows[at]
                col = 0
                for k in range(f):
                    if crossed[k]:
                        line[col + visits[g, j]] = kept[row, k]
                        col += size
                    else:
                        line[col] = kept[row, k]
                        col += 1
                line[p] = kept[row, f + j]
                at += 1
        if made < end - begin:
            for j in range(m):
                for k in range(j + 1):
                    total = 0.0
                    for i in range(end - begin):
                        total += columns[f + j, i] * columns[f + k, i]
                    sums[g, j, k] = total
                    sums[g, k, j] = total
        first[g + 1] = at
        g += 1
        begin = end
    return rows[:at], sums, first, visits, n_visits, counts, block
