"""Adjustment of p-values for several hypotheses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike


def holm(p: ArrayLike) -> np.ndarray:
    """Holm's step-down adjusted p-values: valid under any dependence.

    Adjusted p of the i-th smallest is the largest of (m − j + 1) p_(j) over j <= i, at most 1.

    Parameters
    ----------
    p : array_like (m,)
        Unadjusted p-values.

    Returns
    -------
    (m,) array
        In the order given. A hypothesis is rejected at family-wise level alpha where its
        adjusted p is at most alpha.

    Raises
    ------
    ArgumentError
        If a value is not between 0 and 1; a missing p-value has no place in a family that was
        fixed in advance.

    References
    ----------
    Holm S (1979) A simple sequentially rejective multiple test procedure. Scand J Stat 6:65–70.
    """
    import numpy as np

    values = require_p_values(p)
    order = np.argsort(values, kind="stable")
    m = len(values)
    stepped = np.maximum.accumulate(values[order] * np.arange(m, 0, -1))
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def hochberg(p: ArrayLike) -> np.ndarray:
    """Hochberg's step-up adjusted p-values: never larger than Holm's, valid less often.

    Assumes independent or suitably positively dependent p-values; percentages of one whole
    depend negatively. To be used only where the protocol names it. Adjusted p of the i-th
    smallest is the smallest of (m − j + 1) p_(j) over j >= i.

    Parameters, result and errors as for `holm`.

    References
    ----------
    Hochberg Y (1988) A sharper Bonferroni procedure for multiple tests of significance.
    Biometrika 75:800–802.
    """
    import numpy as np

    values = require_p_values(p)
    order = np.argsort(values, kind="stable")
    m = len(values)
    stepped = np.minimum.accumulate((values[order] * np.arange(m, 0, -1))[::-1])[::-1]
    adjusted = np.empty(m)
    adjusted[order] = stepped
    return adjusted


def benjamini_hochberg(p: ArrayLike) -> np.ndarray:
    """Benjamini and Hochberg's step-up adjusted p-values: the false discovery rate, no more.

    Rejecting where the adjusted p is at most q keeps the expected share of false rejections
    among all rejections below q. It does not keep the chance of any false rejection. Assumes
    independent or suitably positively dependent p-values. Adjusted p of the i-th smallest is the
    smallest of m p_(j) / j over j >= i.

    Parameters, result and errors as for `holm`.

    References
    ----------
    Benjamini Y, Hochberg Y (1995) Controlling the false discovery rate: a practical and powerful
    approach to multiple testing. J R Stat Soc B 57:289–300.
    """
    import numpy as np

    values = require_p_values(p)
    m = len(values)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * m / np.arange(1, m + 1)
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted


def fixed_sequence(p: ArrayLike) -> np.ndarray:
    """Adjusted p-values of a fixed sequence: each is the largest so far, in the order given.

    Every hypothesis is tested at the full level as long as all before it were rejected. Valid
    under any dependence; the order is fixed in advance.

    Parameters, result and errors as for `holm`.

    References
    ----------
    Maurer W, Hothorn LA, Lehmacher W (1995) Multiple comparisons in drug clinical trials and
    preclinical assays: a-priori ordered hypotheses. Biometrie in der chemisch-pharmazeutischen
    Industrie 6:3–18.
    """
    import numpy as np

    return np.maximum.accumulate(require_p_values(p))


def require_p_values(p: ArrayLike) -> np.ndarray:
    """One row of numbers between 0 and 1, none missing."""
    import numpy as np

    values = np.asarray(p, dtype=float)
    if values.ndim != 1:
        raise ArgumentError(
            "p-values stand in one row", where="p", value=f"array of {values.ndim} dimensions"
        )
    if not np.all((values >= 0.0) & (values <= 1.0)):
        raise ArgumentError(
            "p-values lie between 0 and 1, and none is missing", where="p", value=values.tolist()
        )
    return values
