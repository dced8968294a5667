"""Permuted blocks: each block holds the allocation ratio exactly, in random order.

Source: Rosenberger and Lachin, Randomization in Clinical Trials, 2nd ed. (2016), chapter 3.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def permuted_blocks(
    size: int,
    ratio: np.ndarray,
    block_sizes: tuple[int, ...],
    generator: np.random.Generator,
    *,
    complete: bool,
) -> np.ndarray:
    """Arms of one stratum in permuted blocks.

    Parameters
    ----------
    size
        Number of allocations.
    ratio
        (arms,) whole numbers.
    block_sizes
        Multiples of the ratio's sum. Each block's size is drawn from them with equal
        probability; with `complete` only among those that still let the rest be filled.
    complete
        True: the last block ends at `size`. False: it may be cut there.

    Returns
    -------
    (size,) indices of arms.
    """
    import numpy as np

    sizes = tuple(sorted(set(block_sizes)))
    contents = _contents(tuple(ratio.tolist()), sizes)
    arms: list[np.ndarray] = []
    left = size
    while left > 0:
        open_sizes = open_block_sizes(left, sizes, complete=complete)
        block = open_sizes[generator.integers(0, len(open_sizes))]
        arms.append(generator.permutation(contents[block])[:left])
        left -= block
    return np.concatenate(arms)


@lru_cache(maxsize=64)
def _contents(ratio: tuple[int, ...], sizes: tuple[int, ...]) -> dict[int, np.ndarray]:
    """Size → its arms in order; read only."""
    import numpy as np

    return {b: np.repeat(np.arange(len(ratio)), np.array(ratio) * (b // sum(ratio))) for b in sizes}


@lru_cache(maxsize=4096)
def open_block_sizes(left: int, sizes: tuple[int, ...], *, complete: bool) -> tuple[int, ...]:
    """Sizes among which the next block's is drawn, with `left` places left, ascending."""
    each = tuple(sorted(set(sizes)))
    if not complete:
        return each
    fillable = _fillable(left, each)
    return tuple(b for b in each if b <= left and fillable[left - b])


#: Sizes of blocks → whether 0, 1, 2, … places can be filled by whole ones; grows as asked.
_filled: dict[tuple[int, ...], list[bool]] = {}


def _fillable(size: int, blocks: tuple[int, ...]) -> list[bool]:
    """(at least size + 1) whether n places can be filled by whole blocks."""
    reached = _filled.get(blocks, [True])
    if len(reached) <= size:
        reached = list(reached)  # another thread may be reading
        for n in range(len(reached), size + 1):
            reached.append(any(b <= n and reached[n - b] for b in blocks))
        _filled[blocks] = reached
    return reached
