"""Ridge, lasso and what lies between, for many training sets and outcomes at once.

Coordinate descent on correlations; with mixing 0 it is ridge regression, solved in one step.
Derivation: docs/methods/multivariate.md, "Ridge and elastic net".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np

#: Strengths from which one is chosen; from 1 no elastic net has a predictor left.
STRENGTHS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.17, 0.12, 0.08, 0.05, 0.03)
#: Mixing below which the strength is not divided further: ridge never leaves a predictor out.
_LEAST_MIXING = 0.05
#: Sweeps after which coordinate descent gives up.
_MOST_SWEEPS = 20_000


def net_penalty(strength: float, mixing: float) -> float:
    """The penalty lambda on standardised predictors and outcome: strength / max(mixing, 0.05)."""
    return strength / max(mixing, _LEAST_MIXING)


def fit_elastic_net(
    gram: np.ndarray,
    correlations: np.ndarray,
    penalty: float,
    mixing: float,
    *,
    start: np.ndarray | None = None,
    tolerance: float = 1e-10,
) -> np.ndarray:
    """Coefficients (T, B, p) that minimise, per person,

    |y - Xb|^2 / 2 + penalty * (mixing * |b|_1 + (1 - mixing) * |b|^2 / 2).

    Parameters
    ----------
    gram : ndarray (T, p, p)
        Correlations of the predictors; a row of zeros for one that does not vary.
    correlations : ndarray (T, B, p)
        Of predictors and outcomes.
    penalty : float
        Above 0.
    mixing : float
        From 0, ridge, to 1, lasso.
    start : ndarray (T, B, p), optional
        Where coordinate descent begins.
    tolerance : float
        It ends when a sweep moves no coefficient by more.

    Raises
    ------
    ArgumentError
        If penalty or mixing are out of range, or coordinate descent does not end.

    References
    ----------
    Zou H, Hastie T (2005) Regularization and variable selection via the elastic net. J R Stat Soc
    B 67:301–320.
    Friedman J, Hastie T, Tibshirani R (2010) Regularization paths for generalized linear models
    via coordinate descent. J Stat Softw 33(1):1–22.
    """
    import numpy as np

    if not penalty > 0.0:
        raise ArgumentError("above 0", where="penalty", value=penalty)
    if not 0.0 <= mixing <= 1.0:
        raise ArgumentError("from 0 to 1", where="mixing", value=mixing)
    p = gram.shape[2]
    if mixing == 0.0:
        return correlations @ np.linalg.inv(gram + penalty * np.eye(p)).swapaxes(1, 2)
    cut, shrink = penalty * mixing, 1.0 + penalty * (1.0 - mixing)
    # Outcomes last: each step is then one product a set, over all outcomes.
    c = np.ascontiguousarray(correlations.swapaxes(1, 2))
    b = np.zeros_like(c) if start is None else start.swapaxes(1, 2).copy()
    done, left = b, np.arange(c.shape[2])
    for _ in range(_MOST_SWEEPS):
        most = np.zeros((len(c), len(left)))
        for j in range(p):
            old = b[:, j]
            pull = c[:, j] - (gram[:, j : j + 1] @ b)[:, 0] + gram[:, j, j, None] * old
            new = (pull - np.clip(pull, -cut, cut)) / shrink
            np.maximum(most, np.abs(new - old), out=most)
            b[:, j] = new
        moving = most.max(axis=0) > tolerance
        if not moving.any():
            done[:, :, left] = b
            return done.swapaxes(1, 2)
        if 2 * int(moving.sum()) <= len(left):
            # Outcomes that no longer move are put aside.
            done[:, :, left] = b
            left, b, c = left[moving], b[:, :, moving], c[:, :, moving]
    raise ArgumentError(
        "coordinate descent does not end", where="penalty", value=penalty,
        remedy="a larger penalty, or predictors that are not copies of one another",
    )  # fmt: skip
