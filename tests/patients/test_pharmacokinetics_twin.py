"""Closed-form pharmacokinetics against the matrix exponential and exact moments."""

from __future__ import annotations

import numpy as np
import pytest
from tests.patients import plain_twin as twin

from equipoise.mechanisms import find_model
from equipoise.patients.pharmacokinetics import area_under_curve, concentration, disposition
from equipoise.patients.population import VirtualPatients, draw_patients

#: Relative to the highest concentration: sums of four exponentials that nearly cancel early on.
CLOSED_FORM = 1e-10

#: None is that of a bolus: there `concentration` is the one just after it.
DAYS = (0.02, 0.05, 0.1, 0.25, 0.5, 0.99, 1.01, 2.0, 3.5, 7.0)


@pytest.fixture(scope="module")
def people() -> VirtualPatients:
    return draw_patients(find_model("il2"), 8, np.random.default_rng(20))


def of(people: VirtualPatients, i: int) -> dict[str, float]:
    return {name: float(values[i]) for name, values in people.values.items()}


@pytest.mark.parametrize("route", ["subcutaneous", "intravenous"])
def test_the_closed_form_is_the_matrix_exponential(people: VirtualPatients, route: str) -> None:
    plain = "bolus" if route == "intravenous" else route
    given = [(0.0, 1e6), (1.0, 0.5e6), (2.5, 2e6)]
    ours = concentration(
        people.values, DAYS, [d for d, _ in given], [a for _, a in given], route=route
    )
    for i in range(people.size):
        doses = [twin.Dose(day, amount, plain) for day, amount in given]
        theirs = twin.concentrations(of(people, i), doses, DAYS)
        assert np.abs(ours[i] - theirs).max() < CLOSED_FORM * theirs.max()


def test_an_infusion_is_the_matrix_exponential(people: VirtualPatients) -> None:
    ours = concentration(people.values, DAYS, [0.03], [1.8e6], route="intravenous", infusion=0.25)
    for i in range(people.size):
        doses = [twin.Dose(0.03, 1.8e6, "infusion", 0.25)]
        theirs = twin.concentrations(of(people, i), doses, DAYS)
        assert np.abs(ours[i] - theirs).max() < CLOSED_FORM * theirs.max()


def test_the_matrix_exponential_and_the_solver_agree_with_one_another(
    people: VirtualPatients,
) -> None:
    doses = [twin.Dose(0.0, 1e6), twin.Dose(1.0, 1e6)]
    days = [0.0, 0.1, 1.0, 1.5]
    solved = twin.follow_plainly(of(people, 0), doses, days)["concentration"]
    theirs = twin.concentrations(of(people, 0), doses, days)
    assert np.abs(solved - theirs).max() < 1e-11 * theirs.max()


@pytest.mark.parametrize("route", ["subcutaneous", "intravenous"])
def test_area_and_mean_residence_time_are_the_exact_moments(
    people: VirtualPatients, route: str
) -> None:
    """AUC = F D / CL; mean residence time = Vss / CL + lag + 1/ka + 1/kl."""
    area = area_under_curve(people.values, 1e6, route)
    found = disposition(people.values)
    c = found.coefficients(route)
    residence = (c / found.rates**2).sum(axis=0) / (c / found.rates).sum(axis=0)
    for i in range(people.size):
        p = of(people, i)
        assert area[i] == pytest.approx(twin.area_under_curve(p, 1e6, route), rel=1e-11)
        lag = p["lag"] if route == "subcutaneous" else 0.0
        assert residence[i] + lag == pytest.approx(twin.mean_residence_time(p, route), rel=1e-11)


def test_doses_add_up(people: VirtualPatients) -> None:
    both = concentration(people.values, DAYS, [0.0, 1.0], [1e6, 3e6])
    first = concentration(people.values, DAYS, [0.0], [1e6])
    second = concentration(people.values, DAYS, [1.0], [1e6])
    assert both == pytest.approx(first + 3 * second, rel=1e-13, abs=1e-13)


def test_coinciding_rates_leave_the_closed_form_finite_and_right(people: VirtualPatients) -> None:
    """Where ka = kl the closed form divides by zero: the rates are moved apart by 1e-6."""
    p = of(people, 0) | {"ka": 6.0, "kl": 6.0}
    ours = concentration({k: np.array([v]) for k, v in p.items()}, DAYS, [0.0], [1e6])[0]
    theirs = twin.concentrations(p, [twin.Dose(0.0, 1e6)], DAYS)
    assert np.abs(ours - theirs).max() < 1e-5 * theirs.max()
    assert np.abs(ours - theirs).max() > 0
