# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""From the derivatives of an unstructured covariance to those of a structured one.

With F the Cholesky factor of Sigma, Sigma = F (I + Theta) F', a change of a parameter moves Theta
by Theta_a = F⁻¹ (dSigma/dtheta_a) F⁻ᵀ. Gradient, observed Hessian and moments in Theta
(`unstructured`) then give those in any parameters. Derivation:
docs/methods/covariance-structures.md.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from .triangular import FAST, cholesky_upper, invert_upper


@numba.njit(cache=True, error_model="numpy")
def factor_blocks(sigmas, factors):
    """Lower Cholesky factors (C, T, T); False where a matrix is not positive definite."""
    size = sigmas.shape[1]
    upper = np.empty((size, size))
    for c in range(sigmas.shape[0]):
        if not cholesky_upper(sigmas[c], upper):
            return False
        for i in range(size):
            for j in range(size):
                factors[c, i, j] = upper[j, i]
    return True


@numba.njit(cache=True, error_model="numpy")
def invert_factors(factors, inverses):
    """Upper triangular inverse transposes F⁻ᵀ (C, T, T)."""
    size = factors.shape[1]
    upper = np.empty((size, size))
    for c in range(factors.shape[0]):
        for i in range(size):
            for j in range(size):
                upper[i, j] = factors[c, j, i]
        invert_upper(upper, inverses[c])


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def whiten_matrix(inverse, matrix, half, out):
    """out = F⁻¹ matrix F⁻ᵀ for the upper triangular inverse = F⁻ᵀ and a symmetric matrix."""
    size = matrix.shape[0]
    for i in range(size):
        for j in range(size):
            total = 0.0
            for k in range(j + 1):
                total += matrix[i, k] * inverse[k, j]
            half[i, j] = total
    for i in range(size):
        for j in range(size):
            total = 0.0
            for k in range(i + 1):
                total += inverse[k, i] * half[k, j]
            out[i, j] = total


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def fill_jacobian(inverses, firsts, jacobian):
    """Coordinates (C, k, T(T + 1)/2) of Theta_a in the basis of `unstructured`."""
    size = inverses.shape[1]
    half = np.empty((size, size))
    theta = np.empty((size, size))
    root2 = math.sqrt(2.0)
    for c in range(firsts.shape[0]):
        for a in range(firsts.shape[1]):
            whiten_matrix(inverses[c], firsts[c, a], half, theta)
            i = 0
            for s in range(size):
                for t in range(s, size):
                    jacobian[c, a, i] = theta[s, t] * (1.0 if s == t else root2)
                    i += 1


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def fill_slope(jacobian, gradient, slope):
    """Gradient (C k,) from the symmetric matrices of the gradient in Theta."""
    size = gradient.shape[1]
    k = 0
    root2 = math.sqrt(2.0)
    for c in range(jacobian.shape[0]):
        for a in range(jacobian.shape[1]):
            total = 0.0
            i = 0
            for s in range(size):
                total += jacobian[c, a, i] * gradient[c, s, s]
                i += 1
                for t in range(s + 1, size):
                    total += root2 * jacobian[c, a, i] * gradient[c, s, t]
                    i += 1
            slope[k] = total
            k += 1


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def transform(jacobian, hessian, out):
    """out = J hessian J', both halves; of `hessian` the upper half is read."""
    n_blocks, k, per_block = jacobian.shape
    half = np.empty((n_blocks * k, n_blocks * per_block))
    for c in range(n_blocks):
        for a in range(k):
            line = half[c * k + a]
            for j in range(n_blocks * per_block):
                line[j] = 0.0
            for i in range(per_block):
                w = jacobian[c, a, i]
                row = c * per_block + i
                if w != 0.0:
                    for j in range(row):
                        line[j] += w * hessian[j, row]
                    for j in range(row, n_blocks * per_block):
                        line[j] += w * hessian[row, j]
    for i in range(n_blocks * k):
        for d in range(n_blocks):
            for b in range(k):
                j = d * k + b
                if j >= i:
                    total = 0.0
                    for at in range(per_block):
                        total += half[i, d * per_block + at] * jacobian[d, b, at]
                    out[i, j] = total
                    out[j, i] = total


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def add_curvature(inverses, seconds, gradient, out):
    """Add <gradient, F⁻¹ (d²Sigma/dtheta_a dtheta_b) F⁻ᵀ> to the Hessian."""
    n_blocks, k = seconds.shape[0], seconds.shape[1]
    size = gradient.shape[1]
    half = np.empty((size, size))
    middle = np.empty((size, size))
    for c in range(n_blocks):
        # F⁻ᵀ gradient F⁻¹, against which the derivatives of Sigma itself count
        for i in range(size):
            for j in range(size):
                total = 0.0
                for m in range(i, size):
                    total += inverses[c, i, m] * gradient[c, m, j]
                half[i, j] = total
        for i in range(size):
            for j in range(size):
                total = 0.0
                for m in range(j, size):
                    total += half[i, m] * inverses[c, j, m]
                middle[i, j] = total
        for a in range(k):
            for b in range(a, k):
                total = 0.0
                for i in range(size):
                    for j in range(size):
                        total += middle[i, j] * seconds[c, a, b, i, j]
                out[c * k + a, c * k + b] += total
                if b > a:
                    out[c * k + b, c * k + a] += total


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def transform_moments(jacobian, moments, out):
    """Moments of the parameters (C k, …) from those of Theta."""
    n_blocks, k, per_block = jacobian.shape
    n_packed = moments.shape[1]
    out[:] = 0.0
    for c in range(n_blocks):
        for a in range(k):
            line = out[c * k + a]
            for i in range(per_block):
                w = jacobian[c, a, i]
                if w != 0.0:
                    source = moments[c * per_block + i]
                    for j in range(n_packed):
                        line[j] += w * source[j]


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def fill_metric(jacobian, out):
    """<Theta_a, Theta_b>: twice a complete participant's information."""
    n_blocks, k, per_block = jacobian.shape
    out[:] = 0.0
    for c in range(n_blocks):
        for a in range(k):
            for b in range(k):
                total = 0.0
                for i in range(per_block):
                    total += jacobian[c, a, i] * jacobian[c, b, i]
                out[c * k + a, c * k + b] = total
