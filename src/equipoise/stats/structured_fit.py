"""One fit with a structured covariance by the compiled kernels: from rows to a checked optimum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .compiled_fit import CONSTANT, OUTCOMES, RANK, UnfitDesign
from .compressed_rows import compress_participants
from .convergence import Outcome
from .evaluation import Evaluation
from .kernel_cache import load_structured_kernels
from .patterns import Patterns
from .restricted_likelihood import Labels, Optimum, accept
from .small_samples import FixedEffects
from .structured_covariance import StructuredCovariance
from .vocabulary import DegreesOfFreedom

if TYPE_CHECKING:
    import numpy as np

    from .compressed_rows import PatternIndex
    from .covariance_layout import CovarianceLayout
    from .vocabulary import CovarianceStructure

#: `kernels.structured_newton` ends in one way more.
STRUCTURED_OUTCOMES = {**OUTCOMES, 11: Outcome.NO_CORRELATION}
#: The derivatives of an unstructured matrix are on the way: their number grows with the square.
_MOST_VISITS = 20


def is_compiled(layout: CovarianceLayout) -> bool:
    """Whether the compiled kernels fit such matrices: one for each group, over the visits."""
    return layout.by_visit and layout.size <= _MOST_VISITS


@dataclass(frozen=True, slots=True, eq=False)
class StructuredFit:
    """The optimum with the way back to the user's design.

    Attributes
    ----------
    optimum : Optimum
        For an orthonormal design and residuals of length 1, in working parameters.
    at : Evaluation
        The same point in SAS's parameters.
    patterns : Patterns
        The compressed rows it was evaluated on.
    size : float
        Length of the residuals of ordinary least squares, in the response's units.
    triangle : (p, p)
        Upper triangular R; the user's design is the orthonormal one times R.
    offset : (p,)
        Least-squares coefficients.
    factors : (C, T, T)
        Cholesky factors of the covariance matrices.
    seconds : (C, k, k, T, T)
        Second derivatives of the covariance matrices by SAS's parameters.
    jacobian : (C, k, T(T + 1)/2)
        Whitened first derivatives.
    """

    optimum: Optimum
    at: Evaluation
    patterns: Patterns
    size: float
    triangle: np.ndarray
    offset: np.ndarray
    factors: np.ndarray
    seconds: np.ndarray
    jacobian: np.ndarray


def fit_structured(
    design: np.ndarray,
    response: np.ndarray,
    index: PatternIndex,
    structure: CovarianceStructure,
    layout: CovarianceLayout,
    labels: Labels,
    *,
    reml: bool = True,
) -> StructuredFit | UnfitDesign:
    """Maximise the likelihood.

    Parameters
    ----------
    design, response : float64 (n, p), (n,)
    index : PatternIndex
    structure : CovarianceStructure
        Not ``us``.
    layout : CovarianceLayout
        That `is_compiled`.
    labels : Labels
        Of the visits, for the error.
    reml : bool

    Raises
    ------
    ConvergenceError
        If there is no valid optimum.
    """
    import numpy as np

    lengths = np.sqrt(np.einsum("ij,ij->j", design, design))
    if not np.all(lengths > 0.0):
        return UnfitDesign(RANK, int(np.argmin(lengths)))
    compressed = compress_participants(design, response, 1.0 / lengths, index)
    rows, sums, first = compressed.rows, compressed.sums, compressed.first
    q = rows.shape[1]
    p = q - 1
    patterns, size = index.observed.shape
    n_blocks = len(layout.block_group)
    k = structure.n_parameters(size)
    per_block, packed = size * (size + 1) // 2, q * (q + 1) // 2
    n_pseudo = int(np.sum(np.diff(first) // index.n_visits))
    triangle, root = np.empty((q, q)), np.empty((q, q))
    points, natural = np.empty((n_blocks, k)), np.empty((n_blocks, k))
    factors = np.empty((n_blocks, size, size))
    projections = np.empty((patterns, size, size))
    whitened = np.empty((n_pseudo, size * q))
    slope = np.empty(n_blocks * k)
    curvature = np.empty((n_blocks * k, n_blocks * k))
    seconds = np.empty((n_blocks, k, k, size, size))
    jacobian = np.empty((n_blocks, k, per_block))
    hessian = np.empty_like(curvature)
    moments = np.empty((n_blocks * k, packed))
    status, iterations, evaluations, value, scale, column = (
        load_structured_kernels().fit_structured(
            structure.code, np.ascontiguousarray(layout.distances), rows, sums, first,
            index.visits, index.n_visits, index.counts, index.block, reml,
            triangle, points, factors, root, projections, whitened, slope, curvature, natural,
            seconds, jacobian, hessian, moments,
        )
    )  # fmt: skip
    if status in (RANK, CONSTANT):
        return UnfitDesign(status, column)
    grouped = Patterns(
        rows=rows,
        first=first,
        visits=index.visits,
        n_visits=index.n_visits,
        n_participants=index.counts,
        observed=index.observed,
        block=index.block,
        sums=sums,
    )

    def evaluation(point: np.ndarray, gradient: np.ndarray, second: np.ndarray) -> Evaluation:
        return Evaluation(
            point=point.ravel(),
            ok=math.isfinite(value),
            value=value,
            root=root,
            gradient=gradient,
            hessian=second,
            fisher=second[:0],
            curvature=second[:0],
            moments=moments,
            projections=projections,
            whitened=whitened.reshape(n_pseudo, size, q),
        )

    optimum = accept(
        StructuredCovariance(structure, layout, grouped, reml),
        evaluation(points, slope, curvature),
        iterations,
        evaluations,
        STRUCTURED_OUTCOMES[status],
        labels,
    )
    full = triangle[:p, :p] * lengths
    return StructuredFit(
        optimum=optimum,
        at=evaluation(natural, slope[:0], hessian),
        patterns=grouped,
        size=scale,
        triangle=full,
        offset=np.linalg.solve(full, triangle[:p, p]),
        factors=factors,
        seconds=seconds,
        jacobian=jacobian,
    )


def structured_effects(
    fitted: StructuredFit, *, residual_df: float, method: DegreesOfFreedom
) -> FixedEffects:
    """Estimates and their small-sample ingredients; see `small_samples.fixed_effects`."""
    import numpy as np

    at, patterns = fitted.at, fitted.patterns
    p = len(fitted.offset)
    n_params = len(at.hessian)
    whitening, adjusted = np.empty((p, p)), np.empty((p, p))
    curvatures = np.empty((n_params, p, p))
    information = np.empty((n_params, n_params))
    ok = load_structured_kernels().structured_parts(
        at.root,
        at.hessian,
        at.moments,
        fitted.jacobian,
        fitted.factors,
        fitted.seconds,
        curved_weight(method),
        at.projections,
        at.whitened.reshape(len(at.whitened), -1),
        patterns.n_visits,
        patterns.first,
        patterns.block,
        method.adjusts_covariance,
        whitening,
        curvatures,
        information,
        adjusted,
    )
    if not ok:  # the optimum was accepted with a definite Hessian
        raise ArithmeticError("the observed information is not positive definite")
    back = fitted.size * np.linalg.inv(fitted.triangle) @ whitening
    return FixedEffects(
        method=method,
        estimate=fitted.offset + back @ at.root[:p, p],
        root=back,
        adjusted=adjusted if method.adjusts_covariance else None,
        curvatures=curvatures,
        information_inverse=information,
        residual_df=residual_df,
    )


def curved_weight(method: DegreesOfFreedom) -> float:
    """What the second derivatives count in Kenward and Roger's adjustment: a quarter, or 0."""
    return 0.25 if method is DegreesOfFreedom.KENWARD_ROGER else 0.0
