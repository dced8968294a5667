"""Many early changes and one outcome: the largest statistic under joint permutation.

Freedman and Lane's residual permutation of every marker by the same exchange of people, within
arm and stratum, so that what the markers have in common stays in the draws.
Derivation: docs/methods/early-change.md, "Several markers".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from ..largest_statistic import MaximumTest, westfall_young
from .orthogonal_columns import orthonormal_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from .landmark_arrays import LandmarkData

#: Values of a permuted residual that are held in memory at a time.
_AT_ONCE = 1_000_000
#: Of permuted residuals no more than this part is left by covariates that explain them whole.
_NOTHING_LEFT = 1e-12


@dataclass(frozen=True, slots=True)
class JointPermutation:
    """m markers tested by the same permutations.

    Attributes
    ----------
    t : ndarray (m,)
        Of the slope within arms; NaN where there is none.
    n : ndarray of int (m,)
        Participants used.
    test : MaximumTest
    """

    t: np.ndarray
    n: np.ndarray
    test: MaximumTest


@dataclass(frozen=True, slots=True)
class _Marker:
    """Residuals of T trials of one marker: of the early change (length 1) and of the outcome."""

    used: np.ndarray
    direction: np.ndarray
    residual: np.ndarray
    squares: np.ndarray
    columns: np.ndarray
    df: np.ndarray
    estimable: np.ndarray


def permute_jointly(
    markers: Sequence[LandmarkData], draws: int, generators: Sequence[np.random.Generator]
) -> list[JointPermutation]:
    """Max-T of the associations within arms of several markers, for each of T trials.

    Assumes what `permute_residuals` assumes of every marker, and for the adjustment that people
    are exchangeable with all their residuals at once. Whoever lacks a marker is stepped over in
    the permutation of that marker: who would receive this person's residual receives the next
    one's in the cycle. Each marker so has a uniform permutation of its own people, and markers
    move together as far as they have people in common.

    Parameters
    ----------
    markers : sequence of LandmarkData
        Of the same trials and people in the same order; covariates and who is complete may
        differ.
    draws : int
        Permutations, at least 19.
    generators : sequence of numpy.random.Generator
        One a trial; the only source of chance.

    Raises
    ------
    ArgumentError
        If there is no marker, people differ, or there are too few draws or generators.

    References
    ----------
    Freedman D, Lane D (1983) A nonstochastic interpretation of reported significance levels.
    J Bus Econ Stat 1:292–298.
    Westfall PH, Young SS (1993) Resampling-based multiple testing. Wiley.
    """
    import numpy as np

    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 19:
        raise ArgumentError("a whole number of at least 19", where="draws", value=draws)
    _require_same_people(markers, len(generators))
    prepared = [_prepare(data) for data in markers]
    first = markers[0]
    block = first.arm * first.strata + first.stratum
    found: list[JointPermutation] = []
    for trial, generator in enumerate(generators):
        some = np.any([marker.used[trial] for marker in prepared], axis=0)
        seen = np.array([_observed(marker, trial) for marker in prepared])
        drawn = np.empty((draws, len(prepared)))
        people, count = np.flatnonzero(some), max(1, _AT_ONCE // max(1, int(some.sum())))
        for begin in range(0, draws, count):
            size = min(count, draws - begin)
            exchanged = exchange_within(block[trial, people], size, generator)
            drawn[begin : begin + size] = _statistics(prepared, trial, people, exchanged)
        found.append(
            JointPermutation(
                t=seen,
                n=np.array([int(marker.used[trial].sum()) for marker in prepared]),
                test=westfall_young(np.abs(seen), drawn),
            )
        )
    return found


def exchange_within(block: np.ndarray, draws: int, generator: np.random.Generator) -> np.ndarray:
    """(draws, n) permutations of the places 0, …, n - 1 within blocks, all equally likely."""
    import numpy as np

    home = np.argsort(block, kind="stable")
    # Sorted by block and then by chance.
    order = np.argsort(block + generator.random((draws, len(block))), axis=1)
    exchanged = np.empty_like(order)
    exchanged[:, home] = order
    return exchanged


def stepped_over(exchanged: np.ndarray, there: np.ndarray) -> np.ndarray:
    """The permutations among `there` alone: whoever is not there is left out of each cycle.

    Of a uniform permutation it is a uniform permutation of those who are there.
    """
    import numpy as np

    found = exchanged
    missing = there[None, :] & ~there[found]
    if missing.any():
        found = found.copy()
        while missing.any():
            rows, places = np.nonzero(missing)
            found[rows, places] = exchanged[rows, found[rows, places]]
            missing[rows, places] = ~there[found[rows, places]]
    return found


def _prepare(data: LandmarkData) -> _Marker:
    import numpy as np

    used = data.used("within-arms")
    basis = orthonormal_columns(data.covariate_columns("within-arms", used))
    x, xx = basis.new_residuals(np.where(used, data.early, 0.0))
    e, ee = basis.new_residuals(np.where(used, data.outcome, 0.0))
    df = used.sum(axis=-1) - basis.rank - 1
    length = np.sqrt(np.where(xx > 0.0, xx, 1.0))
    return _Marker(
        used=used,
        direction=x / length[..., None],
        residual=e,
        squares=ee,
        columns=basis.columns,
        df=df,
        estimable=(xx > 0.0) & (ee > 0.0) & (df > 0),
    )


def _observed(marker: _Marker, trial: int) -> float:
    if not marker.estimable[trial]:
        return float("nan")
    share = float((marker.direction[trial] * marker.residual[trial]).sum())
    share /= float(marker.squares[trial]) ** 0.5
    left = max(1.0 - share * share, 1e-300)
    return share * (float(marker.df[trial]) / left) ** 0.5


def _statistics(
    markers: Sequence[_Marker], trial: int, people: np.ndarray, exchanged: np.ndarray
) -> np.ndarray:
    """(draws, m) |t| of every marker; 0 for one without a statistic."""
    import numpy as np

    found = np.zeros((len(exchanged), len(markers)))
    own: dict[bytes, np.ndarray] = {}
    for place, marker in enumerate(markers):
        if not marker.estimable[trial]:
            continue
        there = marker.used[trial, people]
        key = there.tobytes()
        if key not in own:
            own[key] = stepped_over(exchanged, there)[:, there]
        rows = people[there]
        e = marker.residual[trial, people]
        columns = np.concatenate(
            [marker.direction[None, trial, rows], marker.columns[:, trial, rows]]
        )
        shares = e[own[key]] @ columns.T
        squares = marker.squares[trial]
        left = squares - (shares[:, 1:] ** 2).sum(axis=1)
        # A permutation that the covariates explain whole has no association to show.
        some = left > _NOTHING_LEFT * squares
        r2 = np.where(some, shares[:, 0] ** 2 / np.where(some, left, 1.0), 0.0)
        found[:, place] = np.sqrt(marker.df[trial] * r2 / np.maximum(1.0 - r2, 1e-300))
    return found


def _require_same_people(markers: Sequence[LandmarkData], trials: int) -> None:
    import numpy as np

    if not markers:
        raise ArgumentError("at least one marker", where="markers", value=0)
    first = markers[0]
    for place, data in enumerate(markers):
        alike = (
            data.arm.shape == first.arm.shape
            and data.strata == first.strata
            and np.array_equal(data.arm, first.arm)
            and np.array_equal(data.stratum, first.stratum)
        )
        if not alike:
            raise ArgumentError(
                "the same people in the same order, in the same arms and strata",
                where=f"markers[{place}]",
                value=data.arm.shape,
            )
    if trials != len(first.arm):
        raise ArgumentError(
            f"one generator a trial, {len(first.arm)} in all", where="generators", value=trials
        )
