# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""Newton's method on the likelihood of a structured covariance, without leaving the kernel.

The rules are those of `newton`; a point is a row of working parameters for each group, and steps
go along straight lines in them, halved where a matrix is not positive definite.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from .chain_rule import (
    add_curvature,
    factor_blocks,
    fill_jacobian,
    fill_slope,
    invert_factors,
    transform,
)
from .newton import (
    ARRIVED,
    BOUNDARY,
    LEAST_CORRELATION_EIGENVALUE,
    MAX_ITERATIONS,
    NEWTON_AFTER_FISHER,
    NEWTON_FROM_START,
    NO_IMPROVEMENT,
    NO_VALUE,
    TOO_MANY_STEPS,
    UNDETERMINED,
    correlation_eigenvalue_bound,
)
from .signatures import MAXIMISE_STRUCTURED
from .structures import SP_EXP
from .symmetric import definite_direction
from .triangular import solve_definite
from .unstructured import fisher_information, pair_positions, subtract_bend

#: Beyond those of `newton`, `trial` and `batch`: the range of ``sp_exp`` ran to zero.
NO_CORRELATION = 11

LAST_STEP = 1e-9
LONGEST_STEP = 1.0
#: At twenty ranges the correlation is 2e-9.
FAR_IN_RANGES = 20.0


@numba.njit(cache=True, error_model="numpy")
def uncorrelated(points, distances):
    """Whether a range has become so short that no correlation is left."""
    nearest = math.inf
    for i in range(distances.shape[1]):
        for j in range(i):
            if distances[0, i, j] > 0.0:
                nearest = min(nearest, distances[0, i, j])
    shortest = math.inf
    for c in range(points.shape[0]):
        shortest = min(shortest, math.exp(points[c, 0]))
    return nearest > FAR_IN_RANGES * shortest


@numba.njit(MAXIMISE_STRUCTURED, cache=True, error_model="numpy", nogil=True)
def maximise_structured(
    evaluate, fill, code, points, distances, factors,
    rows, sums, first, visits, n_visits, counts, block, reml,
    root, gradient, hessian, squares, moments, projections, whitened,
):  # fmt: skip
    """Maximise from `points` (C, k), working parameters, which the optimum's overwrite.

    `evaluate` and `fill` are pointers to `unstructured.evaluate_unstructured` and
    `structures.fill_blocks`; `distances` is (1, T, T). `factors` (C, T, T) and the last seven hold
    the results of `evaluate` at the last point; `hessian` then is the observed Hessian in Theta,
    both halves.

    Returns
    -------
    status : int
    iterations, evaluations : int
    value : float
    """
    n_blocks, k = points.shape
    size = factors.shape[1]
    n_params = n_blocks * k
    own = np.arange(n_blocks)
    sigmas = np.empty((n_blocks, size, size))
    firsts = np.empty((n_blocks, k, size, size))
    seconds = np.empty((n_blocks, k, k, size, size))
    inverses = np.empty((n_blocks, size, size))
    jacobian = np.empty((n_blocks, k, size * (size + 1) // 2))
    slope = np.empty(n_params)
    direction = np.empty(n_params)
    scoring = np.empty(n_params)
    curvature = np.empty((n_params, n_params))
    work = np.empty((n_params, n_params))
    expected = np.empty_like(hessian)
    positions = pair_positions(size)
    at = points.copy()
    value = math.inf
    evaluations = 0
    iterations = 0
    scored = False
    arrived = False
    t = 0.0
    length = 0.0
    for i in range(n_params):
        direction[i] = 0.0
    while True:
        # from the second time on: along the direction found, halved until the value falls
        accepted = False
        t = min(1.0, LONGEST_STEP / length) if length > 0.0 else 1.0
        for _ in range(30 if iterations > 0 else 1):
            evaluations += 1
            i = 0
            for c in range(n_blocks):
                for a in range(k):
                    at[c, a] = points[c, a] - t * direction[i]
                    i += 1
            fill(code, False, at, own, distances, sigmas, firsts, seconds)
            if factor_blocks(sigmas, factors):
                ok, proposed = evaluate(
                    factors, rows, sums, first, visits, n_visits, counts, block, reml,
                    positions, root, gradient, hessian, squares, moments, projections, whitened,
                )  # fmt: skip
                if ok and (iterations == 0 or proposed <= value + 1e-10 * (1.0 + abs(value))):
                    accepted = True
                    value = proposed
                    break
            t *= 0.5
        if not accepted:
            if iterations == 0:
                return NO_VALUE, 0, evaluations, math.inf
            fill(code, False, points, own, distances, sigmas, firsts, seconds)
            factor_blocks(sigmas, factors)
            evaluate(
                factors, rows, sums, first, visits, n_visits, counts, block, reml,
                positions, root, gradient, hessian, squares, moments, projections, whitened,
            )  # fmt: skip
            subtract_bend(gradient, positions, hessian)
            return NO_IMPROVEMENT, iterations - 1, evaluations, value
        for c in range(n_blocks):
            for a in range(k):
                points[c, a] = at[c, a]
        subtract_bend(gradient, positions, hessian)
        if arrived:
            return ARRIVED, iterations, evaluations, value
        for c in range(n_blocks):
            if not correlation_eigenvalue_bound(factors[c]) > LEAST_CORRELATION_EIGENVALUE:
                return BOUNDARY, iterations, evaluations, value
        if code == SP_EXP and uncorrelated(points, distances):
            return NO_CORRELATION, iterations, evaluations, value
        if iterations >= MAX_ITERATIONS:
            return TOO_MANY_STEPS, iterations, evaluations, value
        invert_factors(factors, inverses)
        fill_jacobian(inverses, firsts, jacobian)
        fill_slope(jacobian, gradient, slope)
        transform(jacobian, hessian, curvature)
        add_curvature(inverses, seconds, gradient, curvature)
        decrement = solve_definite(curvature, slope, direction, work)
        arrived = decrement < LAST_STEP
        if not decrement < NEWTON_FROM_START:
            fisher_information(squares, positions, expected)
            newton = math.isfinite(decrement)
            if not newton:
                definite_direction(curvature, slope, direction)
            transform(jacobian, expected, curvature)
            fisher_decrement = solve_definite(curvature, slope, scoring, work)
            if not math.isfinite(fisher_decrement):
                return UNDETERMINED, iterations, evaluations, value
            if not (scored and fisher_decrement < NEWTON_AFTER_FISHER):
                for i in range(n_params):
                    direction[i] = scoring[i]
            scored = True
        length = 0.0
        for i in range(n_params):
            length = max(length, abs(direction[i]))
        iterations += 1
