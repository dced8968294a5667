"""The study of the slope within arms: few trials here, all of them under EQUIPOISE_VALIDATE=1."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
from tests.validate.early_change_study import LOSS, cells, page, study

FULL = os.environ.get("EQUIPOISE_VALIDATE") == "1"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "early-change-study.md"


@pytest.mark.parametrize("link", ["off", "on"])
def test_complete_cases_keep_level_and_coverage_where_nobody_is_lost(link):
    """Exact under normal errors: five binomial errors."""
    trials = 20_000 if FULL else 2_000
    found = study(36, link, LOSS[0], "complete cases", trials)
    assert abs(found.covered - 95.0) < 5 * found.error
    if link == "off":
        assert abs(found.rejected - 5.0) < 5 * found.error
    else:
        assert found.rejected > 50.0


def test_imputation_keeps_its_level_and_the_ridge_costs_little():
    """Near 5 %: the ridge prior and normal theory are approximate at 36."""
    trials = 1_000 if FULL else 60
    found = study(36, "off", LOSS[1], "imputed", trials)
    assert found.rejected < 6.5 + 500 * math.sqrt(0.05 * 0.95 / trials)
    on = study(36, "on", LOSS[1], "imputed", trials)
    assert abs(on.bias) < 0.5


@pytest.mark.skipif(not FULL, reason="minutes; run by make validate")
def test_the_page_is_written():
    found = cells(20_000, 1_000)
    for one in found:
        assert 92.0 < one.covered < 98.5
    PAGE.write_text(page(found), encoding="utf-8")
