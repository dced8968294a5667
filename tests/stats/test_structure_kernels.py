"""Derivatives in the kernels of structured covariances, against differences.

Central differences with h = 1e-5 leave about h² = 1e-10 of curvature and 1e-16 / h = 1e-11 of
rounding, second differences of the likelihood with h = 1e-4 about 1e-5.
"""

from __future__ import annotations

import numpy as np
import pytest
from structures_twin import sigma

from equipoise.stats import CovarianceStructure
from equipoise.stats.covariance_layout import CovarianceLayout
from equipoise.stats.kernel_cache import load_structured_kernels
from equipoise.stats.patterns import group_by_pattern
from equipoise.stats.structured_covariance import StructuredCovariance, natural_parameters

SIZE = 4
STRUCTURED = [member for member in CovarianceStructure if member.word != "us"]
DAYS = np.array([0.0, 2.0, 3.0, 7.0])
DISTANCES = np.abs(np.subtract.outer(DAYS, DAYS))


def working_point(structure: CovarianceStructure, seed: int = 1) -> np.ndarray:
    """Different variances, correlations of both signs small enough to be positive definite."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.3, 0.4, size=structure.n_parameters(SIZE))


def filled(
    structure: CovarianceStructure, point: np.ndarray, *, natural: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    k = len(point)
    out = (
        np.empty((1, SIZE, SIZE)),
        np.empty((1, k, SIZE, SIZE)),
        np.empty((1, k, k, SIZE, SIZE)),
    )
    zero = np.zeros(1, dtype=np.int64)
    load_structured_kernels().fill_blocks(
        structure.code, natural, point[None].copy(), zero, DISTANCES[None], *out
    )
    return out[0][0], out[1][0], out[2][0]


@pytest.mark.parametrize("natural", [True, False])
@pytest.mark.parametrize("structure", STRUCTURED, ids=lambda s: s.word)
def test_derivatives_of_the_matrix(structure: CovarianceStructure, natural: bool) -> None:
    point = working_point(structure)
    if natural:
        point = natural_parameters(structure, point)
    _, first, second = filled(structure, point, natural=natural)
    h = 1e-5
    for a, unit in enumerate(np.eye(len(point))):
        above, below = (
            filled(structure, point + sign * h * unit, natural=natural) for sign in (1.0, -1.0)
        )
        assert first[a] == pytest.approx((above[0] - below[0]) / (2 * h), abs=2e-9)
        assert second[a] == pytest.approx((above[1] - below[1]) / (2 * h), abs=2e-9)


@pytest.mark.parametrize("structure", STRUCTURED, ids=lambda s: s.word)
def test_both_sets_of_parameters_give_the_matrix_of_the_definition(
    structure: CovarianceStructure,
) -> None:
    point = working_point(structure)
    natural = natural_parameters(structure, point)
    ours = filled(structure, point, natural=False)[0]
    assert filled(structure, natural, natural=True)[0] == pytest.approx(ours, rel=1e-13)
    assert sigma(structure.word, natural, SIZE, DISTANCES) == pytest.approx(ours, rel=1e-13)


def a_model(structure: CovarianceStructure, *, reml: bool, groups: int) -> StructuredCovariance:
    rng = np.random.default_rng(5)
    seen = rng.random((25, SIZE)) < 0.8
    subject, visit = np.nonzero(seen)
    subject = np.unique(subject, return_inverse=True)[1]
    values = np.column_stack([np.ones(len(subject)), rng.normal(size=(len(subject), 2))])
    block = np.arange(int(subject.max()) + 1) % groups
    layout = CovarianceLayout(
        size=SIZE,
        block=block,
        block_group=np.arange(groups, dtype=np.int64),
        position=visit,
        distances=DISTANCES[None],
        by_visit=True,
    )
    patterns = group_by_pattern(subject, visit, values, SIZE, block)
    return StructuredCovariance(structure, layout, patterns, reml)


@pytest.mark.parametrize("natural", [True, False])
@pytest.mark.parametrize(("reml", "groups"), [(True, 1), (False, 1), (True, 2), (False, 2)])
@pytest.mark.parametrize("structure", STRUCTURED, ids=lambda s: s.word)
def test_derivatives_of_the_likelihood(
    structure: CovarianceStructure, reml: bool, groups: int, natural: bool
) -> None:
    model = a_model(structure, reml=reml, groups=groups)
    point = np.concatenate([working_point(structure, 1 + g) for g in range(groups)])
    if natural:
        point = model.natural(point)

    def at(moved: np.ndarray) -> tuple[float, np.ndarray]:
        state = model.evaluate(moved, derivatives=True, natural=natural)
        assert state.ok
        return state.value, state.gradient

    state = model.evaluate(point, derivatives=True, natural=natural)
    h = 1e-5
    for a, unit in enumerate(np.eye(len(point))):
        above, below = at(point + h * unit), at(point - h * unit)
        assert state.gradient[a] == pytest.approx((above[0] - below[0]) / (2 * h), abs=1e-5)
        assert state.hessian[a] == pytest.approx((above[1] - below[1]) / (2 * h), abs=1e-5)
    value = model.evaluate(point, derivatives=False, natural=natural).value
    assert value == pytest.approx(state.value, rel=1e-14)


@pytest.mark.parametrize("structure", STRUCTURED, ids=lambda s: s.word)
def test_fisher_is_the_expectation_of_the_hessian_in_the_metric(
    structure: CovarianceStructure,
) -> None:
    """N complete participants have N times the metric: the check of the curvature counts people."""
    model = a_model(structure, reml=True, groups=1)
    complete = group_by_pattern(
        np.repeat(np.arange(30), SIZE),
        np.tile(np.arange(SIZE), 30),
        np.random.default_rng(2).normal(size=(120, 2)),
        SIZE,
    )
    model = StructuredCovariance(structure, model.layout, complete, True)
    point = working_point(structure)
    state = model.evaluate(point, derivatives=True)
    assert state.fisher == pytest.approx(30.0 * model.metric(point), rel=1e-9, abs=1e-9)


def test_a_matrix_that_is_not_positive_definite_is_not_evaluated() -> None:
    """Also where no participant was seen at all the visits that make it so."""
    toeplitz = CovarianceStructure.TOEPLITZ
    model = a_model(toeplitz, reml=True, groups=1)
    pairs = group_by_pattern(
        np.repeat(np.arange(20), 2),
        np.tile([0, 1], 20),
        np.random.default_rng(3).normal(size=(40, 2)),
        SIZE,
    )
    model = StructuredCovariance(toeplitz, model.layout, pairs, True)
    fine = np.array([0.1, 0.1, 0.1, 0.0])
    assert model.evaluate(fine, derivatives=True).ok
    beyond = np.array([0.1, -2.0, 2.0, 0.0])
    assert not model.evaluate(beyond, derivatives=True).ok
    assert np.isnan(model.factors(beyond)).all()
