# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""Standard errors and degrees of freedom of contrasts, in whitened coordinates.

The formulas are those of `equipoise.stats.small_samples`, contrast by contrast, so that no matrix
of the size of the coefficients is formed. Derivations: docs/methods/kenward-roger.md and
docs/methods/satterthwaite.md.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numba import boolean, int64

from .signatures import A3, IV, M
from .triangular import FAST, cholesky_upper, dot, invert_upper


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def second_moment(information, at, projection, out):
    """sum_ij W_ij E_i A E_j, W the rows and columns of `information` from `at` on."""
    size = projection.shape[0]
    root = math.sqrt(0.5)
    out[:] = 0.0
    i = at
    for s in range(size):
        for t in range(s, size):
            ci = 0.5 if s == t else root
            j = at
            for u in range(size):
                for v in range(u, size):
                    w = ci * (0.5 if u == v else root) * information[i, j]
                    out[s, v] += w * projection[t, u]
                    out[s, u] += w * projection[t, v]
                    out[t, v] += w * projection[s, u]
                    out[t, u] += w * projection[s, v]
                    j += 1
            i += 1


@numba.njit(
    boolean(M, M, M, A3, M, IV, IV, IV, int64, boolean, M, A3, M, M),
    cache=True, fastmath=FAST, error_model="numpy", nogil=True,
)  # fmt: skip
def small_sample_parts(
    root, hessian, moments, projections, whitened, n_visits, first, block, n_blocks, adjust,
    whitening, curvatures, information, adjusted,
):  # fmt: skip
    """What `equipoise.stats.small_samples.FixedEffects` holds, written into the last four.

    Parameters
    ----------
    root, hessian, moments, projections, whitened, n_visits, first, block
        As `newton.maximise_unstructured` leaves them.
    n_blocks : int
    adjust : bool
        Whether Kenward and Roger's adjusted covariance is wanted.
    whitening : float64 (p, p)
        Inverse of the design's part of `root`.
    curvatures : float64 (K, p, p)
    information : float64 (K, K)
        Inverse observed information of the covariance parameters.
    adjusted : float64 (p, p)
        I + 2 sum_ij W_ij (Q_ij − P_i P_j), the identity without adjustment.

    Returns
    -------
    bool
        False where the observed Hessian is not positive definite.
    """
    n_params = hessian.shape[0]
    p = whitening.shape[0]
    q = p + 1
    size = projections.shape[1]
    per_block = n_params // n_blocks
    upper = np.empty((n_params, n_params))
    half = np.empty((n_params, n_params))  # H⁻¹ = half half'
    if not cholesky_upper(hessian, upper):
        return False
    invert_upper(upper, half)
    for i in range(n_params):
        for j in range(i, n_params):
            total = 0.0
            for k in range(j, n_params):
                total += half[i, k] * half[j, k]
            information[i, j] = 2.0 * total
            information[j, i] = 2.0 * total
    triangle = np.empty((p, p))
    for i in range(p):
        for j in range(p):
            triangle[i, j] = root[i, j]
            adjusted[i, j] = 1.0 if i == j else 0.0
    invert_upper(triangle, whitening)
    root2 = math.sqrt(0.5)
    for k in range(n_params):
        packed = 0
        for col in range(p):
            curvatures[k, col, col] = moments[k, packed]
            packed += 1
            for other in range(col + 1, p):
                value = root2 * moments[k, packed]
                curvatures[k, col, other] = value
                curvatures[k, other, col] = value
                packed += 1
            packed += 1  # the response's column
    if not adjust:
        return True
    y = np.empty((p, p))
    for i in range(n_params):
        for a in range(p):
            for b in range(p):
                y[a, b] = 0.0
        for k in range(i + 1):
            weight = half[k, i]
            for a in range(p):
                for b in range(p):
                    y[a, b] += weight * curvatures[k, a, b]
        for a in range(p):
            for k in range(p):
                weight = 4.0 * y[a, k]
                for b in range(p):
                    adjusted[a, b] -= weight * y[k, b]
    inner = np.empty((size, size))
    moved = np.empty((size, p))
    pseudo = 0
    for g in range(n_visits.shape[0]):
        second_moment(information, block[g] * per_block, projections[g], inner)
        for _ in range((first[g + 1] - first[g]) // n_visits[g]):
            for s in range(size):
                for col in range(p):
                    moved[s, col] = 0.0
                for t in range(size):
                    weight = inner[s, t] + inner[t, s]  # twice its symmetric part
                    for col in range(p):
                        moved[s, col] += weight * whitened[pseudo, t * q + col]
            for s in range(size):
                for a in range(p):
                    weight = whitened[pseudo, s * q + a]
                    for col in range(p):
                        adjusted[a, col] += weight * moved[s, col]
            pseudo += 1
    for a in range(p):
        for b in range(a):
            total = 0.5 * (adjusted[a, b] + adjusted[b, a])
            adjusted[a, b] = total
            adjusted[b, a] = total
    return True


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def contrast_errors(
    rows_l, root, hessian, moments, projections, whitened, n_visits, first, block, n_blocks,
    adjust, se, df,
):  # fmt: skip
    """Standard error and degrees of freedom of each contrast, written into the last two.

    Parameters
    ----------
    rows_l : float64 (l, p)
        Contrasts of the coefficients of the orthonormal design.
    root, hessian, moments, projections, whitened, n_visits, first, block
        As `newton.maximise_unstructured` leaves them.
    n_blocks : int
    adjust : bool
        Kenward and Roger's adjusted standard error (first order) instead of the model's.

    Returns
    -------
    bool
        False where the observed Hessian is not positive definite.
    """
    n_contrasts, p = rows_l.shape
    q = p + 1
    n_params = hessian.shape[0]
    size = projections.shape[1]
    per_block = n_params // n_blocks
    upper = np.empty((n_params, n_params))
    half = np.empty((n_params, n_params))  # H⁻¹ = half half'
    if not cholesky_upper(hessian, upper):
        return False
    invert_upper(upper, half)
    n_patterns = n_visits.shape[0]
    inner = np.empty((n_patterns, size, size))
    if adjust:
        information = np.zeros((n_params, n_params))
        for i in range(n_params):
            for j in range(i, n_params):
                total = 0.0
                for k in range(j, n_params):
                    total += half[i, k] * half[j, k]
                information[i, j] = 2.0 * total
                information[j, i] = 2.0 * total
        for g in range(n_patterns):
            second_moment(information, block[g] * per_block, projections[g], inner[g])
    w = np.empty(p)
    z = np.empty((n_params, p))
    gradient = np.empty(n_params)
    x = np.empty(size)
    y = np.empty(p)
    root2 = math.sqrt(0.5)
    for row in range(n_contrasts):
        for i in range(p):  # w root = l
            value = rows_l[row, i]
            for k in range(i):
                value -= w[k] * root[k, i]
            w[i] = value / root[i, i]
        variance = dot(w, w)
        for k in range(n_params):
            packed = 0
            for col in range(p):
                z[k, col] = 0.0
            for col in range(p):
                weight = w[col]
                z[k, col] += weight * moments[k, packed]
                packed += 1
                weight *= root2
                total = 0.0
                for other in range(col + 1, p):
                    value = moments[k, packed]
                    z[k, other] += weight * value
                    total += w[other] * value
                    packed += 1
                z[k, col] += root2 * total
                packed += 1  # the response's column
            gradient[k] = dot(z[k], w)
        spread = 0.0
        for i in range(n_params):  # half' gradient
            total = 0.0
            for k in range(i + 1):
                total += half[k, i] * gradient[k]
            spread += total * total
        df[row] = variance * variance / spread
        if adjust:
            products = 0.0
            for i in range(n_params):
                for col in range(p):
                    y[col] = 0.0
                for k in range(i + 1):
                    weight = half[k, i]
                    for col in range(p):
                        y[col] += weight * z[k, col]
                products += dot(y, y)
            quadratic = 0.0
            pseudo = 0
            for g in range(n_patterns):
                for _ in range((first[g + 1] - first[g]) // n_visits[g]):
                    for t in range(size):
                        total = 0.0
                        for col in range(p):
                            total += whitened[pseudo, t * q + col] * w[col]
                        x[t] = total
                    for s in range(size):
                        total = 0.0
                        for t in range(size):
                            total += inner[g, s, t] * x[t]
                        quadratic += x[s] * total
                    pseudo += 1
            variance += 2.0 * (quadratic - 2.0 * products)
        se[row] = math.sqrt(variance) if variance > 0.0 else math.nan
    return True
