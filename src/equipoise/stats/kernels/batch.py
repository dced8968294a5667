# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""Many trials of one shape, each fitted by itself: no sum crosses trials, so that the results do
not depend on the number of threads."""

from __future__ import annotations

import math

import numba
import numpy as np
from numba import boolean, int64, types

from .compression import compress
from .inference import contrast_errors
from .newton import ARRIVED
from .rows import compress_rows
from .signatures import A3, A4, FIT_AND_CONTRAST, IM, IV, POINTERS, M, V
from .triangular import FAST

FIT_TRIALS = types.void(
    *POINTERS, int64, int64, A3, A3, boolean[::1], IM, int64, boolean, boolean,
    M, M, M, M, A4, V, IV,
)  # fmt: skip

#: Beyond those of `trial`: the observed Hessian is not positive definite; too few rows.
NO_DEGREES_OF_FREEDOM, TOO_FEW = 9, 10


@numba.njit(FIT_AND_CONTRAST, cache=True, fastmath=FAST, error_model="numpy", nogil=True)
def fit_and_contrast(
    evaluate, maximise, fit,
    rows, sums, first, visits, n_visits, counts, block, n_blocks, reml, adjust,
    contrasts, estimate, se, df, covariance,
):  # fmt: skip
    """Fit compressed rows and write estimate, se and df of each contrast, and the covariance.

    Returns
    -------
    status : int
    value : float
        −2 log-likelihood without its constant, in the user's units and coding.
    """
    size = sums.shape[1]
    q = rows.shape[1]
    p = q - 1
    n_params = n_blocks * (size * (size + 1) // 2)
    n_pseudo = 0
    observations = 0.0
    for g in range(n_visits.shape[0]):
        n_pseudo += (first[g + 1] - first[g]) // n_visits[g]
        observations += n_visits[g] * counts[g]
    if not observations > p:
        return TOO_FEW, math.nan
    triangle = np.empty((q, q))
    factors = np.empty((n_blocks, size, size))
    root = np.empty((q, q))
    gradient = np.empty((n_blocks, size, size))
    hessian = np.empty((n_params, n_params))
    squares = np.empty((n_blocks, size * (size + 1) // 2, size * (size + 1) // 2))
    moments = np.empty((n_params, q * (q + 1) // 2))
    projections = np.empty((n_visits.shape[0], size, size))
    whitened = np.empty((n_pseudo, size * q))
    status, _, _, value, scale, _ = fit(
        evaluate, maximise, rows, sums, first, visits, n_visits, counts, block, reml,
        triangle, factors, root, gradient, hessian, squares, moments, projections, whitened,
    )  # fmt: skip
    if status != ARRIVED:
        return status, math.nan
    free = observations - p if reml else observations
    value += 2.0 * free * math.log(scale)
    if reml:
        for col in range(p):
            value += 2.0 * math.log(triangle[col, col])
    # coefficients of the orthonormal design, in the user's units
    solution = np.empty(p)
    for i in range(p - 1, -1, -1):
        total = root[i, p]
        for k in range(i + 1, p):
            total -= root[i, k] * solution[k]
        solution[i] = total / root[i, i]
    for i in range(p):
        solution[i] = triangle[i, p] + scale * solution[i]
    rows_l = np.empty((contrasts.shape[0], p))
    for row in range(contrasts.shape[0]):
        total = 0.0
        for i in range(p):  # l = rows_l triangle
            entry = contrasts[row, i]
            for k in range(i):
                entry -= rows_l[row, k] * triangle[k, i]
            entry /= triangle[i, i]
            rows_l[row, i] = entry
            total += entry * solution[i]
        estimate[row] = total
    if not contrast_errors(
        rows_l, root, hessian, moments, projections, whitened, n_visits, first, block, n_blocks,
        adjust, se, df,
    ):  # fmt: skip
        return NO_DEGREES_OF_FREEDOM, math.nan
    for row in range(contrasts.shape[0]):
        se[row] *= scale
    for c in range(n_blocks):
        for a in range(size):
            for b in range(a + 1):
                total = 0.0
                for k in range(b + 1):
                    total += factors[c, a, k] * factors[c, b, k]
                covariance[c, a, b] = scale * scale * total
                covariance[c, b, a] = covariance[c, a, b]
    return ARRIVED, value


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
def fit_trial(
    evaluate, maximise, fit, contrast, y, z, crossed, group, n_blocks, reml, adjust, contrasts,
    estimate, se, df, covariance,
):  # fmt: skip
    """One trial whose design is made of participants' covariates, some crossed with the visit.

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
    if patterns == 0:
        return TOO_FEW, math.nan
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
    return contrast(
        evaluate, maximise, fit, rows[:at], sums, first, visits, n_visits, counts, block,
        n_blocks, reml, adjust, contrasts, estimate, se, df, covariance,
    )  # fmt: skip


@numba.njit(FIT_TRIALS, cache=True, nogil=True)
def fit_trials(
    evaluate, maximise, fit, contrast, begin, end, y, z, crossed, group, n_blocks, reml, adjust,
    contrasts, estimate, se, df, covariance, value, status,
):  # fmt: skip
    """`fit_trial` for the trials from `begin` to `end`; arrays gain a first axis of trials.

    `z` and `group` may have one entry there, which then serves all trials.
    """
    step_z = 1 if z.shape[0] > 1 else 0
    step_group = 1 if group.shape[0] > 1 else 0
    for trial in range(begin, end):
        status[trial], value[trial] = fit_trial(
            evaluate, maximise, fit, contrast,
            y[trial], z[trial * step_z], crossed, group[trial * step_group],
            n_blocks, reml, adjust, contrasts,
            estimate[trial], se[trial], df[trial], covariance[trial],
        )  # fmt: skip


@numba.njit(
    types.void(*POINTERS, int64, int64, A3, IM, V, V, IV, IV, IM, IM, IV, V, IV, int64, boolean,
               boolean, M, M, M, M, V, IV),
    cache=True, error_model="numpy", nogil=True,
)  # fmt: skip
def refit_allocations(
    evaluate, maximise, fit, contrast, begin, end, designs, allocations, inverse_norms, response,
    members, member_first, row_of, visits, n_visits, counts, block, n_blocks, reml, adjust,
    contrasts, estimate, se, df, value, status,
):  # fmt: skip
    """Fit under the allocations from `begin` to `end`; `contrasts` are of the scaled design."""
    n, p = designs.shape[1], designs.shape[2]
    size = row_of.shape[1]
    patterns = n_visits.shape[0]
    rows = np.empty((n, p + 1))
    sums = np.empty((patterns, size, size))
    first = np.empty(patterns + 1, dtype=np.int64)
    covariance = np.empty((n_blocks, size, size))
    for trial in range(begin, end):
        made = compress_rows(
            designs, allocations[trial], inverse_norms, response, members, member_first, row_of,
            visits, n_visits, rows, sums, first,
        )  # fmt: skip
        status[trial], value[trial] = contrast(
            evaluate, maximise, fit, rows[:made], sums, first, visits, n_visits, counts, block,
            n_blocks, reml, adjust, contrasts, estimate[trial], se[trial], df[trial], covariance,
        )  # fmt: skip
        if math.isnan(value[trial]):
            for row in range(contrasts.shape[0]):
                estimate[trial, row] = math.nan
                se[trial, row] = math.nan
                df[trial, row] = math.nan
