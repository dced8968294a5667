"""The likelihood and its derivatives at one point, whatever the covariance structure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What a kernel found at one point; see `kernels.likelihood.evaluate`.

    Attributes
    ----------
    point : array
        Factors (C, T, T) for an unstructured covariance, otherwise parameters (K,).
    ok : bool
        Whether the covariance matrices are positive definite there and the value is finite.
    value : float
        −2 log-likelihood without its constant.
    root : (p + 1, p + 1)
    gradient : (K,)
    hessian, fisher : (K, K)
        Observed and expected.
    curvature : (K, K)
        The Hessian along the curves on which steps are taken.
    moments : (K, (p + 1)(p + 2)/2)
    projections : (G, T, T)
        Empty for other structures than ``us``.
    whitened : (pseudo-participants, T, p + 1)
    """

    point: np.ndarray
    ok: bool
    value: float
    root: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray
    fisher: np.ndarray
    curvature: np.ndarray
    moments: np.ndarray
    projections: np.ndarray
    whitened: np.ndarray


class CovarianceModel(Protocol):
    """A family of covariance matrices with data, as the optimiser moves in it."""

    @property
    def longest_step(self) -> float:
        """Bound on `length` of one step."""
        ...

    def evaluate(self, point: np.ndarray, *, derivatives: bool) -> Evaluation:
        """The likelihood at `point`."""
        ...

    def length(self, direction: np.ndarray) -> float:
        """Size of a step."""
        ...

    def moved(self, point: np.ndarray, direction: np.ndarray, t: float) -> np.ndarray:
        """The point that lies `t` times `direction` away."""
        ...

    def factors(self, point: np.ndarray) -> np.ndarray:
        """(C, T, T) square factors of the covariance matrices."""
        ...

    def uncorrelated(self, point: np.ndarray) -> bool:
        """Whether a group has lost every correlation that the structure could have."""
        ...

    def slope_to_boundary(self, state: Evaluation) -> float:
        """d(−2 log L) / d log(smallest eigenvalue of the covariance matrices)."""
        ...

    def for_inference(self, at: Evaluation) -> Evaluation:
        """The same point, with derivatives in the parameters that inference is in."""
        ...

    def second_order(self, at: Evaluation, half: np.ndarray, *, curved: bool) -> np.ndarray:
        """(G, T, T) whitened sums of W_ab (V_a V_b − V_ab / 4), W = 2 half'half.

        Without second derivatives unless `curved`; `at` is from `for_inference`.
        """
        ...

    def metric(self, point: np.ndarray) -> np.ndarray | None:
        """(K, K) matrix in which a step is as long as the change it makes; None for I."""
        ...
