# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""`inference` where the covariance has few parameters, in SAS's parameters.

Kenward and Roger's sums over pairs of parameters are those of Theta with the weights J'W J, less
a quarter of the second derivatives of Sigma. Derivation: docs/methods/kenward-roger.md.
"""

from __future__ import annotations

import numba
import numpy as np
from numba import boolean, float64

from .chain_rule import invert_factors, whiten_matrix
from .inference import fill_information, fill_parts, invert_half, second_moment
from .signatures import A3, A5, IV, M
from .triangular import FAST


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def structured_moments(
    information, jacobian, factors, seconds, curved, projections, block, inner
):  # fmt: skip
    """Per pattern sum_ab W_ab (Theta_a A Theta_b − curved · Theta_ab), into (G, T, T)."""
    n_blocks, k, per_block = jacobian.shape
    size = factors.shape[1]
    weights = np.empty((per_block, per_block))
    half = np.empty((k, per_block))
    summed = np.empty((size, size))
    middle = np.empty((size, size))
    bend = np.empty((size, size))
    inverses = np.empty_like(factors)
    invert_factors(factors, inverses)
    g = 0
    for c in range(n_blocks):
        base = c * k
        for a in range(k):
            for i in range(per_block):
                total = 0.0
                for b in range(k):
                    total += information[base + a, base + b] * jacobian[c, b, i]
                half[a, i] = total
        for i in range(per_block):
            for j in range(per_block):
                total = 0.0
                for a in range(k):
                    total += jacobian[c, a, i] * half[a, j]
                weights[i, j] = total
        summed[:] = 0.0
        if curved != 0.0:
            for a in range(k):
                for b in range(k):
                    w = curved * information[base + a, base + b]
                    for s in range(size):
                        for t in range(size):
                            summed[s, t] += w * seconds[c, a, b, s, t]
        whiten_matrix(inverses[c], summed, middle, bend)
        while g < block.shape[0] and block[g] == c:
            second_moment(weights, 0, projections[g], inner[g])
            for s in range(size):
                for t in range(size):
                    inner[g, s, t] -= bend[s, t]
            g += 1


@numba.njit(
    boolean(M, M, M, A3, A3, A5, float64, A3, M, IV, IV, IV, boolean, M, A3, M, M),
    cache=True, fastmath=FAST, error_model="numpy", nogil=True,
)  # fmt: skip
def structured_parts(
    root, hessian, moments, jacobian, factors, seconds, curved, projections, whitened, n_visits,
    first, block, adjust, whitening, curvatures, information, adjusted,
):  # fmt: skip
    """`inference.small_sample_parts` from what `structured_trial.fit_structured` leaves.

    `curved` is 1/4 for Kenward and Roger's full form, 0 for the first-order one.
    """
    n_params = hessian.shape[0]
    half = np.empty((n_params, n_params))
    if not invert_half(hessian, half):
        return False
    fill_information(half, information)
    inner = np.empty_like(projections)
    if adjust:
        structured_moments(
            information, jacobian, factors, seconds, curved, projections, block, inner
        )
    fill_parts(
        root, half, moments, inner, whitened, n_visits, first, adjust,
        whitening, curvatures, adjusted,
    )  # fmt: skip
    return True
