"""How a fit ended: a named result, checked again after the optimiser has stopped."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Convergence:
    """The state of the optimiser at its last point.

    Attributes
    ----------
    converged : bool
        Every check below was passed.
    iterations : int
        Steps taken.
    evaluations : int
        Evaluations of the likelihood, those of halved steps included.
    gradient_norm : float
        Euclidean norm of the gradient of −2 log L in whitened coordinates (no unit).
    newton_decrement : float
        g'H⁻¹g, about twice the distance of −2 log L from its minimum; NaN where H is not
        positive definite.
    smallest_hessian_eigenvalue : float
        Of the Hessian of −2 log L in whitened coordinates: about the number of participants
        that inform the worst-determined direction of the covariance.
    smallest_eigenvalue, largest_eigenvalue : float
        Of the covariance matrix, in squared units of the response.
    smallest_correlation_eigenvalue : float
        Of the correlation matrix: 0 at the boundary.
    message : str
        The same in words.
    """

    converged: bool
    iterations: int
    evaluations: int
    gradient_norm: float
    newton_decrement: float
    smallest_hessian_eigenvalue: float
    smallest_eigenvalue: float
    largest_eigenvalue: float
    smallest_correlation_eigenvalue: float
    message: str
