"""Closed-form pharmacokinetics: a dose passes a depot and the lymph into two compartments.

An amount D that enters the depot gives, a time u later, the concentration
``D * sum_i c_i exp(-lambda_i u)`` with the four rates (ka, kl, alpha, beta); an intravenous
bolus has the last two terms only. Everything else (repeated doses, infusions, areas) is sums and
integrals of that. Derivation: ``docs/methods/mechanistic-patients.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

#: Two rates nearer to one another than this (relative) are moved apart by it: the closed form
#: divides by their difference. The concentration changes by less than about as much.
NEAREST_RATES = 1e-6


@dataclass(frozen=True, slots=True)
class Disposition:
    """Concentration after one unit of drug, for n patients.

    Attributes
    ----------
    rates
        (4, n) ka, kl, alpha, beta (1/d).
    absorbed
        (4, n) coefficients after a dose into the depot (concentration per unit of amount).
    injected
        (4, n) coefficients after an intravenous bolus; the first two are 0.
    """

    rates: np.ndarray
    absorbed: np.ndarray
    injected: np.ndarray

    def coefficients(self, route: str) -> np.ndarray:
        """(4, n) coefficients of this route."""
        return self.injected if route == "intravenous" else self.absorbed


def disposition(values: Mapping[str, ArrayLike]) -> Disposition:
    """Rates and coefficients of the closed form.

    Parameters
    ----------
    values
        V1, CL, Q, k21, ka, kl, F, each (n,) or a number.

    Notes
    -----
    ``alpha, beta = (s ± sqrt(s² - 4 k10 k21)) / 2`` with ``s = k10 + k12 + k21``,
    ``k10 = CL / V1``, ``k12 = Q / V1``; beta is computed as ``k10 k21 / alpha``, which loses no
    digits. ``c_i = F ka kl / V1 · (k21 - lambda_i) / prod_{j≠i} (lambda_j - lambda_i)``.
    Source: Gibaldi, Perrier, Pharmacokinetics, 2nd ed., appendix B (Laplace transforms).
    """
    import numpy as np

    v1, cl, q, k21, ka, kl, f = np.broadcast_arrays(
        *(
            np.atleast_1d(np.asarray(values[name], dtype=float))
            for name in ("V1", "CL", "Q", "k21", "ka", "kl", "F")
        )
    )
    k10, k12 = cl / v1, q / v1
    s = k10 + k12 + k21
    alpha = (s + np.sqrt(np.maximum(s * s - 4 * k10 * k21, 0.0))) / 2
    beta = k10 * k21 / alpha
    injected = np.zeros((4, len(v1)))
    apart = np.maximum(alpha - beta, NEAREST_RATES * alpha)
    injected[2] = (alpha - k21) / apart / v1
    injected[3] = (k21 - beta) / apart / v1
    rates = _apart(np.stack([ka, kl, alpha, beta]))
    absorbed = np.empty_like(rates)
    for i in range(4):
        others = [rates[j] - rates[i] for j in range(4) if j != i]
        absorbed[i] = f * ka * kl / v1 * (k21 - rates[i]) / (others[0] * others[1] * others[2])
    return Disposition(rates, absorbed, injected)


def _apart(rates: np.ndarray) -> np.ndarray:
    """The rates with those that coincide moved apart."""
    import numpy as np

    order = np.argsort(rates, axis=0)
    ascending = np.take_along_axis(rates, order, axis=0)
    for i in range(1, 4):
        least = ascending[i - 1] * (1 + NEAREST_RATES)
        ascending[i] = np.maximum(ascending[i], least)
    moved = np.empty_like(rates)
    np.put_along_axis(moved, order, ascending, axis=0)
    return moved


def concentration(
    values: Mapping[str, ArrayLike],
    days: ArrayLike,
    dose_days: ArrayLike,
    amounts: ArrayLike,
    *,
    route: str = "subcutaneous",
    infusion: float = 0.0,
) -> np.ndarray:
    """Concentration of n patients at any times after any schedule.

    Parameters
    ----------
    values
        As for `disposition`, and ``lag`` (days) for doses that are absorbed.
    days
        (t,) times (days).
    dose_days, amounts
        (k,) when, and how much, in the model's unit; amounts may be (n, k).
    route
        ``intravenous``, or any other for doses that are absorbed.
    infusion
        Duration of each dose (days); 0 for a bolus. Intravenous only.

    Returns
    -------
    numpy.ndarray
        (n, t) in the model's unit of concentration.
    """
    import numpy as np

    found = disposition(values)
    c = found.coefficients(route)
    n = c.shape[1]
    t = np.asarray(days, dtype=float)
    given = np.broadcast_to(np.asarray(amounts, dtype=float), (n, np.size(dose_days)))
    lag = 0.0 if route == "intravenous" else float(np.max(np.asarray(values["lag"])))
    total = np.zeros((n, t.size))
    for k, day in enumerate(np.asarray(dose_days, dtype=float)):
        u = t - day - lag
        since = np.where(u >= 0, u, np.inf)[None, :]
        for i in range(4):
            rate, share = found.rates[i][:, None], c[i][:, None] * given[:, k][:, None]
            if infusion > 0 and route == "intravenous":
                running = np.where(u >= 0, np.minimum(u, infusion), 0.0)[None, :]
                ended = np.where(u > infusion, u - infusion, 0.0)[None, :]
                total += (
                    share * -np.expm1(-rate * running) / (rate * infusion) * np.exp(-rate * ended)
                )
            else:
                total += share * np.exp(-rate * since)
    return np.maximum(total, 0.0)


def area_under_curve(values: Mapping[str, ArrayLike], amount: float, route: str) -> np.ndarray:
    """(n,) area under the concentration after one dose, to infinity: the sum of c_i / lambda_i."""
    found = disposition(values)
    return amount * (found.coefficients(route) / found.rates).sum(axis=0)
