"""Rows of a fit, compressed pattern by pattern, as the compiled kernels take them.

Participants of one pattern (the same visits, the same covariance matrix) enter the likelihood
through sums of products over them. As many pseudo-participants as their designs have rank carry
the design; what is left of the responses enters by its sums of products. See docs/methods/mmrm.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from .kernel_cache import load_kernels

if TYPE_CHECKING:
    import numpy as np

#: From so many participants a pattern, its sums of products are formed by matrix products.
_MANY = 512
_CHUNK = 2048
#: Squares this much smaller than the largest of a pattern are rounding.
_RELATIVE_RANK = 1e-11
#: Pivots of the design, columns of length 1: from the first the sums of products give the factor,
#: below the second the design is as good as singular, which the fit finds out and says.
_WELL_CONDITIONED = 1e-4
_SINGULAR = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class PatternIndex:
    """Who was observed when.

    Attributes
    ----------
    members, member_first : int64 (N,), (G + 1,)
        Participants pattern by pattern, and where each pattern begins.
    row_of : int64 (N, T)
        Row of each participant at each visit, −1 where not observed.
    visits, n_visits : int64 (G, T), (G,)
        Observed visits of each pattern, ascending, padded with zeros.
    counts : float64 (G,)
    block : int64 (G,)
        Covariance matrix of each pattern, ascending.
    observed : bool (G, T)
    """

    members: np.ndarray
    member_first: np.ndarray
    row_of: np.ndarray
    visits: np.ndarray
    n_visits: np.ndarray
    counts: np.ndarray
    block: np.ndarray
    observed: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class CompressedRows:
    """Compressed rows, in the response's units and with columns of the design of length 1.

    Attributes
    ----------
    rows : float64 (R, p + 1)
    sums : float64 (G, T, T)
    first : int64 (G + 1,)
    """

    rows: np.ndarray
    sums: np.ndarray
    first: np.ndarray


def index_patterns(
    subject: np.ndarray, visit: np.ndarray, n_visits: int, block: np.ndarray | None = None
) -> PatternIndex:
    """Sort participants by covariance matrix and pattern of visits.

    Parameters
    ----------
    subject, visit : int64 (n,)
        Participant (0 to N − 1, each with a row) and visit of each row.
    n_visits : int
        T.
    block : int64 (N,), optional
        Covariance matrix of each participant; one for all where it is left out.
    """
    import numpy as np

    n_subjects = int(subject.max()) + 1
    row_of = np.full((n_subjects, n_visits), -1, dtype=np.int64)
    row_of[subject, visit] = np.arange(len(subject))
    observed = row_of >= 0
    if n_visits <= 40:
        keys = observed @ (np.int64(1) << np.arange(n_visits, dtype=np.int64))
        if block is not None:
            keys += block.astype(np.int64) << n_visits
        span = int(keys.max()) + 1
        if span <= max(4 * n_subjects, 1 << 12):
            pattern = (np.cumsum(np.bincount(keys, minlength=span) > 0) - 1)[keys]
        else:
            _, pattern = np.unique(keys, return_inverse=True)
    else:
        first = np.zeros(n_subjects, dtype=np.int64) if block is None else block
        _, pattern = np.unique(
            np.column_stack([first, observed.astype(np.int64)]), axis=0, return_inverse=True
        )
        pattern = pattern.ravel()
    counts = np.bincount(pattern)
    members = np.argsort(pattern, kind="stable")
    member_first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    examples = members[member_first[:-1]]
    seen = observed[examples]
    # observed visits first, in their order
    visits = np.where(np.sort(~seen, axis=1), 0, np.argsort(~seen, axis=1, kind="stable")).astype(
        np.int64
    )
    return PatternIndex(
        members=members,
        member_first=member_first,
        row_of=row_of,
        visits=visits,
        n_visits=seen.sum(axis=1).astype(np.int64),
        counts=counts.astype(np.float64),
        block=np.zeros(len(counts), dtype=np.int64)
        if block is None
        else block[examples].astype(np.int64),
        observed=seen,
    )


def compress_participants(
    design: np.ndarray, response: np.ndarray, inverse_norms: np.ndarray, index: PatternIndex
) -> CompressedRows:
    """Compress the rows of every pattern.

    Parameters
    ----------
    design, response : float64 (n, p), (n,)
    inverse_norms : float64 (p,)
        Reciprocal lengths of the design's columns.
    index : PatternIndex
    """
    import numpy as np

    p = design.shape[1]
    # the kernels are compiled for arrays that may be written to
    design = np.require(design, np.float64, ["C", "W"])
    response = np.require(response, np.float64, ["C", "W"])
    patterns, n_visits = index.observed.shape
    large = index.counts >= np.maximum(_MANY, 2 * p * index.n_visits)
    root = offset = None
    if large.any():
        root, offset = _least_squares(design, response, inverse_norms)
        response = response - design @ (offset * inverse_norms)
    small = np.flatnonzero(~large)
    rows = np.empty((int(index.counts[small] @ index.n_visits[small]), p + 1))
    first = np.zeros(len(small) + 1, dtype=np.int64)
    sums = np.zeros((len(small), n_visits, n_visits))
    chosen = index
    if large.any():
        chosen = _some_patterns(index, small)
    made = load_kernels().compress_rows(
        design[None],
        np.zeros(len(index.row_of), dtype=np.int64),
        inverse_norms,
        response,
        chosen.members,
        chosen.member_first,
        chosen.row_of,
        chosen.visits,
        chosen.n_visits,
        rows,
        sums,
        first,
    )
    if root is None or offset is None:
        return CompressedRows(rows[:made], sums, first)
    pieces: list[np.ndarray] = [rows[:0]] * patterns
    all_sums = np.zeros((patterns, n_visits, n_visits))
    all_sums[small] = sums
    for g, begin, end in zip(small, first[:-1], first[1:], strict=True):
        pieces[g] = rows[begin:end]
    for g in np.flatnonzero(large):
        m = int(index.n_visits[g])
        who = index.members[index.member_first[g] : index.member_first[g + 1]]
        pieces[g], all_sums[g, :m, :m] = _by_products(
            design, response, inverse_norms, root, index.row_of[who][:, index.visits[g, :m]]
        )
    rows = np.ascontiguousarray(np.concatenate(pieces))
    rows[:, p] += rows[:, :p] @ offset
    first = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])]).astype(np.int64)
    return CompressedRows(rows, all_sums, first)


def _least_squares(
    design: np.ndarray, response: np.ndarray, inverse_norms: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Triangular factor of the design with columns of length 1, and near enough its coefficients.

    The response less their combination keeps its digits when it is squared, and the design solved
    by the factor has directions of like sizes. Neither needs to be exact, as both are undone.
    """
    import numpy as np
    import scipy.linalg

    gram = (design.T @ design) * np.outer(inverse_norms, inverse_norms)
    try:
        root = np.linalg.cholesky(gram).T.copy()
    except np.linalg.LinAlgError:
        root = np.zeros_like(gram)
    if not np.min(np.abs(np.diagonal(root))) > _WELL_CONDITIONED:
        root = np.asarray(np.linalg.qr(design * inverse_norms, mode="r"), dtype=float)
    if not np.min(np.abs(np.diagonal(root))) > _SINGULAR:
        return np.eye(len(root)), np.zeros(len(root))
    half = scipy.linalg.solve_triangular(root, inverse_norms * (design.T @ response), trans=1)
    return root, scipy.linalg.solve_triangular(root, half)


def _some_patterns(index: PatternIndex, chosen: np.ndarray) -> PatternIndex:
    import numpy as np

    parts = [index.members[index.member_first[g] : index.member_first[g + 1]] for g in chosen]
    counts = index.counts[chosen]
    return PatternIndex(
        members=np.concatenate([*parts, np.zeros(0, dtype=np.int64)]),
        member_first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        row_of=index.row_of,
        visits=np.ascontiguousarray(index.visits[chosen]),
        n_visits=index.n_visits[chosen],
        counts=counts,
        block=index.block[chosen],
        observed=index.observed[chosen],
    )


def _by_products(
    design: np.ndarray,
    response: np.ndarray,
    inverse_norms: np.ndarray,
    root: np.ndarray,
    rows: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Pseudo-participants (r m, p + 1) and sums of products (m, m) of one large pattern.

    A pivoted Cholesky factor of the sums of products of the design gives the directions; the
    response has been centred, so that squaring costs no digit that matters.
    """
    import numpy as np
    import scipy.linalg

    lapack = cast(Any, scipy.linalg.lapack)  # not in the types of scipy
    n, m = rows.shape
    p = design.shape[1]
    gram = np.zeros((m * (p + 1), m * (p + 1)))
    block = np.empty((min(n, _CHUNK), m * (p + 1)))
    kernels = load_kernels()
    for begin in range(0, n, _CHUNK):
        some = np.ascontiguousarray(rows[begin : begin + _CHUNK])
        part = block[: len(some)]
        kernels.solved_rows(design, inverse_norms, response, root, some, part)
        gram += part.T @ part
    is_design = np.tile(np.arange(p + 1) < p, m)
    x, y = np.flatnonzero(is_design), np.flatnonzero(~is_design)
    inner = gram[np.ix_(x, x)]
    scale = float(np.max(np.diagonal(inner)))
    factor, pivot, rank, _ = lapack.dpstrf(inner, tol=_RELATIVE_RANK * scale, lower=0)
    triangle = np.triu(factor)[:rank]
    pivot = pivot - 1
    kept = np.zeros((rank, m, p + 1))
    unpivoted = np.empty((rank, len(x)))
    unpivoted[:, pivot] = triangle
    kept[:, :, :p] = unpivoted.reshape(rank, m, p) @ root
    shares = scipy.linalg.solve_triangular(
        triangle[:, :rank], gram[np.ix_(x[pivot[:rank]], y)], trans=1
    )
    kept[:, :, p] = shares
    left = gram[np.ix_(y, y)] - shares.T @ shares
    return kept.reshape(rank * m, p + 1), 0.5 * (left + left.T)
