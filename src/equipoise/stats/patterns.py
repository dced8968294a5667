"""Participants grouped by the visits at which they were observed, and compressed exactly.

Participants with the same pattern share their covariance matrix, and the likelihood sees their
rows only through sums of products over participants. A QR decomposition of the rows of a pattern,
one participant a row, keeps all such sums; what it leaves are pseudo-participants, never more
than the rank of the data however many participants there are. See docs/methods/mmrm.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

#: A direction this much smaller than the largest of its pattern is zero (its square, 1e-24, is
#: what enters the sums).
_RELATIVE_RANK = 1e-12
_WORTH_COMPRESSING = 6


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """The data of a fit as `equipoise.stats.kernels.likelihood.evaluate` takes them.

    Attributes
    ----------
    rows : float64 (R, q)
        Rows of all (pseudo-)participants, pattern by pattern.
    first : int64 (G + 1,)
        Where each pattern begins.
    visits : int64 (G, T)
        Observed visits, ascending, padded with zeros.
    n_visits : int64 (G,)
    n_participants : float64 (G,)
    observed : bool (G, T)
    block : int64 (G,)
        Covariance matrix of each pattern: participants of one pattern share it.
    sums : float64 (G, T, T) or None
        Sums of products of the responses beyond those in `rows`.
    """

    rows: np.ndarray
    first: np.ndarray
    visits: np.ndarray
    n_visits: np.ndarray
    n_participants: np.ndarray
    observed: np.ndarray
    block: np.ndarray
    sums: np.ndarray | None = None


def observed_visits(subject: np.ndarray, visit: np.ndarray, n_visits: int) -> np.ndarray:
    """(N, T) mask of the visits at which each participant was observed."""
    import numpy as np

    mask = np.zeros((int(subject.max()) + 1, n_visits), dtype=bool)
    mask[subject, visit] = True
    return mask


def group_by_pattern(
    subject: np.ndarray,
    visit: np.ndarray,
    values: np.ndarray,
    n_visits: int,
    block: np.ndarray | None = None,
) -> Patterns:
    """Sort and compress the rows of all participants.

    Parameters
    ----------
    subject, visit : int64 (n,)
    values : float64 (n, q)
        Design columns and, last, the response, on like scales.
    n_visits : int
        T.
    block : int64 (N,), optional
        Covariance matrix of each participant; one for all where it is left out.
    """
    import numpy as np

    mask = observed_visits(subject, visit, n_visits)
    if block is None:
        block = np.zeros(len(mask), dtype=np.int64)
    example, pattern = distinct_patterns(mask, block)
    order = np.lexsort((visit, subject, pattern[subject]))
    q = values.shape[1]
    observed = mask[example]
    sizes = observed.sum(axis=1)
    counts = np.bincount(pattern, minlength=len(example))
    visits = np.zeros((len(example), n_visits), dtype=np.int64)
    blocks = []
    first = np.zeros(len(example) + 1, dtype=np.int64)
    begin = 0
    for g, (m, n) in enumerate(zip(sizes, counts, strict=True)):
        visits[g, :m] = np.flatnonzero(observed[g])
        wide = values[order[begin : begin + m * n]].reshape(n, m * q)
        begin += m * n
        kept = _compressed(wide).reshape(-1, q)
        blocks.append(kept)
        first[g + 1] = first[g] + len(kept)
    return Patterns(
        rows=np.ascontiguousarray(np.concatenate(blocks)),
        first=first,
        visits=visits,
        n_visits=sizes.astype(np.int64),
        n_participants=counts.astype(np.float64),
        observed=observed,
        block=block[example].astype(np.int64),
    )


def distinct_patterns(mask: np.ndarray, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First participant of each pattern (visits and covariance matrix), and everyone's pattern."""
    import numpy as np

    n_visits = mask.shape[1]
    if n_visits <= 40 and int(block.max()) < 1 << 20:
        keys = mask @ (np.int64(1) << np.arange(n_visits, dtype=np.int64))
        keys += block.astype(np.int64) << n_visits
        _, example, pattern = np.unique(keys, return_index=True, return_inverse=True)
    else:
        both = np.column_stack([block, mask.astype(np.int64)])
        _, example, pattern = np.unique(both, axis=0, return_index=True, return_inverse=True)
    return example, pattern.ravel()


def _compressed(block: np.ndarray) -> np.ndarray:
    """As few rows as possible with the same sums of products over rows."""
    import numpy as np
    import scipy.linalg

    n, width = block.shape
    if n <= _WORTH_COMPRESSING:
        return block
    if n > 2 * width:
        _, block = np.linalg.qr(block)
    qr: Any = scipy.linalg.qr
    triangle, pivot = qr(block, mode="r", pivoting=True, check_finite=False)
    size = np.abs(np.diagonal(triangle))
    rank = max(1, int(np.sum(size > _RELATIVE_RANK * size[0])))
    kept = np.empty((rank, width))
    kept[:, pivot] = triangle[:rank]
    return kept
