"""The study of mediated intervals, with few trials here and more under EQUIPOISE_VALIDATE=1."""

from __future__ import annotations

import json
import math
import os

import pytest
from tests.validate.mediation_study import PAGE, STORE, A, B, page, study

TRIALS = 500 if os.environ.get("EQUIPOISE_VALIDATE") == "1" else 60


@pytest.mark.parametrize(("a", "b"), [(A, B), (0.0, B), (0.0, 0.0)])
def test_percentile_and_quasi_bayesian_hold_their_level_at_36(a, b):
    slack = 4 * math.sqrt(0.05 * 0.95 / TRIALS)
    for row in study(36, a, b, trials=TRIALS, draws=199):
        if row["method"] != "bca":
            assert row["coverage"] >= 0.93 - slack


def test_the_page_is_that_of_the_stored_figures():
    told = json.loads(STORE.read_text(encoding="utf-8"))
    assert PAGE.read_text(encoding="utf-8") == page(told["rows"], told["trials"], told["draws"])
