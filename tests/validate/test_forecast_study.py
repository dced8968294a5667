"""The study of forecasts, with few trials here and all of them under EQUIPOISE_VALIDATE=1."""

from __future__ import annotations

import math
import os

import pytest
from tests.validate.forecast_study import DEFAULT, PAGE, Scenario, pooled_auc, study, trials_of

FULL = os.environ.get("EQUIPOISE_VALIDATE") == "1"
pytestmark = pytest.mark.skipif(not FULL, reason="some minutes: make validate")


def error(trials: int) -> float:
    """Four binomial standard errors of a rate of 5 %, in percent."""
    return 400.0 * math.sqrt(0.05 * 0.95 / trials)


@pytest.mark.parametrize("n", list(DEFAULT))
def test_the_permutation_keeps_its_level(n):
    scenario = Scenario(n, 0.0, null=True)
    found = study(scenario, trials_of(scenario))
    for rate in found.permutation.values():
        assert rate == pytest.approx(5.0, abs=error(found.trials))


@pytest.mark.parametrize("n", list(DEFAULT))
def test_nothing_is_gained_where_nothing_is(n):
    found = study(Scenario(n, 0.0), DEFAULT[n])
    assert found.gain is not None
    for rate in found.gain.values():
        assert rate <= 2.5 + error(DEFAULT[n])
    assert found.covered == pytest.approx(95.0, abs=2.0)


@pytest.mark.parametrize("n", list(DEFAULT))
def test_left_out_people_are_as_new_people(n):
    """A little worse: fewer people train. What the bootstrap corrects is too good at 36."""
    found = study(Scenario(n, 3.0), DEFAULT[n])
    assert found.covered == pytest.approx(95.0, abs=2.0)
    assert found.truth - 0.12 <= found.left_out <= found.truth + 0.05
    assert found.corrected >= found.left_out - 0.03


def test_pooled_leave_one_out_is_biased():
    mean, spread = pooled_auc(36, 8, 1.0, 600)
    assert mean == pytest.approx(0.41, abs=4 * spread + 0.01)


def test_the_page_is_there():
    assert "SIMULATED" in PAGE.read_text(encoding="utf-8")
