"""Simulated vital signs and stopping of study drug."""

from __future__ import annotations

import polars as pl
import pytest

import equipoise as eq


def test_vital_signs_follow_the_assumptions(write_protocol):
    """Means and SDs of 3,000 participants lie within five standard errors of what is assumed."""
    protocol = eq.load_protocol(
        write_protocol(
            ("size = 36", "size = 3000"), ("MDD = 18, BD = 18", "MDD = 1500, BD = 1500")
        )
    )  # fmt: skip
    records = eq.simulate(protocol, seed=2)
    table = records.vitals.join(records.allocation.select("participant", "arm"), on="participant")
    assumed = protocol.assumptions.statistical.vitals
    for (sign, arm, visit), part in table.group_by("sign", "arm", "visit"):
        plan = assumed[sign]
        mean = plan.mean + plan.shift.get(arm, {}).get(visit, 0.0)
        variance = plan.sd_between**2 + plan.sd_within**2
        n = part.height
        assert part["value"].mean() == pytest.approx(mean, abs=5 * (variance / n) ** 0.5)
        assert part["value"].std() == pytest.approx(variance**0.5, rel=5 / (2 * n) ** 0.5)


def test_nobody_has_a_vital_sign_at_a_visit_that_did_not_take_place(il2_records):
    seen = il2_records.visits.select("participant", "visit", "day")
    taken = il2_records.vitals.select("participant", "visit", "day").unique()
    assert taken.sort(taken.columns).equals(seen.sort(seen.columns))


def test_under_the_null_the_arms_share_one_course(write_protocol):
    path = write_protocol(("shift = { il2 = { day5 = 0.3 } }", "shift = { il2 = { day5 = 5 } }"))
    protocol = eq.load_protocol(path)

    def gap(scenario):
        records = eq.simulate(protocol, seed=1, scenario=scenario)
        table = records.vitals.join(records.allocation, on="participant").filter(
            (pl.col("sign") == "temperature") & (pl.col("visit") == "day5")
        )
        means = dict(table.group_by("arm").agg(pl.col("value").mean()).iter_rows())
        return means["il2"] - means["placebo"]

    assert gap("planned") > 4
    assert abs(gap("null")) < 0.5


def test_no_dose_is_given_after_an_event_that_led_to_stopping(write_protocol):
    path = write_protocol(("stopping = 0.1", "stopping = 1"))
    records = eq.simulate(eq.load_protocol(path), seed=1)
    stopped = records.adverse_events.filter(pl.col("led_to_stopping"))
    assert set(stopped["term"]) == {"Influenza like illness"}
    doses = records.doses.join(stopped.select("participant", "start_day"), on="participant")
    assert doses.height
    assert (doses["day"] < doses["start_day"]).all()


def test_scores_and_cells_do_not_depend_on_the_new_measurements(write_protocol, il2_records):
    """Vital signs and stopping have streams of their own."""
    path = write_protocol(("mean = 36.6", "mean = 37.6"), ("stopping = 0.1", "stopping = 0"))
    other = eq.simulate(eq.load_protocol(path), seed=1)
    for name in ("scores", "cells", "labs", "visits", "disposition", "participants"):
        assert other.frames()[name].equals(il2_records.frames()[name]), name
    same = [c for c in il2_records.adverse_events.columns if c != "led_to_stopping"]
    assert other.adverse_events.select(same).equals(il2_records.adverse_events.select(same))
