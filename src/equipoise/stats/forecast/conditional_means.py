"""Missing predictors filled in by what the training set says of them, and by nothing else.

The predictors are taken as jointly normal; mean and covariance come from the training set alone
by a few rounds of expectation and maximisation, correlations drawn somewhat towards 0; a missing
value becomes its mean given the person's other predictors. The outcome is not used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: Rounds; later ones change nothing that a forecast from few people could show.
_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class JointMoments:
    """Means and covariances of predictors in training sets.

    Attributes
    ----------
    mean, covariance
        (t, p) and (t, p, p); correlations are drawn towards 0, so that the latter is invertible
        but for columns that do not vary.
    """

    mean: np.ndarray
    covariance: np.ndarray

    def fill(self, x: np.ndarray) -> np.ndarray:
        """(t, n, p) values with their conditional means where they are missing.

        Parameters
        ----------
        x
            (n, p), NaN where missing.
        """
        import numpy as np

        sets = len(self.mean)
        filled = np.broadcast_to(x, (sets, *x.shape)).copy()
        rows = np.flatnonzero(np.isnan(x).any(axis=1))
        if rows.size:
            filled[:, rows] = self.given(x[rows])[0]
        return filled

    def given(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(t, m, p) conditional means and (t, m, p, p) covariances of rows with gaps."""
        import numpy as np

        seen = ~np.isnan(x)
        both = seen[:, :, None] & seen[:, None, :]
        sd = np.sqrt(np.einsum("tpp->tp", self.covariance))
        sd = np.where(sd > 0.0, sd, 1.0)
        correlation = self.covariance / (sd[:, :, None] * sd[:, None, :])
        p = x.shape[1]
        own = np.where(both, correlation[:, None], 0.0)
        # A column that does not vary is known, and tells nothing.
        still = np.einsum("tpp->tp", correlation) == 0.0
        own = own + np.eye(p) * (~seen[:, None, :] | still[:, None, None, :])
        away = np.where(seen, np.nan_to_num(x) - self.mean[:, None], 0.0) / sd[:, None]
        across = np.where(~seen[:, :, None] & seen[:, None, :], correlation[:, None], 0.0)
        weights = np.linalg.solve(own, across.swapaxes(2, 3)).swapaxes(2, 3)
        means = self.mean[:, None] + sd[:, None] * (weights @ away[..., None])[..., 0]
        missing = ~seen[:, :, None] & ~seen[:, None, :]
        around = np.where(missing, correlation[:, None] - weights @ across.swapaxes(2, 3), 0.0)
        around = around * (sd[:, None, :, None] * sd[:, None, None, :])
        return np.where(seen, np.nan_to_num(x), means), around


def joint_moments(x: np.ndarray, weights: np.ndarray) -> JointMoments:
    """Means and covariances in each training set.

    Parameters
    ----------
    x
        (n, p), NaN where missing.
    weights
        (t, n) of the rows in each training set.
    """
    import numpy as np

    seen = ~np.isnan(x)
    values = np.nan_to_num(x)
    size = weights.sum(axis=1)
    count = np.maximum(weights @ seen, 1e-12)
    mean = (weights @ (values * seen)) / count
    about = np.where(seen, values - mean[:, None], 0.0)
    first = np.einsum("tn,tnp->tp", weights, about * about) / count
    covariance = first[:, :, None] * np.eye(x.shape[1])
    rows = np.flatnonzero(~seen.all(axis=1))
    for _ in range(_ROUNDS if rows.size else 1):
        moments = JointMoments(mean, covariance)
        filled = np.broadcast_to(values, (len(weights), *x.shape)).copy()
        extra = 0.0
        if rows.size:
            filled[:, rows], around = moments.given(x[rows])
            extra = np.einsum("tm,tmpq->tpq", weights[:, rows], around)
        mean = np.einsum("tn,tnp->tp", weights, filled) / size[:, None]
        about = filled - mean[:, None]
        cross = (weights[:, None] * about.swapaxes(1, 2)) @ about + extra
        own = np.einsum("tpp->tp", cross)
        diagonal = own[:, :, None] * np.eye(x.shape[1])
        # As if p more people had been seen in whom nothing goes together.
        p = float(x.shape[1])
        covariance = (cross + (p / size)[:, None, None] * diagonal) / (size + p)[:, None, None]
    return JointMoments(mean, covariance)
