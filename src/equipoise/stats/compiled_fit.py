"""One fit with unstructured covariance by the compiled kernels: from rows to a checked optimum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .compressed_rows import compress_participants
from .convergence import Outcome
from .evaluation import Evaluation
from .kernel_cache import load_kernels
from .patterns import Patterns
from .restricted_likelihood import Labels, Optimum, accept
from .small_samples import FixedEffects
from .unstructured_covariance import UnstructuredCovariance, pack

if TYPE_CHECKING:
    import numpy as np

    from .compressed_rows import CompressedRows, PatternIndex
    from .vocabulary import DegreesOfFreedom

#: What `kernels.newton.maximise_unstructured` calls its endings.
OUTCOMES = {
    0: Outcome.CONVERGED,
    1: Outcome.NOT_FINITE,
    2: Outcome.BOUNDARY,
    3: Outcome.NOT_IDENTIFIED,
    4: Outcome.NO_IMPROVEMENT,
    5: Outcome.ITERATION_LIMIT,
    8: Outcome.GRADIENT,
}
RANK, CONSTANT = 6, 7


@dataclass(frozen=True, slots=True, eq=False)
class CompiledFit:
    """The optimum with the way back to the user's design.

    Attributes
    ----------
    optimum : Optimum
        For an orthonormal design and residuals of length 1.
    patterns : Patterns
        The compressed rows it was evaluated on.
    size : float
        Length of the residuals of ordinary least squares, in the response's units.
    triangle : (p, p)
        Upper triangular R; the user's design is the orthonormal one times R.
    offset : (p,)
        Least-squares coefficients.
    """

    optimum: Optimum
    patterns: Patterns
    size: float
    triangle: np.ndarray
    offset: np.ndarray


@dataclass(frozen=True, slots=True)
class UnfitDesign:
    """Why nothing could be fitted.

    Attributes
    ----------
    status : int
        RANK or CONSTANT.
    column : int
        The first column that depends on those before it.
    """

    status: int
    column: int


def fit_unstructured(
    design: np.ndarray,
    response: np.ndarray,
    index: PatternIndex,
    labels: Labels,
    *,
    n_blocks: int = 1,
    reml: bool = True,
) -> CompiledFit | UnfitDesign:
    """Maximise the likelihood.

    Parameters
    ----------
    design, response : float64 (n, p), (n,)
    index : PatternIndex
    labels : Labels
        Of the visits, for the error.
    n_blocks : int
        Covariance matrices.
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
    return fit_rows(compressed, lengths, index, labels, n_blocks=n_blocks, reml=reml)


def fit_rows(
    compressed: CompressedRows,
    lengths: np.ndarray,
    index: PatternIndex,
    labels: Labels,
    *,
    n_blocks: int,
    reml: bool,
) -> CompiledFit | UnfitDesign:
    """The same from compressed rows, which are used up."""
    import numpy as np

    rows, sums, first = compressed.rows, compressed.sums, compressed.first
    q = rows.shape[1]
    p = q - 1
    patterns, size = index.observed.shape
    per_block = size * (size + 1) // 2
    n_params = n_blocks * per_block
    n_pseudo = int(np.sum(np.diff(first) // index.n_visits))
    triangle = np.empty((q, q))
    factors = np.empty((n_blocks, size, size))
    root = np.empty((q, q))
    gradient = np.empty((n_blocks, size, size))
    hessian = np.empty((n_params, n_params))
    squares = np.empty((n_blocks, per_block, per_block))
    moments = np.empty((n_params, q * (q + 1) // 2))
    projections = np.empty((patterns, size, size))
    whitened = np.empty((n_pseudo, size * q))
    status, iterations, evaluations, value, scale, column = load_kernels().fit_compressed(
        rows, sums, first, index.visits, index.n_visits, index.counts, index.block, reml,
        triangle, factors, root, gradient, hessian, squares, moments, projections, whitened,
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
    state = Evaluation(
        point=factors,
        ok=math.isfinite(value),
        value=value,
        root=root,
        gradient=np.concatenate([pack(slope) for slope in gradient]),
        hessian=hessian,
        fisher=hessian[:0],
        curvature=hessian[:0],
        moments=moments,
        projections=projections,
        whitened=whitened.reshape(n_pseudo, size, q),
    )
    optimum = accept(
        UnstructuredCovariance(grouped, reml),
        state,
        iterations,
        evaluations,
        OUTCOMES[status],
        labels,
    )
    full = triangle[:p, :p] * lengths
    return CompiledFit(
        optimum=optimum,
        patterns=grouped,
        size=scale,
        triangle=full,
        offset=np.linalg.solve(full, triangle[:p, p]),
    )


def compiled_effects(
    fitted: CompiledFit, *, residual_df: float, method: DegreesOfFreedom
) -> FixedEffects:
    """Estimates and their small-sample ingredients; see `small_samples.fixed_effects`."""
    import numpy as np

    at, patterns = fitted.optimum.at, fitted.patterns
    p = len(fitted.offset)
    n_params = len(at.hessian)
    whitening = np.empty((p, p))
    curvatures = np.empty((n_params, p, p))
    information = np.empty((n_params, n_params))
    adjusted = np.empty((p, p))
    ok = load_kernels().small_sample_parts(
        at.root,
        at.hessian,
        at.moments,
        at.projections,
        at.whitened.reshape(len(at.whitened), -1),
        patterns.n_visits,
        patterns.first,
        patterns.block,
        len(at.point),
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


def log_determinant(triangle: np.ndarray) -> float:
    """log\\|det R\\| of a triangular R."""
    import numpy as np

    return float(np.sum(np.log(np.abs(np.diagonal(triangle)))))
