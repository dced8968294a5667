"""Folds by chance, stratified by blocks: who is left out together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def fold_labels(
    blocks: np.ndarray, members: np.ndarray, folds: int, generator: np.random.Generator
) -> np.ndarray:
    """(t, n) number of the fold of each row in each training set; -1 for who is not a member.

    People of one block are dealt out in a random order, and the next block goes on where the one
    before stopped, so that folds differ by one person in size, and in a block by one.

    Parameters
    ----------
    blocks
        (n,) arm x stratum. The outcome is not looked at: folds are the same for permuted ones.
    members
        (t, n) who is in.
    """
    import numpy as np

    sets, n = members.shape
    chance = generator.random((sets, n))
    # A block is a whole number and chance a fraction: sorted, blocks stand together. Others last.
    key = np.where(members, blocks + chance, np.inf)
    order = np.argsort(key, axis=1, kind="stable")
    start = generator.integers(folds, size=(sets, 1))
    # Which fold gets the person too many is by chance as well.
    names = np.argsort(generator.random((sets, folds)), axis=1)
    dealt = np.take_along_axis(names, (np.arange(n) + start) % folds, axis=1)
    labels = np.empty((sets, n), dtype=np.int64)
    np.put_along_axis(labels, order, dealt, axis=1)
    return np.where(members, labels, -1)
