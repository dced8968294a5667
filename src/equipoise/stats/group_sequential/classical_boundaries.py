"""The boundaries of Pocock, of O'Brien and Fleming, and those between, for equal steps."""

from __future__ import annotations

from typing import Any

from ..errors import ArgumentError
from .crossing import crossing_probabilities


def wang_tsiatis_constant(looks: int, alpha: float, shape: float) -> float:
    """C of the boundaries C (k / K)^(shape - 1/2) of a two-sided test with K equal steps.

    Parameters
    ----------
    looks
        K, at least 1.
    alpha
        Two-sided level.
    shape
        1/2 gives Pocock's boundaries, 0 those of O'Brien and Fleming.

    Raises
    ------
    ArgumentError
        For looks or a level that are none.

    References
    ----------
    Wang SK, Tsiatis AA (1987) Approximately optimal one-parameter boundaries for group sequential
    trials. Biometrics 43:193–199.
    """
    from scipy.optimize import brentq

    if looks < 1:
        raise ArgumentError("at least 1", where="looks", value=looks)
    if not 0.0 < alpha < 1.0:
        raise ArgumentError("a level", where="alpha", value=alpha)
    shares = [k / looks for k in range(1, looks + 1)]

    def excess(constant: float) -> float:
        upper = [constant * share ** (shape - 0.5) for share in shares]
        found = crossing_probabilities(shares, upper, [-b for b in upper])
        return float(found.upper.sum() + found.lower.sum()) - alpha

    root: Any = brentq(excess, 0.1, 12.0, xtol=1e-10)
    return float(root)
