"""Tail probabilities and quantiles of t and F, from the incomplete beta function.

`scipy.special` alone: importing `scipy.stats` takes most of a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def two_sided_t(t: Any, df: Any) -> np.ndarray:
    """P(\\|T\\| > \\|t\\|) for T with `df` degrees of freedom; accurate far into the tail."""
    import numpy as np
    from scipy.special import betainc

    t = np.asarray(t, dtype=float)
    df = np.asarray(df, dtype=float)
    return betainc(0.5 * df, 0.5, df / (df + t * t))


def t_quantile(probability: float, df: Any) -> np.ndarray:
    """Quantile of t with `df` (real) degrees of freedom."""
    import numpy as np
    from scipy.special import stdtrit

    return stdtrit(np.asarray(df, dtype=float), probability)


def f_tail(statistic: float, df1: float, df2: float) -> float:
    """P(F > statistic); NaN where df2 is NaN."""
    from scipy.special import betainc

    if not df2 > 0.0 or statistic < 0.0:
        return float("nan")
    return float(betainc(0.5 * df2, 0.5 * df1, df2 / (df2 + df1 * statistic)))
