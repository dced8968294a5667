# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""The (restricted) likelihood where the covariance matrix is a function of few parameters.

Derivation: docs/methods/covariance-structures.md. For each pattern V = Sigma[S, S] = C C', and
everything is a function of the whitened rows C⁻¹[X y], of D_a = C⁻¹ (dV/dtheta_a) C⁻ᵀ and of the
second derivatives of V.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from .likelihood import subtract_moment_products
from .triangular import cholesky_upper, invert_upper


@numba.njit(cache=True)
def restricted_root(sigma, visits, m, v, r, inverse):
    """r'r = sigma[visits, visits] and inverse = r⁻¹, in the leading (m, m) corner of each."""
    for i in range(m):
        for j in range(m):
            v[i, j] = sigma[visits[i], visits[j]]
    if not cholesky_upper(v[:m, :m], r[:m, :m]):
        return False
    invert_upper(r[:m, :m], inverse[:m, :m])
    return True


@numba.njit(cache=True)
def congruence(inverse, matrix, visits, m, half, out):
    """out = inverse' matrix[visits, visits] inverse for an upper triangular `inverse`."""
    for i in range(m):
        for j in range(m):
            total = 0.0
            for k in range(j + 1):
                total += matrix[visits[i], visits[k]] * inverse[k, j]
            half[i, j] = total
    for i in range(m):
        for j in range(m):
            total = 0.0
            for k in range(i + 1):
                total += inverse[k, i] * half[k, j]
            out[i, j] = total


@numba.njit(cache=True)
def evaluate_structured(
    sigmas, firsts, seconds, offsets, n_params, rows, first, visits, n_visits, n_participants,
    block, reml, derivatives,
):  # fmt: skip
    """−2 log-likelihood (without its constant) and its derivatives.

    Parameters
    ----------
    sigmas : float64 (C, T, T)
        Covariance matrix of each block of participants.
    firsts : float64 (C, k, T, T)
    seconds : float64 (C, k, k, T, T)
        Its derivatives with respect to the block's k parameters.
    offsets : int64 (C,)
        Where the block's parameters begin among all; blocks may share theirs.
    n_params : int
        K, parameters of all blocks.
    rows, first, visits, n_visits, n_participants, block, reml, derivatives
        As in `equipoise.stats.kernels.likelihood.evaluate`; `block` is an index into `sigmas`.

    Returns
    -------
    ok : bool
        Whether every matrix is positive definite, as a whole too.
    value : float
    root : (p + 1, p + 1)
    gradient : (K,)
    hessian, fisher : (K, K)
    moments : (K, (p + 1)(p + 2)/2)
        Packed upper triangles of M_a = sum_i U_i' D_a U_i, elements off the diagonal times
        sqrt(2).
    whitened : (pseudo-participants, T, p + 1)
        U_i = C⁻¹[X_i y_i] root⁻¹ in the first rows, the last column times root[p, p].
    """
    size = sigmas.shape[1]
    per_block = firsts.shape[1]
    q = rows.shape[1]
    p = q - 1
    n_patterns = n_visits.shape[0]
    n_packed = q * (q + 1) // 2
    n_pseudo = 0
    for g in range(n_patterns):
        n_pseudo += (first[g + 1] - first[g]) // n_visits[g]

    root = np.zeros((q, q))
    k_out = n_params if derivatives else 0
    gradient = np.zeros(k_out)
    hessian = np.zeros((k_out, k_out))
    fisher = np.zeros((k_out, k_out))
    moments = np.zeros((k_out, n_packed))
    whitened = np.zeros((n_pseudo if derivatives else 0, size, q))

    gram = np.zeros((q, q))
    white = np.empty_like(rows)
    v = np.zeros((size, size))
    r = np.zeros((size, size))
    roots = np.zeros((n_patterns, size, size))
    value = 0.0
    for c in range(sigmas.shape[0]):
        if not cholesky_upper(sigmas[c], r):
            return False, math.inf, root, gradient, hessian, fisher, moments, whitened
    for g in range(n_patterns):
        m = n_visits[g]
        if not restricted_root(sigmas[block[g]], visits[g], m, v, r, roots[g]):
            return False, math.inf, root, gradient, hessian, fisher, moments, whitened
        for j in range(m):
            value += 2.0 * n_participants[g] * math.log(r[j, j])
        inverse = roots[g]
        for start in range(first[g], first[g + 1], m):
            for j in range(m):
                for col in range(q):
                    white[start + j, col] = 0.0
                for k in range(j + 1):
                    w = inverse[k, j]
                    for col in range(q):
                        white[start + j, col] += w * rows[start + k, col]
                for col in range(q):
                    w = white[start + j, col]
                    for other in range(col, q):
                        gram[col, other] += w * white[start + j, other]
    if not cholesky_upper(gram, root):
        return False, math.inf, root, gradient, hessian, fisher, moments, whitened
    if reml:
        for col in range(p):
            value += 2.0 * math.log(root[col, col])
    value += root[p, p] * root[p, p]
    if not math.isfinite(value):
        return False, math.inf, root, gradient, hessian, fisher, moments, whitened
    if not derivatives:
        return True, value, root, gradient, hessian, fisher, moments, whitened

    unit = np.empty((q, q))
    invert_upper(root, unit)
    for i in range(q):
        unit[i, p] *= root[p, p]
    start_of_sums = 0 if reml else p
    b = np.empty((size, size))
    spread = np.empty((size, size))
    middle = np.empty((size, size))
    half = np.empty((size, size))
    d = np.empty((per_block, size, size))
    db = np.empty((per_block, size, size))
    turned = np.empty((size, q))
    pseudo = 0
    for g in range(n_patterns):
        m = n_visits[g]
        c = block[g]
        base = offsets[c]
        inverse = roots[g]
        n = n_participants[g]
        for a in range(per_block):
            congruence(inverse, firsts[c, a], visits[g], m, half, d[a])
        for s in range(m):
            for t in range(m):
                b[s, t] = 0.0
        for start in range(first[g], first[g + 1], m):
            u = whitened[pseudo]
            pseudo += 1
            for j in range(m):
                for i in range(q):
                    w = white[start + j, i]
                    if w != 0.0:
                        for col in range(i, q):
                            u[j, col] += w * unit[i, col]
            for s in range(m):
                for t in range(s, m):
                    total = 0.0
                    for col in range(start_of_sums, q):
                        total += u[s, col] * u[t, col]
                    b[s, t] += total
            for a in range(per_block):
                for s in range(m):
                    for col in range(q):
                        total = 0.0
                        for t in range(m):
                            total += d[a, s, t] * u[t, col]
                        turned[s, col] = total
                packed = 0
                for col in range(q):
                    for other in range(col, q):
                        total = 0.0
                        for s in range(m):
                            total += u[s, col] * turned[s, other]
                        moments[base + a, packed] += total
                        packed += 1
        for s in range(m):
            for t in range(s):
                b[s, t] = b[t, s]
        for s in range(m):
            for t in range(m):
                spread[s, t] = (n if s == t else 0.0) - b[s, t]
        for a in range(per_block):
            total = 0.0
            for s in range(m):
                for t in range(m):
                    total += d[a, s, t] * spread[s, t]
                    dot = 0.0
                    for k in range(m):
                        dot += d[a, s, k] * (2.0 * b[k, t] - (n if k == t else 0.0))
                    db[a, s, t] = dot
            gradient[base + a] += total
        # spread in the coordinates of V: R⁻¹ spread R⁻ᵀ, against which second derivatives count
        for s in range(m):
            for t in range(m):
                total = 0.0
                for k in range(s, m):
                    total += inverse[s, k] * spread[k, t]
                half[s, t] = total
        for s in range(m):
            for t in range(m):
                total = 0.0
                for k in range(t, m):
                    total += half[s, k] * inverse[t, k]
                middle[s, t] = total
        for a in range(per_block):
            for e in range(a, per_block):
                observed = 0.0
                expected = 0.0
                curved = 0.0
                for s in range(m):
                    for t in range(m):
                        observed += db[a, s, t] * d[e, t, s]
                        expected += d[a, s, t] * d[e, t, s]
                        curved += seconds[c, a, e, visits[g, s], visits[g, t]] * middle[t, s]
                hessian[base + a, base + e] += observed + curved
                fisher[base + a, base + e] += n * expected

    for a in range(n_params):
        packed = 0
        for col in range(q):
            for other in range(col, q):
                if other > col:
                    moments[a, packed] *= math.sqrt(2.0)
                packed += 1
    subtract_moment_products(moments, reml, hessian)
    for i in range(n_params):
        for j in range(i):
            hessian[i, j] = hessian[j, i]
            fisher[i, j] = fisher[j, i]
    return True, value, root, gradient, hessian, fisher, moments, whitened


@numba.njit(cache=True)
def fill_second_order(
    sigmas, firsts, seconds, offsets, weights, curved, visits, n_visits, block, out
):  # fmt: skip
    """Per pattern sum_ab W_ab (D_a D_b − curved · D_ab), whitened, into ``out`` (G, T, T).

    With `curved` = 1/4 this is what Kenward and Roger's Q − R/4 sums over a participant, with 0
    what their Q sums. Only the pattern's own block of W enters: the others' derivatives are zero.
    """
    size = sigmas.shape[1]
    per_block = firsts.shape[1]
    v = np.zeros((size, size))
    r = np.zeros((size, size))
    inverse = np.zeros((size, size))
    half = np.empty((size, size))
    second = np.empty((size, size))
    d = np.empty((per_block, size, size))
    summed = np.empty((size, size))
    for g in range(n_visits.shape[0]):
        m = n_visits[g]
        c = block[g]
        base = offsets[c]
        if not restricted_root(sigmas[c], visits[g], m, v, r, inverse):
            return False
        for a in range(per_block):
            congruence(inverse, firsts[c, a], visits[g], m, half, d[a])
        for s in range(size):
            for t in range(size):
                summed[s, t] = 0.0
                out[g, s, t] = 0.0
        for a in range(per_block):
            for e in range(per_block):
                w = weights[base + a, base + e]
                for s in range(size):
                    for t in range(size):
                        summed[s, t] -= curved * w * seconds[c, a, e, s, t]
                for s in range(m):
                    for t in range(m):
                        total = 0.0
                        for k in range(m):
                            total += d[a, s, k] * d[e, k, t]
                        out[g, s, t] += w * total
        congruence(inverse, summed, visits[g], m, half, second)
        for s in range(m):
            for t in range(m):
                out[g, s, t] += second[s, t]
    return True
