"""The last look at a fit refuses each thing that it is there for, one at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from equipoise.stats.patterns import group_by_pattern
from equipoise.stats.restricted_likelihood import (
    Evaluation,
    Optimum,
    _verdict,
    evaluate,
    maximise,
)


@pytest.fixture(scope="module")
def optimum() -> Optimum:
    rng = np.random.default_rng(3)
    subject, visit = np.repeat(np.arange(20), 2), np.tile([0, 1], 20)
    values = np.column_stack([np.ones(40), rng.normal(size=40)])
    return maximise(group_by_pattern(subject, visit, values, 2), np.eye(2), ("V1", "V2"))


def spoiled(at: Evaluation, name: str) -> Evaluation:
    if name == "curvature":
        return replace(at, hessian=at.hessian * 1e-6, gradient=at.gradient * 1e-6)
    if name == "indefinite":
        return replace(at, hessian=-at.hessian)
    if name == "gradient":
        return replace(at, gradient=at.gradient + 0.01)
    if name == "boundary":
        return replace(at, factor=np.array([[1.0, 0.0], [1.0, 1e-7]]))
    return replace(at, value=float("nan"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("curvature", "do not determine"),
        ("indefinite", "do not determine"),
        ("gradient", "the gradient is not zero"),
        ("boundary", "ran to the boundary"),
        ("value", "not finite"),
    ],
)
def test_each_check_refuses(optimum: Optimum, name: str, message: str) -> None:
    assert _verdict(optimum.at, 1, 1, "").converged
    verdict = _verdict(spoiled(optimum.at, name), 1, 1, "")
    assert not verdict.converged
    assert message in verdict.message


def test_derivatives_are_those_of_the_value() -> None:
    """Gradient and observed Hessian against central differences of the value alone."""
    rng = np.random.default_rng(5)
    seen = rng.random((25, 3)) < 0.8
    subject, visit = np.nonzero(seen)
    subject = np.unique(subject, return_inverse=True)[1]
    values = np.column_stack([np.ones(len(subject)), rng.normal(size=(len(subject), 2))])
    patterns = group_by_pattern(subject, visit, values, 3)
    factor = np.linalg.cholesky(np.array([[2.0, 0.5, 0.1], [0.5, 1.0, 0.3], [0.1, 0.3, 1.5]]))
    at = evaluate(factor, patterns, derivatives=True)

    from equipoise.stats.restricted_likelihood import pack, unpack

    def value(theta: np.ndarray) -> float:
        moved = factor @ np.linalg.cholesky(np.eye(3) + unpack(theta, 3))
        return evaluate(moved, patterns, derivatives=False).value

    unit, h = np.eye(6), 1e-4
    gradient = [(value(h * e) - value(-h * e)) / (2 * h) for e in unit]
    assert pack(at.gradient) == pytest.approx(np.array(gradient), abs=1e-5)
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
