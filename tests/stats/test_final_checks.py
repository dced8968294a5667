"""The last look at a fit refuses each thing that it is there for, one at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from equipoise.stats.convergence import Outcome
from equipoise.stats.evaluation import Evaluation
from equipoise.stats.patterns import group_by_pattern
from equipoise.stats.restricted_likelihood import Labels, Optimum, maximise, verdict
from equipoise.stats.unstructured_covariance import UnstructuredCovariance, unpack


def small_model() -> UnstructuredCovariance:
    rng = np.random.default_rng(3)
    subject, visit = np.repeat(np.arange(20), 2), np.tile([0, 1], 20)
    values = np.column_stack([np.ones(40), rng.normal(size=40)])
    return UnstructuredCovariance(group_by_pattern(subject, visit, values, 2))


@pytest.fixture(scope="module")
def optimum() -> Optimum:
    return maximise(small_model(), np.eye(2)[None], Labels(("V1", "V2")))


def spoiled(at: Evaluation, name: str) -> Evaluation:
    if name == "curvature":
        return replace(at, hessian=at.hessian * 1e-6, gradient=at.gradient * 1e-6)
    if name == "indefinite":
        return replace(at, hessian=-at.hessian)
    if name == "gradient":
        return replace(at, gradient=at.gradient + 0.01)
    if name == "boundary":
        return replace(at, point=np.array([[[1.0, 0.0], [1.0, 1e-7]]]))
    return replace(at, value=float("nan"))


@pytest.mark.parametrize(
    ("name", "outcome", "message"),
    [
        ("curvature", Outcome.NOT_IDENTIFIED, "do not determine"),
        ("indefinite", Outcome.NOT_IDENTIFIED, "do not determine"),
        ("gradient", Outcome.GRADIENT, "the gradient is not zero"),
        ("boundary", Outcome.BOUNDARY, "ran to the boundary"),
        ("value", Outcome.NOT_FINITE, "not finite"),
    ],
)
def test_each_check_refuses(optimum: Optimum, name: str, outcome: Outcome, message: str) -> None:
    model = small_model()
    assert verdict(model, optimum.at, 1, 1).converged
    result = verdict(model, spoiled(optimum.at, name), 1, 1)
    assert not result.converged
    assert result.outcome is outcome
    assert message in result.message


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("groups", [1, 2])
def test_derivatives_are_those_of_the_value(reml: bool, groups: int) -> None:
    """Gradient and observed Hessian against central differences of the value alone."""
    rng = np.random.default_rng(5)
    seen = rng.random((25, 3)) < 0.8
    subject, visit = np.nonzero(seen)
    subject = np.unique(subject, return_inverse=True)[1]
    values = np.column_stack([np.ones(len(subject)), rng.normal(size=(len(subject), 2))])
    block = np.arange(int(subject.max()) + 1) % groups
    model = UnstructuredCovariance(group_by_pattern(subject, visit, values, 3, block), reml)
    factor = np.linalg.cholesky(np.array([[2.0, 0.5, 0.1], [0.5, 1.0, 0.3], [0.1, 0.3, 1.5]]))
    factors = np.stack([(1.0 + c) * factor for c in range(groups)])
    at = model.evaluate(factors, derivatives=True)

    def value(theta: np.ndarray) -> float:
        parts = theta.reshape(groups, 6)
        moved = [
            one @ np.linalg.cholesky(np.eye(3) + unpack(part, 3))
            for one, part in zip(factors, parts, strict=True)
        ]
        return model.evaluate(np.stack(moved), derivatives=False).value

    unit, h = np.eye(6 * groups), 1e-4
    gradient = [(value(h * e) - value(-h * e)) / (2 * h) for e in unit]
    assert at.gradient == pytest.approx(np.array(gradient), abs=1e-5)
    hessian = [
        [
            (value(h * (a + b)) - value(h * (a - b)) - value(h * (b - a)) + value(-h * (a + b)))
            / (4 * h * h)
            for b in unit
        ]
        for a in unit
    ]
    # second differences at h = 1e-4 carry rounding of about 1e-13 / h² = 1e-5
    assert at.hessian == pytest.approx(np.array(hessian), abs=2e-4)
