"""The fitted covariance matrix of rows that the fit did not have, or had in other company."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .covariance_estimate import covariance_matrices
from .covariance_layout import pairwise
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


def estimate_at(layout_of: CovarianceEstimate, other: CovarianceEstimate) -> CovarianceEstimate:
    """The layout of the one estimate with the parameters of the other."""
    layout = layout_of.layout
    if other.structure is CovarianceStructure.UNSTRUCTURED:
        return replace(layout_of, parameters=other.parameters, matrices=other.matrices)
    matrices = covariance_matrices(
        other.structure, other.parameters[layout.block_group], layout.distances, layout.size
    )
    return replace(layout_of, parameters=other.parameters, matrices=matrices)
