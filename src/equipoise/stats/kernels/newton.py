# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""Newton's method on the likelihood of an unstructured covariance, without leaving the kernel.

Far from the optimum the step is Fisher's, near it Newton's; where the curvature is indefinite
near the optimum, Newton's with the absolute values of its eigenvalues. Steps go along
Sigma = F (I + Theta/2 + Theta²/8)² F', which is positive definite whatever Theta is and agrees with
the geodesic F exp(Theta) F' to second order. Derivation: docs/methods/mmrm.md.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from .signatures import MAXIMISE
from .symmetric import definite_direction
from .triangular import FAST, cholesky_upper, solve_definite
from .unstructured import (
    fisher_information,
    pair_positions,
    subtract_bend,
)

#: How the optimiser ended; `equipoise.stats.convergence` gives them their words.
ARRIVED, NO_VALUE, BOUNDARY, UNDETERMINED, NO_IMPROVEMENT, TOO_MANY_STEPS = range(6)

#: A walk to the boundary is slow, and is to arrive, so that it is called by its name.
MAX_ITERATIONS = 200
#: After a Newton step from this decrement the next one is about its square.
LAST_STEP = 1e-7
#: Newton from here; farther away Fisher's scoring, which cannot be misled by the curvature.
NEWTON_FROM_START = 5.0
NEWTON_AFTER_FISHER = 20.0
LONGEST_STEP = 2.0
LEAST_CORRELATION_EIGENVALUE = 1e-11


@numba.njit(cache=True, error_model="numpy")
def correlation_eigenvalue_bound(factor):
    """1 / trace of the inverse correlation matrix: its smallest eigenvalue lies between this and
    T times this. `factor` is lower triangular."""
    size = factor.shape[0]
    column = np.empty(size)
    total = 0.0
    for j in range(size):
        for i in range(j, size):
            value = 1.0 if i == j else 0.0
            for k in range(j, i):
                value -= factor[i, k] * column[k]
            column[i] = value / factor[i, i]
        # inverse correlation = D (F F')⁻¹ D: its trace is sum_ij (F⁻¹_ij)² sigma_jj
        norm = 0.0
        for k in range(j + 1):
            norm += factor[j, k] * factor[j, k]
        for i in range(j, size):
            total += column[i] * column[i] * norm
    if not math.isfinite(total) or not total > 0.0:
        return 0.0
    return 1.0 / total


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def _moved(factors, direction, t, out):
    """Lower triangular factors of F M² F', M = I + tTheta/2 + (tTheta)²/8. False where not
    finite."""
    n_blocks = factors.shape[0]
    size = factors.shape[1]
    theta = np.empty((size, size))
    half = np.empty((size, size))
    middle = np.empty((size, size))
    upper = np.empty((size, size))
    k = 0
    root = math.sqrt(0.5)
    for c in range(n_blocks):
        for a in range(size):
            for b in range(a, size):
                value = t * direction[k] * (1.0 if a == b else root)
                theta[a, b] = value
                theta[b, a] = value
                k += 1
        for a in range(size):
            for b in range(a, size):
                total = 0.0
                for i in range(size):
                    total += theta[a, i] * theta[i, b]
                half[a, b] = 0.125 * total + 0.5 * theta[a, b]
                half[b, a] = half[a, b]
            half[a, a] += 1.0
        for a in range(size):
            for b in range(a, size):
                total = 0.0
                for i in range(size):
                    total += half[a, i] * half[i, b]
                middle[a, b] = total
        if not cholesky_upper(middle, upper):
            return False
        for a in range(size):  # F is lower triangular: F upper' is too
            for b in range(a + 1):
                total = 0.0
                for i in range(b, a + 1):
                    total += factors[c, a, i] * upper[b, i]
                out[c, a, b] = total
            for b in range(a + 1, size):
                out[c, a, b] = 0.0
    return True


@numba.njit(cache=True, error_model="numpy")
def _length(direction, n_blocks, size):
    """Frobenius norm of the largest Theta: no smaller than its largest eigenvalue."""
    largest = 0.0
    k = 0
    for _ in range(n_blocks):
        total = 0.0
        for _ in range(size * (size + 1) // 2):
            total += direction[k] * direction[k]
            k += 1
        largest = max(largest, total)
    return math.sqrt(largest)


@numba.njit(MAXIMISE, cache=True, error_model="numpy", nogil=True)
def maximise_unstructured(
    evaluate, factors, rows, sums, first, visits, n_visits, counts, block, reml,
    root, gradient, hessian, squares, moments, projections, whitened,
):  # fmt: skip
    """Maximise from the lower triangular `factors`, which are overwritten with the optimum's.

    `evaluate` is a pointer to `evaluate_unstructured`; the other arguments are those of that
    function and hold its results at the last point; `hessian` then is the observed Hessian in
    Theta, both halves.

    Returns
    -------
    status : int
    iterations, evaluations : int
    value : float
    """
    n_blocks = factors.shape[0]
    size = factors.shape[1]
    n_params = hessian.shape[0]
    slope = np.empty(n_params)
    direction = np.empty(n_params)
    scoring = np.empty(n_params)
    fisher = np.empty((n_params, n_params))
    positions = pair_positions(size)
    work = np.empty((n_params, n_params))
    following = np.empty_like(factors)
    root2 = math.sqrt(2.0)
    ok, value = evaluate(
        factors, rows, sums, first, visits, n_visits, counts, block, reml,
        positions, root, gradient, hessian, squares, moments, projections, whitened,
    )  # fmt: skip
    evaluations = 1
    iterations = 0
    scored = False
    if not ok:
        subtract_bend(gradient, positions, hessian)
        return NO_VALUE, iterations, evaluations, value
    while True:
        for c in range(n_blocks):
            if not correlation_eigenvalue_bound(factors[c]) > LEAST_CORRELATION_EIGENVALUE:
                subtract_bend(gradient, positions, hessian)
                return BOUNDARY, iterations, evaluations, value
        if iterations == MAX_ITERATIONS:
            subtract_bend(gradient, positions, hessian)
            return TOO_MANY_STEPS, iterations, evaluations, value
        k = 0
        for c in range(n_blocks):
            for a in range(size):
                for b in range(a, size):
                    slope[k] = gradient[c, a, b] * (1.0 if a == b else root2)
                    k += 1
        decrement = solve_definite(hessian, slope, direction, work)
        last = decrement < LAST_STEP
        if not decrement < NEWTON_FROM_START:
            fisher_information(squares, positions, fisher)
            fisher_decrement = solve_definite(fisher, slope, scoring, work)
            if not math.isfinite(fisher_decrement):
                subtract_bend(gradient, positions, hessian)
                return UNDETERMINED, iterations, evaluations, value
            if not (scored and fisher_decrement < NEWTON_AFTER_FISHER):
                for i in range(n_params):
                    direction[i] = scoring[i]
            elif not math.isfinite(decrement):
                definite_direction(hessian, slope, direction)
            scored = True
        length = _length(direction, n_blocks, size)
        t = min(1.0, LONGEST_STEP / length) if length > 0.0 else 1.0
        slack = 1e-10 * (1.0 + abs(value))
        accepted = False
        proposed = math.inf
        for _ in range(30):
            evaluations += 1
            if _moved(factors, direction, -t, following):
                ok, proposed = evaluate(
                    following, rows, sums, first, visits, n_visits, counts, block, reml,
                    positions, root, gradient, hessian, squares, moments, projections, whitened,
                )  # fmt: skip
                if ok and proposed <= value + slack:
                    accepted = True
                    break
            t *= 0.5
        if not accepted:
            evaluate(
                factors, rows, sums, first, visits, n_visits, counts, block, reml,
                positions, root, gradient, hessian, squares, moments, projections, whitened,
            )  # fmt: skip
            subtract_bend(gradient, positions, hessian)
            return NO_IMPROVEMENT, iterations, evaluations, value
        for c in range(n_blocks):
            for a in range(size):
                for b in range(size):
                    factors[c, a, b] = following[c, a, b]
        value = proposed
        iterations += 1
        if last:
            subtract_bend(gradient, positions, hessian)
            return ARRIVED, iterations, evaluations, value
