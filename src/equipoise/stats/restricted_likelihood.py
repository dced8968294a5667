"""The maximum of the (restricted) likelihood of a marginal model, by Newton's method.

Marginal model: y_i ~ N(X_i beta, Sigma_i), Sigma_i the observed rows and columns of the
covariance matrix of i's group. Derivation of the parametrisations and of the derivatives:
docs/methods/mmrm.md (Lindstrom and Bates 1988, JASA 83:1014–1022, for the likelihood).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .convergence import Convergence, Outcome
from .errors import ConvergenceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from .evaluation import CovarianceModel, Evaluation

_MAX_ITERATIONS = 200
#: Newton's step from a decrement of 1e-9 ends within about 1e-18 of the minimum, times a constant.
_LAST_STEP = 1e-9
#: Newton from here; farther away Fisher's scoring, which cannot be misled by the curvature.
_NEWTON_FROM_START = 5.0
_NEWTON_AFTER_FISHER = 20.0
#: What a fit must pass after the optimiser has stopped.
_FINAL_DECREMENT = 1e-8
_FINAL_GRADIENT = 1e-4
#: A direction informed by less than a hundredth of one participant is not informed.
_LEAST_CURVATURE = 1e-2
_LEAST_CORRELATION_EIGENVALUE = 1e-11
_NEAR_THE_BOUNDARY = 1e-4  # words only: no fit is accepted or refused by it
#: A slope of −2 log L along the log of the vanishing eigenvalue that stays this steep has no end
#: (words only, as well).
_UNBOUNDED_SLOPE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """A checked maximum of the likelihood.

    Attributes
    ----------
    at : Evaluation
        In the scale of `Patterns.rows`.
    convergence : Convergence
        Eigenvalues in that scale too.
    """

    at: Evaluation
    convergence: Convergence


@dataclass(frozen=True, slots=True)
class Labels:
    """What the rows of the covariance matrices, and the matrices, are called in messages."""

    visits: Sequence[str]
    groups: Sequence[str] = ()
    structure: str = "us"


def maximise(model: CovarianceModel, start: np.ndarray, labels: Labels) -> Optimum:
    """Find the maximum-likelihood covariance matrices, and check them.

    Far from the optimum the step is Fisher's, near it Newton's; where the curvature is indefinite
    near the optimum (a saddle, or the way to the boundary) Newton's with the eigenvalues'
    absolute values, which leaves it fast in either case.

    Parameters
    ----------
    model : CovarianceModel
    start : array
        A first point of `model`; the optimum does not depend on it.
    labels : Labels

    Raises
    ------
    ConvergenceError
        If there is no valid optimum: the covariance runs to the boundary, is not determined by
        the data, or the optimiser does not arrive.
    """
    state = model.evaluate(start, derivatives=True)
    evaluations = 1
    last = False
    scored = False
    outcome = Outcome.CONVERGED
    iterations = 0
    while state.ok and not last:
        if iterations == _MAX_ITERATIONS:
            outcome = Outcome.ITERATION_LIMIT
            break
        if not _correlation_eigenvalue(model.factors(state.point)) > _LEAST_CORRELATION_EIGENVALUE:
            outcome = Outcome.BOUNDARY
            break
        if model.uncorrelated(state.point):
            outcome = Outcome.NO_CORRELATION
            break
        gradient = state.gradient
        direction, decrement = _direction(state.curvature, gradient)
        last = decrement < _LAST_STEP
        if not decrement < _NEWTON_FROM_START:
            scoring, fisher_decrement = _direction(state.fisher, gradient)
            if not math.isfinite(fisher_decrement):
                outcome = Outcome.NOT_IDENTIFIED
                break
            if not (scored and fisher_decrement < _NEWTON_AFTER_FISHER):
                direction = scoring
            elif not math.isfinite(decrement):
                direction = _positive_direction(state.curvature, gradient)
            scored = True
        following, tried = _step(model, state, direction)
        evaluations += tried
        if following is None:
            outcome = Outcome.NO_IMPROVEMENT
            break
        state = following
        iterations += 1
    if not state.ok:
        outcome = Outcome.NOT_FINITE
    return accept(model, state, iterations, evaluations, outcome, labels)


def accept(
    model: CovarianceModel,
    state: Evaluation,
    iterations: int,
    evaluations: int,
    outcome: Outcome,
    labels: Labels,
) -> Optimum:
    """The optimum where the last point passes every check, otherwise the refusal."""
    convergence = verdict(model, state, iterations, evaluations, outcome)
    if not convergence.converged:
        raise _refusal(convergence, model.factors(state.point), labels)
    return Optimum(state, convergence)


def _direction(curvature: np.ndarray, gradient: np.ndarray) -> tuple[np.ndarray, float]:
    """Minus curvature⁻¹ gradient and its decrement; infinite unless positive definite."""
    import numpy as np
    import scipy.linalg

    try:
        factor = scipy.linalg.cho_factor(curvature, lower=True, check_finite=False)
    except np.linalg.LinAlgError:
        return gradient, math.inf
    step = scipy.linalg.cho_solve(factor, gradient, check_finite=False)
    decrement = float(gradient @ step)
    return -step, decrement if math.isfinite(decrement) and decrement >= 0.0 else math.inf


def _positive_direction(curvature: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Newton's step with the absolute values of the curvature's eigenvalues, none tiny."""
    import numpy as np

    values, vectors = np.linalg.eigh(curvature)
    sizes = np.maximum(np.abs(values), 1e-6 * np.max(np.abs(values)))
    return -(vectors @ ((vectors.T @ gradient) / sizes))


def _step(
    model: CovarianceModel, state: Evaluation, direction: np.ndarray
) -> tuple[Evaluation | None, int]:
    """Along the curve that starts in `direction`, halving the step until −2 log L falls."""
    length = model.length(direction)
    t = min(1.0, model.longest_step / length) if length > 0.0 else 1.0
    slack = 1e-10 * (1.0 + abs(state.value))
    for tried in range(1, 31):
        following = model.evaluate(model.moved(state.point, direction, t), derivatives=True)
        if following.ok and following.value <= state.value + slack:
            return following, tried
        t *= 0.5
    return None, 30


def _correlation_eigenvalue(factors: np.ndarray) -> float:
    """Smallest eigenvalue of the correlation matrices, from a singular value of their roots."""
    import numpy as np

    norms = np.linalg.norm(factors, axis=2)
    if not np.all(np.isfinite(factors)) or not np.all(norms > 0.0):
        return 0.0
    singular = np.linalg.svd(factors / norms[:, :, None], compute_uv=False)
    return float(np.min(singular[:, -1]) ** 2)


def verdict(
    model: CovarianceModel,
    state: Evaluation,
    iterations: int,
    evaluations: int,
    outcome: Outcome = Outcome.CONVERGED,
) -> Convergence:
    """Check the last point again, whatever the optimiser thinks of it."""
    import numpy as np

    nan = math.nan
    gradient_norm = decrement = curvature = smallest = largest = correlation = nan
    if state.ok:
        metric = None if model.uncorrelated(state.point) else model.metric(state.point)
        gradient, hessian = _in_metric(state, metric)
        gradient_norm = float(np.linalg.norm(gradient))
        finite = math.isfinite(state.value) and bool(np.all(np.isfinite(hessian)))
        if finite:
            values, vectors = np.linalg.eigh(hessian)
            curvature = float(values[0])
            along = vectors.T @ gradient
            decrement = float(np.sum(along * along / values)) if curvature > 0.0 else math.inf
        factors = model.factors(state.point)
        if np.all(np.isfinite(factors)):
            singular = np.linalg.svd(factors, compute_uv=False)
            smallest, largest = float(singular.min() ** 2), float(singular.max() ** 2)
        correlation = _correlation_eigenvalue(factors)
        if outcome is Outcome.CONVERGED:
            if not finite:
                outcome = Outcome.NOT_FINITE
            elif not correlation > _LEAST_CORRELATION_EIGENVALUE:
                outcome = Outcome.BOUNDARY
            elif not curvature > _LEAST_CURVATURE:
                outcome = Outcome.NOT_IDENTIFIED
            elif not (decrement < _FINAL_DECREMENT and gradient_norm < _FINAL_GRADIENT):
                outcome = Outcome.GRADIENT
        towards = outcome is Outcome.ITERATION_LIMIT and correlation < _NEAR_THE_BOUNDARY
        if (towards or outcome is Outcome.BOUNDARY) and model.slope_to_boundary(
            state
        ) > _UNBOUNDED_SLOPE:
            outcome = Outcome.UNBOUNDED
        elif towards:
            outcome = Outcome.BOUNDARY
    return Convergence(
        outcome=outcome,
        iterations=iterations,
        evaluations=evaluations,
        gradient_norm=gradient_norm,
        newton_decrement=decrement,
        smallest_hessian_eigenvalue=curvature,
        smallest_eigenvalue=smallest,
        largest_eigenvalue=largest,
        smallest_correlation_eigenvalue=correlation,
        message=_sentence(outcome, iterations),
    )


def _in_metric(state: Evaluation, metric: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and Hessian in coordinates in which steps of one length change as much.

    NaN where the matrices are so close to singular that there are none.
    """
    import numpy as np
    import scipy.linalg

    if metric is None or not np.all(np.isfinite(state.hessian)):
        return state.gradient, state.hessian
    try:
        root = np.linalg.cholesky(metric)
    except np.linalg.LinAlgError:
        return np.full_like(state.gradient, math.nan), np.full_like(state.hessian, math.nan)
    gradient = scipy.linalg.solve_triangular(root, state.gradient, lower=True)
    half = scipy.linalg.solve_triangular(root, state.hessian, lower=True)
    return gradient, scipy.linalg.solve_triangular(root, half.T, lower=True)


def _sentence(outcome: Outcome, iterations: int) -> str:
    return {
        Outcome.CONVERGED: f"converged in {iterations} steps; gradient, curvature and "
        "positive definiteness checked again at the last point",
        Outcome.BOUNDARY: "the covariance matrix ran to the boundary (singular)",
        Outcome.UNBOUNDED: "the likelihood grows without bound as the covariance matrix runs to "
        "the boundary (singular)",
        Outcome.NO_CORRELATION: "the range ran to zero: no correlation is left at the smallest "
        "distance",
        Outcome.NOT_IDENTIFIED: "the data do not determine the covariance matrix",
        Outcome.NO_IMPROVEMENT: "no step improved the likelihood",
        Outcome.ITERATION_LIMIT: f"no optimum within {_MAX_ITERATIONS} steps",
        Outcome.NOT_FINITE: "the likelihood is not finite, or could not be evaluated",
        Outcome.RANK: "the design has not full rank",
        Outcome.CONSTANT: "the response does not vary beyond what the design explains",
        Outcome.GRADIENT: "the gradient is not zero where the optimiser stopped",
    }[outcome]


def rescaled(convergence: Convergence, variance_factor: float) -> Convergence:
    """The same with the eigenvalues of the covariance matrix in units of the response."""
    return replace(
        convergence,
        smallest_eigenvalue=convergence.smallest_eigenvalue * variance_factor,
        largest_eigenvalue=convergence.largest_eigenvalue * variance_factor,
    )


def _refusal(convergence: Convergence, factors: np.ndarray, labels: Labels) -> ConvergenceError:
    error = ConvergenceError(
        f"the fit did not converge: {convergence.message} (steps {convergence.iterations}, "
        f"gradient norm {convergence.gradient_norm:.2g}, smallest eigenvalue of the correlation "
        f"matrix {convergence.smallest_correlation_eigenvalue:.2g}, of the Hessian "
        f"{convergence.smallest_hessian_eigenvalue:.2g})",
        where=f"covariance={labels.structure!r}",
        rule="A fit is reported only at a checked optimum with a positive definite covariance"
        + worst_visits(factors, labels),
        remedy=convergence.outcome.remedy,
    )
    error.convergence = convergence
    return error


def worst_visits(factors: np.ndarray, labels: Labels) -> str:
    """The visits that make up the direction in which the covariance is closest to singular."""
    import numpy as np

    norms = np.linalg.norm(factors, axis=2)
    named_blocks = len(factors) == max(1, len(labels.groups))
    if (
        len(labels.visits) < 2
        or not named_blocks
        or not np.all(np.isfinite(factors))
        or not np.all(norms > 0.0)
    ):
        return ""
    left, singular, _ = np.linalg.svd(factors / norms[:, :, None])
    worst = int(np.argmin(singular[:, -1]))
    shares = np.abs(left[worst, :, -1])
    named = [label for label, share in zip(labels.visits, shares, strict=True) if share > 0.3]
    group = f" of group {labels.groups[worst]!r}" if labels.groups else ""
    return f"; the worst determined direction{group} lies in the visits {', '.join(named)}"
