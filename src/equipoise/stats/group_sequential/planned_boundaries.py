"""Boundaries of a plan of looks: efficacy, and futility that does not bind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .boundaries import efficacy_boundaries, futility_boundaries, inflation
from .crossing import crossing_probabilities


@dataclass(frozen=True, slots=True)
class PlannedBoundaries:
    """Boundaries at the planned shares of the information.

    Attributes
    ----------
    upper
        (K,) on the scale of Z.
    nominal
        (K,) two-sided nominal p.
    lower
        (K,) of futility; None without.
    inflation
        Information at the same power, as a multiple of that of one test.
    """

    upper: tuple[float, ...]
    nominal: tuple[float, ...]
    lower: tuple[float, ...] | None
    inflation: float


def planned_boundaries(
    shares: Sequence[float],
    alpha: float,
    function: str,
    parameter: float | None = None,
    *,
    futility: str | None = None,
    futility_parameter: float | None = None,
    power: float = 0.9,
) -> PlannedBoundaries:
    """Boundaries at planned shares; the type-I error is that of who ignores futility.

    Parameters
    ----------
    shares
        (K,) of the information, ascending, the last 1.
    alpha
        Two-sided.
    function, parameter
        Of `spent`, for efficacy.
    futility, futility_parameter
        The same for the type-II error; none when left out.
    power
        Whose type-II error futility spends: under the drift at which the trial, ending for
        futility too, has it.

    Raises
    ------
    ArgumentError
        When shares do not rise or the level is none.
    """
    found = efficacy_boundaries(shares, alpha, function, parameter=parameter)
    nominal = tuple(2.0 * p for p in found.nominal)
    if futility is None:
        cost = inflation(shares, found.upper, power, alpha)
        return PlannedBoundaries(found.upper, nominal, None, cost)
    low, high = 0.5, 12.0
    lower: tuple[float, ...] = ()
    for _ in range(60):
        drift = 0.5 * (low + high)
        lower = futility_boundaries(
            shares, found.upper, 1.0 - power, drift, futility, parameter=futility_parameter
        )
        reached = crossing_probabilities(shares, found.upper, lower, drift).power
        low, high = (drift, high) if reached < power else (low, drift)
    cost = inflation(shares, found.upper, power, alpha, lower=lower)
    return PlannedBoundaries(found.upper, nominal, lower, cost)
