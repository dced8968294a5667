"""Whether the outcome follows an early change along a straight line: a restricted cubic spline.

Derivation: docs/methods/early-change.md, "In proportion".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..distributions import f_tail, t_quantile
from ..errors import ArgumentError
from ..exact_intervals import require_level
from .orthogonal_columns import orthonormal_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import ArrayLike

    from .landmark_arrays import LandmarkData

#: Number of knots → the quantiles at which they lie (Harrell 2015, table 2.3).
KNOT_QUANTILES = {3: (0.1, 0.5, 0.9), 4: (0.05, 0.35, 0.65, 0.95)}
#: From so many people there are four knots.
FOUR_KNOTS_FROM = 100


@dataclass(frozen=True, slots=True)
class DoseResponse:
    """The outcome on the early change, bent where the data bend, within arms.

    NaN, and no knots, where there are too few people or too few different values.

    Attributes
    ----------
    n : int
        Participants used.
    knots : ndarray (k,)
        On the scale of the early change.
    statistic, df1, df2, p : float
        F test of what is not linear: of all spline terms but the first.
    at : ndarray (g,)
        Early changes at which the curve is given, from the smallest to the largest.
    curve, lower, upper : ndarray (g,)
        Expected outcome at the mean of all covariates, arms included as they occur, with its
        pointwise t interval.
    line : ndarray (g,)
        The same of the straight line.
    adjusted : ndarray (n,)
        Outcome of each participant moved to that mean: the curve plus the own residual; NaN for
        those who are not used.
    """

    n: int
    knots: np.ndarray
    statistic: float
    df1: int
    df2: float
    p: float
    at: np.ndarray
    curve: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    line: np.ndarray
    adjusted: np.ndarray


def spline_columns(values: ArrayLike, knots: Sequence[float] | np.ndarray) -> np.ndarray:
    """Basis of a cubic spline that is linear beyond its outer knots.

    Column 0 is the value itself; column j is, with u+ = max(u, 0) and knots t_1 < ... < t_k,

      [(x - t_j)+^3 - (x - t_(k-1))+^3 (t_k - t_j)/(t_k - t_(k-1))
        + (x - t_k)+^3 (t_(k-1) - t_j)/(t_k - t_(k-1))] / (t_k - t_1)^2,

    so that all columns have the unit of the value.

    Parameters
    ----------
    values : array_like (...)
    knots : sequence (k,)
        At least three, rising.

    Returns
    -------
    ndarray (..., k - 1)

    References
    ----------
    Harrell FE (2015) Regression Modeling Strategies, 2nd ed. Springer, eq. 2.25.
    """
    import numpy as np

    x, t = np.asarray(values, dtype=float), np.asarray(knots, dtype=float)
    if t.ndim != 1 or len(t) < 3 or not np.isfinite(t).all() or not (np.diff(t) > 0.0).all():
        raise ArgumentError(
            "at least three rising knots", where="knots", value=[float(k) for k in t.ravel()]
        )

    def cubed(knot: float) -> np.ndarray:
        return np.maximum(x - knot, 0.0) ** 3

    last, before, width = t[-1], t[-2], t[-1] - t[-2]
    bent = [
        (
            cubed(knot)
            - cubed(before) * (last - knot) / width
            + cubed(last) * (before - knot) / width
        )
        / (last - t[0]) ** 2
        for knot in t[:-2]
    ]
    return np.stack([x, *bent], axis=-1)


def dose_response(
    data: LandmarkData, *, knots: int | None = None, points: int = 61, alpha: float = 0.05
) -> DoseResponse:
    """Test of linearity and the fitted curve of one trial, within arms.

    Model and assumptions as in `associate` within arms, with the early change as a restricted
    cubic spline. That the test finds nothing is no evidence of a straight line: at 36 people it
    sees strong bends alone.

    Parameters
    ----------
    data : LandmarkData
        Of one trial.
    knots : int, optional
        3 or 4, at Harrell's quantiles of those used; 3 below 100 people when left out.
    points : int
        Where the curve is given, at least 2.
    alpha : float

    Raises
    ------
    ArgumentError
        If there are several trials, or an argument is out of its range.

    References
    ----------
    Harrell FE (2015) Regression Modeling Strategies, 2nd ed. Springer, sections 2.4.5 and 2.4.6.
    """
    import numpy as np

    require_level(alpha)
    if data.shape not in ((), (1,)):
        raise ArgumentError("one trial at a time", where="data", value=data.shape)
    if knots is not None and knots not in KNOT_QUANTILES:
        raise ArgumentError("3 or 4", where="knots", value=knots)
    if isinstance(points, bool) or not isinstance(points, int) or points < 2:
        raise ArgumentError("a whole number of at least 2", where="points", value=points)
    used = data.used("within-arms")[0]
    n = int(used.sum())
    x, y = data.early[0, used], data.outcome[0, used]
    count = knots or (4 if n >= FOUR_KNOTS_FROM else 3)
    places = np.quantile(x, KNOT_QUANTILES[count]) if n else np.zeros(count)
    if not (np.diff(places) > 0.0).all():
        return _nothing(data, n)
    columns = [c[0, used] for c in data.covariate_columns("within-arms", data.used("within-arms"))]
    # Orthonormal and centred, the covariates are 0 at their mean.
    basis = orthonormal_columns([column[None] for column in columns])
    kept = basis.columns[1:, 0][(basis.columns[1:, 0] ** 2).sum(axis=1) > 0.5]
    others = (kept - kept.mean(axis=1, keepdims=True)).T
    # The first column is the intercept; those after it were cleared of it.
    middle, scale = float(x.mean()), float(x.std())
    bent = spline_columns((x - middle) / scale, (places - middle) / scale)
    design = np.column_stack([np.ones(n), others, bent])
    df2 = n - design.shape[1]
    if df2 < 1 or np.linalg.matrix_rank(design) < design.shape[1]:
        return _nothing(data, n)
    at = np.linspace(x.min(), x.max(), points)
    held = np.zeros((points, others.shape[1]))
    there = np.column_stack(
        [np.ones(points), held, spline_columns((at - middle) / scale, (places - middle) / scale)]
    )
    straight = design.shape[1] - bent.shape[1] + 1
    fit, ssr = _least_squares(design, y)
    plain, plain_ssr = _least_squares(design[:, :straight], y)
    df1 = bent.shape[1] - 1
    sigma2 = ssr / df2
    if not sigma2 > 0.0:
        return _nothing(data, n)
    statistic = max(plain_ssr - ssr, 0.0) / df1 / sigma2
    # Q R = design: the variance of c'b is sigma^2 |R'^-1 c|^2.
    triangle = np.linalg.qr(design)[1]
    root = np.linalg.solve(triangle.T, there.T)
    reach = float(t_quantile(1.0 - alpha / 2.0, df2)) * np.sqrt(sigma2 * (root**2).sum(axis=0))
    curve = there @ fit
    adjusted = np.full(used.shape, np.nan)
    adjusted[used] = y - others @ fit[1 : 1 + others.shape[1]]
    return DoseResponse(
        n=n,
        knots=places,
        statistic=float(statistic),
        df1=df1,
        df2=float(df2),
        p=f_tail(float(statistic), df1, df2),
        at=at,
        curve=curve,
        lower=curve - reach,
        upper=curve + reach,
        line=there[:, :straight] @ plain,
        adjusted=adjusted,
    )


def _least_squares(design: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    import numpy as np

    fit = np.linalg.lstsq(design, y, rcond=None)[0]
    left = y - design @ fit
    return fit, float(left @ left)


def _nothing(data: LandmarkData, n: int) -> DoseResponse:
    import numpy as np

    none, nan = np.empty(0), float("nan")
    people = np.full(data.outcome.shape[1], nan)
    return DoseResponse(n, none, nan, 0, nan, nan, none, none, none, none, none, people)
