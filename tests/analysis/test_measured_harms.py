"""Laboratory shifts, liver flags and vital signs of a small trial, by hand."""

from __future__ import annotations

import statistics

import polars as pl
import pytest
from tests.analysis.small_trial import events_of, frame, small_records, small_safety
from tests.light_study import light_fixtures

import equipoise as eq
from equipoise.analysis.liver import _at_least

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()

DAYS = {"baseline": 0.0, "day5": 4.0, "week2": 14.0, "week4": 28.0, "week8": 56.0}
UNITS = {"alt": "U/L", "ast": "U/L", "alp": "U/L", "bilirubin": "umol/L", "crp": "mg/L",
         "eosinophils": "10^9/L"}  # fmt: skip


def labs(*rows: tuple) -> pl.DataFrame:
    """Rows (participant, visit, analyte, value)."""
    return frame(
        "participant visit day analyte unit value",
        [(p, v, DAYS[v], a, UNITS[a], x) for p, v, a, x in rows],
    )


def vitals(*rows: tuple) -> pl.DataFrame:
    """Rows (participant, visit, value) of the systolic pressure."""
    return frame(
        "participant visit day sign unit value",
        [(p, v, DAYS[v], "systolic", "mmHg", x) for p, v, x in rows],
    )


def test_shifts_by_hand(il2):
    """Alkaline phosphatase is normal from 40 to 130, limits included."""
    safety = small_safety(
        il2,
        labs=labs(
            ("P1", "baseline", "alp", 40.0), ("P1", "day5", "alp", 130.0),
            ("P2", "baseline", "alp", 100.0), ("P2", "day5", "alp", 131.0),
            ("P3", "baseline", "alp", 39.9), ("P3", "day5", "alp", 39.0),
            ("P3", "week4", "alp", 140.0),
            ("P4", "baseline", "alp", 100.0), ("P4", "day5", "alp", None),
            ("P5", "day5", "alp", 39.0), ("P5", "week4", "alp", 90.0),
        ),
    )  # fmt: skip
    shift = next(s for s in safety.lab_shifts if s.analyte == "alp")
    assert (shift.low, shift.high, shift.unit) == (40, 130, "U/L")
    assert {(c.group, c.baseline, c.after): c.n for c in shift.counts if c.n} == {
        ("placebo", "normal", "normal"): 1,
        ("placebo", "normal", "high"): 1,
        ("il2", "low", "low and high"): 1,
        ("il2", "normal", "missing"): 1,
        ("il2", "missing", "low"): 1,
        ("il2", "missing", "missing"): 1,
    }


def test_a_shift_with_a_small_count_is_hidden_whole(il2, il2_records):
    observed = eq.analyse(
        il2, eq.records_from_tables(il2, il2_records.frames(), origin="observed")
    ).safety
    hidden = {s.analyte for s in observed.lab_shifts if s.suppressed}
    assert hidden
    for shift in observed.lab_shifts:
        assert bool(shift.counts) != shift.suppressed
        assert all(c.n == 0 or c.n >= 5 for c in shift.counts)


def test_the_liver_rule_by_hand(il2):
    """ULN: ALT 45, AST 40, bilirubin 21, alkaline phosphatase 130."""
    safety = small_safety(
        il2,
        labs=labs(
            # P1: both high, but at two visits.
            ("P1", "day5", "alt", 135.0), ("P1", "day5", "bilirubin", 20.0),
            ("P1", "week4", "alt", 45.0), ("P1", "week4", "bilirubin", 60.0),
            # P2: both high at one visit, with cholestasis.
            ("P2", "day5", "ast", 120.0), ("P2", "day5", "bilirubin", 42.0),
            ("P2", "day5", "alp", 260.0),
            # P3: the flag, through AST; P4 just below.
            ("P3", "day5", "alt", 50.0), ("P3", "day5", "ast", 200.0),
            ("P3", "day5", "bilirubin", 42.0), ("P3", "day5", "alp", 259.9),
            ("P4", "day5", "alt", 134.9), ("P4", "day5", "bilirubin", 50.0),
            ("P4", "day5", "alp", 100.0),
            # P5: alkaline phosphatase was not measured; P6 at baseline only.
            ("P5", "day5", "alt", 450.0), ("P5", "day5", "bilirubin", 42.0),
            ("P6", "baseline", "alt", 900.0), ("P6", "baseline", "bilirubin", 90.0),
        ),
    )  # fmt: skip
    assert events_of(safety.liver) == {
        "enzyme-3": (2, 2), "enzyme-5": (0, 2), "enzyme-10": (0, 1), "enzyme-20": (0, 0),
        "bilirubin-2": (2, 3), "alkaline-phosphatase-2": (1, 0),
        "hys-law": (0, 1), "hys-law-unclear": (0, 1),
    }  # fmt: skip
    rows = {row.key: [rate.n for rate in row.rates] for row in safety.liver}
    assert rows["hys-law"] == [2, 3]  # P6 was not assessed after baseline
    assert rows["alkaline-phosphatase-2"] == [1, 2]


def test_a_limit_is_reached_whatever_the_rounding():
    assert 3.3 / 1.1 < 3  # in floating point
    assert _at_least(3.3 / 1.1, 3)
    assert not _at_least(2.999, 3)


def test_liver_flags_that_cannot_be_had_are_said(il2, write_protocol):
    assert (
        "Liver flags: laboratory values are not part of these records" in small_safety(il2).remarks
    )
    only = small_safety(il2, labs=labs(("P1", "day5", "alt", 500.0)))
    assert "Liver flags: without bilirubin there is no combined flag" in only.remarks
    assert "enzyme-10" in events_of(only.liver)
    assert "hys-law" not in events_of(only.liver)
    crp = small_safety(il2, labs=labs(("P1", "day5", "crp", 5.0)))
    assert any("nobody has ALT or AST after baseline" in text for text in crp.remarks)
    change = ('alt = "alt"\nast = "ast"\nbilirubin = "bilirubin"\nalkaline_phosphatase = "alp"', "")
    protocol = eq.load_protocol(write_protocol(("[safety.liver]\n" + change[0], "")))
    assert any("names no laboratory values for them" in t for t in small_safety(protocol).remarks)


def test_liver_flags_of_a_value_that_unblinds_are_withheld(write_protocol):
    path = write_protocol(
        ("maximum = 800\nnormal_high = 21", "maximum = 800\nnormal_high = 21\nunblinding = true")
    )
    protocol = eq.load_protocol(path)
    table = labs(("P1", "day5", "alt", 500.0))
    safety = small_safety(protocol, blinded=True, labs=table)
    assert safety.liver == ()
    assert any("Liver flags: withheld" in text for text in safety.remarks)
    assert small_safety(protocol, labs=table).liver


def test_vital_signs_by_hand(il2):
    safety = small_safety(
        il2,
        vitals=vitals(
            ("P1", "baseline", 120.0), ("P1", "day5", 126.0),
            ("P2", "baseline", 130.0), ("P2", "day5", 180.0),
            ("P3", "baseline", 110.0), ("P3", "day5", 181.0), ("P3", "week2", 89.0),
            ("P4", "baseline", 85.0), ("P4", "day5", None),
            ("P5", "day5", 90.0),
        ),
    )  # fmt: skip
    sign = next(s for s in safety.vitals if s.sign == "systolic")
    found = {(m.group, m.visit): m for m in sign.means}
    placebo = found["placebo", "day5"]
    assert (placebo.n, placebo.mean) == (2, 153)
    assert placebo.sd == pytest.approx(statistics.stdev([126, 180]))
    assert placebo.change_mean == pytest.approx(28)
    assert placebo.change_sd == pytest.approx(statistics.stdev([6, 50]))
    active = found["il2", "day5"]
    assert (active.n, active.n_change, active.change_mean) == (2, 1, 71)
    assert active.change_sd is None
    assert found["placebo", "baseline"].n_change == 0
    # Below 90 and above 180 after baseline: 89 and 181 of P3; 85 was at baseline.
    assert events_of(sign.abnormal) == {
        "vital:systolic:low": (0, 1), "vital:systolic:high": (0, 1),
    }  # fmt: skip
    assert [rate.n for rate in sign.abnormal[0].rates] == [2, 2]


def test_vital_signs_of_few_are_hidden_and_those_that_unblind_withheld(il2, il2_records):
    observed = small_safety(il2, observed=True, vitals=vitals(("P1", "day5", 190.0)))
    sign = next(s for s in observed.vitals if s.sign == "systolic")
    assert all(mean.mean is None for mean in sign.means)
    assert [mean.n for mean in sign.means if mean.visit == "day5"] == [1, 0]
    assert (events_of(sign.abnormal), sign.hidden) == ({"vital:systolic:low": (0, 0)}, 1)
    blinded = eq.analyse(il2, il2_records.without_allocation()).safety
    assert {s.sign for s in blinded.vitals} == {"systolic", "diastolic", "heart_rate"}
    assert "eosinophils" not in {s.analyte for s in blinded.lab_shifts}
    assert any("vital signs that can give the arm away are withheld" in t for t in blinded.remarks)


def test_missing_tables_and_plans_are_said(il2, antidepressant):
    remarks = small_safety(il2).remarks
    assert "Laboratory values are not part of these records" in remarks
    assert "Vital signs are not part of these records" in remarks
    results = eq.analyse(antidepressant, eq.simulate(antidepressant, seed=1))
    assert "The protocol plans no laboratory values" in results.safety.remarks
    assert "The protocol plans no vital signs" in results.safety.remarks
    assert "The protocol states no stopping rule for harm" in results.safety.remarks
    assert small_records(il2).vitals is None


def test_a_vital_sign_can_be_an_endpoint(write_protocol):
    """Its model sees the change of the table `vitals`; unblinding ones stay closed."""
    point = '[endpoints.{0}_change]\nlabel = "{1}"\nvital = "{0}"\nscale = "change"\nbetter = "neither"\nmodel = "hdrs"\n\n'
    points = point.format("systolic", "Systolic pressure") + point.format("temperature", "Fever")
    path = write_protocol(("[endpoints.hdrs_change]", points + "[endpoints.hdrs_change]"))
    protocol = eq.load_protocol(path)
    records = eq.simulate(protocol, seed=1)
    results = eq.analyse(protocol, records)
    endpoint = results.endpoints["systolic_change"]
    assert (endpoint.kind, endpoint.unit) == ("vital sign", "mmHg")
    arm = dict(records.allocation.select("participant", "arm").iter_rows())
    values = {
        (p, v): x
        for p, v, s, x in records.vitals.select("participant", "visit", "sign", "value").iter_rows()
        if s == "systolic"
    }
    changes = [
        x - values[p, "baseline"]
        for (p, v), x in values.items()
        if v == "week8" and arm[p] == "il2"
    ]
    seen = next(o for o in endpoint.observed if (o.group, o.visit) == ("il2", "week8"))
    assert (seen.n, seen.mean) == (len(changes), pytest.approx(statistics.fmean(changes)))
    blinded = eq.analyse(protocol, records.without_allocation())
    assert "systolic_change" in blinded.endpoints
    assert "temperature_change" not in blinded.endpoints


def test_the_value_of_one_who_left_does_not_come_back_from_means(il2, il2_records):
    """Baseline mean, visit mean and change mean of nested groups, less one person."""
    from dataclasses import replace

    from equipoise.analysis.groups import make_groups
    from equipoise.analysis.safety import make_safety

    arm = il2_records.allocation.filter(arm="il2")["participant"].to_list()
    sign = next(iter(il2.vitals))
    last = il2.vitals[sign].visits[-1]
    full = il2_records.vitals.filter(pl.col("participant").is_in(arm), sign=sign)
    seen = full.filter(visit=last)["participant"].to_list()
    lost = seen[0]
    vitals = full.filter(
        pl.col("participant").is_in(seen)
        & ~((pl.col("participant") == lost) & (pl.col("visit") == last))
    )
    records = replace(il2_records, vitals=vitals)
    groups = make_groups(il2, records)

    def at_last(smallest):
        summary = next(
            v for v in make_safety(il2, records, groups, smallest=smallest).vitals if v.sign == sign
        )
        return next(m for m in summary.means if (m.group, m.visit) == ("il2", last))

    assert at_last(1).change_mean is not None
    assert at_last(5).mean is not None
    assert (at_last(5).change_mean, at_last(5).change_sd) == (None, None)
