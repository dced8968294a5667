"""The plan of the forecast: what is refused when the protocol is read, and what is left as it is."""

from __future__ import annotations

import pytest
from tests.conftest import protocol_text

from equipoise.protocol import check_protocol
from equipoise.protocol.forecast_plan import ForecastPlan

FOLDS = "inner_folds = 5\npermutations = 499"

#: Case -> (change of the built-in protocol), field, rule, remedy.
CASES = {
    "no such response": (
        ('response = "hdrs_response"', 'response = "hdrs_respnse"'),
        "response", "`hdrs_respnse` is no endpoint", "did you mean `hdrs_response`",
    ),
    "a remission as response": (
        ('response = "hdrs_response"', 'response = "hdrs_remission"'),
        "response", "on the scale `remission`", "name an endpoint on the scale response",
    ),
    "the response of another scale": (
        ('[endpoints.hdrs_response]\nlabel = "HDRS-17 response"\ninstrument = "hdrs"',
         '[endpoints.hdrs_response]\nlabel = "YMRS response"\nreduction = 0.5\ninstrument = "ymrs"'),
        "response", "both are of one scale", "the outcome's own instrument",
    ),
    "no such predictor": (
        ('predictors = ["treg_percent", "th2_percent"', 'predictors = ["alt", "th2_percent"'),
        "predictors.0", "`alt` is no marker", "treg_percent",
    ),
    "a predictor twice": (
        ('predictors = ["treg_percent", "th2_percent"', 'predictors = ["treg_percent", "treg_percent"'),
        "predictors.1", "each predictor stands once", "take it out",
    ),
    "no such characteristic": (
        ('characteristics = ["sex", "age"]', 'characteristics = ["sex", "weight"]'),
        "characteristics.1", "`weight` is no covariate", "age",
    ),
    "a factor of the randomisation": (
        ('characteristics = ["sex", "age"]', 'characteristics = ["diagnosis", "age"]'),
        "characteristics.0", "in the forecast already", "take it out",
    ),
    "a characteristic twice": (
        ('characteristics = ["sex", "age"]', 'characteristics = ["age", "age"]'),
        "characteristics.1", "each covariate stands once", "take it out",
    ),
    "a penalty of nothing": (
        (FOLDS, f"penalties = [0.0, 1.0]\n{FOLDS}"),
        "penalties.0", "a penalty is above 0", "give a number above 0",
    ),
    "one fold": (
        (FOLDS, "inner_folds = 1\npermutations = 499"),
        "inner_folds", "greater than or equal to 2", "nearest valid: 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_does_not_go_together_is_refused(name, write_protocol):
    change, field, rule, remedy = CASES[name]
    protocol, faults = check_protocol(write_protocol(change))
    assert protocol is None
    found = [f for f in faults if f.field == f"analysis.stratification.forecast.{field}"]
    assert found, [str(f) for f in faults]
    assert rule in found[0].rule
    assert remedy in found[0].remedy


def test_without_an_early_change_there_is_nothing_to_forecast(write_protocol):
    text = protocol_text("il2-depression")
    plan = text[text.index("[analysis.prediction]") : text.index("[analysis.stratification")]
    protocol, faults = check_protocol(write_protocol((plan, "")))
    assert protocol is None
    assert any("takes its outcome, landmark and early visit" in f.rule for f in faults)


def test_what_is_left_out_has_sensible_values():
    plan = ForecastPlan()
    assert (plan.folds, plan.repeats, plan.permutations) == (5, 10, 999)
    assert list(plan.penalties) == sorted(plan.penalties)
