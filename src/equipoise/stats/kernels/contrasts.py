# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""Contrasts of the coefficients of one trial of a batch, with standard errors and df.

The formulas are those of `equipoise.stats.small_samples`, contrast by contrast, so that no matrix
of the size of the coefficients is formed. Derivations: docs/methods/kenward-roger.md and
docs/methods/satterthwaite.md.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from .triangular import FAST, dot

#: Statuses beyond those of `trial`: the observed Hessian is not positive definite; too few rows.
NO_DEGREES_OF_FREEDOM, TOO_FEW = 9, 10


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def contrast_errors(
    rows_l, root, half, moments, inner, whitened, n_visits, first, adjust, se, df
):  # fmt: skip
    """Standard error and degrees of freedom of each contrast, written into the last two.

    Parameters
    ----------
    rows_l : float64 (l, p)
        Contrasts of the coefficients of the orthonormal design.
    root, moments, whitened, n_visits, first
        As `newton.maximise_unstructured` leaves them; `moments` of the parameters that `half` is
        of.
    half : float64 (K, K)
        From `invert_half`.
    inner : float64 (G, T, T)
        Second moments; read only with `adjust`.
    adjust : bool
        Kenward and Roger's adjusted standard error instead of the model's.
    """
    n_contrasts, p = rows_l.shape
    q = p + 1
    n_params = half.shape[0]
    size = inner.shape[1]
    n_patterns = n_visits.shape[0]
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


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def fill_contrasts(
    contrasts, triangle, root, scale, half, moments, inner, whitened, n_visits, first, adjust,
    factors, estimate, se, df, covariance,
):  # fmt: skip
    """Estimate, se and df of each contrast, and the covariance, in the user's units."""
    size = factors.shape[1]
    p = root.shape[0] - 1
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
    contrast_errors(rows_l, root, half, moments, inner, whitened, n_visits, first, adjust, se, df)
    for row in range(contrasts.shape[0]):
        se[row] *= scale
    for c in range(factors.shape[0]):
        for a in range(size):
            for b in range(a + 1):
                total = 0.0
                for k in range(b + 1):
                    total += factors[c, a, k] * factors[c, b, k]
                covariance[c, a, b] = scale * scale * total
                covariance[c, b, a] = covariance[c, a, b]
