"""A ridge regression that forecasts: mean, predictive distribution, and where it may be used.

Assumptions: the outcome is linear in the columns, with normal errors of one variance; penalised
coefficients, per SD, come from one normal distribution, whose variance, as a share of the errors',
is 1/(n x penalty). Derivation: docs/methods/forecast.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..distributions import t_quantile
from ..errors import ArgumentError
from .conditional_means import JointMoments
from .forecast_columns import PredictorColumns, predictor_columns
from .penalty_choice import choose_penalties

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


@dataclass(frozen=True, slots=True)
class Predicted:
    """Predictive t distributions of m people.

    Attributes
    ----------
    mean, se
        (m,) centre and scale, in the outcome's unit.
    df
        Degrees of freedom.
    lower, upper
        (m,) limits of the interval in which a new person's outcome is expected.
    """

    mean: np.ndarray
    se: np.ndarray
    df: float
    lower: np.ndarray
    upper: np.ndarray

    def probability_below(self, threshold: np.ndarray | float) -> np.ndarray:
        """(m,) probability that the outcome is at most `threshold`."""
        import numpy as np
        from scipy.special import stdtr

        gap = np.asarray(threshold - self.mean, dtype=float)
        # Where everybody had the same outcome the forecast is that outcome, and no spread is seen.
        spread = self.se > 0.0
        certain = (gap >= 0.0).astype(float)
        return np.where(spread, stdtr(self.df, gap / np.where(spread, self.se, 1.0)), certain)


@dataclass(frozen=True, slots=True)
class RidgeForecast:
    """A trained forecast.

    Attributes
    ----------
    coefficients
        (p + k,) of the columns and of the products, in the outcome's unit per unit of the column.
    intercept
        At 0 of every column and product.
    centre, scale
        (p + k,) mean and SD in the training set; products are of the second column less its mean.
    penalised
        (p,) whether a column's coefficient is shrunk; those of products are.
    products
        (k, 2) pairs of columns.
    penalty
        Per participant, on coefficients per SD.
    residual_variance, df
        Of the errors, and the degrees of freedom of the predictive t distribution.
    covariance
        (p + k + 1, p + k + 1) of intercept and coefficients about `centre`, as a share of the
        residual variance.
    n
        People in the training set.
    lower, upper
        (p,) range of each column there.
    joint_mean, joint_covariance
        (p,) and (p, p) of the columns there, by which missing ones are filled in.
    furthest
        The largest distance, as of `distance`, in the training set.
    """

    coefficients: np.ndarray
    intercept: float
    centre: np.ndarray
    scale: np.ndarray
    penalised: np.ndarray
    products: np.ndarray
    penalty: float
    residual_variance: float
    df: float
    covariance: np.ndarray
    n: int
    lower: np.ndarray
    upper: np.ndarray
    joint_mean: np.ndarray
    joint_covariance: np.ndarray
    furthest: float

    def predict(self, x: np.ndarray, *, alpha: float = 0.05) -> Predicted:
        """Outcomes that are expected of new people.

        Parameters
        ----------
        x
            (m, p) their columns; a missing penalised one is filled in by its conditional mean.
        alpha
            One less the probability of the interval.

        Raises
        ------
        ArgumentError
            If the columns are not those of the training set, or an unpenalised one is missing.
        """
        import numpy as np

        whole = self._expanded(x)
        about = np.column_stack([np.ones(len(whole)), whole - self.centre])
        mean = self.intercept + whole @ self.coefficients
        share = 1.0 + np.einsum("mi,ij,mj->m", about, self.covariance, about)
        se = np.sqrt(self.residual_variance * share)
        reach = t_quantile(1.0 - alpha / 2.0, self.df) * se
        return Predicted(mean, se, self.df, mean - reach, mean + reach)

    def outside(self, x: np.ndarray) -> np.ndarray:
        """(m, p) whether a column lies outside the range of the training set."""
        import numpy as np

        x = np.atleast_2d(np.asarray(x, dtype=float))
        slack = 1e-9 * np.maximum(1.0, np.abs(self.upper - self.lower))
        return (x < self.lower - slack) | (x > self.upper + slack)

    def distance(self, x: np.ndarray) -> np.ndarray:
        """(m,) Mahalanobis distance of new people from the middle of the training set.

        With the covariance that `fill` uses, whose correlations are drawn towards 0. A set of
        values each within its range can still be one that nobody had.
        """
        import numpy as np

        joint = self._joint()
        return _distance(joint, joint.fill(np.atleast_2d(np.asarray(x, dtype=float)))[0])

    def fill(self, x: np.ndarray) -> np.ndarray:
        """(m, p) columns, missing ones by their means given the others."""
        import numpy as np

        return self._joint().fill(np.atleast_2d(np.asarray(x, dtype=float)))[0]

    def _joint(self) -> JointMoments:
        return JointMoments(self.joint_mean[None], self.joint_covariance[None])

    def _expanded(self, x: np.ndarray) -> np.ndarray:
        import numpy as np

        given = predictor_columns(np.atleast_2d(x), self.penalised, self.products)
        whole = self.fill(given.x)
        if not len(self.products):
            return whole
        first, second = self.products.T
        return np.column_stack([whole, whole[:, first] * (whole[:, second] - self.centre[second])])


def fit_ridge_forecast(
    x: np.ndarray,
    y: np.ndarray,
    penalised: Sequence[bool] | np.ndarray,
    *,
    products: Sequence[tuple[int, int]] = (),
    penalties: Sequence[float],
    folds: int = 5,
    repeats: int = 10,
    generator: np.random.Generator,
    blocks: np.ndarray | None = None,
) -> RidgeForecast:
    """Train a forecast; the penalty is chosen by repeated cross-validation.

    Parameters
    ----------
    x
        (n, p) columns without intercept; NaN where a penalised one is missing.
    y
        (n,) outcomes.
    penalised
        (p,) which coefficients are shrunk.
    products
        Pairs of columns whose product is a penalised column besides.
    penalties
        Candidates, per participant: the sum of squared errors and n x penalty x the sum of
        squared coefficients per SD is made small.
    folds, repeats
        Of the cross-validation; with one penalty there is none.
    generator
        The only source of chance.
    blocks
        (n,) within which folds are dealt.

    Raises
    ------
    ArgumentError
        Where shapes do not fit, or there are fewer than two people more than unpenalised columns.

    References
    ----------
    Hoerl AE, Kennard RW (1970) Ridge regression: biased estimation for nonorthogonal problems.
    Technometrics 12:55–67.
    """
    import numpy as np

    columns = predictor_columns(x, penalised, products)
    y = np.asarray(y, dtype=float)
    grid = np.unique(np.asarray(list(penalties), dtype=float))
    _check(columns, y, grid, folds)
    weights = np.ones((1, len(y)))
    filled = columns.filled(weights)
    place = len(grid) - 1
    if len(grid) > 1:
        place = choose_penalties(
            columns, y[:, None], weights, filled,
            blocks=np.zeros(len(y)) if blocks is None else np.asarray(blocks),
            penalties=grid, folds=folds, repeats=repeats, generator=generator,
        )[0, 0]  # fmt: skip
    return _fitted(columns, y, weights, filled, float(grid[place]))


def _check(columns: PredictorColumns, y: np.ndarray, grid: np.ndarray, folds: int) -> None:
    import numpy as np

    n = len(columns.x)
    if y.shape != (n,) or not np.isfinite(y).all():
        raise ArgumentError("one finite outcome a row", where="y", value=y.shape)
    if not grid.size or not (np.isfinite(grid).all() and grid[0] > 0.0):
        raise ArgumentError("finite numbers above 0", where="penalties", value=grid.tolist())
    if folds < 2 or folds > n:
        raise ArgumentError("from 2 to the number of people", where="folds", value=folds)
    spare = n - 1 - int((~columns.penalised).sum())
    if spare < 2:
        raise ArgumentError("too few people for the unpenalised columns", where="x", value=n)


def _fitted(
    columns: PredictorColumns,
    y: np.ndarray,
    weights: np.ndarray,
    filled: np.ndarray,
    penalty: float,
) -> RidgeForecast:
    import numpy as np

    system = columns.system(weights, filled)
    scores = system.scores(y[:, None])
    divisor = system.divisors(penalty)[0]
    n, mask = len(y), columns.penalised
    df = float(n - system.rank[0])
    left = float(scores.left[0, 0] - (scores.axes[0, :, 0] ** 2 / divisor).sum())
    fixed = np.column_stack([np.ones(n), columns.x[:, ~mask]])
    # To what the unpenalised columns and the penalised ones per SD are taken by the system.
    shrunk = _penalised(columns, filled[0])
    per_sd = (shrunk - system.centre[0]) / system.scale[0]
    to_known = np.linalg.lstsq(fixed, system.known[0], rcond=None)[0]
    shared = to_known @ (system.known[0].T @ per_sd)
    standard = system.turn[0] @ (scores.axes[0, :, 0] / divisor)
    steady = to_known @ (system.known[0].T @ (y - per_sd @ standard))
    root = 1.0 / np.sqrt(divisor)
    over = np.zeros((fixed.shape[1] + len(standard),) * 2)
    u = fixed.shape[1]
    over[:u, :u] = to_known
    over[:u, u:] = -(shared @ system.turn[0]) * root
    over[u:, u:] = (system.turn[0] / system.scale[0][:, None]) * root
    # From unpenalised before penalised to the order of the columns, about their means.
    p, k = columns.x.shape[1], len(columns.products)
    order = np.concatenate(
        [[0], 1 + np.flatnonzero(~mask), 1 + np.flatnonzero(mask), 1 + p + np.arange(k)]
    )
    coefficients = np.zeros(1 + p + k)
    coefficients[order] = np.concatenate([steady, standard / system.scale[0]])
    centre = np.zeros(1 + p + k)
    centre[order] = np.concatenate([[0.0], fixed[:, 1:].mean(axis=0), system.centre[0]])
    spread = np.ones(1 + p + k)
    spread[order] = np.concatenate([[1.0], fixed[:, 1:].std(axis=0), system.scale[0]])
    # `steady` holds the mean at the centre of the penalised columns, and at 0 of the others.
    whole = np.zeros_like(over)
    whole[order] = over
    moved = whole.copy()
    at = 1 + np.flatnonzero(~mask)
    moved[0] += centre[at] @ whole[at]
    shrunk_at = np.concatenate([1 + np.flatnonzero(mask), 1 + p + np.arange(k)])
    intercept = coefficients[0] - float(centre[shrunk_at] @ coefficients[shrunk_at])
    joint = columns.moments(weights)
    return RidgeForecast(
        coefficients=coefficients[1:],
        intercept=intercept,
        centre=centre[1:],
        scale=spread[1:],
        penalised=mask,
        products=columns.products,
        penalty=penalty,
        residual_variance=max(left, 0.0) / df,
        df=df,
        covariance=moved @ moved.T,
        n=n,
        # NaN where nobody has a value: `fmin` passes over missing ones and says no more.
        lower=np.fmin.reduce(columns.x, axis=0),
        upper=np.fmax.reduce(columns.x, axis=0),
        joint_mean=joint.mean[0],
        joint_covariance=joint.covariance[0],
        furthest=float(_distance(joint, filled[0]).max()),
    )


def _penalised(columns: PredictorColumns, filled: np.ndarray) -> np.ndarray:
    """(n, q) penalised columns and products, as the system takes them."""
    import numpy as np

    first, second = columns.products.T
    mean = filled.mean(axis=0)
    times = filled[:, first] * (filled[:, second] - mean[second])
    return np.column_stack([filled[:, columns.penalised], times])


def _distance(joint: JointMoments, x: np.ndarray) -> np.ndarray:
    """(m,) distances with the correlations of `joint`; columns that do not vary are left out."""
    import numpy as np

    sd = np.sqrt(np.diag(joint.covariance[0]))
    used = sd > 0.0
    correlation = joint.covariance[0][np.ix_(used, used)] / np.outer(sd[used], sd[used])
    z = (x[:, used] - joint.mean[0][used]) / sd[used]
    return np.sqrt(np.einsum("mi,mi->m", z, np.linalg.solve(correlation, z.T).T))
