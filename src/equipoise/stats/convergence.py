"""How a fit ended: a named result, checked again after the optimiser has stopped."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """How the search for the maximum of the likelihood ended, with what to do about it."""

    CONVERGED = ("converged", "")
    BOUNDARY = (
        "boundary",
        "Look for visits with few participants, responses that are (nearly) copies of one "
        "another, or a design with almost as many columns as participants; then pre-specify a "
        "simpler covariance, fewer visits or fewer covariates",
    )
    UNBOUNDED = (
        "unbounded likelihood",
        "Some combination of the visits is explained exactly, as there are too few participants "
        "for this design and covariance: pre-specify a simpler covariance, fewer visits or fewer "
        "covariates",
    )
    NO_CORRELATION = (
        "no correlation",
        "Responses of one participant show no positive correlation that falls with their distance: "
        "check the coordinates and their unit, or pre-specify another covariance",
    )
    NOT_IDENTIFIED = (
        "not identified",
        "There are more covariance parameters than these data inform: pre-specify a simpler "
        "covariance or fewer visits",
    )
    SEPARATED_VISITS = (
        "separated visits",
        "Leave a visit out, or pre-specify a covariance that links them",
    )
    NO_IMPROVEMENT = (
        "no improvement",
        "The likelihood is flat or rough here: check the response for values on a coarse grid or "
        "of very different sizes, then pre-specify a simpler covariance",
    )
    ITERATION_LIMIT = (
        "iteration limit",
        "The likelihood has no clear maximum for this covariance: look for visits with few "
        "participants and for gross outliers, then pre-specify a simpler covariance",
    )
    NOT_FINITE = (
        "not finite",
        "Give the response and the covariates in units in which they are neither huge nor tiny",
    )
    RANK = (
        "rank-deficient design",
        "Take the redundant columns out of the design, or merge empty levels; there must be more "
        "observations than columns",
    )
    CONSTANT = (
        "no variation",
        "Check that the right column is the response: the design explains it exactly",
    )
    GRADIENT = (
        "gradient not zero",
        "Report this as a fault of the program, with the data if they may be shared",
    )

    def __init__(self, word: str, remedy: str) -> None:
        self.word = word
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Convergence:
    """The state of the optimiser at its last point.

    Attributes
    ----------
    outcome : Outcome
        The named result: converged, or why not.
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
        Of the covariance matrices, in squared units of the response.
    smallest_correlation_eigenvalue : float
        Of the correlation matrices: 0 at the boundary.
    message : str
        The same in words.
    """

    outcome: Outcome
    iterations: int
    evaluations: int
    gradient_norm: float
    newton_decrement: float
    smallest_hessian_eigenvalue: float
    smallest_eigenvalue: float
    largest_eigenvalue: float
    smallest_correlation_eigenvalue: float
    message: str

    @property
    def converged(self) -> bool:
        """Every check was passed."""
        return self.outcome is Outcome.CONVERGED
