# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""First parameters of a structured covariance matrix: moments of least-squares residuals.

Products of standardised residuals, averaged over the pairs of visits that share a parameter; for
``sp_exp`` the range whose correlations lie closest to them. They only start the optimiser; the
optimum does not depend on them.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from .structures import ADH, AR1, AR1H, CS, CSH, SP_EXP, TOEP, TOEPH
from .triangular import cholesky_upper

LARGEST_CORRELATION = 0.95
SMALLEST_SHARE = 1e-10
RANGES = 24


@numba.njit(cache=True, error_model="numpy")
def residual_products(rows, sums, first, visits, n_visits, counts, block, c, products, together):
    """Sums of products of residuals (T, T) of one block, and how many participants gave them."""
    p = rows.shape[1] - 1
    products[:] = 0.0
    together[:] = 0.0
    for g in range(n_visits.shape[0]):
        if block[g] != c:
            continue
        m = n_visits[g]
        for j in range(m):
            for k in range(m):
                total = sums[g, j, k]
                for start in range(first[g], first[g + 1], m):
                    total += rows[start + j, p] * rows[start + k, p]
                products[visits[g, j], visits[g, k]] += total
                together[visits[g, j], visits[g, k]] += counts[g]


@numba.njit(cache=True, error_model="numpy")
def mean_at_lag(products, together, lag, otherwise):
    """Mean product of visits `lag` apart; all of them for lag 0."""
    size = products.shape[0]
    total = 0.0
    n = 0.0
    for i in range(size):
        for j in range(i + 1, size):
            if lag == 0 or j - i == lag:
                total += products[i, j]
                n += together[i, j]
    value = total / n if n > 0.0 else otherwise
    return min(max(value, -LARGEST_CORRELATION), LARGEST_CORRELATION)


@numba.njit(cache=True, error_model="numpy")
def closest_range(products, together, distances):
    """Log of the range whose correlations are closest to the mean products."""
    size = products.shape[0]
    near = math.inf
    far = 0.0
    for i in range(size):
        for j in range(i):
            if distances[i, j] > 0.0:
                near = min(near, distances[i, j])
            far = max(far, distances[i, j])
    if not far > 0.0:
        return 0.0
    low = math.log(0.25 * near)
    step = (math.log(8.0 * far) - low) / (RANGES - 1)
    best = low
    least = math.inf
    for trial in range(RANGES):
        log_range = low + trial * step
        total = 0.0
        for i in range(size):
            for j in range(i):
                if together[i, j] > 0.0:
                    fitted = math.exp(-distances[i, j] / math.exp(log_range))
                    gap = products[i, j] / together[i, j] - fitted
                    total += together[i, j] * gap * gap
        if total < least:
            least = total
            best = log_range
    return best


@numba.njit(cache=True, error_model="numpy")
def starting_points(
    fill, code, rows, sums, first, visits, n_visits, counts, block, distances, points
):  # fmt: skip
    """Fill the working parameters (C, k), at which all matrices are positive definite."""
    n_blocks, k = points.shape
    size = distances.shape[1]
    products = np.empty((size, size))
    together = np.empty((size, size))
    variance = np.empty(size)
    rho = np.empty(size)
    own = np.zeros(1, dtype=np.int64)
    sigma = np.empty((1, size, size))
    firsts = np.empty((1, k, size, size))
    seconds = np.empty((1, k, k, size, size))
    work = np.empty((size, size))
    heterogeneous = code in (CSH, AR1H, TOEPH, ADH)
    for c in range(n_blocks):
        residual_products(rows, sums, first, visits, n_visits, counts, block, c, products, together)
        total = 0.0
        n = 0.0
        for t in range(size):
            total += products[t, t]
            n += together[t, t]
        total = max(total / max(n, 1.0), 1e-300)
        for t in range(size):
            variance[t] = total
            if together[t, t] > 0.0:
                variance[t] = max(products[t, t] / together[t, t], SMALLEST_SHARE * total)
        for i in range(size):
            for j in range(size):
                products[i, j] /= math.sqrt(variance[i]) * math.sqrt(variance[j])
        if code == SP_EXP:
            points[c, 0] = closest_range(products, together, distances[0])
            points[c, 1] = 0.5 * math.log(total)
            continue
        n_rho = k - (size if heterogeneous else 1)
        neighbours = mean_at_lag(products, together, 1, 0.0)
        power = 1.0
        for a in range(n_rho):
            power *= neighbours
            if code in (CS, CSH):
                rho[a] = mean_at_lag(products, together, 0, 0.0)
            elif code in (AR1, AR1H):
                rho[a] = neighbours
            elif code in (TOEP, TOEPH):
                rho[a] = mean_at_lag(products, together, a + 1, power)
            else:
                rho[a] = neighbours
                if together[a, a + 1] > 0.0:
                    rho[a] = products[a, a + 1] / together[a, a + 1]
                rho[a] = min(max(rho[a], -LARGEST_CORRELATION), LARGEST_CORRELATION)
        for tenths in (10, 8, 6, 4, 2, 1, 0):
            for a in range(n_rho):
                at = size + a if heterogeneous else a
                points[c, at] = math.atanh(0.1 * tenths * rho[a])
            if heterogeneous:
                for t in range(size):
                    points[c, t] = 0.5 * math.log(variance[t])
            else:
                points[c, k - 1] = 0.5 * math.log(total)
            fill(code, False, points[c : c + 1], own, distances, sigma, firsts, seconds)
            if cholesky_upper(sigma[0], work):
                break
