# Compiled by Numba, which infers the types of arguments.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
"""Eigenvalues of small symmetric matrices by Jacobi's rotations: short, and accurate."""

from __future__ import annotations

import math

import numba
import numpy as np

_SMALLEST_CURVATURE = 1e-6


@numba.njit(cache=True, error_model="numpy")
def symmetric_eigen(a, vectors):
    """Diagonalise `a` (n, n) in place; the columns of `vectors` become its eigenvectors."""
    n = a.shape[0]
    for i in range(n):
        for j in range(n):
            vectors[i, j] = 1.0 if i == j else 0.0
    for _ in range(60):
        off = 0.0
        size = 0.0
        for i in range(n):
            size += a[i, i] * a[i, i]
            for j in range(i + 1, n):
                off += a[i, j] * a[i, j]
        if not off > 1e-28 * size:
            break
        for i in range(n):
            for j in range(i + 1, n):
                if a[i, j] == 0.0:
                    continue
                theta = (a[j, j] - a[i, i]) / (2.0 * a[i, j])
                t = 1.0 / (abs(theta) + math.sqrt(theta * theta + 1.0))
                if theta < 0.0:
                    t = -t
                c = 1.0 / math.sqrt(t * t + 1.0)
                s = t * c
                for k in range(n):
                    x = a[k, i]
                    y = a[k, j]
                    a[k, i] = c * x - s * y
                    a[k, j] = s * x + c * y
                for k in range(n):
                    x = a[i, k]
                    y = a[j, k]
                    a[i, k] = c * x - s * y
                    a[j, k] = s * x + c * y
                for k in range(n):
                    x = vectors[k, i]
                    y = vectors[k, j]
                    vectors[k, i] = c * x - s * y
                    vectors[k, j] = s * x + c * y


@numba.njit(cache=True, error_model="numpy")
def definite_direction(curvature, slope, direction):
    """Newton's step with the absolute values of the curvature's eigenvalues, none tiny.

    Only the upper half of `curvature` is read.
    """
    n = curvature.shape[0]
    a = np.empty((n, n))
    vectors = np.empty((n, n))
    for i in range(n):
        for j in range(i, n):
            a[i, j] = curvature[i, j]
            a[j, i] = curvature[i, j]
    symmetric_eigen(a, vectors)
    largest = 0.0
    for i in range(n):
        largest = max(largest, abs(a[i, i]))
    for i in range(n):
        direction[i] = 0.0
    for k in range(n):
        share = 0.0
        for i in range(n):
            share += vectors[i, k] * slope[i]
        share /= max(abs(a[k, k]), _SMALLEST_CURVATURE * largest)
        for i in range(n):
            direction[i] += vectors[i, k] * share
