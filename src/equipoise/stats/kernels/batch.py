# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""Many trials of one shape, each fitted by itself: no sum crosses trials, so that the results do
not depend on the number of threads."""

from __future__ import annotations

import math

import numba
import numpy as np
from numba import boolean, int64, types

from .contrasts import NO_DEGREES_OF_FREEDOM, TOO_FEW, fill_contrasts
from .inference import fill_information, invert_half, second_moments
from .newton import ARRIVED
from .rows import compress_rows
from .signatures import A3, A4, FIT_AND_CONTRAST, IM, IV, POINTERS, M, V
from .trial_rows import compress_trial
from .triangular import FAST

FIT_TRIALS = types.void(
    *POINTERS, int64, int64, A3, A3, boolean[::1], IM, int64, boolean, boolean,
    M, M, M, M, A4, V, IV,
)  # fmt: skip


@numba.njit(FIT_AND_CONTRAST, cache=True, fastmath=FAST, error_model="numpy", nogil=True)
def fit_and_contrast(
    evaluate, maximise, fit,
    rows, sums, first, visits, n_visits, counts, block, n_blocks, reml, adjust,
    contrasts, estimate, se, df, covariance,
):  # fmt: skip
    """Fit compressed rows and write estimate, se and df of each contrast, and the covariance.

    Returns
    -------
    status : int
    value : float
        −2 log-likelihood without its constant, in the user's units and coding.
    """
    size = sums.shape[1]
    q = rows.shape[1]
    p = q - 1
    n_params = n_blocks * (size * (size + 1) // 2)
    n_pseudo = 0
    observations = 0.0
    for g in range(n_visits.shape[0]):
        n_pseudo += (first[g + 1] - first[g]) // n_visits[g]
        observations += n_visits[g] * counts[g]
    if not observations > p:
        return TOO_FEW, math.nan
    triangle = np.empty((q, q))
    factors = np.empty((n_blocks, size, size))
    root = np.empty((q, q))
    gradient = np.empty((n_blocks, size, size))
    hessian = np.empty((n_params, n_params))
    squares = np.empty((n_blocks, size * (size + 1) // 2, size * (size + 1) // 2))
    moments = np.empty((n_params, q * (q + 1) // 2))
    projections = np.empty((n_visits.shape[0], size, size))
    whitened = np.empty((n_pseudo, size * q))
    status, _, _, value, scale, _ = fit(
        evaluate, maximise, rows, sums, first, visits, n_visits, counts, block, reml,
        triangle, factors, root, gradient, hessian, squares, moments, projections, whitened,
    )  # fmt: skip
    if status != ARRIVED:
        return status, math.nan
    free = observations - p if reml else observations
    value += 2.0 * free * math.log(scale)
    if reml:
        for col in range(p):
            value += 2.0 * math.log(triangle[col, col])
    half = np.empty((n_params, n_params))
    if not invert_half(hessian, half):
        return NO_DEGREES_OF_FREEDOM, math.nan
    inner = np.empty_like(projections)
    if adjust:
        information = np.empty((n_params, n_params))
        fill_information(half, information)
        second_moments(information, projections, block, n_params // n_blocks, inner)
    fill_contrasts(
        contrasts, triangle, root, scale, half, moments, inner, whitened, n_visits, first, adjust,
        factors, estimate, se, df, covariance,
    )  # fmt: skip
    return ARRIVED, value


@numba.njit(FIT_TRIALS, cache=True, nogil=True)
def fit_trials(
    evaluate, maximise, fit, contrast, begin, end, y, z, crossed, group, n_blocks, reml, adjust,
    contrasts, estimate, se, df, covariance, value, status,
):  # fmt: skip
    """Fit the trials from `begin` to `end`; see `compress_trial`, arrays with an axis of trials.

    `z` and `group` may have one entry there, which then serves all trials.
    """
    step_z = 1 if z.shape[0] > 1 else 0
    step_group = 1 if group.shape[0] > 1 else 0
    for trial in range(begin, end):
        rows, sums, first, visits, n_visits, counts, block = compress_trial(
            y[trial], z[trial * step_z], crossed, group[trial * step_group]
        )
        status[trial], value[trial] = contrast(
            evaluate, maximise, fit, rows, sums, first, visits, n_visits, counts, block,
            n_blocks, reml, adjust, contrasts,
            estimate[trial], se[trial], df[trial], covariance[trial],
        )  # fmt: skip


@numba.njit(
    types.void(*POINTERS, int64, int64, A3, IM, V, V, IV, IV, IM, IM, IV, V, IV, int64, boolean,
               boolean, M, M, M, M, V, IV),
    cache=True, error_model="numpy", nogil=True,
)  # fmt: skip
def refit_allocations(
    evaluate, maximise, fit, contrast, begin, end, designs, allocations, inverse_norms, response,
    members, member_first, row_of, visits, n_visits, counts, block, n_blocks, reml, adjust,
    contrasts, estimate, se, df, value, status,
):  # fmt: skip
    """Fit under the allocations from `begin` to `end`; `contrasts` are of the scaled design."""
    n, p = designs.shape[1], designs.shape[2]
    size = row_of.shape[1]
    patterns = n_visits.shape[0]
    rows = np.empty((n, p + 1))
    sums = np.empty((patterns, size, size))
    first = np.empty(patterns + 1, dtype=np.int64)
    covariance = np.empty((n_blocks, size, size))
    for trial in range(begin, end):
        made = compress_rows(
            designs, allocations[trial], inverse_norms, response, members, member_first, row_of,
            visits, n_visits, rows, sums, first,
        )  # fmt: skip
        status[trial], value[trial] = contrast(
            evaluate, maximise, fit, rows[:made], sums, first, visits, n_visits, counts, block,
            n_blocks, reml, adjust, contrasts, estimate[trial], se[trial], df[trial], covariance,
        )  # fmt: skip
        if math.isnan(value[trial]):
            for row in range(contrasts.shape[0]):
                estimate[trial, row] = math.nan
                se[trial, row] = math.nan
                df[trial, row] = math.nan
