"""Intercurrent events from records, analysis sets, and what each strategy does to values."""

from __future__ import annotations

import polars as pl
import pytest
from tests.conftest import protocol_text
from tests.light_study import light_fixtures

import equipoise as eq
from equipoise.analysis.analysis_sets import members_of
from equipoise.analysis.dataset import values_of
from equipoise.analysis.groups import make_groups
from equipoise.analysis.intercurrent import count_events, find_events
from equipoise.analysis.strategies import handle_events
from equipoise.protocol.intercurrent import IntercurrentEvent

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()


def replaced(records, **frames):
    from dataclasses import replace

    return replace(records, **frames)


def medications(*rows):
    schema = {"participant": pl.String, "start_day": pl.Float64, "end_day": pl.Float64,
              "drug": pl.String, "class": pl.String, "dose": pl.Float64, "unit": pl.String,
              "reason": pl.String}  # fmt: skip
    full = [(*row, None, None, None) for row in rows]
    return pl.DataFrame(full, schema=schema, orient="row")


def days_of(events, event):
    return dict(events.filter(pl.col("event") == event).select("participant", "day").iter_rows())


def test_a_change_of_medication_is_a_start_or_a_stop_after_the_first_dose(il2, il2_records):
    records = replaced(il2_records, medications=medications(
        ("P001", None, None, "a", "antidepressant"),  # unchanged
        ("P002", -30.0, 12.0, "a", "antidepressant"),  # stopped
        ("P003", None, 9.0, "a", "antidepressant"),  # replaced
        ("P003", 9.0, None, "b", "antidepressant"),
        ("P004", 0.0, None, "a", "mood stabiliser"),  # with the first dose: not after it
        ("P005", 20.0, None, "a", "mood stabiliser"),
        ("P005", 3.0, None, "b", "antidepressant"),  # the first counts
        ("P006", 5.0, None, "c", "hypnotic"),  # another class
        ("P007", 30.0, 31.0, "ECT", "electroconvulsive therapy"),
        ("P008", -9.0, 4.0, "ECT", "electroconvulsive therapy"),  # only a start is the event
    ))  # fmt: skip
    events = find_events(il2, records)
    assert days_of(events, "changed-medication") == {"P002": 12.0, "P003": 9.0, "P005": 3.0}
    assert days_of(events, "ect") == {"P007": 30.0}


def test_missed_doses_are_those_planned_and_not_given_near_their_day(il2, il2_records):
    # Planned: 0, 1, 2, 3, 4, 14, 21, 28, 35. A dose a day late is still that dose.
    given = {"P001": [0, 1, 2, 3, 4, 15, 21, 28, 35], "P002": [0, 1, 2, 3, 14, 21, 28, 35],
             "P003": [0, 1, 2, 3, 14, 28, 35], "P004": []}  # fmt: skip
    rows = [(p, float(d)) for p, days in given.items() for d in days]
    one = il2_records.doses.row(0, named=True)
    doses = pl.DataFrame(
        [{**one, "participant": p, "day": d} for p, d in rows], schema=il2_records.doses.schema
    )
    events = days_of(find_events(il2, replaced(il2_records, doses=doses)), "missed-doses")
    assert "P001" not in events
    assert "P002" not in events  # one
    assert events["P003"] == 21.0  # the second missed: 4, then 21
    assert events["P004"] == 1.0


def test_a_score_makes_an_event_only_after_baseline(il2, il2_records):
    scores = il2_records.scores.with_columns(
        pl.when(
            (pl.col("participant") == "P001") & (pl.col("instrument") == "ymrs")
            & (pl.col("visit").is_in(["week4", "week6"]))
        ).then(14.0)
        .when((pl.col("participant") == "P002") & (pl.col("instrument") == "ymrs")
              & (pl.col("visit") == "baseline")).then(20.0)
        .otherwise(pl.col("score")).alias("score")
    )  # fmt: skip
    found = days_of(find_events(il2, replaced(il2_records, scores=scores)), "mania")
    day = scores.filter(participant="P001", instrument="ymrs", visit="week4")["day"][0]
    assert found == {"P001": day}


def test_events_are_counted_by_arm_and_visit_and_a_missing_table_is_not_a_zero(il2, il2_records):
    arm = dict(il2_records.allocation.select("participant", "arm").iter_rows())
    people = {a: [p for p in arm if arm[p] == a] for a in ("placebo", "il2")}
    records = replaced(il2_records, medications=medications(
        (people["il2"][0], 3.0, None, "x", "antidepressant"),
        (people["il2"][1], 4.0, None, "x", "antidepressant"),
        (people["il2"][2], 4.5, None, "x", "antidepressant"),
        (people["placebo"][0], 60.0, None, "x", "antidepressant"),
    ))  # fmt: skip
    groups = make_groups(il2, records)
    rows = count_events(il2, records, groups, find_events(il2, records), 1)
    found = {(r.event, r.group): r for r in rows}
    # Day 5 is planned on day 4: the third belongs to week 2.
    assert dict(found["changed-medication", "il2"].by_visit) == {
        "day5": 2, "week2": 1, "week4": 0, "week6": 0, "week8": 0, "later": 0}  # fmt: skip
    assert dict(found["changed-medication", "placebo"].by_visit)["later"] == 1
    assert found["changed-medication", "il2"].n == 3
    # Observed people: a count of 1 to 4 hides the whole break-down, in all arms.
    small = count_events(il2, records, groups, find_events(il2, records), 5)
    assert {r.by_visit for r in small if r.event == "changed-medication"} == {None}
    assert {r.n for r in small if r.event == "changed-medication"} == {3, 1}
    nothing = replaced(il2_records, medications=None, doses=None)
    unknown = count_events(il2, nothing, groups, find_events(il2, nothing), 1)
    assert {r.event for r in unknown if r.n is None} == {
        "changed-medication", "ect", "missed-doses"}  # fmt: skip


def test_sets_leave_people_out_by_the_first_rule_not_met(il2, il2_records):
    given = dict(il2_records.doses.group_by("participant").len().iter_rows())
    third = min(p for p, n in given.items() if n >= 8 and p not in ("P001", "P002"))
    doses = il2_records.doses.filter(pl.col("participant") != "P001")
    doses = pl.concat([doses.filter(pl.col("participant") != "P002"),
                       doses.filter(pl.col("participant") == "P002").head(3)])  # fmt: skip
    records = replaced(il2_records, doses=doses, medications=medications(
        ("P002", 5.0, None, "x", "antidepressant"), (third, 5.0, None, "x", "antidepressant"),
    ))  # fmt: skip
    groups, events = make_groups(il2, records), find_events(il2, records)
    everybody, left = members_of(il2, records, groups, events, "randomised")
    assert len(everybody) == 36
    assert left == {}
    received, left = members_of(il2, records, groups, events, "received-drug")
    assert everybody - received == {"P001"}
    assert left == {"no dose received": ["P001"]}
    inside, left = members_of(il2, records, groups, events, "per-protocol")
    assert {"P001", "P002"} <= set(left["fewer than 8 doses received"])
    assert left["Change of antidepressant or mood stabiliser"] == [third]
    assert inside.isdisjoint({"P001", "P002", third})
    assert len(inside) + sum(map(len, left.values())) == 36


# One participant with six visits, an event on day 20 (between week 2 and week 4).
DAYS = {"baseline": 0.0, "day5": 4.0, "week2": 14.0, "week4": 28.0, "week6": 42.0, "week8": 56.0}


def one_person(**scores):
    rows = [("P001", v, DAYS[v], float(x)) for v, x in scores.items()]
    schema = {"participant": pl.String, "visit": pl.String, "day": pl.Float64, "value": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def handled(protocol, values, day, strategy, endpoint="hdrs_change", **options):
    events = pl.DataFrame(
        [("P001", "ect", day)],
        schema={"participant": pl.String, "event": pl.String, "day": pl.Float64}, orient="row",
    )  # fmt: skip
    plan = (IntercurrentEvent(event="ect", strategy=strategy, **options),)
    return handle_events(protocol, endpoint, values, events, plan)


def as_dict(found):
    return dict(found.values.select("visit", "value").iter_rows())


FULL = {"baseline": 24, "day5": 22, "week2": 18, "week4": 10, "week6": 8, "week8": 6}


def test_treatment_policy_touches_nothing(il2):
    found = handled(il2, one_person(**FULL), 20.0, "treatment-policy")
    assert as_dict(found) == FULL
    assert found.touched.is_empty()


def test_hypothetical_leaves_values_after_the_event_out(il2):
    found = handled(il2, one_person(**FULL), 20.0, "hypothetical")
    assert as_dict(found) == {"baseline": 24, "day5": 22, "week2": 18}
    assert found.touched["visit"].to_list() == ["week4", "week6", "week8"]


def test_a_value_of_the_day_of_the_event_belongs_to_the_time_before_it(il2):
    found = handled(il2, one_person(**FULL), 28.0, "hypothetical")
    assert as_dict(found) == {"baseline": 24, "day5": 22, "week2": 18, "week4": 10}


def test_while_on_treatment_keeps_the_last_value_before_the_event(il2):
    found = handled(il2, one_person(**FULL), 20.0, "while-on-treatment")
    assert as_dict(found) == {**FULL, "week4": 18, "week6": 18, "week8": 18}
    # A visit missed before the event stays missing; one missed after it is filled.
    gaps = {k: v for k, v in FULL.items() if k not in ("week2", "week6")}
    found = handled(il2, one_person(**gaps), 20.0, "while-on-treatment")
    assert as_dict(found) == {"baseline": 24, "day5": 22, "week4": 22, "week6": 22, "week8": 22}


def test_composite_states_a_change_or_a_failure(il2):
    found = handled(il2, one_person(**FULL), 20.0, "composite", composite_change=0)
    assert as_dict(found) == {**FULL, "week4": 24, "week6": 24, "week8": 24}
    found = handled(il2, one_person(**FULL), 20.0, "composite", endpoint="hdrs_response")
    assert found.failures["visit"].to_list() == ["week4", "week6", "week8"]
    cells = {"baseline": 5.0, "day5": 6.0, "week4": 7.0}
    found = handled(il2, one_person(**cells), 1.0, "composite", endpoint="treg_percent",
                    composite_change=0.0)  # fmt: skip
    assert as_dict(found) == {"baseline": 5.0, "day5": 5.0, "week4": 5.0, "week8": 5.0}


def test_the_first_event_decides_over_everything_after_it(il2):
    events = pl.DataFrame(
        [("P001", "mania", 30.0), ("P001", "ect", 20.0)],
        schema={"participant": pl.String, "event": pl.String, "day": pl.Float64}, orient="row",
    )  # fmt: skip
    plan = (
        IntercurrentEvent(event="mania", strategy="hypothetical"),
        IntercurrentEvent(event="ect", strategy="while-on-treatment"),
    )
    found = handle_events(il2, "hdrs_change", one_person(**FULL), events, plan)
    assert as_dict(found) == {**FULL, "week4": 18, "week6": 18, "week8": 18}
    assert set(found.touched["event"]) == {"ect"}


def strategy_protocol(tmp_path, strategy, *more):
    text = protocol_text("il2-depression")
    old = '{ event = "changed-medication", strategy = "treatment-policy" }'
    assert old in text
    text = text.replace(old, f'{{ event = "changed-medication", {strategy} }}', 1)
    for a, b in more:
        assert a in text, a
        text = text.replace(a, b, 1)
    (tmp_path / "protocol.toml").write_text(text, encoding="utf-8")
    return eq.load_protocol(tmp_path)


def test_an_estimand_with_a_strategy_has_a_model_of_its_own(tmp_path, il2):
    """The estimate is that of a plain fit on the values that the strategy leaves."""
    protocol = strategy_protocol(tmp_path, 'strategy = "hypothetical"')
    records = eq.simulate(protocol, seed=1)
    results = eq.analyse(protocol, records)
    found = results.estimands["depression_week8"]
    assert found.own
    events = find_events(protocol, records)
    changed = days_of(events, "changed-medication")
    assert changed  # the simulated trial has some
    values = values_of(protocol, records, "hdrs_change")
    after = [
        (p, v) for p, v, d in values.select("participant", "visit", "day").iter_rows()
        if p in changed and d > changed[p]
    ]  # fmt: skip
    assert found.touched_total == len(after) > 0
    assert sum(t.n for t in found.touched) == len(after)
    # The same by hand: leave these rows out, fit, and take the contrast at week 8.
    from equipoise.analysis.dataset import make_dataset

    data = make_dataset(protocol, records, make_groups(protocol, records), "hdrs_change").frame
    keep = [(p, v) not in set(after) for p, v in data.select("participant", "visit").iter_rows()]
    fit = eq.mmrm(protocol.analysis.models["hdrs"].formula, data.filter(keep),
                  subject="participant", visit="visit")  # fmt: skip
    row = fit.contrasts("arm", reference="placebo", by="visit").filter(visit="week8")
    (contrast,) = found.contrasts
    assert contrast.estimate == pytest.approx(row["estimate"][0], rel=1e-10)
    assert contrast.df == pytest.approx(row["df"][0], rel=1e-8)
    # The endpoint's own table still shows all values.
    main = [c for c in results.endpoints["hdrs_change"].contrasts if c.visit == "week8"]
    assert main[0].estimate != pytest.approx(contrast.estimate, abs=1e-6)
    answer = next(a for a in results.answers if a.estimand == "depression_week8")
    assert answer.contrasts[0].estimate == contrast.estimate


def test_sensitivity_analyses_stand_beside_the_estimand(tmp_path, il2, il2_records, il2_results):
    found = {s.key: s for s in il2_results.estimands["depression_week8"].sensitivity}
    assert {"hdrs-unchanged", "hdrs-on-treatment", "hdrs-per-protocol"} <= set(found)
    # `hypothetical` as sensitivity is what `hypothetical` as the strategy of all events gives.
    text = protocol_text("il2-depression")
    i = text.index("[estimands.depression_week8]")
    text = text[:i] + text[i:].replace('"treatment-policy"', '"hypothetical"')
    (tmp_path / "protocol.toml").write_text(text, encoding="utf-8")
    protocol = eq.load_protocol(tmp_path)
    other = eq.analyse(protocol, eq.simulate(protocol, seed=1)).estimands["depression_week8"]
    assert found["hdrs-unchanged"].contrasts[0].estimate == other.contrasts[0].estimate
    page_words = il2_results.estimands["treg_response"].sensitivity[0]
    assert page_words.label == "Received at least one dose"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ([('{ event = "ect", strategy = "treatment-policy" }', '{ event = "ecx", strategy = "treatment-policy" }')], "`ecx` is no event of intercurrent_events"),
        ([('{ event = "ect", strategy = "treatment-policy" }', '{ event = "mania", strategy = "treatment-policy" }')], "each event has one strategy"),
        ([('{ event = "ect", strategy = "treatment-policy" }', '{ event = "ect", strategy = "composite" }')], "states the change that stands for the event"),
        ([('{ event = "ect", strategy = "treatment-policy" }', '{ event = "ect", strategy = "hypothetical", composite_change = 0 }')], "belongs to the composite strategy"),
        ([('endpoint = "hdrs_change"\nvisit = "week8"', 'endpoint = "hdrs_response"\nvisit = "week8"'),
          ('{ event = "ect", strategy = "treatment-policy" }', '{ event = "ect", strategy = "hypothetical" }')], "carried out for the scale `response`: treatment-policy, composite, while-on-treatment"),
        ([('disposition = ["stopped-study-drug", "discontinued", "death"]', 'disposition = ["death"]\nmissed_doses = 1')], "names exactly one of `medications`"),
        ([("missed_doses = 2", "missed_doses = 10")], "at most as many doses are missed as an arm plans: 9"),
        ([('score = { instrument = "ymrs", threshold = 12 }', 'score = { instrument = "yrms", threshold = 12 }')], "`yrms` is no instrument"),
        ([('score = { instrument = "ymrs", threshold = 12 }', 'score = { instrument = "ymrs", item = 4, threshold = 3 }')], "items of `ymrs` that are recorded"),
        ([("minimum_doses = 8", "minimum_doses = 12")], "at most as many doses as every arm plans: 9"),
        ([("minimum_doses = 8\nwithout", "minimum_doses = 8\nwithin")], "is not a field"),
        ([('without = ["changed-medication", "ect"]', 'without = ["changed"]')], "`changed` is no event"),
        ([("[analysis.sets.received-drug]", "[analysis.sets.randomised]"), ('analysis_set = "received-drug"', 'analysis_set = "randomised"')], "is everybody and needs no rule"),
        ([('label = "Received at least one dose"\nminimum_doses = 1', 'label = "Received at least one dose"')], "a set has a rule"),
        ([('estimand = "treg_response"\nmethod', 'estimand = "treg"\nmethod')], "`treg` is no estimand"),
        ([('method = "analysis-set"\nanalysis_set = "per-protocol"', 'method = "analysis-set"\nstrategy = "hypothetical"')], "goes with `analysis_set` and nothing else"),
        ([('analysis_set = "per-protocol"', 'analysis_set = "protocol"')], "`protocol` is no analysis set"),
        ([('strategy = "while-on-treatment"', 'strategy = "composite"')], "strategies for all events of this endpoint"),
        ([('scale = "response"\nbetter = "lower"', 'scale = "response"\nbetter = "lower"\nmodel = "hdrs"')], "`model` has no meaning for an endpoint of scale `response`"),
        ([('scale = "remission"\nbetter = "lower"', 'scale = "remission"\nbetter = "lower"\nreduction = 0.5')], "`reduction` has no meaning"),
        ([('scale = "response"\nbetter', 'scale = "change"\nbelow = 7\nmodel = "hdrs"\nbetter')], "`below` has no meaning"),
        ([('label = "HDRS-17 remission"\ninstrument = "hdrs"', 'label = "HDRS-17 remission"\nlab = "crp"')], "rates an instrument"),
        ([('label = "HDRS-17 remission"\ninstrument = "hdrs"', 'label = "YMRS remission"\ninstrument = "ymrs"'), ('scale = "ymrs"', 'scale = "cgi-s"')], "has no rule for remission"),
        ([('scale = "time-to-response"\nbetter = "lower"', 'scale = "time-to-response"\nbetter = "lower"\nmissing = "observed"')], "`missing` belongs to response and remission"),
        ([('visit = "day5"\nmethod = "holm"', 'visit = "day5"\nmethod = "holm"\nafter = "treg"')], "`treg` is no estimand"),
        ([("alpha = 0.05", 'alpha = 0.05\ntesting = "graphical"')], "graphical testing needs it"),
        ([("alpha = 0.05", 'alpha = 0.05\ntesting = "graphical"\ngraph = { weights = { treg_response = 0.8, depression_week8 = 0.4 } }')], "shares sum to at most 1"),
        ([("alpha = 0.05", 'alpha = 0.05\ntesting = "graphical"\ngraph = { weights = { treg_response = 1 } }')], "every estimand has a weight; depression_week8 has none"),
        ([("alpha = 0.05", 'alpha = 0.05\ntesting = "graphical"\ngraph = { weights = { treg_response = 1, depression_week8 = 0, x = 0 }, transitions = { treg_response = { treg_response = 1 } } }')], "hands nothing on to itself"),
    ],
)  # fmt: skip
def test_what_cannot_be_carried_out_is_refused(write_protocol, changes, rule):
    with pytest.raises(eq.EquipoiseError) as info:
        eq.load_protocol(write_protocol(*changes))
    assert rule in str(info.value)
    assert all(fault.remedy for fault in info.value.faults)


def test_the_baseline_stays_whenever_the_event_was(il2):
    late = one_person(**FULL).with_columns(
        pl.when(pl.col("visit") == "baseline").then(0.5).otherwise(pl.col("day")).alias("day")
    )
    for strategy in ("hypothetical", "while-on-treatment"):
        found = as_dict(handled(il2, late, 0.0, strategy))
        assert found["baseline"] == 24
    assert as_dict(handled(il2, late, 0.0, "while-on-treatment"))["week8"] == 24
    found = handled(il2, late, 0.0, "composite", composite_change=0)
    assert as_dict(found) == dict.fromkeys(FULL, 24)


def test_what_a_strategy_changed_is_counted_in_the_estimands_own_set(tmp_path):
    protocol = strategy_protocol(
        tmp_path, 'strategy = "hypothetical"',
        ('endpoint = "hdrs_change"\nvisit = "week8"\n',
         'endpoint = "hdrs_change"\nvisit = "week8"\nanalysis_set = "per-protocol"\n'),
    )  # fmt: skip
    found = eq.analyse(protocol, eq.simulate(protocol, seed=1)).estimands["depression_week8"]
    # Everybody who changed is out of the set: nothing of it was left out by the strategy.
    assert found.own
    assert found.touched_total == 0
    assert found.touched == ()


def test_a_person_without_any_value_fails_and_is_counted(il2):
    found = handled(il2, one_person().clear(), 20.0, "composite", endpoint="hdrs_response")
    assert found.failures["visit"].to_list() == ["week4", "week6", "week8"]
    assert found.touched["visit"].to_list() == ["week4", "week6", "week8"]


def test_reasons_of_few_observed_people_are_not_counted(il2, il2_records):
    from equipoise.analysis.analysis_sets import count_sets

    doses = il2_records.doses.filter(~pl.col("participant").is_in(["P001"]))
    records = replaced(il2_records, doses=doses)
    groups, events = make_groups(il2, records), find_events(il2, records)
    shown = {n for r in count_sets(il2, records, groups, events, 1) for _, n in r.reasons}
    assert 1 in shown
    for row in count_sets(il2, records, groups, events, 5):
        if row.key == "received-drug":
            assert {n for _, n in row.reasons} == {None}
