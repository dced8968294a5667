# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""One fit from compressed rows: orthonormal design, first covariance, optimum, final checks."""

from __future__ import annotations

import math

import numba
import numpy as np

from .newton import ARRIVED, UNDETERMINED
from .signatures import FIT_COMPRESSED
from .starting import starting_factors
from .triangular import FAST, cholesky_upper, dot

#: Beyond those of `newton`: faults of the data, and of the last point.
RANK, CONSTANT, NOT_AT_REST = 6, 7, 8

#: What a fit must pass after the optimiser has stopped.
FINAL_DECREMENT = 1e-8
FINAL_GRADIENT = 1e-4
#: A direction informed by less than a hundredth of one participant is not informed.
LEAST_CURVATURE = 1e-2
RANK_TOLERANCE = 1e-10


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def orthonormalise_design(rows, triangle):
    """Replace the p design columns of `rows` by orthonormal ones and the response by residuals.

    Parameters
    ----------
    rows : float64 (R, p + 1)
        In place.
    triangle : float64 (p + 1, p + 1)
        On return upper triangular: the old columns are the new ones times it, its last column
        holds the coefficients of the response on the new ones.

    Returns
    -------
    int
        −1, or the first column that depends on those before it.
    """
    n, q = rows.shape
    p = q - 1
    columns = np.empty((q, n))
    for i in range(n):
        for col in range(q):
            columns[col, i] = rows[i, col]
    triangle[:] = 0.0
    bad = -1
    for col in range(q):
        column = columns[col]
        before = math.sqrt(dot(column, column))
        for _ in range(2):
            for k in range(col if col < p else p):
                share = dot(columns[k], column)
                triangle[k, col] += share
                for i in range(n):
                    column[i] -= share * columns[k, i]
        if col == p:
            break
        norm = math.sqrt(dot(column, column))
        if not norm > RANK_TOLERANCE * before:
            return col
        triangle[col, col] = norm
        for i in range(n):
            column[i] /= norm
    for i in range(n):
        for col in range(q):
            rows[i, col] = columns[col, i]
    return bad


@numba.njit(cache=True, error_model="numpy")
def scale_residuals(rows, sums, n_visits, largest):
    """Bring the residuals in `rows` and `sums` to length 1, in place.

    Returns
    -------
    status : int
        CONSTANT where nothing is left of responses as large as `largest`.
    size : float
        Their length before.
    """
    p = rows.shape[1] - 1
    total = 0.0
    for i in range(rows.shape[0]):
        total += rows[i, p] * rows[i, p]
    for g in range(n_visits.shape[0]):
        for j in range(n_visits[g]):
            total += sums[g, j, j]
    size = math.sqrt(total)
    if not size > 1e-10 * largest or not math.isfinite(size):
        return CONSTANT, size
    for i in range(rows.shape[0]):
        rows[i, p] /= size
    for g in range(sums.shape[0]):
        for j in range(sums.shape[1]):
            for k in range(sums.shape[2]):
                sums[g, j, k] /= total
    return ARRIVED, size


@numba.njit(FIT_COMPRESSED, cache=True, error_model="numpy", nogil=True)
def fit_compressed(
    evaluate, maximise,
    rows, sums, first, visits, n_visits, counts, block, reml, triangle, factors, root,
    gradient, hessian, squares, moments, projections, whitened,
):  # fmt: skip
    """Fit to compressed rows, which are overwritten by orthonormal ones of unit residuals.

    Parameters
    ----------
    evaluate, maximise
        Pointers to the kernels of `unstructured` and `newton`.
    rows, sums, first, visits, n_visits, counts, block, reml
        As in `unstructured.evaluate_unstructured`, in the user's units.
    triangle : float64 (p + 1, p + 1)
        Filled by `orthonormalise_design`.
    factors : float64 (C, T, T)
        On return those of the optimum, for residuals of unit length.
    root, gradient, hessian, squares, moments, projections, whitened
        Filled by `newton.maximise_unstructured`.

    Returns
    -------
    status : int
        ARRIVED only if every check at the last point was passed.
    iterations, evaluations : int
    value : float
        −2 log-likelihood of the orthonormal design and unit residuals, without its constant.
    size : float
        Length of the residuals of ordinary least squares, in the response's units.
    column : int
        The dependent column, where the status is RANK.
    """
    n, q = rows.shape
    p = q - 1
    largest = 0.0
    for i in range(n):
        largest = max(largest, abs(rows[i, p]))
    column = orthonormalise_design(rows, triangle)
    if column >= 0:
        return RANK, 0, 0, math.nan, math.nan, column
    status, size = scale_residuals(rows, sums, n_visits, largest)
    if status != ARRIVED:
        return status, 0, 0, math.nan, size, -1
    starting_factors(rows, sums, first, visits, n_visits, counts, block, factors)
    status, iterations, evaluations, value = maximise(
        evaluate, factors, rows, sums, first, visits, n_visits, counts, block, reml,
        root, gradient, hessian, squares, moments, projections, whitened,
    )  # fmt: skip
    if status == ARRIVED:
        n_params = hessian.shape[0]
        work = np.empty((n_params, n_params))
        shifted = np.empty((n_params, n_params))
        for i in range(n_params):
            for j in range(i, n_params):
                shifted[i, j] = hessian[i, j]
            shifted[i, i] -= LEAST_CURVATURE
        if not cholesky_upper(shifted, work):
            status = UNDETERMINED
        norm = 0.0
        for c in range(factors.shape[0]):
            for a in range(factors.shape[1]):
                for b in range(factors.shape[1]):
                    norm += gradient[c, a, b] * gradient[c, a, b]
        if not math.sqrt(norm) < FINAL_GRADIENT:
            status = NOT_AT_REST
    return status, iterations, evaluations, value, size, -1
