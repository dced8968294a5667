"""The pieces of the compiled core against numpy, finite differences and their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from equipoise.stats.kernel_cache import load_batch_kernels, load_kernels
from equipoise.stats.unstructured_covariance import basis, unpack

load_kernels()
load_batch_kernels()

from equipoise.stats.kernels.compression import compress  # noqa: E402
from equipoise.stats.kernels.inference import second_moment  # noqa: E402
from equipoise.stats.kernels.newton import correlation_eigenvalue_bound  # noqa: E402
from equipoise.stats.kernels.symmetric import definite_direction, symmetric_eigen  # noqa: E402
from equipoise.stats.kernels.trial import orthonormalise_design  # noqa: E402
from equipoise.stats.kernels.trial_rows import ascending  # noqa: E402
from equipoise.stats.kernels.unstructured import (  # noqa: E402
    evaluate_unstructured,
    fisher_information,
    pair_positions,
    subtract_bend,
)

SIZE, GROUPS = 3, 2


def problem(seed: int) -> dict[str, np.ndarray]:
    """Two covariance blocks, three patterns, design and response, sums beside the rows."""
    rng = np.random.default_rng(seed)
    visits = np.array([[0, 1, 2], [0, 1, 0], [0, 2, 0], [0, 1, 2]], dtype=np.int64)
    n_visits = np.array([3, 2, 2, 3], dtype=np.int64)
    people = np.array([6, 4, 3, 7])
    first = np.concatenate([[0], np.cumsum(people * n_visits)]).astype(np.int64)
    rows = rng.normal(size=(first[-1], 5))
    sums = np.zeros((4, SIZE, SIZE))
    for g, m in enumerate(n_visits):
        extra = rng.normal(size=(5, m))
        sums[g, :m, :m] = extra.T @ extra
    return {
        "rows": rows,
        "sums": sums,
        "first": first,
        "visits": visits,
        "n_visits": n_visits,
        "counts": people + 5.0,
        "block": np.array([0, 0, 1, 1], dtype=np.int64),
    }


def evaluated(factors: np.ndarray, data: dict[str, np.ndarray], reml: bool) -> dict[str, object]:
    q = data["rows"].shape[1]
    per = SIZE * (SIZE + 1) // 2
    k = len(factors) * per
    pseudo = int(np.sum(np.diff(data["first"]) // data["n_visits"]))
    out = {
        "root": np.empty((q, q)),
        "gradient": np.empty((len(factors), SIZE, SIZE)),
        "hessian": np.empty((k, k)),
        "squares": np.empty((len(factors), per, per)),
        "moments": np.empty((k, q * (q + 1) // 2)),
        "projections": np.empty((len(data["n_visits"]), SIZE, SIZE)),
        "whitened": np.empty((pseudo, SIZE * q)),
    }
    positions = pair_positions(SIZE)
    ok, value = evaluate_unstructured(
        np.ascontiguousarray(factors), *data.values(), reml, positions, *out.values()
    )
    assert ok
    return {**out, "value": value, "positions": positions}


def dense_value(sigmas: np.ndarray, data: dict[str, np.ndarray], reml: bool) -> float:
    """−2 log L from the definition, without its constant."""
    q = data["rows"].shape[1]
    gram, value = np.zeros((q, q)), 0.0
    for g, m in enumerate(data["n_visits"]):
        seen = data["visits"][g, :m]
        v = sigmas[data["block"][g]][np.ix_(seen, seen)]
        inverse = np.linalg.inv(v)
        value += data["counts"][g] * np.linalg.slogdet(v)[1]
        for start in range(data["first"][g], data["first"][g + 1], m):
            rows = data["rows"][start : start + m]
            gram += rows.T @ inverse @ rows
        gram[-1, -1] += np.sum(inverse * data["sums"][g, :m, :m])
    x, xy = gram[:-1, :-1], gram[:-1, -1]
    value += gram[-1, -1] - xy @ np.linalg.solve(x, xy)
    return float(value + (np.linalg.slogdet(x)[1] if reml else 0.0))


@pytest.mark.parametrize("reml", [True, False])
def test_value_gradient_and_hessian_are_the_likelihood_s(reml: bool) -> None:
    """Central differences along F exp(Theta) F', errors of order step² and rounding/step²."""
    data = problem(1)
    rng = np.random.default_rng(2)
    factors = np.stack([np.tril(rng.normal(size=(3, 3))) + 2.0 * np.eye(3) for _ in range(GROUPS)])
    found = evaluated(factors, data, reml)

    def value(theta: np.ndarray) -> float:
        sigmas = []
        for factor, part in zip(factors, theta.reshape(GROUPS, -1), strict=True):
            w, v = np.linalg.eigh(unpack(part, SIZE))
            sigmas.append(factor @ (v * np.exp(w)) @ v.T @ factor.T)
        return dense_value(np.stack(sigmas), data, reml)

    k = GROUPS * 6
    assert found["value"] == pytest.approx(value(np.zeros(k)), rel=1e-12)
    step = 1e-4
    unit = step * np.eye(k)
    slopes = np.array([(value(e) - value(-e)) / (2.0 * step) for e in unit])
    gradient = found["gradient"]
    ours = np.concatenate([[np.sum(e * gradient[c]) for e in basis(SIZE)] for c in range(GROUPS)])
    assert ours == pytest.approx(slopes, abs=1e-5)
    hessian = np.array(
        [
            [
                (value(a + b) - value(a - b) - value(b - a) + value(-a - b)) / (4.0 * step**2)
                for b in unit
            ]
            for a in unit
        ]
    )
    curved = np.triu(found["hessian"]) + np.triu(found["hessian"], 1).T
    assert curved == pytest.approx(hessian, abs=2e-4)


@pytest.mark.parametrize("reml", [True, False])
def test_hessian_in_theta_and_fisher_by_their_definitions(reml: bool) -> None:
    data = problem(3)
    factors = np.stack([np.eye(3), np.diag([1.0, 2.0, 0.5])])
    found = evaluated(factors, data, reml)
    geodesic = np.triu(found["hessian"]) + np.triu(found["hessian"], 1).T
    subtract_bend(found["gradient"], found["positions"], found["hessian"])
    e = basis(SIZE)
    bend = np.zeros((12, 12))
    fisher = np.zeros((12, 12))
    for c in range(GROUPS):
        part = slice(6 * c, 6 * c + 6)
        bend[part, part] = np.einsum("iab,jbc,ca->ij", e, e, found["gradient"][c])
        for g in np.flatnonzero(data["block"] == c):
            a = found["projections"][g]
            fisher[part, part] += data["counts"][g] * np.einsum("ab,ibc,cd,jda->ij", a, e, a, e)
    assert geodesic - found["hessian"] == pytest.approx(0.5 * (bend + bend.T), abs=1e-10)
    ours = np.empty((12, 12))
    fisher_information(found["squares"], found["positions"], ours)
    assert np.triu(ours) == pytest.approx(np.triu(fisher), abs=1e-10)


def test_second_moment_by_its_definition() -> None:
    rng = np.random.default_rng(5)
    w = rng.normal(size=(9, 9))
    w = w @ w.T
    a = rng.normal(size=(SIZE, SIZE))
    a = a @ a.T
    out = np.empty((SIZE, SIZE))
    second_moment(w, 3, a, out)
    e = basis(SIZE)
    assert out == pytest.approx(np.einsum("ij,iab,bc,jcd->ad", w[3:, 3:], e, a, e), rel=1e-12)


def test_eigenvectors_and_the_direction_with_absolute_eigenvalues() -> None:
    rng = np.random.default_rng(7)
    a = rng.normal(size=(8, 8))
    a = a + a.T
    work, vectors = a.copy(), np.empty((8, 8))
    symmetric_eigen(work, vectors)
    assert np.sort(np.diagonal(work)) == pytest.approx(np.linalg.eigvalsh(a), abs=1e-12)
    assert vectors.T @ vectors == pytest.approx(np.eye(8), abs=1e-12)
    assert a @ vectors == pytest.approx(vectors * np.diagonal(work), abs=1e-11)
    slope, direction = rng.normal(size=8), np.empty(8)
    definite_direction(a, slope, direction)
    values, q = np.linalg.eigh(a)
    assert direction == pytest.approx(q @ ((q.T @ slope) / np.abs(values)), rel=1e-9)


def test_correlation_bound_is_within_a_factor_of_the_size() -> None:
    rng = np.random.default_rng(9)
    for _ in range(20):
        factor = np.tril(rng.normal(size=(4, 4)))
        sigma = factor @ factor.T
        d = np.sqrt(np.diagonal(sigma))
        smallest = np.linalg.eigvalsh(sigma / np.outer(d, d))[0]
        bound = correlation_eigenvalue_bound(factor)
        assert bound <= smallest * (1.0 + 1e-6)
        assert smallest <= 4.0 * bound * (1.0 + 1e-6)
    assert correlation_eigenvalue_bound(np.diag([1.0, 0.0])) == 0.0


def test_sorting_is_stable() -> None:
    rng = np.random.default_rng(11)
    for n in (1, 2, 17, 100):
        keys = rng.integers(0, 5, n)
        assert np.array_equal(ascending(keys), np.argsort(keys, kind="stable"))


def test_compression_finds_the_rank_and_keeps_what_is_left() -> None:
    rng = np.random.default_rng(13)
    z = rng.normal(size=(3, 50))
    design = np.vstack([z, z[0] + z[1], np.zeros(50), 1e-9 * z[2]])
    y = rng.normal(size=(2, 50))
    columns = np.vstack([design, y])
    kept = np.empty((6, 8))
    made = compress(columns.copy(), 6, 6, kept)
    assert made == 3
    assert kept[:3].T @ kept[:3] == pytest.approx(
        np.vstack([design, y]) @ np.linalg.pinv(z) @ z @ np.vstack([design, y]).T, abs=1e-10
    )
    assert compress(columns.copy(), 6, 2, kept) == -1


def test_orthonormal_design_names_the_first_dependent_column() -> None:
    rng = np.random.default_rng(15)
    rows = rng.normal(size=(20, 4))
    rows[:, 2] = rows[:, 0] - rows[:, 1]
    triangle = np.empty((4, 4))
    assert orthonormalise_design(rows.copy(), triangle) == 2
    rows[:, 2] = rng.normal(size=20)
    done = rows.copy()
    assert orthonormalise_design(done, triangle) == -1
    assert done[:, :3].T @ done[:, :3] == pytest.approx(np.eye(3), abs=1e-13)
    assert done[:, :3] @ triangle[:3, :3] == pytest.approx(rows[:, :3], abs=1e-13)
    assert done[:, 3] + done[:, :3] @ triangle[:3, 3] == pytest.approx(rows[:, 3], abs=1e-13)
    assert not math.isnan(float(triangle.sum()))
