"""Unequal ratios as equal ones: an arm of share 2 counts as two arms that are given alike.

Adaptive rules are defined for arms of equal shares. Applied to unequal shares as they stand they
lean to one arm at some places of the sequence, which biases a re-randomisation test. Over equal
parts, of which each arm has as many as its share, every place has the allocation ratio exactly,
by symmetry.

References
----------
Kuznetsova OM, Tymofyeyev Y (2012) Preserving the allocation ratio at every allocation with biased
coin randomization and minimization in studies with unequal allocation. Statistics in Medicine
31:701-723.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def equal_parts(ratio: np.ndarray) -> np.ndarray:
    """The arm of each part.

    Parameters
    ----------
    ratio
        (arms,) whole numbers; 4 : 2 has the parts of 2 : 1.

    Returns
    -------
    (parts,) indices of arms, ascending.
    """
    import numpy as np

    return np.repeat(np.arange(len(ratio)), ratio // np.gcd.reduce(ratio))
