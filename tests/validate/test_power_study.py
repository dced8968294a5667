"""Simulated power beside closed forms: few trials here, all under EQUIPOISE_VALIDATE=1."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.validate.power_study import (
    Case,
    null_cases,
    page,
    power_cases,
    redrawn_level,
    study,
)

FULL = os.environ.get("EQUIPOISE_VALIDATE") == "1"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "power-study.md"


@pytest.mark.parametrize("test", ["t", "ancova"])
def test_exact_tests_have_the_power_of_their_formula(test, tmp_path):
    """At any size; 12 : 6 here. 99.9 % limits of the trials' own number."""
    assert study(Case(test, 18, 2, 0.5, 1000), tmp_path, workers=1).held


def test_the_formula_of_the_mixed_model_is_a_limit(tmp_path):
    """At 500 an arm within the limits; at 18 it promises more."""
    assert study(Case("mmrm", 1002, 1, 0.9, 300), tmp_path, workers=1).held
    small = study(Case("mmrm", 18, 1, 0.4, 1000), tmp_path, workers=1)
    assert small.formula > small.upper


@pytest.mark.skipif(not FULL, reason="minutes; run by make validate")
def test_the_page_is_written(tmp_path):
    rows = [study(case, tmp_path) for case in (*null_cases(50_000), *power_cases(20_000))]
    for one in rows:
        if one.case.test != "mmrm" or one.case.n >= 1000:
            assert one.held, one
        elif one.case.fold == 1.0:
            assert 0.045 < one.simulated < 0.055, one
        else:
            assert one.formula > one.simulated, one
    redrawn = redrawn_level(tmp_path, ("permuted-blocks", "urn", "biased-coin"), 5_000)
    for one in redrawn:
        assert one.lower <= 0.05, one
    PAGE.write_text(page(rows, redrawn), encoding="utf-8")
