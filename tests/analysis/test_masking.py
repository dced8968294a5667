"""What gives an arm away leaves the records themselves, not only the page."""

from __future__ import annotations

import polars as pl
import pytest

from equipoise.analysis.masking import WITHHELD_REASON, without_unblinding
from equipoise.analysis.open_words import names_an_arm


def test_no_row_of_an_unblinding_measurement_or_term_is_left(il2, il2_records):
    shown, said = without_unblinding(il2, il2_records)
    assert shown.kits is None
    assert set(shown.cells["population"]) == {"naive_cd4", "naive_cd8"}
    assert "eosinophils" not in set(shown.labs["analyte"])
    assert set(shown.vitals["sign"]) == {"systolic", "diastolic", "heart_rate"}
    assert set(shown.adverse_events["term"]) <= {"Headache", "Nausea"}
    out = il2_records.adverse_events.height - shown.adverse_events.height
    assert said[0] == "4 measurements that can give an arm away: left out"
    assert said[1].startswith(f"{out} adverse events of terms")
    assert shown.scores.equals(il2_records.scores)


def test_a_reason_that_names_a_treatment_or_what_is_withheld_is_replaced(il2, il2_records):
    reasons = ["Rash on Aldesleukin", "Injection site reaction", "High eosinophils", "Moved away"]
    table = il2_records.disposition.head(4).with_columns(reason=pl.Series(reasons))
    from dataclasses import replace

    shown, _ = without_unblinding(il2, replace(il2_records, disposition=table))
    assert shown.disposition["reason"].to_list() == [WITHHELD_REASON] * 3 + ["Moved away"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Fever on IL2", True),
        ("given placebo.", True),
        ("ALDESLEUKIN overdose", True),
        ("il2x", False),
        ("Placebos", True),
        ("Headache", False),
    ],
)
def test_words_that_name_an_arm_are_found_and_short_ones_whole(il2, text, names):
    assert names_an_arm(il2, text) is names
