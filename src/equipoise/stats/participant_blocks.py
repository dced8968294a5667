"""Participants who share a covariance matrix, with the rows of the fit that are theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .patterns import distinct_patterns, observed_visits

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

    data, layout = fit.data, fit.covariance_estimate.layout
    mask = observed_visits(data.subject, layout.position, layout.size)
    example, pattern = distinct_patterns(mask, layout.block)
    order = np.lexsort((data.visit, data.subject))
    first = np.searchsorted(data.subject[order], np.arange(len(mask)))
    blocks = []
    for g, participant in enumerate(example):
        members = np.flatnonzero(pattern == g)
        places = np.flatnonzero(mask[participant])
        rows = order[first[members][:, None] + np.arange(len(places))]
        matrix = fit.covariance_estimate.matrices[layout.block[participant]]
        blocks.append(
            ParticipantBlock(members, rows, data.visit[rows[0]], matrix[np.ix_(places, places)])
        )
    return blocks
