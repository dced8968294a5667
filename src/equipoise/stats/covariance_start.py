"""The covariance model of a fit, and the point at which its optimiser starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .starting_covariance import sequential_start
from .structured_covariance import StructuredCovariance
from .structured_start import structured_start
from .unstructured_covariance import UnstructuredCovariance
from .vocabulary import CovarianceStructure

if TYPE_CHECKING:
    import numpy as np

    from .covariance_layout import CovarianceLayout
    from .model_data import ModelData
    from .patterns import Patterns


def covariance_model(
    read: ModelData,
    structure: CovarianceStructure,
    layout: CovarianceLayout,
    patterns: Patterns,
    residuals: np.ndarray,
    design: np.ndarray,
    *,
    reml: bool,
) -> tuple[UnstructuredCovariance | StructuredCovariance, np.ndarray]:
    """The model and its first point.

    Parameters
    ----------
    read : ModelData
    structure : CovarianceStructure
    layout : CovarianceLayout
    patterns : Patterns
    residuals : float64 (n,)
        Of (weighted) least squares.
    design : float64 (n, p)
        (Weighted), on like scales.
    reml : bool
    """
    import numpy as np

    if structure is not CovarianceStructure.UNSTRUCTURED:
        structured = StructuredCovariance(structure, layout, patterns, reml)
        return structured, structured_start(structured, residuals, read.subject)
    group_of_row = layout.block[read.subject]
    factors = [
        sequential_start(
            residuals[own], design[own], read.subject[own], read.visit[own], layout.size
        )
        for own in (group_of_row == g for g in range(len(layout.block_group)))
    ]
    return UnstructuredCovariance(patterns, reml), np.stack(factors)
