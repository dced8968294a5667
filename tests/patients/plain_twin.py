"""The mechanistic model written from its equations: one patient, general solvers, no shortcut.

Pharmacokinetics is four linear differential equations, solved by the matrix exponential. The
dynamics join them in one system of sixteen, solved by DOP853 at a relative tolerance of 1e-12,
segment by segment between doses and sampling times. Slow on purpose: nothing of the compiled
form (closed form in exponentials, exact linear blocks, shared grid) is in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.linalg import expm

Array = NDArray[np.float64]

#: The states of `follow_plainly`, in the order of its columns.
STATES = (
    "concentration",
    "sensitivity",
    "margination",
    "activation",
    "treg",
    "th2",
    "naive_cd4",
    "naive_cd8",
    "nk",
    "eosinophils",
    "other_cd4",
    "tone",
    "severity",
)

#: Column of the central compartment among depot, lymph, central and peripheral.
CENTRAL = 2


@dataclass(frozen=True, slots=True)
class Dose:
    """What is given: when (day), how much (IU), how (`subcutaneous`, `bolus`, `infusion`).

    ``length`` is that of an infusion, in days.
    """

    day: float
    amount: float
    route: str = "subcutaneous"
    length: float = 0.0


@dataclass(frozen=True, slots=True)
class Event:
    """What happens to the amounts at ``day``: added at once, and to the rate of infusion."""

    day: float
    depot: float = 0.0
    central: float = 0.0
    rate: float = 0.0


def rates(p: Mapping[str, float]) -> Array:
    """(4, 4): time derivative of depot, lymph, central, peripheral amounts for each unit."""
    k10, k12 = p["CL"] / p["V1"], p["Q"] / p["V1"]
    return np.array(
        [
            [-p["ka"], 0.0, 0.0, 0.0],
            [p["ka"], -p["kl"], 0.0, 0.0],
            [0.0, p["kl"], -(k10 + k12), p["k21"]],
            [0.0, 0.0, k12, -p["k21"]],
        ]
    )


def events(p: Mapping[str, float], doses: Sequence[Dose]) -> list[Event]:
    """The doses as jumps, in order of time; a subcutaneous one after its lag."""
    found: list[Event] = []
    for dose in doses:
        if dose.route == "subcutaneous":
            found.append(Event(dose.day + p["lag"], depot=p["F"] * dose.amount))
        elif dose.route == "bolus":
            found.append(Event(dose.day, central=dose.amount))
        else:
            rate = dose.amount / dose.length
            found.append(Event(dose.day, rate=rate))
            found.append(Event(dose.day + dose.length, rate=-rate))
    return sorted(found, key=lambda event: event.day)


def concentrations(p: Mapping[str, float], doses: Sequence[Dose], days: Sequence[float]) -> Array:
    """IU/mL on each day, by the matrix exponential of amounts with the infusion as a fifth."""
    system = np.zeros((5, 5))
    system[:4, :4] = rates(p)
    system[CENTRAL, 4] = 1.0
    jumps = events(p, doses)
    found = np.zeros(len(days))
    for index, day in enumerate(days):
        amounts, now = np.zeros(5), 0.0
        for event in jumps:
            if event.day >= day:
                break
            amounts = expm(system * (event.day - now)) @ amounts + _jump(event)
            now = event.day
        found[index] = (expm(system * (day - now)) @ amounts)[CENTRAL] / p["V1"]
    return found


def follow_plainly(
    p: Mapping[str, float],
    doses: Sequence[Dose],
    days: Sequence[float],
    rtol: float = 1e-12,
    atol: float = 1e-13,
) -> dict[str, Array]:
    """Every state on each day (ascending); a sample on a day of dosing is taken before the dose.

    Amounts are carried as concentrations (over V1), so that one tolerance suits all states.
    """
    jumps = events(p, doses)
    stops = sorted({*days, *(event.day for event in jumps)})
    state = np.array([0.0] * 4 + [1.0, 0.0, 0.0] + [1.0] * 7 + [0.0, p["S0"]])
    rate, now = 0.0, 0.0
    kept: dict[float, Array] = {}
    for stop in stops:
        if stop > now:
            state = _advance(_derivative(p, rate / p["V1"]), now, stop, state, rtol, atol)
            now = stop
        kept[stop] = state.copy()
        for event in jumps:
            if event.day == stop:
                state[:4] += _jump(event)[:4] / p["V1"]
                rate += event.rate
    table = np.array([kept[day] for day in days])
    return {name: table[:, column] for name, column in zip(STATES, _COLUMNS, strict=True)}


def area_under_curve(p: Mapping[str, float], amount: float, route: str) -> float:
    """IU·d/mL from one dose to the end of time: what reaches blood over clearance."""
    return amount * (p["F"] if route == "subcutaneous" else 1.0) / p["CL"]


def mean_residence_time(p: Mapping[str, float], route: str) -> float:
    """Days: first moment of the concentration over its area, from the moment of the dose."""
    blood = (1.0 + p["Q"] / p["V1"] / p["k21"]) * p["V1"] / p["CL"]
    return blood + (p["lag"] + 1 / p["ka"] + 1 / p["kl"] if route == "subcutaneous" else 0.0)


#: Central compartment, then the twelve states of the dynamics.
_COLUMNS = (CENTRAL, *range(4, 16))


def _jump(event: Event) -> Array:
    return np.array([event.depot, 0.0, event.central, 0.0, event.rate])


def _advance(
    derivative: Callable[[float, Array], list[float]],
    start: float,
    stop: float,
    state: Array,
    rtol: float,
    atol: float,
) -> Array:
    # A first step of a thousandth of the segment: the solver's own guess starts from a flat slope.
    solution = solve_ivp(
        derivative,
        (start, stop),
        state,
        method="DOP853",
        rtol=rtol,
        atol=atol,
        first_step=(stop - start) / 1000,
        t_eval=[stop],
    )
    assert solution.success, solution.message
    return np.asarray(solution.y[:, -1], dtype=float)


def _derivative(p: Mapping[str, float], infusion: float) -> Callable[[float, Array], list[float]]:
    k10, k12 = p["CL"] / p["V1"], p["Q"] / p["V1"]

    def derivative(t: float, state: Array) -> list[float]:
        a1, a2, c, ap, r, m, q, t_reg, h, n4, n8, k, g, e, tone, s = state.tolist()
        signal = c / (c + p["ECT"]) if c > 0 else 0.0
        leave = c / (c + p["EM"]) if c > 0 else 0.0
        response = p["Bmax"] * (1 - math.exp(-p["kB"] * t))
        return [
            -p["ka"] * a1,
            p["ka"] * a1 - p["kl"] * a2,
            p["kl"] * a2 - (k10 + k12) * c + p["k21"] * ap + infusion,
            k12 * c - p["k21"] * ap,
            p["kR"] * (1 - r) - p["kD"] * signal * r,
            p["kin"] * leave * (1 - m) - p["kout"] * m,
            p["kQ"] * (signal * r - q),
            p["pT"] * q - p["kT"] * (t_reg - 1),
            p["pH"] * q - p["kH"] * (h - 1),
            p["pN4"] * q - p["kN4"] * (n4 - 1),
            p["pN8"] * q - p["kN8"] * (n8 - 1),
            p["pK"] * q - p["kK"] * (k - 1),
            p["pG"] * q - p["kG"] * (g - 1),
            p["kE"] * (1 / (1 + p["w"] * (t_reg - 1)) - e),
            p["kI"]
            * (
                p["fl"] * m
                - p["gT"] * (t_reg - 1)
                - p["gH"] * (h - 1)
                - p["gN"] * (n4 - 1)
                - p["gD"] * leave
                - tone
            ),
            p["kS"] * (p["S0"] * (1 - response) * (1 - p["phi"] * (1 - math.exp(tone))) - s),
        ]

    return derivative
