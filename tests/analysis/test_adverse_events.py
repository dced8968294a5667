"""Adverse events of a small trial, counted by hand."""

from __future__ import annotations

import polars as pl
import pytest
from scipy import stats
from tests.analysis.small_trial import events_of, frame, small_records, small_safety
from tests.light_study import light_fixtures

import equipoise as eq
from equipoise.analysis.exposure import time_on_trial

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()

EVENTS = frame(
    "participant term start_day end_day grade serious related outcome led_to_stopping organ_class",
    [
        ("P1", "Headache", 1.0, 2.0, 1, False, False, None, False, None),
        ("P1", "Headache", 10.0, 11.0, 2, False, False, None, False, None),
        ("P3", "Nausea", 2.0, 4.0, 3, True, True, None, True, None),
        ("P3", "Rash", 5.0, 9.0, 1, False, False, None, False, "Skin disorders"),
        ("P4", "Headache", -1.0, 0.0, 1, False, False, None, False, None),
        ("P5", "Nausea", 50.0, 51.0, 5, True, None, "fatal", None, None),
    ],
)
DISPOSITION = frame(
    "participant event day reason",
    [
        ("P1", "completed", 56.0, None),
        ("P2", "completed", 56.0, None),
        ("P3", "stopped-study-drug", 5.0, "Adverse event"),
        ("P3", "discontinued", 20.0, "Adverse event"),
        ("P6", "stopped-study-drug", 3.0, "Adverse event"),
        ("P4", "completed", 56.0, None),
        ("P5", "death", 51.0, None),
    ],
)
VISITS = frame(
    "participant visit day", [("P6", "baseline", 0.0), ("P6", "day5", 4.0), ("P3", "day5", 4.0)]
)
TABLES = {"adverse_events": EVENTS, "disposition": DISPOSITION, "visits": VISITS}


@pytest.fixture(scope="module")
def safety(il2):
    return small_safety(il2, **TABLES)


def test_participants_of_every_kind(safety):
    assert events_of(safety.summary) == {
        "any": (1, 3), "serious": (0, 2), "severe": (0, 2), "related": (0, 1),
        "serious-related": (0, 1), "stopping": (0, 1), "fatal": (0, 1), "death": (0, 1),
    }  # fmt: skip
    assert all([rate.n for rate in row.rates] == [2, 4] for row in safety.summary)


def test_classes_come_from_the_protocol_and_from_the_records(safety):
    assert events_of(safety.classes) == {
        "class:Gastrointestinal disorders": (0, 2),
        "class:Nervous system disorders": (1, 1),
        "class:Skin disorders": (0, 1),
    }
    assert {row.label: row.organ_class for row in safety.terms} == {
        "Headache": "Nervous system disorders",
        "Nausea": "Gastrointestinal disorders",
        "Rash": "Skin disorders",
    }


def test_time_on_trial_is_the_last_day_of_disposition_else_the_last_day_seen(il2):
    times = time_on_trial(small_records(il2, **TABLES))
    assert times == {"P1": 56, "P2": 56, "P3": 20, "P4": 56, "P5": 51, "P6": 4}


def test_events_and_rates_by_hand(safety):
    """P4's headache began before the first dose: an event, but not in the rate."""
    row = next(row for row in safety.summary if row.key == "any")
    placebo, active = row.event_rates
    assert (placebo.events, placebo.in_time, placebo.days) == (2, 2, 112)
    assert (active.events, active.in_time, active.days) == (4, 3, 131)
    years = 131 / 365.25
    assert active.per_year == pytest.approx(3 / years)
    assert active.lower == pytest.approx(stats.chi2.ppf(0.025, 6) / 2 / years)
    assert active.upper == pytest.approx(stats.chi2.ppf(0.975, 8) / 2 / years)
    (ratio,) = row.ratios
    assert (ratio.arm, ratio.reference) == ("il2", "placebo")
    assert ratio.estimate == pytest.approx((3 / 131) / (2 / 112))
    exact = stats.binomtest(3, 5).proportion_ci(0.95, "exact")
    assert ratio.lower == pytest.approx(exact.low / (1 - exact.low) * 112 / 131)
    assert ratio.upper == pytest.approx(exact.high / (1 - exact.high) * 112 / 131)
    assert any("1 event began before the first dose" in text for text in safety.remarks)


def test_a_ratio_to_no_event_has_no_upper_limit(safety):
    row = next(row for row in safety.summary if row.key == "serious")
    (ratio,) = row.ratios
    assert (ratio.estimate, ratio.upper) == (None, None)
    assert ratio.lower > 0


def test_each_participant_counts_once_at_the_worst_grade(safety):
    found = {row.key: {(c.group, c.grade): c.n for c in row.counts if c.n} for row in safety.grades}
    assert found["any"] == {
        ("placebo", 2): 1, ("il2", 1): 1, ("il2", 3): 1, ("il2", 5): 1,
    }  # fmt: skip
    assert found["term:Headache"] == {("placebo", 2): 1, ("il2", 1): 1}
    assert found["term:Nausea"] == {("il2", 3): 1, ("il2", 5): 1}


def test_first_onsets_between_visits(safety):
    found = {
        (row.start, row.end, row.group): (row.at_risk, row.first, row.events)
        for row in safety.onset
    }
    assert found == {
        (0, 4, "placebo"): (2, 1, 1), (0, 4, "il2"): (4, 1, 1),
        (4, 14, "placebo"): (1, 0, 1), (4, 14, "il2"): (3, 0, 1),
        (14, 28, "placebo"): (1, 0, 0), (14, 28, "il2"): (2, 0, 0),
        (28, 42, "placebo"): (1, 0, 0), (28, 42, "il2"): (2, 0, 0),
        (42, 56, "placebo"): (1, 0, 0), (42, 56, "il2"): (2, 1, 1),
    }  # fmt: skip


def test_what_is_not_recorded_is_said_and_never_taken_for_zero(il2, safety):
    assert any("judged related is not recorded for 1 event," in t for t in safety.remarks)
    assert any(
        "led to stopping study drug is not recorded for 1 event," in t for t in safety.remarks
    )
    bare = small_safety(il2, adverse_events=EVENTS.drop("led_to_stopping").with_columns(
        related=pl.lit(None, pl.Boolean)))  # fmt: skip
    keys = {row.key for row in bare.summary}
    assert keys == {"any", "serious", "severe", "fatal"}
    assert "At least one judged related: not recorded for any event" in bare.remarks
    text = "At least one that led to stopping study drug: not recorded for any event"
    assert text in bare.remarks
    assert "Time on trial is not recorded: there are no rates of events" in bare.remarks
    assert all(rate.per_year is None for row in bare.terms for rate in row.event_rates)
    assert all(row.at_risk is None for row in bare.onset)
    nothing = small_safety(il2, disposition=DISPOSITION)
    assert "Adverse events are not part of these records" in nothing.not_collected
    assert nothing.summary == nothing.grades == nothing.onset == ()
    empty = small_safety(il2, **{**TABLES, "adverse_events": EVENTS.clear()})
    assert events_of(empty.summary)["any"] == (0, 0)
    assert "Adverse events are not part of these records" not in empty.not_collected


def test_blinded_shows_open_terms_pooled_and_no_class_grade_or_time_of_all(il2):
    safety = small_safety(il2, blinded=True, **TABLES)
    assert safety.summary == safety.classes == safety.onset == ()
    assert events_of(safety.terms) == {"term:Headache": (2,), "term:Nausea": (2,)}
    assert {row.key for row in safety.grades} == {"term:Headache", "term:Nausea"}
    assert "Rash" not in safety.model_dump_json()


def test_a_class_with_a_hidden_term_is_hidden_too(il2, il2_records):
    """Eight people with an injection-site reaction and two flu-like illnesses share a class."""
    ids = il2_records.allocation.filter(pl.col("arm") == "il2")["participant"].to_list()
    rows = [(p, "Injection site reaction", 1.0, 2.0, 1, False, True, None) for p in ids[:8]]
    rows += [(p, "Influenza like illness", 1.0, 2.0, 2, False, True, None) for p in ids[8:10]]
    rows += [(p, "Headache", 1.0, 2.0, 1, False, False, None) for p in ids[:6]]
    events = frame("participant term start_day end_day grade serious related outcome", rows)
    frames = il2_records.frames() | {"adverse_events": events}
    observed = eq.analyse(il2, eq.records_from_tables(il2, frames, origin="observed")).safety
    assert {row.label for row in observed.classes} == {"Nervous system disorders"}
    assert (observed.hidden_classes, observed.hidden_terms) == (1, 1)
    assert "Influenza" not in observed.model_dump_json()
    # Grades of the shown terms: 8 and 6 of grade 1; over all terms 2 of grade 2 hide the row.
    assert {row.key for row in observed.grades} == {
        "term:Injection site reaction", "term:Headache",
    }  # fmt: skip
    assert observed.hidden_grades == 1
    shown = eq.analyse(
        il2, eq.records_from_tables(il2, frames, manifest=il2_records.manifest)
    ).safety
    assert {row.key for row in shown.grades} >= {"any", "term:Influenza like illness"}


def test_the_time_of_few_first_events_is_hidden_in_observed_data(il2):
    observed = small_safety(il2, observed=True, **TABLES)
    assert observed.onset == ()
    assert observed.hidden_onset
    assert events_of(observed.summary)["serious"] == (0, 2)  # the summary always stands


def small_and_hidden(il2, il2_records, **second):
    """Six people an arm with a headache on day 1, and one more event of one person."""
    from dataclasses import replace

    arm = dict(il2_records.allocation.select("participant", "arm").iter_rows())
    people = {a: [p for p in arm if arm[p] == a] for a in ("placebo", "il2")}
    row = {"term": "Headache", "start_day": 1.0, "end_day": 2.0, "grade": 1, "serious": False,
           "related": False, "outcome": None, "led_to_stopping": False, "organ_class": None}  # fmt: skip
    rows = [{**row, "participant": p} for a in people for p in people[a][:6]]
    rows.append({**row, "participant": people["placebo"][0], "start_day": 20.0, **second})
    frame = pl.DataFrame(rows, schema_overrides={"outcome": pl.String, "organ_class": pl.String})
    frame = frame.select(il2_records.adverse_events.columns)
    return replace(il2_records, adverse_events=frame)


def test_one_persons_second_event_hides_the_times_of_first_events(il2, il2_records):
    from equipoise.analysis.groups import make_groups
    from equipoise.analysis.safety import make_safety

    records = small_and_hidden(il2, il2_records)
    groups = make_groups(il2, records)
    assert make_safety(il2, records, groups, smallest=1).onset
    found = make_safety(il2, records, groups, smallest=5)
    assert found.hidden_onset
    assert found.onset == ()


def test_a_hidden_term_does_not_come_back_from_the_events_of_the_others(il2, il2_records):
    from equipoise.analysis.groups import make_groups
    from equipoise.analysis.safety import make_safety

    records = small_and_hidden(il2, il2_records, term="Nausea")
    groups = make_groups(il2, records)
    found = make_safety(il2, records, groups, smallest=5)
    assert found.hidden_terms == 1
    assert [row.label for row in found.terms] == ["Headache"]
    assert {row.event_rates for row in found.terms} == {()}
    assert any("would give it back" in text for text in found.remarks)
    assert any(row.event_rates for row in make_safety(il2, records, groups, smallest=1).terms)
