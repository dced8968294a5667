# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""Small dense linear algebra with explicit loops: it compiles fast and allocates nothing."""

from __future__ import annotations

import math

import numba

#: What the compiler may do to sums: reorder and contract them, never assume that all is finite.
FAST = {"reassoc", "contract", "nsz"}


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def dot(a, b):
    """Sum of products of two vectors of one length."""
    total = 0.0
    for i in range(a.shape[0]):
        total += a[i] * b[i]
    return total


@numba.njit(cache=True)
def cholesky_upper(a, r):
    """Factor ``a = r'r`` with `r` upper triangular; only the upper half of `a` is read.

    Returns False where `a` is not numerically positive definite.
    """
    n = a.shape[0]
    for j in range(n):
        for i in range(j + 1):
            total = a[i, j]
            for k in range(i):
                total -= r[k, i] * r[k, j]
            if i < j:
                r[i, j] = total / r[i, i]
            elif not total > 0.0 or not math.isfinite(total):
                return False
            else:
                r[j, j] = math.sqrt(total)
        for i in range(j + 1, n):
            r[i, j] = 0.0
    return True


@numba.njit(cache=True)
def invert_upper(r, inverse):
    """Inverse of the upper triangular `r`."""
    n = r.shape[0]
    for j in range(n):
        for i in range(n):
            inverse[i, j] = 0.0
        inverse[j, j] = 1.0 / r[j, j]
        for i in range(j - 1, -1, -1):
            total = 0.0
            for k in range(i + 1, j + 1):
                total += r[i, k] * inverse[k, j]
            inverse[i, j] = -total / r[i, i]


@numba.njit(cache=True)
def orthonormalise_rows(factor, visits, n_visits, c, q):
    """Factor the observed rows of `factor` as ``c q``: c lower triangular, q'q a projection.

    Modified Gram–Schmidt, each row twice, so that q stays orthonormal however close to singular
    the covariance ``factor factor'`` is. Returns False where a row vanishes.
    """
    size = factor.shape[1]
    for j in range(n_visits):
        for t in range(size):
            q[j, t] = factor[visits[j], t]
        for k in range(n_visits):
            c[j, k] = 0.0
        for _ in range(2):
            for k in range(j):
                dot = 0.0
                for t in range(size):
                    dot += q[j, t] * q[k, t]
                c[j, k] += dot
                for t in range(size):
                    q[j, t] -= dot * q[k, t]
        norm = 0.0
        for t in range(size):
            norm += q[j, t] * q[j, t]
        norm = math.sqrt(norm)
        if not norm > 0.0 or not math.isfinite(norm):
            return False
        c[j, j] = norm
        for t in range(size):
            q[j, t] /= norm
    return True


@numba.njit(cache=True, error_model="numpy")
def solve_definite(a, b, x, work):
    """Solve a x = b for a positive definite `a`, of which the upper half is read.

    Returns
    -------
    float
        b'x, or infinity where `a` is not numerically positive definite.
    """
    n = a.shape[0]
    if not cholesky_upper(a, work):
        return math.inf
    total = 0.0
    for i in range(n):
        value = b[i]
        for k in range(i):
            value -= work[k, i] * x[k]
        x[i] = value / work[i, i]
        total += x[i] * x[i]
    for i in range(n - 1, -1, -1):
        value = x[i]
        for k in range(i + 1, n):
            value -= work[i, k] * x[k]
        x[i] = value / work[i, i]
    return total if math.isfinite(total) else math.inf
