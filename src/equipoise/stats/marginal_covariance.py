"""The fitted covariance matrix of rows that the fit did not have, or had in other company."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .covariance_estimate import covariance_matrices
from .covariance_layout import pairwise
from .kernel_cache import load_structured_kernels
from .vocabulary import CovarianceStructure

if TYPE_CHECKING:
    import numpy as np

    from .covariance_estimate import CovarianceEstimate
    from .mmrm_fit import MMRMFit
    from .new_rows import NewRows


def covariance_at(fit: MMRMFit, rows: NewRows, own: np.ndarray) -> np.ndarray:
    """(k, k) covariance at weight 1 of the rows `own` of one participant."""
    import numpy as np

    estimate = fit.covariance_estimate
    group = 0 if rows.group is None else int(rows.group[rows.subject[own[0]]])
    if rows.coordinates is not None:
        return covariance_matrices(
            estimate.structure,
            estimate.parameters[[group]],
            pairwise(rows.coordinates[own])[None],
            len(own),
        )[0]
    visits = rows.visit[own]
    return estimate.matrices[group][np.ix_(visits, visits)]


def slopes_at(fit: MMRMFit, rows: NewRows, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of `covariance_at` by SAS's parameters, and the covariance of these.

    Returns
    -------
    slopes : (q, k, k) array
    covariance : (q, q) array
        Of the q estimated parameters of the group, from the inverse observed information.
    """
    import numpy as np

    estimate = fit.covariance_estimate
    group = 0 if rows.group is None else int(rows.group[rows.subject[own[0]]])
    q = estimate.parameters.shape[1]
    part = slice(group * q, (group + 1) * q)
    covariance = estimate.parameter_covariance[part, part]
    if estimate.structure is CovarianceStructure.UNSTRUCTURED:
        T = len(fit.visits)
        slopes = np.zeros((q, T, T))
        first, second = np.tril_indices(T)
        slopes[np.arange(q), first, second] = slopes[np.arange(q), second, first] = 1.0
        visits = rows.visit[own]
        return slopes[:, visits[:, None], visits[None, :]], covariance
    spatial = rows.coordinates is not None
    size = len(own) if spatial else len(fit.visits)
    distances = np.zeros((1, size, size))
    if rows.coordinates is not None:
        distances = pairwise(rows.coordinates[own])[None]
    slopes = covariance_slopes(estimate.structure, estimate.parameters[[group]], distances, size)
    if spatial:
        return slopes, covariance
    visits = rows.visit[own]
    return slopes[:, visits[:, None], visits[None, :]], covariance


def covariance_slopes(
    structure: CovarianceStructure, parameters: np.ndarray, distances: np.ndarray, size: int
) -> np.ndarray:
    """(q, T, T) derivatives of one covariance matrix by SAS's parameters (1, q)."""
    import numpy as np

    q = parameters.shape[1]
    firsts = np.empty((1, q, size, size))
    load_structured_kernels().fill_blocks(
        structure.code,
        True,
        np.ascontiguousarray(parameters),
        np.zeros(1, dtype=np.int64),
        np.ascontiguousarray(distances),
        np.empty((1, size, size)),
        firsts,
        np.empty((1, q, q, size, size)),
    )
    return firsts[0]


def estimate_at(layout_of: CovarianceEstimate, other: CovarianceEstimate) -> CovarianceEstimate:
    """The layout of the one estimate with the parameters of the other."""
    layout = layout_of.layout
    if other.structure is CovarianceStructure.UNSTRUCTURED:
        return replace(layout_of, parameters=other.parameters, matrices=other.matrices)
    matrices = covariance_matrices(
        other.structure, other.parameters[layout.block_group], layout.distances, layout.size
    )
    return replace(layout_of, parameters=other.parameters, matrices=matrices)
