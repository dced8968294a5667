# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""`batch` for covariance matrices of few parameters."""

from __future__ import annotations

import math

import numba
import numpy as np
from numba import boolean, float64, int64, types

from .contrasts import NO_DEGREES_OF_FREEDOM, TOO_FEW, fill_contrasts
from .inference import fill_information, invert_half
from .newton import ARRIVED
from .signatures import A3, A4, CONTRAST_STRUCTURED, IM, IV, STRUCTURED_POINTERS, M, V
from .structured_inference import structured_moments
from .structures import parameter_count
from .trial_rows import compress_trial
from .triangular import FAST


@numba.njit(CONTRAST_STRUCTURED, cache=True, fastmath=FAST, error_model="numpy", nogil=True)
def contrast_structured(
    evaluate, fill, maximise, fit, code, distances, curved,
    rows, sums, first, visits, n_visits, counts, block, n_blocks, reml, adjust,
    contrasts, estimate, se, df, covariance,
):  # fmt: skip
    """`batch.fit_and_contrast`; `curved` as in `structured_inference.structured_parts`."""
    size = sums.shape[1]
    q = rows.shape[1]
    p = q - 1
    k = parameter_count(code, size)
    n_pseudo = 0
    observations = 0.0
    for g in range(n_visits.shape[0]):
        n_pseudo += (first[g + 1] - first[g]) // n_visits[g]
        observations += n_visits[g] * counts[g]
    if not observations > p:
        return TOO_FEW, math.nan
    n_params = n_blocks * k
    per_block = size * (size + 1) // 2
    packed = q * (q + 1) // 2
    triangle = np.empty((q, q))
    points = np.empty((n_blocks, k))
    factors = np.empty((n_blocks, size, size))
    root = np.empty((q, q))
    projections = np.empty((n_visits.shape[0], size, size))
    whitened = np.empty((n_pseudo, size * q))
    slope = np.empty(n_params)
    curvature = np.empty((n_params, n_params))
    natural = np.empty((n_blocks, k))
    seconds = np.empty((n_blocks, k, k, size, size))
    jacobian = np.empty((n_blocks, k, per_block))
    natural_hessian = np.empty((n_params, n_params))
    natural_moments = np.empty((n_params, packed))
    status, _, _, value, scale, _ = fit(
        evaluate, fill, maximise, code, distances,
        rows, sums, first, visits, n_visits, counts, block, reml,
        triangle, points, factors, root, projections, whitened, slope, curvature, natural, seconds,
        jacobian, natural_hessian, natural_moments,
    )  # fmt: skip
    if status != ARRIVED:
        return status, math.nan
    free = observations - p if reml else observations
    value += 2.0 * free * math.log(scale)
    if reml:
        for col in range(p):
            value += 2.0 * math.log(triangle[col, col])
    half = np.empty((n_params, n_params))
    if not invert_half(natural_hessian, half):
        return NO_DEGREES_OF_FREEDOM, math.nan
    inner = np.empty_like(projections)
    if adjust:
        information = np.empty((n_params, n_params))
        fill_information(half, information)
        structured_moments(
            information, jacobian, factors, seconds, curved, projections, block, inner
        )
    fill_contrasts(
        contrasts, triangle, root, scale, half, natural_moments, inner, whitened, n_visits, first,
        adjust, factors, estimate, se, df, covariance,
    )  # fmt: skip
    return ARRIVED, value


@numba.njit(
    types.void(
        *STRUCTURED_POINTERS, int64, A3, float64, int64, int64, A3, A3, boolean[::1], IM, int64,
        boolean, boolean, M, M, M, M, A4, V, IV,
    ),
    cache=True, nogil=True,
)  # fmt: skip
def fit_structured_trials(
    evaluate, fill, maximise, fit, contrast, code, distances, curved, begin, end, y, z, crossed,
    group, n_blocks, reml, adjust, contrasts, estimate, se, df, covariance, value, status,
):  # fmt: skip
    """`batch.fit_trials` for covariance matrices of few parameters."""
    step_z = 1 if z.shape[0] > 1 else 0
    step_group = 1 if group.shape[0] > 1 else 0
    for trial in range(begin, end):
        rows, sums, first, visits, n_visits, counts, block = compress_trial(
            y[trial], z[trial * step_z], crossed, group[trial * step_group]
        )
        status[trial], value[trial] = contrast(
            evaluate, fill, maximise, fit, code, distances, curved,
            rows, sums, first, visits, n_visits, counts, block, n_blocks, reml, adjust, contrasts,
            estimate[trial], se[trial], df[trial], covariance[trial],
        )  # fmt: skip
