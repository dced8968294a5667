# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""The likelihood of a marginal linear model with unstructured covariance, and its derivatives.

Derivation: docs/methods/mmrm.md. In each covariance block Sigma = F (I + Theta) F' with F a
square factor of the current covariance matrix; the derivatives are taken with respect to Theta at
0, in the orthonormal basis E_ab = (e_a e_b' + e_b e_a') / sqrt(2), a < b, and E_aa = e_a e_a',
ordered (0,0), (0,1), …; block after block.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from .signatures import EVALUATE
from .triangular import FAST, cholesky_upper, dot, invert_upper, orthonormalise_rows


@numba.njit(cache=True)
def pair_positions(size):
    """(T, T) position of the element (a, b) among the upper triangle's, row by row."""
    position = np.empty((size, size), dtype=np.int64)
    k = 0
    for a in range(size):
        for b in range(a, size):
            position[a, b] = k
            position[b, a] = k
            k += 1
    return position


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def add_outer_products(u, n_rows, out):
    """Add sum_i u_i u_i' to the upper triangle of `out`, four rows at a time."""
    width = u.shape[1]
    i = 0
    while i + 4 <= n_rows:
        u0 = u[i]
        u1 = u[i + 1]
        u2 = u[i + 2]
        u3 = u[i + 3]
        for a in range(width):
            target = out[a, a:]
            v0 = u0[a:]
            v1 = u1[a:]
            v2 = u2[a:]
            v3 = u3[a:]
            w0 = u0[a]
            w1 = u1[a]
            w2 = u2[a]
            w3 = u3[a]
            for b in range(width - a):
                target[b] += w0 * v0[b] + w1 * v1[b] + w2 * v2[b] + w3 * v3[b]
        i += 4
    while i < n_rows:
        u0 = u[i]
        for a in range(width):
            w0 = u0[a]
            if w0 != 0.0:
                target = out[a, a:]
                v0 = u0[a:]
                for b in range(width - a):
                    target[b] += w0 * v0[b]
        i += 1


@numba.njit(cache=True, fastmath=FAST, error_model="numpy")
def fold_pairs(products, positions, first_parameter, weight, out):
    """Add weight · sum_g tr(E_i A_g E_j B_g) to ``out[i, j]``, j >= i, in one covariance block.

    `products` (K, K) holds sum_g A_g[t, u] B_g[v, s] by the positions of (t, u) and (v, s).
    """
    size = positions.shape[0]
    half = 0.5
    root = math.sqrt(0.5)
    i = 0
    for s in range(size):
        for t in range(s, size):
            ci = weight * (half if s == t else root)
            row_t = positions[t]
            row_s = positions[s]
            j = 0
            for u in range(size):
                for v in range(u, size):
                    if j >= i:
                        cj = half if u == v else root
                        out[first_parameter + i, first_parameter + j] += (
                            ci
                            * cj
                            * (
                                products[row_t[u], row_s[v]]
                                + products[row_t[v], row_s[u]]
                                + products[row_s[u], row_t[v]]
                                + products[row_s[v], row_t[u]]
                            )
                        )
                    j += 1
            i += 1


@numba.njit(cache=True)
def add_identity_products(gradient, positions, products):
    """Add I[t, u] G[v, s] to what `fold_pairs` takes."""
    size = gradient.shape[0]
    for s in range(size):
        at = positions[s, s]
        k = 0
        for u in range(size):
            for v in range(u, size):
                products[at, k] += gradient[u, v]
                k += 1


@numba.njit(EVALUATE, cache=True, fastmath=FAST, error_model="numpy", nogil=True)
def evaluate_unstructured(
    factors, rows, sums, first, visits, n_visits, counts, block, reml,
    positions, root, gradient, hessian, squares, moments, projections, whitened,
):  # fmt: skip
    """−2 log-likelihood (without its constant) and its derivatives, written into the last seven.

    Parameters
    ----------
    factors : float64 (C, T, T)
        Square factors F of the covariance matrices, Sigma = F F'.
    rows : float64 (R, p + 1)
        Columns of the design and, last, the response; the pseudo-participants of pattern g
        occupy rows ``first[g]`` to ``first[g + 1]``, ``n_visits[g]`` rows each, visits ascending.
    sums : float64 (G, T, T)
        Sums of products of the response over participants beyond those in `rows`, whose design
        is zero; only the first ``n_visits[g]`` rows and columns are read.
    first : int64 (G + 1,)
    visits : int64 (G, T)
        Observed visits of each pattern, padded.
    n_visits : int64 (G,)
    counts : float64 (G,)
        Participants in each pattern before compression.
    block : int64 (G,)
        Covariance block of each pattern, ascending.
    reml : bool
    positions : int64 (T, T)
        From `pair_positions`.
    root : (p + 1, p + 1)
        Upper triangular, root'root = [X y]'V⁻¹[X y].
    gradient : (C, T, T)
        Symmetric matrices G with d(−2l) = sum_c tr(G_c Theta_c).
    hessian : (K, K)
        Upper half of the Hessian in geodesic coordinates Sigma = F exp(Theta) F'; K counts all
        blocks. `subtract_bend` takes it to the observed Hessian in Theta.
    squares : (C, T(T + 1)/2, T(T + 1)/2)
        For `fisher_information`.
    moments : (K, (p + 1)(p + 2)/2)
        Packed upper triangles of M_k = sum_i U_i' E_k U_i, elements off the diagonal times
        sqrt(2), where U_i are the whitened rows.
    projections : (G, T, T)
        A_g, the projection on the observed directions of pattern g.
    whitened : (pseudo-participants, T (p + 1))
        U_i = Q'C⁻¹[X_i y_i] root⁻¹, the last column times root[p, p]; visit by visit.

    Returns
    -------
    ok : bool
    value : float
    """
    n_blocks = factors.shape[0]
    size = factors.shape[1]
    q = rows.shape[1]
    p = q - 1
    n_patterns = n_visits.shape[0]
    n_params = size * (size + 1) // 2

    white = np.empty_like(rows)
    qs = np.zeros((n_patterns, size, size))
    white_sums = np.zeros((n_patterns, size, size))
    c = np.zeros((size, size))
    gram = np.zeros((q, q))
    line_q = np.empty(q)
    value = 0.0
    for g in range(n_patterns):
        m = n_visits[g]
        if not orthonormalise_rows(factors[block[g]], visits[g], m, c, qs[g]):
            return False, math.inf
        for j in range(m):
            value += 2.0 * counts[g] * math.log(c[j, j])
        for start in range(first[g], first[g + 1], m):
            for j in range(m):
                for col in range(q):
                    line_q[col] = rows[start + j, col]
                for k in range(j):
                    factor = c[j, k]
                    for col in range(q):
                        line_q[col] -= factor * white[start + k, col]
                factor = 1.0 / c[j, j]
                for col in range(q):
                    white[start + j, col] = factor * line_q[col]
        s = white_sums[g]
        for k in range(m):  # C⁻¹ S, then C⁻¹ (C⁻¹ S)'
            for j in range(m):
                total = sums[g, j, k]
                for i in range(j):
                    total -= c[j, i] * s[i, k]
                s[j, k] = total / c[j, j]
        for k in range(m):
            for j in range(m):
                total = s[k, j]
                for i in range(j):
                    total -= c[j, i] * s[k, i]
                s[k, j] = total / c[j, j]
        for j in range(m):
            gram[p, p] += s[j, j]
    add_outer_products(white, white.shape[0], gram)
    if not cholesky_upper(gram, root):
        return False, math.inf
    if reml:
        for col in range(p):
            value += 2.0 * math.log(root[col, col])
    value += root[p, p] * root[p, p]

    inverse = np.empty((q, q))
    invert_upper(root, inverse)
    for i in range(q):
        inverse[i, p] *= root[p, p]
    gradient[:] = 0.0
    hessian[:] = 0.0
    squares[:] = 0.0
    unit = np.empty((size, q))
    seen = np.empty((size, size))
    b = np.empty((size, size))
    a_packed = np.empty(n_params)
    b_packed = np.empty(n_params)
    mixed = np.zeros((n_blocks, n_params, n_params))
    crossed = np.zeros((n_blocks, size * q, size * q))
    pseudo = 0
    skip = 0 if reml else p
    for g in range(n_patterns):
        m = n_visits[g]
        a = projections[g]
        q_g = qs[g]
        s_g = white_sums[g]
        for j in range(m):
            for k in range(j, m):
                seen[j, k] = s_g[j, k]
        for start in range(first[g], first[g + 1], m):
            u = whitened[pseudo]
            pseudo += 1
            for col in range(size * q):
                u[col] = 0.0
            for j in range(m):
                for col in range(q):
                    unit[j, col] = 0.0
                i = 0
                while i + 4 <= q:
                    w0 = white[start + j, i]
                    w1 = white[start + j, i + 1]
                    w2 = white[start + j, i + 2]
                    w3 = white[start + j, i + 3]
                    for col in range(q):
                        unit[j, col] += (
                            w0 * inverse[i, col]
                            + w1 * inverse[i + 1, col]
                            + w2 * inverse[i + 2, col]
                            + w3 * inverse[i + 3, col]
                        )
                    i += 4
                while i < q:
                    w0 = white[start + j, i]
                    for col in range(q):
                        unit[j, col] += w0 * inverse[i, col]
                    i += 1
                for t in range(size):
                    w0 = q_g[j, t]
                    if w0 != 0.0:
                        at = t * q
                        for col in range(q):
                            u[at + col] += w0 * unit[j, col]
                for k in range(j + 1):
                    total = 0.0
                    for col in range(skip, q):
                        total += unit[k, col] * unit[j, col]
                    seen[k, j] += total
        for s in range(size):
            for t in range(s, size):
                total = 0.0
                other = 0.0
                for j in range(m):
                    total += q_g[j, s] * q_g[j, t]
                    for k in range(m):
                        other += q_g[j, s] * q_g[k, t] * seen[min(j, k), max(j, k)]
                a[s, t] = total
                a[t, s] = total
                b[s, t] = other
        n = counts[g]
        k = 0
        target = gradient[block[g]]
        for s in range(size):
            for t in range(s, size):
                a_packed[k] = a[s, t]
                b_packed[k] = 2.0 * b[s, t] - n * a[s, t]
                target[s, t] += n * a[s, t] - b[s, t]
                k += 1
        mixed_g = mixed[block[g]]
        squares_g = squares[block[g]]
        for i in range(n_params):
            w = a_packed[i]
            if w != 0.0:
                line = mixed_g[i]
                for k in range(n_params):
                    line[k] += w * b_packed[k]
                w *= n
                line = squares_g[i]
                for k in range(n_params):
                    line[k] += w * a_packed[k]

    root2 = math.sqrt(2.0)
    begin = 0
    g = 0
    for block_index in range(n_blocks):
        end = begin
        while g < n_patterns and block[g] == block_index:
            end += (first[g + 1] - first[g]) // n_visits[g]
            g += 1
        add_outer_products(whitened[begin:end], end - begin, crossed[block_index])
        begin = end
        target = gradient[block_index]
        for s in range(size):
            for t in range(s):
                target[s, t] = target[t, s]
        at = block_index * n_params
        add_identity_products(target, positions, mixed[block_index])
        fold_pairs(mixed[block_index], positions, at, 1.0, hessian)
        products = crossed[block_index]
        k = at
        for s in range(size):
            for t in range(s, size):
                line = moments[k]
                packed = 0
                if s == t:
                    for col in range(q):
                        line[packed] = products[s * q + col, s * q + col]
                        packed += 1
                        for other in range(col + 1, q):
                            line[packed] = root2 * products[s * q + col, s * q + other]
                            packed += 1
                else:
                    for col in range(q):
                        line[packed] = root2 * products[s * q + col, t * q + col]
                        packed += 1
                        for other in range(col + 1, q):
                            line[packed] = (
                                products[s * q + col, t * q + other]
                                + products[s * q + other, t * q + col]
                            )
                            packed += 1
                k += 1
    total_params = n_blocks * n_params
    n_packed = q * (q + 1) // 2 - 1
    if reml:
        for i in range(total_params):
            line = moments[i][:n_packed]
            for j in range(i, total_params):
                hessian[i, j] -= dot(line, moments[j][:n_packed])
    else:
        last = np.empty((total_params, p))
        for i in range(total_params):
            packed = 0
            for col in range(p):
                packed += q - col
                last[i, col] = moments[i, packed - 1]
        for i in range(total_params):
            for j in range(i, total_params):
                hessian[i, j] -= dot(last[i], last[j])
    return True, value


@numba.njit(cache=True)
def fisher_information(squares, positions, out):
    """Upper half of Fisher's N tr(A E_i A E_j), from the `squares` of `evaluate_unstructured`."""
    out[:] = 0.0
    n_params = squares.shape[1]
    for c in range(squares.shape[0]):
        fold_pairs(squares[c], positions, c * n_params, 1.0, out)


@numba.njit(cache=True)
def subtract_bend(gradient, positions, hessian):
    """From geodesic coordinates to Theta: subtract tr(G (E_i E_j + E_j E_i))/2; both halves."""
    size = gradient.shape[1]
    n_params = size * (size + 1) // 2
    products = np.empty((n_params, n_params))
    for c in range(gradient.shape[0]):
        products[:] = 0.0
        add_identity_products(gradient[c], positions, products)
        fold_pairs(products, positions, c * n_params, -1.0, hessian)
    for i in range(hessian.shape[0]):
        for j in range(i):
            hessian[i, j] = hessian[j, i]
