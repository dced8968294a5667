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
from .triangular import FAST, cholesky_upper, invert_upper


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


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def invert_half(hessian, half):
    """H⁻¹ = half half' with an upper triangular `half`; False unless H is positive definite."""
    upper = np.empty_like(hessian)
    if not cholesky_upper(hessian, upper):
        return False
    invert_upper(upper, half)
    return True


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def fill_information(half, information):
    """W = 2 half half', inverse observed information of the covariance parameters."""
    n_params = half.shape[0]
    for i in range(n_params):
        for j in range(i, n_params):
            total = 0.0
            for k in range(j, n_params):
                total += half[i, k] * half[j, k]
            information[i, j] = 2.0 * total
            information[j, i] = 2.0 * total


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def second_moments(information, projections, block, per_block, inner):
    """`second_moment` of every pattern, into (G, T, T)."""
    for g in range(projections.shape[0]):
        second_moment(information, block[g] * per_block, projections[g], inner[g])


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def fill_parts(
    root, half, moments, inner, whitened, n_visits, first, adjust, whitening, curvatures, adjusted
):  # fmt: skip
    """What `small_sample_parts` and its like leave in the last three."""
    n_params = half.shape[0]
    p = whitening.shape[0]
    q = p + 1
    size = inner.shape[1]
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
        return
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
    moved = np.empty((size, p))
    pseudo = 0
    for g in range(n_visits.shape[0]):
        for _ in range((first[g + 1] - first[g]) // n_visits[g]):
            for s in range(size):
                for col in range(p):
                    moved[s, col] = 0.0
                for t in range(size):
                    weight = inner[g, s, t] + inner[g, t, s]  # twice its symmetric part
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
    half = np.empty((n_params, n_params))
    if not invert_half(hessian, half):
        return False
    fill_information(half, information)
    inner = np.empty_like(projections)
    if adjust:
        second_moments(information, projections, block, n_params // n_blocks, inner)
    fill_parts(
        root, half, moments, inner, whitened, n_visits, first, adjust,
        whitening, curvatures, adjusted,
    )  # fmt: skip
    return True
