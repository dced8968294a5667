"""The estimated covariance matrices and their parameters, as SAS states them.

Standard errors come from the inverse observed information; limits as SAS PROC MIXED's ``cl``
gives them: Satterthwaite's chi-square limits for what cannot be negative (variances and the
range), otherwise Wald's. Definitions: docs/methods/covariance-structures.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from .covariance_layout import pairwise, visit_coordinates
from .kernel_cache import load_structured_kernels
from .vocabulary import CovarianceStructure

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from .covariance_layout import CovarianceLayout
    from .evaluation import Evaluation
    from .model_data import ModelData


@dataclass(frozen=True, slots=True, eq=False)
class CovarianceEstimate:
    """The covariance parameters of a fit, in the units of the response.

    Attributes
    ----------
    structure : CovarianceStructure
    layout : CovarianceLayout
        Which participants share which matrix.
    names : tuple of str
        SAS's names of the k parameters of one group.
    parameters : (groups, k)
        SAS's parameters; without groups one row.
    parameter_covariance : (groups k, groups k)
        Inverse observed information.
    matrices : (C, T, T)
        Covariance matrix of each block of participants, see `CovarianceLayout.block`.
    """

    structure: CovarianceStructure
    layout: CovarianceLayout
    names: tuple[str, ...]
    parameters: np.ndarray
    parameter_covariance: np.ndarray
    matrices: np.ndarray


def estimate_covariance(
    structure: CovarianceStructure,
    layout: CovarianceLayout,
    at: Evaluation,
    information_inverse: np.ndarray,
    size: float,
) -> CovarianceEstimate:
    """Back to the units of the response, in which residuals have norm `size`.

    Parameters
    ----------
    structure : CovarianceStructure
    layout : CovarianceLayout
    at : Evaluation
        In the parameters of inference.
    information_inverse : (K, K)
    size : float
    """
    import numpy as np

    T = layout.size
    names = structure.parameter_names(T)
    n_groups = int(layout.block_group.max()) + 1
    if structure is CovarianceStructure.UNSTRUCTURED:
        factors = size * at.point
        matrices = factors @ factors.transpose(0, 2, 1)
        rows, columns, s, t, scale = _element_order(T)
        parameters = matrices[:, rows, columns]
        jacobian = np.zeros((n_groups * len(names), len(information_inverse)))
        k = len(names)
        for g, factor in enumerate(factors):
            # d Sigma_ij / d theta of the orthonormal basis of symmetric matrices
            both = factor[rows][:, s] * factor[columns][:, t]
            both += factor[rows][:, t] * factor[columns][:, s]
            jacobian[g * k : (g + 1) * k, g * k : (g + 1) * k] = both * scale
    else:
        natural = at.point.reshape(n_groups, -1)
        units = np.array([size**2 if is_variance(name, structure) else 1.0 for name in names])
        parameters = natural * units
        jacobian = np.diag(np.tile(units, n_groups))
        matrices = covariance_matrices(
            structure, parameters[layout.block_group], layout.distances, T
        )
    return CovarianceEstimate(
        structure=structure,
        layout=layout,
        names=names,
        parameters=parameters,
        parameter_covariance=jacobian @ information_inverse @ jacobian.T,
        matrices=matrices,
    )


@lru_cache(maxsize=64)
def _element_order(size: int) -> tuple[np.ndarray, ...]:
    """Elements of Sigma in SAS's order, and of the kernel's basis with their factors."""
    import numpy as np

    rows, columns = np.tril_indices(size)
    s, t = np.triu_indices(size)
    return rows, columns, s, t, np.where(s == t, 0.5, math.sqrt(0.5))


def is_variance(name: str, structure: CovarianceStructure) -> bool:
    """Whether a parameter of SAS's is in squared units of the response."""
    return name.startswith(("UN(", "Var(", "Residual")) or structure.word in ("cs", "toep")


def covariance_matrices(
    structure: CovarianceStructure, parameters: np.ndarray, distances: np.ndarray, size: int
) -> np.ndarray:
    """(C, T, T) matrices of SAS's parameters (C, k)."""
    import numpy as np

    n, k = parameters.shape
    sigmas = np.empty((n, size, size))
    load_structured_kernels().fill_blocks(
        structure.code,
        True,
        np.ascontiguousarray(parameters),
        np.arange(n, dtype=np.int64),
        np.ascontiguousarray(distances),
        sigmas,
        np.empty((n, k, size, size)),
        np.empty((n, k, k, size, size)),
    )
    return sigmas


def group_matrices(estimate: CovarianceEstimate, read: ModelData) -> np.ndarray:
    """(groups, T, T) matrices over the visits.

    Where coordinates differ between participants they are those of a participant seen at the mean
    coordinates of each visit.
    """
    if estimate.layout.by_visit:
        return estimate.matrices
    assert read.coordinates is not None
    apart = pairwise(visit_coordinates(read, read.coordinates))[None]
    return covariance_matrices(estimate.structure, estimate.parameters, apart, len(read.visits))


def parameter_frame(
    estimate: CovarianceEstimate, group_levels: tuple[str, ...], alpha: float
) -> pl.DataFrame:
    """Frame with group (where there are groups), parameter, estimate, se, lower, upper."""
    import numpy as np
    import polars as pl
    from scipy.special import chdtri, ndtri

    values = estimate.parameters.ravel()
    se = np.sqrt(np.diag(estimate.parameter_covariance))
    names = list(estimate.names) * len(estimate.parameters)
    z = float(ndtri(1.0 - alpha / 2.0))
    lower, upper = values - z * se, values + z * se
    bounded = np.array([_is_bounded(name) for name in names]) & (values > 0.0)
    with np.errstate(all="ignore"):
        df = 2.0 * (values / se) ** 2
        lower = np.where(bounded, df * values / chdtri(df, alpha / 2.0), lower)
        upper = np.where(bounded, df * values / chdtri(df, 1.0 - alpha / 2.0), upper)
    columns: dict[str, object] = {}
    if group_levels:
        columns["group"] = pl.Series(
            [level for level in group_levels for _ in estimate.names],
            dtype=pl.Enum(list(group_levels)),
        )
    columns.update(parameter=names, estimate=values, se=se, lower=lower, upper=upper)
    return pl.DataFrame(columns)


def _is_bounded(name: str) -> bool:
    """Whether SAS keeps the parameter from becoming negative."""
    if name.startswith("UN("):
        row, column = name[3:-1].split(",")
        return row == column
    return name.startswith(("Var(", "Residual", "SP(EXP)"))
