# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""The (restricted) likelihood of a marginal linear model, with gradient and observed Hessian.

Derivation: docs/methods/mmrm.md. Sigma = F (I + Theta) F' with F a square factor of the current
covariance matrix; the derivatives are taken with respect to Theta at 0, in the orthonormal basis
E_ab = (e_a e_b' + e_b e_a') / sqrt(2), a < b, and E_aa = e_a e_a', ordered (0,0), (0,1), …
With C covariance groups there are C such matrices, one set of parameters after the other.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from .triangular import cholesky_upper, invert_upper, orthonormalise_rows


@numba.njit(cache=True)
def add_pair_traces(a, b, weight, out, base):
    """Add weight · tr(E_i a E_j b) to ``out[base + i, base + j]``, all basis matrices, j >= i."""
    size = a.shape[0]
    i = base
    for s in range(size):
        for t in range(s, size):
            ci = weight * (0.5 if s == t else math.sqrt(0.5))
            j = base
            for u in range(size):
                for v in range(u, size):
                    if j >= i:
                        cj = 0.5 if u == v else math.sqrt(0.5)
                        out[i, j] += (
                            ci
                            * cj
                            * (
                                a[t, u] * b[v, s]
                                + a[t, v] * b[u, s]
                                + a[s, u] * b[v, t]
                                + a[s, v] * b[u, t]
                            )
                        )
                    j += 1
            i += 1


@numba.njit(cache=True)
def subtract_moment_products(moments, reml, hessian):
    """What the estimated coefficients take from the Hessian, j >= i.

    tr(P_i P_j) + 2 u_i'u_j under REML, 2 u_i'u_j under ML: P_k and u_k are the leading block and
    the last column of the moments.
    """
    n_params = moments.shape[0]
    n_packed = moments.shape[1]
    q = int((math.sqrt(8.0 * n_packed + 1.0) - 1.0) / 2.0 + 0.5)
    for i in range(n_params):
        for j in range(i, n_params):
            total = 0.0
            if reml:
                for packed in range(n_packed - 1):
                    total += moments[i, packed] * moments[j, packed]
            else:
                packed = -1
                for col in range(q - 1):
                    packed += q - col
                    total += moments[i, packed] * moments[j, packed]
            hessian[i, j] -= total


@numba.njit(cache=True)
def evaluate(factors, rows, first, visits, n_visits, n_participants, block, reml, derivatives):
    """−2 log-likelihood (without its constant) and its derivatives.

    Parameters
    ----------
    factors : float64 (C, T, T)
        Square factor F of the covariance matrix of each group, Sigma = F F'.
    rows : float64 (R, p + 1)
        Columns of the design and, last, the response; the (pseudo-)participants of pattern g
        occupy rows ``first[g]`` to ``first[g + 1]``, ``n_visits[g]`` rows each, visits ascending.
    first : int64 (G + 1,)
    visits : int64 (G, T)
        Observed visits of each pattern, padded.
    n_visits : int64 (G,)
    n_participants : float64 (G,)
        Participants in each pattern before compression.
    block : int64 (G,)
        Covariance group of each pattern.
    reml : bool
        Restricted likelihood; otherwise the likelihood, maximised over the coefficients.
    derivatives : bool
        Whether anything beyond the value is wanted.

    Returns
    -------
    ok : bool
    value : float
    root : (p + 1, p + 1)
        Upper triangular, root'root = [X y]'V⁻¹[X y].
    gradient : (C, T, T)
        Symmetric matrices G with d(−2l) = tr(G Theta).
    hessian, fisher, bend : (C K, C K)
        Observed Hessian, Fisher's N tr(A E_i A E_j), and the term that turns the Hessian into
        that of geodesic coordinates Sigma = F exp(Theta) F'; K = T (T + 1) / 2.
    moments : (C K, (p + 1)(p + 2)/2)
        Packed upper triangles of M_k = sum_i U_i' E_k U_i, elements off the diagonal times
        sqrt(2), where U_i are the whitened rows.
    projections : (G, T, T)
        A_g, the projection on the observed directions of pattern g.
    whitened : (pseudo-participants, T, p + 1)
        U_i = Q'C⁻¹[X_i y_i] root⁻¹, the last column times root[p, p].
    """
    n_blocks = factors.shape[0]
    size = factors.shape[1]
    q = rows.shape[1]
    p = q - 1
    n_patterns = n_visits.shape[0]
    per_block = size * (size + 1) // 2
    n_params = n_blocks * per_block
    n_packed = q * (q + 1) // 2
    n_pseudo = 0
    for g in range(n_patterns):
        n_pseudo += (first[g + 1] - first[g]) // n_visits[g]

    root = np.zeros((q, q))
    gradient = np.zeros((n_blocks, size, size))
    k_out = n_params if derivatives else 0
    hessian = np.zeros((k_out, k_out))
    fisher = np.zeros((k_out, k_out))
    bend = np.zeros((k_out, k_out))
    moments = np.zeros((k_out, n_packed))
    projections = np.zeros((n_patterns, size, size))
    whitened = np.zeros((n_pseudo if derivatives else 0, size, q))

    gram = np.zeros((q, q))
    white = np.empty_like(rows)
    qs = np.zeros((n_patterns, size, size))
    c = np.zeros((size, size))
    value = 0.0
    for g in range(n_patterns):
        m = n_visits[g]
        if not orthonormalise_rows(factors[block[g]], visits[g], m, c, qs[g]):
            return (
                False, math.inf, root, gradient, hessian, fisher, bend, moments, projections,
                whitened,
            )  # fmt: skip
        for j in range(m):
            value += 2.0 * n_participants[g] * math.log(c[j, j])
        for start in range(first[g], first[g + 1], m):
            for j in range(m):
                for col in range(q):
                    total = rows[start + j, col]
                    for k in range(j):
                        total -= c[j, k] * white[start + k, col]
                    white[start + j, col] = total / c[j, j]
                for col in range(q):
                    w = white[start + j, col]
                    for other in range(col, q):
                        gram[col, other] += w * white[start + j, other]
    if not cholesky_upper(gram, root):
        return (
            False, math.inf, root, gradient, hessian, fisher, bend, moments, projections, whitened,
        )  # fmt: skip
    if reml:
        for col in range(p):
            value += 2.0 * math.log(root[col, col])
    value += root[p, p] * root[p, p]
    if not derivatives:
        return True, value, root, gradient, hessian, fisher, bend, moments, projections, whitened

    inverse = np.empty((q, q))
    invert_upper(root, inverse)
    for i in range(q):
        inverse[i, p] *= root[p, p]
    b = np.empty((size, size))
    middle = np.empty((size, size))
    unit = np.empty(q)
    start_of_sums = 0 if reml else p
    pseudo = 0
    for g in range(n_patterns):
        m = n_visits[g]
        base = block[g] * per_block
        slope = gradient[block[g]]
        a = projections[g]
        for s in range(size):
            for t in range(size):
                total = 0.0
                for j in range(m):
                    total += qs[g, j, s] * qs[g, j, t]
                a[s, t] = total
                b[s, t] = 0.0
        for start in range(first[g], first[g + 1], m):
            u = whitened[pseudo]
            pseudo += 1
            for j in range(m):
                for col in range(q):
                    unit[col] = 0.0
                for i in range(q):
                    w = white[start + j, i]
                    if w != 0.0:
                        for col in range(i, q):
                            unit[col] += w * inverse[i, col]
                for t in range(size):
                    w = qs[g, j, t]
                    if w != 0.0:
                        for col in range(q):
                            u[t, col] += w * unit[col]
            k = base
            for s in range(size):
                for t in range(s, size):
                    total = 0.0
                    for col in range(start_of_sums, q):
                        total += u[s, col] * u[t, col]
                    b[s, t] += total
                    packed = 0
                    for col in range(q):
                        us = u[s, col]
                        ut = u[t, col]
                        for other in range(col, q):
                            moments[k, packed] += us * u[t, other] + ut * u[s, other]
                            packed += 1
                    k += 1
        n = n_participants[g]
        for s in range(size):
            for t in range(s):
                b[s, t] = b[t, s]
            for t in range(s, size):
                middle[s, t] = 2.0 * b[s, t] - n * a[s, t]
                middle[t, s] = middle[s, t]
        for s in range(size):
            for t in range(size):
                slope[s, t] += n * a[s, t] - b[s, t]
        add_pair_traces(a, middle, 1.0, hessian, base)
        add_pair_traces(a, a, n, fisher, base)

    k = 0
    for _ in range(n_blocks):
        for s in range(size):
            for t in range(s, size):
                scale = 0.5 if s == t else math.sqrt(0.5)
                packed = 0
                for col in range(q):
                    for other in range(col, q):
                        moments[k, packed] *= scale if col == other else scale * math.sqrt(2.0)
                        packed += 1
                k += 1
    subtract_moment_products(moments, reml, hessian)
    for s in range(size):
        for t in range(size):
            b[s, t] = 1.0 if s == t else 0.0
    for c_block in range(n_blocks):
        add_pair_traces(b, gradient[c_block], 1.0, bend, c_block * per_block)
    for i in range(n_params):
        for j in range(i):
            hessian[i, j] = hessian[j, i]
            fisher[i, j] = fisher[j, i]
            bend[i, j] = bend[j, i]
    return True, value, root, gradient, hessian, fisher, bend, moments, projections, whitened
