"""Which participants share a covariance matrix, and which of its rows each response is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .vocabulary import CovarianceStructure

if TYPE_CHECKING:
    import numpy as np

    from .model_data import ModelData

#: Distance to rows of a matrix that a participant does not have: no correlation at any range.
_FAR = 1e30


@dataclass(frozen=True, slots=True, eq=False)
class CovarianceLayout:
    """The covariance matrices of a fit, before they are estimated.

    Attributes
    ----------
    size : int
        T, rows of each matrix.
    block : int64 (N,)
        Matrix of each participant.
    block_group : int64 (C,)
        Group whose parameters each matrix has; 0 without groups.
    position : int64 (n,)
        Row of its participant's matrix that each row of the data is.
    distances : float64 (C, T, T) or (1, T, T)
        Between the rows of each matrix, for ``sp_exp``; (1, T, T) where all share them.
    by_visit : bool
        Whether the rows of the matrices are the visits, the same for all participants.
    """

    size: int
    block: np.ndarray
    block_group: np.ndarray
    position: np.ndarray
    distances: np.ndarray
    by_visit: bool


def covariance_layout(read: ModelData, structure: CovarianceStructure) -> CovarianceLayout:
    """One matrix a group, or under ``sp_exp`` one for each set of coordinates where they vary."""
    import numpy as np

    n_groups = max(1, len(read.group_levels))
    size = len(read.visits)
    by_group = CovarianceLayout(
        size=size,
        block=np.zeros(read.n_subjects, dtype=np.int64) if read.group is None else read.group,
        block_group=np.arange(n_groups, dtype=np.int64),
        position=read.visit,
        distances=np.zeros((1, size, size)),
        by_visit=True,
    )
    if structure is not CovarianceStructure.SPATIAL_EXPONENTIAL or read.coordinates is None:
        return by_group
    return _spatial_layout(read, by_group, read.coordinates)


def _spatial_layout(
    read: ModelData, by_group: CovarianceLayout, coordinates: np.ndarray
) -> CovarianceLayout:
    import numpy as np

    places = visit_coordinates(read, coordinates)
    most = int(np.bincount(read.subject).max())
    if len(read.visits) <= 2 * most and np.array_equal(places[read.visit], coordinates):
        return CovarianceLayout(
            size=by_group.size,
            block=by_group.block,
            block_group=by_group.block_group,
            position=read.visit,
            distances=pairwise(places)[None],
            by_visit=True,
        )
    order = np.lexsort((read.visit, read.subject))
    first = np.searchsorted(read.subject[order], np.arange(read.n_subjects + 1))
    size = int(np.diff(first).max())
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order)) - np.repeat(first[:-1], np.diff(first))
    known: dict[tuple[bytes, bytes, int], int] = {}
    block = np.empty(read.n_subjects, dtype=np.int64)
    distances: list[np.ndarray] = []
    groups: list[int] = []
    for participant in range(read.n_subjects):
        rows = order[first[participant] : first[participant + 1]]
        apart = pairwise(coordinates[rows])
        group = int(by_group.block[participant])
        key = (read.visit[rows].tobytes(), apart.tobytes(), group)
        if key not in known:
            known[key] = len(distances)
            padded = np.full((size, size), _FAR)
            padded[: len(rows), : len(rows)] = apart
            np.fill_diagonal(padded, 0.0)
            distances.append(padded)
            groups.append(group)
        block[participant] = known[key]
    return CovarianceLayout(
        size=size,
        block=block,
        block_group=np.array(groups, dtype=np.int64),
        position=position,
        distances=np.stack(distances),
        by_visit=False,
    )


def visit_coordinates(read: ModelData, coordinates: np.ndarray) -> np.ndarray:
    """(T, d) coordinates of each visit: those all participants share, otherwise the mean."""
    import numpy as np

    places = np.empty((len(read.visits), coordinates.shape[1]))
    for j in range(len(places)):
        here = coordinates[read.visit == j]
        places[j] = here[0] if np.all(here == here[0]) else here.mean(axis=0)
    return places


def pairwise(coordinates: np.ndarray) -> np.ndarray:
    """(m, m) Euclidean distances."""
    import numpy as np

    apart = coordinates[:, None, :] - coordinates[None, :, :]
    return np.sqrt(np.sum(apart * apart, axis=2))
