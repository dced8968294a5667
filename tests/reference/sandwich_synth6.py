"""Sandwich standard errors of the nearly singular trial in 200-bit arithmetic.

Run with mpmath installed: PYTHONPATH=src python tests/reference/sandwich_synth6.py
> tests/reference/sandwich_synth6.json. The covariance matrix is that of the package's fit, taken
as exact; everything after it is computed here from the definitions.
"""

import json
from pathlib import Path

import mpmath as mp
import numpy as np
import polars as pl

from equipoise.stats import mmrm

mp.mp.prec = 200
data = pl.read_csv(Path(__file__).with_name("synth6.csv"), null_values="NA")
fit = mmrm("y ~ base + arm*visit", data, subject="subject", visit="visit", df="satterthwaite")
x, y = fit.data.design, fit.data.response
p = x.shape[1]


def exact(array: np.ndarray) -> mp.matrix:
    return mp.matrix(array.tolist())


def power(matrix: mp.matrix, exponent: float) -> mp.matrix:
    values, vectors = mp.eigsy(matrix)
    return vectors * mp.diag([mp.power(value, exponent) for value in values]) * vectors.T


participants = []
information, score = mp.zeros(p), mp.zeros(p, 1)
for i in range(fit.n_subjects):
    rows = np.flatnonzero(fit.data.subject == i)
    visits = fit.data.visit[rows]
    v, xi, yi = exact(fit.covariance[np.ix_(visits, visits)]), exact(x[rows]), exact(y[rows, None])
    w = v**-1
    information += xi.T * w * xi
    score += xi.T * w * yi
    participants.append((v, xi, yi, w))
phi = information**-1
beta = phi * score
result = {}
for kind in ("cr0", "cr2", "cr2-root", "cr3"):
    meat = mp.zeros(p)
    for v, xi, yi, w in participants:
        size = v.rows
        chol = mp.cholesky(v)
        inside = mp.eye(size) - chol**-1 * xi * phi * xi.T * (chol**-1).T
        a = mp.eye(size)
        if kind == "cr3":
            a = chol * inside**-1 * chol**-1
        elif kind == "cr2-root":
            a = chol * power(inside, -0.5) * chol**-1
        elif kind == "cr2":
            s = v - xi * phi * xi.T
            half, back = power(s, 0.5), power(s, -0.5)
            a = back * power(half * v * half, 0.5) * back
        own = phi * xi.T * w * a * (yi - xi * beta)
        meat += own * own.T
    result[kind] = [float(mp.sqrt(meat[j, j])) for j in range(p)]
print(
    json.dumps(
        {
            "program": "tests/reference/sandwich_synth6.py",
            "versions": {"mpmath": mp.__version__, "bits": mp.mp.prec},
            "condition_number": float(np.linalg.cond(fit.covariance)),
            "terms": list(fit.terms),
            "se": result,
        }
    )
)
