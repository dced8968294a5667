# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""One fit of a structured covariance from compressed rows, in the parameters of inference."""

from __future__ import annotations

import math

import numba
import numpy as np

from .chain_rule import (
    add_curvature,
    fill_jacobian,
    fill_metric,
    fill_slope,
    invert_factors,
    transform,
    transform_moments,
)
from .newton import ARRIVED, UNDETERMINED
from .signatures import FIT_STRUCTURED
from .structured_starting import starting_points
from .structures import ADH, AR1H, CS, CSH, SP_EXP, TOEP, TOEPH
from .trial import (
    FINAL_DECREMENT,
    FINAL_GRADIENT,
    LEAST_CURVATURE,
    NOT_AT_REST,
    RANK,
    orthonormalise_design,
    scale_residuals,
)
from .triangular import cholesky_upper, solve_definite


@numba.njit(cache=True, error_model="numpy")
def natural_points(code, size, points, natural):
    """SAS's parameters (C, k) of working ones."""
    k = points.shape[1]
    for c in range(points.shape[0]):
        if code in (CSH, AR1H, TOEPH, ADH):
            for a in range(k):
                x = points[c, a]
                natural[c, a] = math.exp(2.0 * x) if a < size else math.tanh(x)
            continue
        variance = math.exp(2.0 * points[c, k - 1])
        natural[c, k - 1] = variance
        for a in range(k - 1):
            natural[c, a] = math.exp(points[c, a]) if code == SP_EXP else math.tanh(points[c, a])
        if code == CS:
            natural[c, 1] = variance * (1.0 - natural[c, 0])
        if code in (CS, TOEP):
            for a in range(k - 1):
                natural[c, a] *= variance


@numba.njit(FIT_STRUCTURED, cache=True, error_model="numpy", nogil=True)
def fit_structured(
    evaluate, fill, maximise, code, distances,
    rows, sums, first, visits, n_visits, counts, block, reml,
    triangle, points, factors, root, projections, whitened,
    slope, curvature, natural, seconds, jacobian, natural_hessian, natural_moments,
):  # fmt: skip
    """Fit to compressed rows, which are overwritten by orthonormal ones of unit residuals.

    Parameters
    ----------
    evaluate, fill, maximise
        Pointers to the kernels of `unstructured`, `structures` and `structured_newton`.
    code : int
        Of the structure.
    distances : float64 (1, T, T)
    rows, sums, first, visits, n_visits, counts, block, reml
        As in `unstructured.evaluate_unstructured`, in the user's units.
    triangle : float64 (p + 1, p + 1)
        Filled by `trial.orthonormalise_design`.
    points : float64 (C, k)
        On return the working parameters of the optimum, for residuals of unit length.
    factors, root, projections, whitened
        Filled by `structured_newton.maximise_structured`.
    slope, curvature : float64 (C k,), (C k, C k)
        Gradient and observed Hessian in working parameters.
    natural : float64 (C, k)
        The optimum in SAS's parameters, in which are
    seconds : float64 (C, k, k, T, T)
        second derivatives of the matrices,
    jacobian : float64 (C, k, T(T + 1)/2)
        coordinates of their whitened first derivatives,
    natural_hessian, natural_moments : float64 (C k, C k), (C k, (p + 1)(p + 2)/2)
        observed Hessian and moments.

    Returns
    -------
    status, iterations, evaluations, value, size, column
        As `trial.fit_compressed`.
    """
    n_blocks, k = points.shape
    n_params = n_blocks * k
    largest = 0.0
    p = rows.shape[1] - 1
    for i in range(rows.shape[0]):
        largest = max(largest, abs(rows[i, p]))
    column = orthonormalise_design(rows, triangle)
    if column >= 0:
        return RANK, 0, 0, math.nan, math.nan, column
    status, size = scale_residuals(rows, sums, n_visits, largest)
    if status != ARRIVED:
        return status, 0, 0, math.nan, size, -1
    n_theta = n_blocks * jacobian.shape[2]
    gradient = np.empty_like(factors)
    hessian = np.empty((n_theta, n_theta))
    squares = np.empty((n_blocks, jacobian.shape[2], jacobian.shape[2]))
    moments = np.empty((n_theta, natural_moments.shape[1]))
    starting_points(
        fill, code, rows, sums, first, visits, n_visits, counts, block, distances, points
    )
    status, iterations, evaluations, value = maximise(
        evaluate, fill, code, points, distances, factors,
        rows, sums, first, visits, n_visits, counts, block, reml,
        root, gradient, hessian, squares, moments, projections, whitened,
    )  # fmt: skip
    if not math.isfinite(value):
        return status, iterations, evaluations, value, size, -1
    own = np.arange(n_blocks)
    sigmas = np.empty_like(factors)
    firsts = np.empty((n_blocks, k, factors.shape[1], factors.shape[1]))
    inverses = np.empty_like(factors)
    invert_factors(factors, inverses)
    fill(code, False, points, own, distances, sigmas, firsts, seconds)
    fill_jacobian(inverses, firsts, jacobian)
    fill_slope(jacobian, gradient, slope)
    transform(jacobian, hessian, curvature)
    add_curvature(inverses, seconds, gradient, curvature)
    if status == ARRIVED:
        work = np.empty((n_params, n_params))
        metric = np.empty((n_params, n_params))
        step = np.empty(n_params)
        fill_metric(jacobian, metric)
        norm = solve_definite(metric, slope, step, work)
        decrement = solve_definite(curvature, slope, step, work)
        for i in range(n_params):
            for j in range(n_params):
                metric[i, j] = curvature[i, j] - LEAST_CURVATURE * metric[i, j]
        if not cholesky_upper(metric, work):
            status = UNDETERMINED
        elif not (math.sqrt(norm) < FINAL_GRADIENT and decrement < FINAL_DECREMENT):
            status = NOT_AT_REST
    natural_points(code, factors.shape[1], points, natural)
    fill(code, True, natural, own, distances, sigmas, firsts, seconds)
    fill_jacobian(inverses, firsts, jacobian)
    transform(jacobian, hessian, natural_hessian)
    add_curvature(inverses, seconds, gradient, natural_hessian)
    transform_moments(jacobian, moments, natural_moments)
    return status, iterations, evaluations, value, size, -1
