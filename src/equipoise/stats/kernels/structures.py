# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""Structured covariance matrices with their first and second derivatives.

Definitions and derivatives: docs/methods/covariance-structures.md. Two sets of parameters, in the
same order: *working* ones for the optimiser (log standard deviations, atanh of correlations, log
range), in which a step of 1 is large whatever the data, and *natural* ones, in which SAS states
the structure and takes the derivatives of Kenward and Roger's method.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from .signatures import FILL_BLOCKS

#: Codes of the structures; `equipoise.stats.vocabulary` holds their words.
CS, CSH, AR1, AR1H, TOEP, TOEPH, AD, ADH, SP_EXP = 0, 1, 2, 3, 4, 5, 6, 7, 8


@numba.njit(cache=True)
def parameter_count(code, size):
    """Parameters of one matrix over `size` visits."""
    if code in (TOEP, AD):
        return size
    if code in (CSH, AR1H):
        return size + 1
    return 2 * size - 1 if code in (TOEPH, ADH) else 2


@numba.njit(cache=True)
def integer_power(base, exponent):
    result = 1.0
    for _ in range(exponent):
        result *= base
    return result


@numba.njit(cache=True)
def product_without(values, start, end, left_out, other):
    """Product of ``values[start:end]`` without the elements `left_out` and `other`."""
    result = 1.0
    for k in range(start, end):
        if k not in (left_out, other):
            result *= values[k]
    return result


@numba.njit(cache=True)
def fill_correlation(code, rho, distances, size, r, first, second):
    """Correlations and their derivatives with respect to correlations (or the range)."""
    n_rho = rho.shape[0]
    for i in range(size):
        for j in range(size):
            for a in range(n_rho):
                first[a, i, j] = 0.0
                for b in range(n_rho):
                    second[a, b, i, j] = 0.0
        r[i, i] = 1.0
    for i in range(size):
        for j in range(i + 1, size):
            lag = j - i
            if code in (CS, CSH):
                r[i, j] = rho[0]
                first[0, i, j] = 1.0
            elif code in (AR1, AR1H):
                r[i, j] = integer_power(rho[0], lag)
                first[0, i, j] = lag * integer_power(rho[0], lag - 1)
                if lag > 1:
                    second[0, 0, i, j] = lag * (lag - 1) * integer_power(rho[0], lag - 2)
            elif code in (TOEP, TOEPH):
                r[i, j] = rho[lag - 1]
                first[lag - 1, i, j] = 1.0
            elif code in (AD, ADH):
                r[i, j] = product_without(rho, i, j, -1, -1)
                for a in range(i, j):
                    first[a, i, j] = product_without(rho, i, j, a, -1)
                    for b in range(i, j):
                        if b != a:
                            second[a, b, i, j] = product_without(rho, i, j, a, b)
            else:
                scaled = distances[i, j] / rho[0]
                r[i, j] = math.exp(-scaled)
                first[0, i, j] = r[i, j] * scaled / rho[0]
                second[0, 0, i, j] = r[i, j] * scaled * (scaled - 2.0) / (rho[0] * rho[0])
            r[j, i] = r[i, j]
            for a in range(n_rho):
                first[a, j, i] = first[a, i, j]
                for b in range(n_rho):
                    second[a, b, j, i] = second[a, b, i, j]


@numba.njit(cache=True)
def fill_linear(code, parameters, size, sigma, first):
    """``cs`` and ``toep`` in SAS's parameters: covariances, and a common variance at the end."""
    n_params = parameters.shape[0]
    last = parameters[n_params - 1]
    for i in range(size):
        for j in range(size):
            if code == CS:
                sigma[i, j] = parameters[0] + (last if i == j else 0.0)
                first[0, i, j] = 1.0
                first[1, i, j] = 1.0 if i == j else 0.0
            else:
                lag = abs(i - j)
                for a in range(n_params):
                    first[a, i, j] = 0.0
                if lag == 0:
                    sigma[i, j] = last
                    first[n_params - 1, i, j] = 1.0
                else:
                    sigma[i, j] = parameters[lag - 1]
                    first[lag - 1, i, j] = 1.0


@numba.njit(cache=True)
def fill_structure(code, natural, parameters, distances, sigma, first, second):
    """Covariance matrix and its derivatives at `parameters`.

    Parameters
    ----------
    code : int
    natural : bool
        Whether `parameters` are SAS's; otherwise the working ones.
    parameters : float64 (k,)
        Structures with one variance: correlations (or the range), then the variance. Those with a
        variance a visit: the variances, then the correlations. ``cs`` and ``toep`` in natural
        parameters: covariances, then the residual variance (``cs``) or the variance (``toep``).
    distances : float64 (T, T)
        For ``sp_exp``; not read otherwise.
    sigma : float64 (T, T)
    first : float64 (k, T, T)
    second : float64 (k, k, T, T)
        Filled; `sigma` need not be positive definite.
    """
    size = sigma.shape[0]
    n_params = parameters.shape[0]
    for a in range(n_params):
        for b in range(n_params):
            for i in range(size):
                for j in range(size):
                    second[a, b, i, j] = 0.0
    if natural and code in (CS, TOEP):
        fill_linear(code, parameters, size, sigma, first)
        return
    heterogeneous = code in (CSH, AR1H, TOEPH, ADH)
    n_sd = size if heterogeneous else 1
    at_sd = 0 if heterogeneous else n_params - 1
    at_rho = size if heterogeneous else 0
    n_rho = n_params - n_sd

    rho = np.empty(n_rho)
    slope = np.ones(n_rho)
    bend = np.zeros(n_rho)
    for a in range(n_rho):
        x = parameters[at_rho + a]
        if natural:
            rho[a] = x
        elif code == SP_EXP:
            rho[a] = math.exp(x)
            slope[a] = rho[a]
            bend[a] = rho[a]
        else:
            rho[a] = math.tanh(x)
            slope[a] = 1.0 - rho[a] * rho[a]
            bend[a] = -2.0 * rho[a] * slope[a]
    r = np.empty((size, size))
    dr = np.empty((n_rho, size, size))
    ddr = np.empty((n_rho, n_rho, size, size))
    fill_correlation(code, rho, distances, size, r, dr, ddr)

    variance = np.empty(n_sd)
    for t in range(n_sd):
        x = parameters[at_sd + t]
        variance[t] = x if natural else math.exp(2.0 * x)
        if not variance[t] > 0.0:
            variance[t] = math.nan
    for i in range(size):
        for j in range(size):
            if heterogeneous:
                scale = math.sqrt(variance[i]) * math.sqrt(variance[j])
            else:
                scale = variance[0]
            sigma[i, j] = scale * r[i, j]
            for a in range(n_rho):
                first[at_rho + a, i, j] = scale * dr[a, i, j] * slope[a]
                for b in range(n_rho):
                    value = ddr[a, b, i, j] * slope[a] * slope[b]
                    if a == b:
                        value += dr[a, i, j] * bend[a]
                    second[at_rho + a, at_rho + b, i, j] = scale * value
            for t in range(n_sd):
                # d log(scale) / d parameter: `times` of the two indices are t
                times = 2.0 if not heterogeneous else float(int(i == t) + int(j == t))
                log_t = times * 0.5 / variance[t] if natural else times
                first[at_sd + t, i, j] = sigma[i, j] * log_t
                for u in range(n_sd):
                    times_u = 2.0 if not heterogeneous else float(int(i == u) + int(j == u))
                    log_u = times_u * 0.5 / variance[u] if natural else times_u
                    value = log_t * log_u
                    if natural and t == u:
                        value -= times * 0.5 / (variance[t] * variance[t])
                    second[at_sd + t, at_sd + u, i, j] = sigma[i, j] * value
                for a in range(n_rho):
                    value = first[at_rho + a, i, j] * log_t
                    second[at_sd + t, at_rho + a, i, j] = value
                    second[at_rho + a, at_sd + t, i, j] = value


@numba.njit(FILL_BLOCKS, cache=True, nogil=True)
def fill_blocks(code, natural, parameters, block_group, distances, sigmas, firsts, seconds):
    """`fill_structure` for every covariance matrix; a row of `parameters` is one group's.

    The matrices are ``sigmas`` (C, T, T), ``firsts`` (C, k, T, T), ``seconds`` (C, k, k, T, T);
    `distances` is (C, T, T) for ``sp_exp`` and (1, T, T) otherwise.
    """
    for c in range(sigmas.shape[0]):
        d = distances[c] if distances.shape[0] > 1 else distances[0]
        fill_structure(
            code, natural, parameters[block_group[c]], d, sigmas[c], firsts[c], seconds[c]
        )
