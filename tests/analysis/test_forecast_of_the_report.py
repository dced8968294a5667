"""The saved model is the one that the report tells of."""

from __future__ import annotations

import pytest

import equipoise as eq


def test_coefficients_and_penalty_are_those_of_the_results(il2, il2_records, il2_results):
    model = eq.train_forecast(il2, il2_records)
    for stage, trained in model.forecasts.items():
        told = il2_results.forecast.stage(stage)
        assert trained.ridge.penalty == told.penalty
        assert trained.ridge.n == told.n
        assert trained.responders == told.responders
        assert [c.estimate for c in told.coefficients] == pytest.approx(
            trained.ridge.coefficients.tolist(), rel=1e-12
        )
