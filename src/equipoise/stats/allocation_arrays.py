"""Arrays of allocations: one row an allocation, one column a participant."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .errors import ArgumentError
from .participant_arrays import stratum_masks

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import ArrayLike

_SLACK = 1e-9


def permuted_allocations(
    observed: ArrayLike, strata: ArrayLike | None = None, *, limit: int = 100_000
) -> np.ndarray:
    """All rearrangements of the observed arms within strata.

    These are the allocations of a design that fixed how many of each stratum are in each arm,
    all equally probable; not those of random blocks.

    Parameters
    ----------
    observed : array_like, (N,)
        Arms.
    strata : array_like, (N,), optional

    Returns
    -------
    (B, N) array of arms

    Raises
    ------
    ArgumentError
        If there are more than `limit`.
    """
    import numpy as np

    arms = np.asarray(observed)
    if arms.ndim != 1 or not len(arms):
        raise ArgumentError("one arm a participant", where="observed", value=f"shape {arms.shape}")
    masks = [mask for _, mask in stratum_masks(strata, len(arms))]
    count = 1
    for mask in masks:
        _, sizes = np.unique(arms[mask], return_counts=True)
        count *= math.factorial(int(sizes.sum()))
        count //= math.prod(math.factorial(int(size)) for size in sizes)
    if count > limit:
        raise ArgumentError(
            f"there are {count} allocations",
            where="observed",
            rule=f"At most {limit} are listed",
            remedy="Draw some of them at random",
        )
    rows = arms[None, :]
    for mask in masks:
        levels, codes = np.unique(arms[mask], return_inverse=True)
        orders = levels[np.array(list(_rearrangements(np.bincount(codes).tolist())))]
        before = len(rows)
        rows = np.repeat(rows, len(orders), axis=0)
        rows[:, mask] = np.tile(orders, (before, 1))
    return rows


def _rearrangements(left: list[int]) -> Iterator[tuple[int, ...]]:
    """All sequences in which code k stands left[k] times."""
    if not any(left):
        yield ()
        return
    for code, count in enumerate(left):
        if count:
            rest = [*left[:code], count - 1, *left[code + 1 :]]
            for tail in _rearrangements(rest):
                yield (code, *tail)


def allocation_codes(allocations: ArrayLike, arms: tuple[str, ...], people: int) -> np.ndarray:
    """(B, N) indices into `arms`, from indices or labels.

    Raises
    ------
    ArgumentError
        If the shape is another one, or an entry is no arm.
    """
    import numpy as np

    given = np.asarray(allocations)
    if given.ndim != 2 or not len(given) or given.shape[1] != people:
        raise ArgumentError(
            "one row an allocation, one column a participant of the fit",
            where="allocations",
            value=f"shape {given.shape}",
            rule=f"The fit has {people} participants, in the order of contrast.participants",
        )
    if np.issubdtype(given.dtype, np.integer) and str(given.flat[0]) not in arms:
        known = (given >= 0) & (given < len(arms))
        codes = given.astype(np.int64)
    else:
        words = given.astype(str)
        codes = np.full(given.shape, -1, dtype=np.int64)
        for code, arm in enumerate(arms):
            codes[words == arm] = code
        known = codes >= 0
    if not known.all():
        row, column = (int(i) for i in np.argwhere(~known)[0])
        value = given[row, column]
        raise ArgumentError(
            "not an arm of the fit",
            where=f"allocations[{row}, {column}]",
            value=value.item() if hasattr(value, "item") else value,
            rule=f"Arms: {', '.join(arms)}; or their indices",
        )
    return codes


def allocation_shares(probabilities: ArrayLike | None, count: int, exact: bool) -> np.ndarray:
    """(B,) probability of each allocation, equal where none are given."""
    import numpy as np

    if probabilities is None:
        return np.full(count, 1.0 / count)
    share = np.asarray(probabilities, dtype=float)
    if not exact:
        raise ArgumentError(
            "drawn allocations have no probabilities",
            where="probabilities",
            rule="A draw counts once, as often as the scheme gives it",
            remedy="Leave them out, or give all allocations with exact=True",
        )
    if share.shape != (count,) or not np.all(share >= 0.0) or abs(share.sum() - 1.0) > _SLACK:
        raise ArgumentError(
            "one probability an allocation, which sum to 1",
            where="probabilities",
            value=f"shape {share.shape}, sum {float(np.sum(share)):.10g}",
        )
    return share
