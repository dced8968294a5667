"""Participants who share a covariance matrix, with the rows of the fit that are theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .patterns import observed_visits

if TYPE_CHECKING:
    import numpy as np

    from .mmrm_fit import MMRMFit


@dataclass(frozen=True, slots=True, eq=False)
class ParticipantBlock:
    """Participants observed at the same visits under the same covariance matrix.

    Attributes
    ----------
    participants : int64 (N_b,)
        Indices of participants.
    rows : int64 (N_b, m)
        Their rows in `ModelData`, visits ascending.
    visits : int64 (m,)
        Indices of their visits.
    covariance : (m, m)
        Of the responses at weight 1, squared units of the response. With weights w the
        covariance of a participant is diag(w)^(-1/2) · covariance · diag(w)^(-1/2).
    """

    participants: np.ndarray
    rows: np.ndarray
    visits: np.ndarray
    covariance: np.ndarray


def participant_blocks(fit: MMRMFit) -> list[ParticipantBlock]:
    """All participants of a fit, each in one block."""
    import numpy as np

    data = fit.data
    mask = observed_visits(data.subject, data.visit, len(data.visits))
    _, example, pattern = np.unique(mask, axis=0, return_index=True, return_inverse=True)
    pattern = pattern.ravel()
    order = np.lexsort((data.visit, data.subject))
    first = np.searchsorted(data.subject[order], np.arange(len(mask)))
    blocks = []
    for g, participant in enumerate(example):
        members = np.flatnonzero(pattern == g)
        visits = np.flatnonzero(mask[participant])
        rows = order[first[members][:, None] + np.arange(len(visits))]
        covariance = fit.covariance[np.ix_(visits, visits)]
        blocks.append(ParticipantBlock(members, rows, visits, covariance))
    return blocks
