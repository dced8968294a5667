"""Distances between the visits of a batch of trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .covariance_layout import pairwise
from .errors import ArgumentError
from .vocabulary import CovarianceStructure, Spacing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike


def visit_distances(
    structure: CovarianceStructure, coordinates: ArrayLike | None, size: int
) -> np.ndarray:
    """(1, T, T) Euclidean distances; zeros where the structure uses none.

    Raises
    ------
    ArgumentError
        If there is one visit only, or coordinates are missing, superfluous or of another shape.
    """
    import numpy as np

    if structure is not CovarianceStructure.UNSTRUCTURED and size < 2:
        raise ArgumentError(
            "there is one visit only",
            where="covariance",
            value=structure.word,
            rule="A structure relates two visits or more",
            remedy="Use covariance='us', which is one variance then",
        )
    if structure.spacing is not Spacing.COORDINATES:
        if coordinates is not None:
            raise ArgumentError(
                "coordinates are given, but the covariance does not use them",
                where="coordinates",
                value=structure.word,
                rule="Only sp_exp is a function of distances",
                remedy="Use covariance='sp_exp', or leave coordinates out",
            )
        return np.zeros((1, size, size))
    if coordinates is None:
        raise ArgumentError(
            "no coordinates are given",
            where="coordinates",
            value=structure.word,
            rule="A spatial covariance is a function of the distance between visits",
            remedy="Give one number a visit, for instance coordinates=[1, 2, 4, 8]",
        )
    try:
        places = np.array(coordinates, dtype=np.float64)
    except (TypeError, ValueError):
        raise ArgumentError("not an array of numbers", where="coordinates") from None
    if places.ndim == 1:
        places = places[:, None]
    if places.ndim != 2 or len(places) != size or not np.all(np.isfinite(places)):
        raise ArgumentError(
            f"they have shape {np.shape(coordinates)}, or are not finite",
            where="coordinates",
            rule=f"One row, or one number, for each of the {size} visits",
        )
    distances = pairwise(places)
    if np.sum(distances == 0.0) > size:
        raise ArgumentError(
            "two visits lie at the same place",
            where="coordinates",
            rule="Their responses would be the same under sp_exp",
        )
    return np.ascontiguousarray(distances[None])
