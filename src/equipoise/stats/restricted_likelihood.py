"""The maximum of the restricted likelihood of a marginal model, by Newton's method.

Marginal model: y_i ~ N(X_i beta, Sigma_i), Sigma_i the observed rows and columns of Sigma.
Derivation of the parametrisation Sigma = F exp(Theta) F' and of its derivatives:
docs/methods/mmrm.md (Lindstrom and Bates 1988, JASA 83:1014–1022, for the likelihood).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from .convergence import Convergence
from .errors import ConvergenceError
from .kernel_cache import load_kernels

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from .patterns import Patterns

_MAX_ITERATIONS = 60
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
_LONGEST_STEP = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The likelihood and its derivatives at one covariance matrix.

    The attributes are those that `kernels.likelihood.evaluate` returns; see there.
    """

    factor: np.ndarray
    ok: bool
    value: float
    root: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray
    fisher: np.ndarray
    bend: np.ndarray
    moments: np.ndarray
    projections: np.ndarray
    whitened: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """A checked maximum of the restricted likelihood.

    Attributes
    ----------
    at : Evaluation
        In the scale of `Patterns.rows`.
    convergence : Convergence
        Eigenvalues in that scale too.
    """

    at: Evaluation
    convergence: Convergence


def pack(symmetric: np.ndarray) -> np.ndarray:
    """Coordinates of a symmetric (T, T) matrix in the orthonormal basis of the kernel."""
    rows, columns, scale = _basis_order(len(symmetric))
    return symmetric[rows, columns] * scale


def unpack(coordinates: np.ndarray, size: int) -> np.ndarray:
    """Inverse of `pack`."""
    import numpy as np

    rows, columns, scale = _basis_order(size)
    matrix = np.zeros((size, size))
    matrix[rows, columns] = matrix[columns, rows] = coordinates / scale
    return matrix


@lru_cache(maxsize=64)
def _basis_order(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and norm of each element of the upper triangle, in the kernel's order."""
    import numpy as np

    rows, columns = np.triu_indices(size)
    return rows, columns, np.where(rows == columns, 1.0, math.sqrt(2.0))


def evaluate(factor: np.ndarray, patterns: Patterns, *, derivatives: bool) -> Evaluation:
    """Call the kernel with the one signature that is compiled."""
    import numpy as np

    result = load_kernels().evaluate(
        np.ascontiguousarray(factor, dtype=np.float64),
        patterns.rows,
        patterns.first,
        patterns.visits,
        patterns.n_visits,
        patterns.n_participants,
        derivatives,
    )
    return Evaluation(factor, *result)


def maximise(patterns: Patterns, start: np.ndarray, visits: Sequence[str]) -> Optimum:
    """Find the REML covariance matrix, and check it.

    Far from the optimum the step is Fisher's, near it Newton's; where the curvature is indefinite
    near the optimum (a saddle, or the way to the boundary) Newton's with the eigenvalues'
    absolute values, which leaves it fast in either case.

    Parameters
    ----------
    patterns : Patterns
    start : (T, T)
        Square factor of a first covariance matrix; the optimum does not depend on it.
    visits : sequence of str
        Their labels, for the error.

    Raises
    ------
    ConvergenceError
        If there is no valid optimum: the covariance runs to the boundary, is not determined by
        the data, or the optimiser does not arrive.
    """
    state = evaluate(start, patterns, derivatives=True)
    evaluations = 1
    last = False
    scored = False
    message = ""
    iterations = 0
    while state.ok and not last and not message:
        if iterations == _MAX_ITERATIONS:
            message = f"no optimum within {_MAX_ITERATIONS} steps"
            if _correlation_eigenvalue(state.factor) < _NEAR_THE_BOUNDARY:
                message += ", the covariance matrix runs towards the boundary (singular)"
            break
        if not _inside(state.factor):
            message = "the covariance matrix ran to the boundary (singular)"
            break
        gradient = pack(state.gradient)
        direction, decrement = _direction(state.hessian + state.bend, gradient)
        last = decrement < _LAST_STEP
        if not decrement < _NEWTON_FROM_START:
            scoring, fisher_decrement = _direction(state.fisher, gradient)
            if not math.isfinite(fisher_decrement):
                message = "the data do not determine the covariance matrix"
                break
            if not (scored and fisher_decrement < _NEWTON_AFTER_FISHER):
                direction = scoring
            elif not math.isfinite(decrement):
                direction = _positive_direction(state.hessian + state.bend, gradient)
            scored = True
        following, tried = _step(state, direction, patterns)
        evaluations += tried
        if following is None:
            message = "no step improved the likelihood"
            break
        state = following
        iterations += 1
    if not state.ok:
        message = "the likelihood could not be evaluated"
    convergence = _verdict(state, iterations, evaluations, message)
    if not convergence.converged:
        raise _refusal(convergence, state.factor, visits)
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
    state: Evaluation, direction: np.ndarray, patterns: Patterns
) -> tuple[Evaluation | None, int]:
    """Along the geodesic F exp(t Theta) F', halving t until −2 log L falls."""
    import numpy as np

    size = len(state.factor)
    values, vectors = np.linalg.eigh(unpack(direction, size))
    length = float(np.max(np.abs(values)))
    t = min(1.0, _LONGEST_STEP / length) if length > 0.0 else 1.0
    slack = 1e-10 * (1.0 + abs(state.value))
    for tried in range(1, 31):
        product = (state.factor @ vectors) * np.exp(0.5 * t * values)
        _, triangle = np.linalg.qr(product.T)
        following = evaluate(triangle.T, patterns, derivatives=True)
        if following.ok and following.value <= state.value + slack:
            return following, tried
        t *= 0.5
    return None, 30


def _inside(factor: np.ndarray) -> bool:
    return _correlation_eigenvalue(factor) > _LEAST_CORRELATION_EIGENVALUE


def _correlation_eigenvalue(factor: np.ndarray) -> float:
    """Smallest eigenvalue of the correlation matrix, from a singular value of its root."""
    import numpy as np

    norms = np.linalg.norm(factor, axis=1)
    if not np.all(np.isfinite(factor)) or not np.all(norms > 0.0):
        return 0.0
    return float(np.linalg.svd(factor / norms[:, None], compute_uv=False)[-1] ** 2)


def _verdict(state: Evaluation, iterations: int, evaluations: int, message: str) -> Convergence:
    """Check the last point again, whatever the optimiser thinks of it."""
    import numpy as np

    nan = math.nan
    gradient_norm = decrement = curvature = smallest = largest = correlation = nan
    if state.ok:
        gradient = pack(state.gradient)
        gradient_norm = float(np.linalg.norm(gradient))
        if np.all(np.isfinite(state.hessian)):
            curvature = float(np.linalg.eigvalsh(state.hessian)[0])
            _, decrement = _direction(state.hessian, gradient)
        singular = np.linalg.svd(state.factor, compute_uv=False)
        smallest, largest = float(singular[-1] ** 2), float(singular[0] ** 2)
        correlation = _correlation_eigenvalue(state.factor)
        finite = math.isfinite(state.value) and np.all(np.isfinite(state.hessian))
        if not message:
            if not finite:
                message = "the likelihood is not finite"
            elif not correlation > _LEAST_CORRELATION_EIGENVALUE:
                message = "the covariance matrix ran to the boundary (singular)"
            elif not curvature > _LEAST_CURVATURE:
                message = "the data do not determine the covariance matrix"
            elif not (decrement < _FINAL_DECREMENT and gradient_norm < _FINAL_GRADIENT):
                message = "the gradient is not zero where the optimiser stopped"
    return Convergence(
        converged=not message,
        iterations=iterations,
        evaluations=evaluations,
        gradient_norm=gradient_norm,
        newton_decrement=decrement,
        smallest_hessian_eigenvalue=curvature,
        smallest_eigenvalue=smallest,
        largest_eigenvalue=largest,
        smallest_correlation_eigenvalue=correlation,
        message=message
        or f"converged in {iterations} steps; gradient, curvature and "
        "positive definiteness checked again at the last point",
    )


def rescaled(convergence: Convergence, variance_factor: float) -> Convergence:
    """The same with the eigenvalues of the covariance matrix in units of the response."""
    return replace(
        convergence,
        smallest_eigenvalue=convergence.smallest_eigenvalue * variance_factor,
        largest_eigenvalue=convergence.largest_eigenvalue * variance_factor,
    )


def _refusal(
    convergence: Convergence, factor: np.ndarray, visits: Sequence[str]
) -> ConvergenceError:
    error = ConvergenceError(
        f"the fit did not converge: {convergence.message} (steps {convergence.iterations}, "
        f"gradient norm {convergence.gradient_norm:.2g}, smallest eigenvalue of the correlation "
        f"matrix {convergence.smallest_correlation_eigenvalue:.2g}, of the Hessian "
        f"{convergence.smallest_hessian_eigenvalue:.2g})",
        where="covariance",
        rule="A fit is reported only at a checked optimum with a positive definite covariance, "
        "and an unstructured one asks more than these data hold" + _worst_visits(factor, visits),
        remedy="Look for visits with few participants, responses that are (nearly) copies of one "
        "another, or a design with almost as many columns as participants; then pre-specify a "
        "simpler covariance, fewer visits or fewer covariates",
    )
    error.convergence = convergence
    return error


def _worst_visits(factor: np.ndarray, visits: Sequence[str]) -> str:
    """The visits that make up the direction in which the covariance is closest to singular."""
    import numpy as np

    norms = np.linalg.norm(factor, axis=1)
    if len(visits) < 2 or not np.all(np.isfinite(factor)) or not np.all(norms > 0.0):
        return ""
    left = np.linalg.svd(factor / norms[:, None])[0][:, -1]
    named = [label for label, share in zip(visits, np.abs(left), strict=True) if share > 0.3]
    return f"; the worst determined direction lies in the visits {', '.join(named)}"
