"""Between-within degrees of freedom: by the level at which a coefficient is estimated.

The rule of nlme and of R mmrm for one level of grouping (Schluchter and Elashoff 1990, J Stat
Comput Simul 37:69–87; Pinheiro and Bates 2000, Mixed-Effects Models in S and S-PLUS, section
2.4.2). Derivation, and where SAS differs: docs/methods/between-within.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np

    from .model_data import ModelData

_INTERCEPT = "Intercept"
_NEGLIGIBLE = 1e-12


def between_within_df(data: ModelData) -> np.ndarray:
    """Degrees of freedom of each coefficient.

    A coefficient is *within* if its column of the design differs between two rows of any one
    participant, else *between*. With N participants, n rows, p_b between and p_w within
    coefficients (the intercept in neither), between: N − 1 − p_b (N − p_b without an intercept);
    within, and the intercept: n − N − p_w. Where nobody has two rows there is one level only, and
    every coefficient has N − p.

    Returns
    -------
    (p,) array

    Raises
    ------
    ArgumentError
        If a level that is used has no degrees of freedom left.
    """
    import numpy as np

    n, p = data.design.shape
    if n == data.n_subjects:
        return np.full(p, float(n - p))
    first = np.zeros(data.n_subjects, dtype=np.int64)
    first[data.subject[::-1]] = np.arange(n)[::-1]
    within = np.any(data.design != data.design[first[data.subject]], axis=0)
    intercept = np.array([term == _INTERCEPT for term in data.terms])
    n_between = int(np.sum(~within & ~intercept))
    n_within = int(np.sum(within & ~intercept))
    between_df = data.n_subjects - n_between - int(intercept.any())
    within_df = n - data.n_subjects - n_within
    uses_within = within | intercept
    for level, df, used in (
        ("between", between_df, ~uses_within),
        ("within", within_df, uses_within),
    ):
        if used.any() and df <= 0:
            raise ArgumentError(
                f"{df} degrees of freedom are left {level} participants",
                where="df='between-within'",
                rule=f"{n} rows of {data.n_subjects} participants, {n_between} coefficients "
                f"between and {n_within} within them",
                remedy="Take terms out of the formula, or pre-specify another method",
            )
    return np.where(uses_within, float(within_df), float(between_df))


def smallest_df(coefficient_df: np.ndarray, L: np.ndarray) -> np.ndarray:
    """For each row of L the smallest df of the coefficients that it uses (R mmrm's rule)."""
    import numpy as np

    size = np.abs(L)
    used = size > _NEGLIGIBLE * np.max(size, axis=1, keepdims=True)
    return np.min(np.where(used, coefficient_df, np.inf), axis=1)
