"""A permutation test of the whole procedure, its choice of tuning included.

Residuals of the outcome given the covariates are exchanged within blocks (Freedman and Lane), and
with every permuted outcome the cross-validation is done and the tuning chosen again. Derivation:
docs/methods/multivariate.md, "Chance".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from .cross_validation import choose_tuning, cross_validate
from .elastic_net import STRENGTHS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from .cross_validation import FoldSets, Rule

#: Numbers that are held in memory at a time.
_AT_ONCE = 4_000_000
#: Statistics this near count as equal.
_TIE = 1e-9


@dataclass(frozen=True, slots=True)
class WholeTest:
    """What chance alone makes of the cross-validated Q2.

    Attributes
    ----------
    p : float
        (b + 1)/(B + 1), one-sided: chance rarely predicts so well.
    as_extreme, draws : int
    movable : int
        People in a block of at least two.
    null : ndarray (B,)
        Q2 of the permuted outcomes.
    none_chosen : float
        Share of the permuted outcomes for which the covariates alone were chosen.
    """

    p: float
    as_extreme: int
    draws: int
    movable: int
    null: np.ndarray
    none_chosen: float


def permute_whole(
    found: FoldSets,
    y: np.ndarray,
    blocks: np.ndarray,
    draws: int,
    generator: np.random.Generator,
    *,
    components: int = 0,
    mixing: Sequence[float] = (),
    strengths: Sequence[float] = STRENGTHS,
    rule: Rule = "best",
) -> WholeTest:
    """Freedman and Lane's permutation of the whole procedure, on folds that stay.

    Assumes that residuals of the outcome given the covariates are exchangeable within blocks when
    no predictor says anything. The statistic is Q2 at the tuning that the rule chooses where the
    covariates alone are no candidate: with them many permuted outcomes would tie at 0.

    Parameters
    ----------
    found : FoldSets
    y : ndarray (n,)
    blocks : ndarray of int (n,)
    draws : int
        At least 19.
    generator : numpy.random.Generator
    components, mixing, strengths, rule
        As in `cross_validate` and `choose_tuning`.

    Raises
    ------
    ArgumentError
        If there are too few draws, or nothing to choose from.
    """
    import numpy as np

    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 19:
        raise ArgumentError("a whole number of at least 19", where="draws", value=draws)
    if not components and not mixing:
        raise ArgumentError("components or a mixing", where="components", value=components)
    y = np.asarray(y, dtype=float)
    common, n = found.sets.common, len(y)
    fitted = common @ np.linalg.lstsq(common, y, rcond=1e-10)[0]
    own = y - fitted
    movable = int(sum(size for size in np.unique(blocks, return_counts=True)[1] if size > 1))
    home = np.argsort(blocks, kind="stable")

    def statistic(outcomes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        errors = cross_validate(
            found, outcomes, components=components, mixing=mixing, strengths=strengths
        )
        tuned = choose_tuning(errors, rule)
        return tuned.q2, tuned.chosen == 0

    seen = float(statistic(y[None])[0][0])
    width = len(found.held) * (n + (components + 4) * found.sets.x.shape[2])
    most = max(1, _AT_ONCE // width)
    null, none = np.empty(draws), 0
    for start in range(0, draws, most):
        count = min(most, draws - start)
        # Sorted by block and then by chance: within each block every order is equally likely.
        order = np.lexsort((generator.random((count, n)), np.broadcast_to(blocks, (count, n))))
        moved = np.empty((count, n))
        moved[:, home] = own[order]
        null[start : start + count], without = statistic(fitted + moved)
        none += int(without.sum())
    if not np.isfinite(seen):
        return WholeTest(float("nan"), 0, draws, movable, null, none / draws)
    as_extreme = int((null >= seen - _TIE).sum())
    return WholeTest((as_extreme + 1) / (draws + 1), as_extreme, draws, movable, null, none / draws)
