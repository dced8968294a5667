# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""A first covariance matrix in closed form: sequential regressions on the earlier visits.

With monotone dropout this is the maximum of the likelihood of the residuals (Anderson 1957, JASA
52:200–203). It only starts the optimiser; the optimum does not depend on it.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from .triangular import cholesky_upper

SMALLEST_SHARE = 1e-10


@numba.njit(cache=True, error_model="numpy")
def starting_factors(rows, sums, first, visits, n_visits, counts, block, factors):
    """Fill the lower triangular `factors` (C, T, T) from residuals of ordinary least squares.

    The arguments are those of `evaluate_unstructured`; the last column of `rows` holds the
    residuals. A visit is regressed on the earlier ones among those participants who have all of
    them; the divisor loses p / (T C) degrees of freedom.
    """
    n_blocks, size = factors.shape[0], factors.shape[1]
    n_patterns = n_visits.shape[0]
    p = rows.shape[1] - 1
    lost = p / (size * n_blocks)
    products = np.zeros((n_patterns, size, size))
    prefix = np.zeros(n_patterns, dtype=np.int64)
    for g in range(n_patterns):
        m = n_visits[g]
        while prefix[g] < m and visits[g, prefix[g]] == prefix[g]:
            prefix[g] += 1
        for start in range(first[g], first[g + 1], m):
            for j in range(m):
                for k in range(j + 1):
                    products[g, j, k] += rows[start + j, p] * rows[start + k, p]
        for j in range(m):
            for k in range(j + 1):
                products[g, j, k] += sums[g, j, k]
    gram = np.empty((size, size))
    root = np.empty((size, size))
    unit = np.empty((size, size))
    scale = np.empty(size)
    for c in range(n_blocks):
        unit[:] = 0.0
        for j in range(size):
            marginal = 0.0
            seen = 0.0
            people = 0.0
            gram[:] = 0.0
            for g in range(n_patterns):
                if block[g] != c:
                    continue
                for i in range(n_visits[g]):
                    if visits[g, i] == j:
                        marginal += products[g, i, i]
                        seen += counts[g]
                if prefix[g] > j:
                    people += counts[g]
                    for i in range(j + 1):
                        for k in range(i + 1):
                            gram[k, i] += products[g, i, k]
            unit[j, j] = 1.0
            variance = marginal / max(seen, 1.0)
            floor = SMALLEST_SHARE * variance
            if people - lost > j + 2.0:
                variance = max(variance, 1e-300)
                for i in range(j):
                    gram[i, i] += SMALLEST_SHARE * gram[i, i] + 1e-300
                if cholesky_upper(gram[: j + 1, : j + 1], root):
                    # gram = root'root: the last column holds the regression of visit j
                    for i in range(j - 1, -1, -1):
                        slope = root[i, j]
                        for k in range(i + 1, j):
                            slope -= root[i, k] * -unit[j, k]
                        unit[j, i] = -slope / root[i, i]
                    variance = max(root[j, j] * root[j, j] / (people - lost - 0.5 * j), floor)
            scale[j] = math.sqrt(max(variance, 1e-300))
        # Sigma = unit⁻¹ diag(scale²) unit⁻¹'
        for k in range(size):
            for i in range(size):
                factors[c, i, k] = 0.0
            factors[c, k, k] = 1.0
            for i in range(k + 1, size):
                total = 0.0
                for j in range(k, i):
                    total -= unit[i, j] * factors[c, j, k]
                factors[c, i, k] = total
        for i in range(size):
            for k in range(size):
                factors[c, i, k] *= scale[k]
