"""The maximum of a model's likelihood with the fixed effects there, whatever its covariance.

Covariance matrices over the visits are fitted by compiled kernels alone (`compiled_fit`,
`structured_fit`); those of each participant's own coordinates, and over very many visits, by
`restricted_likelihood.maximise`. All pass the same checks at the last point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .compiled_fit import UnfitDesign, compiled_effects, fit_unstructured, log_determinant
from .compressed_rows import index_patterns
from .covariance_start import covariance_model
from .design_checks import orthonormal_design, refuse_design, require_variation
from .errors import ConvergenceError
from .patterns import group_by_pattern
from .restricted_likelihood import Labels, maximise
from .small_samples import fixed_effects
from .structured_fit import fit_structured, is_compiled, structured_effects
from .visit_checks import require_visits
from .vocabulary import CovarianceStructure

if TYPE_CHECKING:
    import numpy as np

    from .convergence import Convergence
    from .covariance_layout import CovarianceLayout
    from .evaluation import Evaluation
    from .model_data import ModelData
    from .small_samples import FixedEffects
    from .vocabulary import DegreesOfFreedom


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """A checked maximum.

    Attributes
    ----------
    value : float
        −2 log-likelihood of the orthonormal design and residuals of length 1, without constant.
    at : Evaluation
        There, in the parameters of inference.
    convergence : Convergence
    effects : FixedEffects
        In the units of the response.
    size : float
        Length of the residuals of least squares, in the units of the response.
    log_root : float
        log\\|det R\\| of the design's triangular factor.
    """

    value: float
    at: Evaluation
    convergence: Convergence
    effects: FixedEffects
    size: float
    log_root: float


def maximum_of_model(
    read: ModelData,
    structure: CovarianceStructure,
    layout: CovarianceLayout,
    design: np.ndarray,
    response: np.ndarray,
    *,
    reml: bool,
    df_method: DegreesOfFreedom,
) -> Maximum:
    """Maximise the likelihood of (weighted) rows.

    Parameters
    ----------
    read : ModelData
    structure : CovarianceStructure
    layout : CovarianceLayout
    design, response : float64 (n, p), (n,)
    reml : bool
    df_method : DegreesOfFreedom

    Raises
    ------
    DesignError
        If the data cannot carry the model.
    ConvergenceError
        If there is no valid optimum.
    """
    labels = Labels(read.visits, read.group_levels, structure.word)
    if structure is CovarianceStructure.UNSTRUCTURED:
        fit = _unstructured
    else:
        fit = _structured if is_compiled(layout) else _general
    return fit(read, structure, layout, design, response, labels, reml, df_method)


def _unstructured(
    read: ModelData,
    structure: CovarianceStructure,
    layout: CovarianceLayout,
    design: np.ndarray,
    response: np.ndarray,
    labels: Labels,
    reml: bool,
    df_method: DegreesOfFreedom,
) -> Maximum:
    n, p = design.shape
    if n <= p:
        _refuse(read, structure, design, response)
    require_visits(read, structure)
    index = index_patterns(read.subject, layout.position, layout.size, layout.block)
    try:
        fitted = fit_unstructured(
            design, response, index, labels, n_blocks=len(layout.block_group), reml=reml
        )
    except ConvergenceError:
        _refuse(read, structure, design, response)
        raise
    if isinstance(fitted, UnfitDesign):
        _refuse(read, structure, design, response)
        refuse_design(read, fitted.column)
    return Maximum(
        value=fitted.optimum.at.value,
        at=fitted.optimum.at,
        convergence=fitted.optimum.convergence,
        effects=compiled_effects(fitted, residual_df=float(n - p), method=df_method),
        size=fitted.size,
        log_root=log_determinant(fitted.triangle),
    )


def _refuse(
    read: ModelData, structure: CovarianceStructure, design: np.ndarray, response: np.ndarray
) -> None:
    """Look again at a design and a response that could not be fitted, for what is wrong."""
    ortho, _, _ = orthonormal_design(read, design)
    residuals = response - ortho @ (ortho.T @ response)
    require_variation(read, response, residuals, by_visit=structure.heterogeneous)


def _structured(
    read: ModelData,
    structure: CovarianceStructure,
    layout: CovarianceLayout,
    design: np.ndarray,
    response: np.ndarray,
    labels: Labels,
    reml: bool,
    df_method: DegreesOfFreedom,
) -> Maximum:
    n, p = design.shape
    if n <= p:
        _refuse(read, structure, design, response)
    require_visits(read, structure)
    index = index_patterns(read.subject, layout.position, layout.size, layout.block)
    try:
        fitted = fit_structured(design, response, index, structure, layout, labels, reml=reml)
    except ConvergenceError:
        _refuse(read, structure, design, response)
        raise
    if isinstance(fitted, UnfitDesign):
        _refuse(read, structure, design, response)
        refuse_design(read, fitted.column)
    return Maximum(
        value=fitted.optimum.at.value,
        at=fitted.at,
        convergence=fitted.optimum.convergence,
        effects=structured_effects(fitted, residual_df=float(n - p), method=df_method),
        size=fitted.size,
        log_root=log_determinant(fitted.triangle),
    )


def _general(
    read: ModelData,
    structure: CovarianceStructure,
    layout: CovarianceLayout,
    design: np.ndarray,
    response: np.ndarray,
    labels: Labels,
    reml: bool,
    df_method: DegreesOfFreedom,
) -> Maximum:
    import numpy as np

    n, p = design.shape
    ortho, triangle, log_root = orthonormal_design(read, design)
    ols = np.linalg.solve(triangle, ortho.T @ response)
    residuals = response - design @ ols
    residuals -= ortho @ (ortho.T @ residuals)
    size = float(np.linalg.norm(residuals))
    require_variation(read, response, residuals, by_visit=structure.heterogeneous)
    require_visits(read, structure)
    scaled = residuals / size
    patterns = group_by_pattern(
        read.subject, layout.position, np.column_stack([ortho, scaled]), layout.size, layout.block
    )
    model, start = covariance_model(read, structure, layout, patterns, scaled, ortho, reml=reml)
    optimum = maximise(model, start, labels)
    at = model.for_inference(optimum.at)
    effects = fixed_effects(
        at,
        model,
        patterns,
        back=size * np.linalg.inv(triangle),
        offset=ols,
        residual_df=float(n - p),
        method=df_method,
    )
    return Maximum(optimum.at.value, at, optimum.convergence, effects, size, log_root)
