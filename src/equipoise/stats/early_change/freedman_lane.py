"""Residual permutation test of an association, within arm and stratum.

The early change was not randomised, so that no redrawing of arms tests it. What is exchanged are
the residuals of the outcome given the covariates. Derivation: docs/methods/early-change.md,
"The permutation test".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from .orthogonal_columns import orthonormal_columns

if TYPE_CHECKING:
    import numpy as np

    from .landmark_arrays import Among, LandmarkData

#: Permutations that are held in memory at a time.
_AT_ONCE = 4096
#: Statistics this near (relative) count as equal: a permutation that changes nothing ties.
_TIE = 1e-9


@dataclass(frozen=True, slots=True)
class ResidualPermutation:
    """A Freedman–Lane test.

    Attributes
    ----------
    p : float
        (b + 1)/(B + 1), two-sided; NaN where there is no association to test.
    as_extreme, draws : int
        Permutations as extreme as what was seen, and permutations drawn.
    movable : int
        Participants in an arm and stratum with at least two: only their residuals move.
    """

    p: float
    as_extreme: int
    draws: int
    movable: int


def permute_residuals(
    data: LandmarkData,
    draws: int,
    generator: np.random.Generator,
    among: Among = "within-arms",
) -> ResidualPermutation:
    """Freedman and Lane's test of the association in one trial.

    Assumes that the residuals of the outcome given the covariates are exchangeable within arm and
    stratum when the early change says nothing. The statistic is the partial correlation, whose
    order is that of the t statistic.

    Parameters
    ----------
    data : LandmarkData
        Of one trial.
    draws : int
        Permutations, at least 19.
    generator : numpy.random.Generator
        The only source of chance.
    among
        As in `associate`; ``all-arms`` is refused, for there the arm itself moves both.

    Raises
    ------
    ArgumentError
        If there are several trials, too few draws, or `among` is ``all-arms``.

    References
    ----------
    Freedman D, Lane D (1983) A nonstochastic interpretation of reported significance levels.
    J Bus Econ Stat 1:292–298.
    Winkler AM, et al. (2014) Permutation inference for the general linear model. NeuroImage
    92:381–397.
    """
    import numpy as np

    if data.shape not in ((), (1,)):
        raise ArgumentError("one trial at a time", where="data", value=data.shape)
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 19:
        raise ArgumentError("a whole number of at least 19", where="draws", value=draws)
    if among == "all-arms":
        raise ArgumentError("only what is within arms is exchangeable", where="among", value=among)
    used = data.used(among)
    basis = orthonormal_columns(data.covariate_columns(among, used))
    x, xx = basis.new_residuals(np.where(used, data.early, 0.0))
    e, ee = basis.new_residuals(np.where(used, data.outcome, 0.0))
    rows = np.flatnonzero(used[0])
    block = (data.arm * data.strata + data.stratum)[0, rows]
    movable = int(sum(size for size in np.unique(block, return_counts=True)[1] if size > 1))
    if not (xx[0] > 0.0 and ee[0] > 0.0 and len(rows) - basis.rank[0] - 1 > 0):
        return ResidualPermutation(float("nan"), 0, draws, movable)
    seen = abs(float((x * e).sum())) / float(np.sqrt(xx[0] * ee[0]))
    own, direction = e[0, rows], x[0, rows] / np.sqrt(xx[0])
    columns = basis.columns[:, 0, rows]
    as_extreme, left = 0, draws
    home = np.argsort(block, kind="stable")
    while left:
        count = min(left, _AT_ONCE)
        # Sorted by block and then by chance: within each block every order is equally likely.
        order = np.lexsort(
            (generator.random((count, len(rows))), np.broadcast_to(block, (count, len(rows))))
        )
        moved = np.empty((count, len(rows)))
        moved[:, home] = own[order]
        new = moved - (moved @ columns.T) @ columns
        size = np.sqrt((new * new).sum(axis=1))
        # A permutation that the covariates explain whole has no association to show.
        r = np.abs(new @ direction) / np.where(size > 0.0, size, np.inf)
        as_extreme += int((r >= seen * (1.0 - _TIE)).sum())
        left -= count
    return ResidualPermutation((as_extreme + 1) / (draws + 1), as_extreme, draws, movable)
