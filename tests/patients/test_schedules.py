"""Schedules: what words say, what is refused and how, what arms give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import equipoise as eq
from equipoise.patients.schedule_language import FORMS, parse_schedule
from equipoise.patients.schedules import (
    MOST_DOSES,
    ROUTES,
    UNITS,
    Schedule,
    parse_doses,
    schedule_of_arm,
)

DEPIL = [0, 1, 2, 3, 4, 14, 21, 28, 35]

SAID = {
    "once": [0],
    "once on day 3": [3],
    "5 daily": [0, 1, 2, 3, 4],
    "daily for 5 days": [0, 1, 2, 3, 4],
    "3 weekly": [0, 7, 14],
    "3 weekly from day 7": [7, 14, 21],
    "weekly for 2 weeks": [0, 7],
    "5 daily then weekly": [0, 1, 2, 3, 4, 7, 14, 21, 28, 35],
    "5 daily then every 14 days": [0, 1, 2, 3, 4, 14, 28],
    "5 daily then fortnightly": [0, 1, 2, 3, 4, 14, 28],
    "5 daily then 4 weekly from day 14": DEPIL,
    "5 Daily THEN 4 weekly from week 2": DEPIL,
    "daily for 5 days then 4 weekly from week 2": DEPIL,
    "daily then weekly from day 3": [0, 1, 2, 3, 10, 17, 24, 31, 38],
    "2 every 3 days then once on day 20": [0, 3, 20],
    "every other day for 1 week": [0, 2, 4, 6],
    "every other week": [0, 14, 28],
    "every week for 3 weeks": [0, 7, 14],
    "2 every 0.5 days": [0, 0.5],
    "0,1,2,3,4,14,21": [0, 1, 2, 3, 4, 14, 21],
    "0, 0.5 , 2.25": [0, 0.5, 2.25],
    "7": [7],
}


@pytest.mark.parametrize("text", SAID)
def test_words_mean_days(text):
    found = parse_schedule(text, 1.5, 42)
    assert found.days.tolist() == SAID[text]
    assert found.amounts.tolist() == [1.5] * len(SAID[text])


def test_an_open_part_ends_before_the_last_day():
    """A dose on the last day could not be seen; one that is named there is taken as said."""
    assert parse_schedule("weekly", 1, 14).days.tolist() == [0, 7]
    assert parse_schedule("weekly", 1, 14.5).days.tolist() == [0, 7, 14]
    assert parse_schedule("3 weekly", 1, 14).days.tolist() == [0, 7, 14]


def test_every_form_that_a_refusal_names_is_one():
    for form in FORMS:
        assert len(parse_schedule(form, 1, 84)) > 0


REFUSED = {
    "5 daly": 'at word 2, `daly`\n    rule: here is expected once, daily, weekly, fortnightly or',
    "5 daily them weekly": "word 3, `them`\n    rule: here the schedule ends, or goes on",
    "": "at its end\n    rule: a schedule is said in words",
    "5 daily then": "at its end\n    rule: here is expected once",
    "2.5 daily": "word 1, `2.5`\n    rule: a number of doses is a whole number from 1 on",
    "0 daily": "word 1, `0`\n    rule: a number of doses is a whole number from 1 on",
    "-3 daily": "word 1, `-3`\n    rule: a number of doses is a whole number from 1 on",
    "5 daily for 5 days": "word 3, `for`\n    rule: a part has a number of doses or a length",
    "daily for days": "word 3, `days`\n    rule: here is expected for how long",
    "daily for 5": "at its end\n    rule: here is expected days or weeks",
    "daily for 0 days": "word 3, `0`\n    rule: a length is more than 0",
    "every 0 days": "word 2, `0`\n    rule: doses lie more than 0 days apart",
    "every day of it": "word 3, `of`\n    rule: here the schedule ends",
    "2 once": "word 2, `once`\n    rule: `once` has no number of doses",
    "daily then weekly": "word 2, `then`\n    rule: when does the part before `then` end",
    "5 daily then weekly from day 2": "word 4, `weekly`\n    rule: this part begins on day 2",
    "weekly from day 50": "word 1, `weekly`\n    rule: this part begins on day 50 and has no dose",
    "5 daily from 14": "word 4, `14`\n    rule: here is expected day N or week N",
    "0,1,1": "word 5, `1`\n    rule: days stand in order",
    "0,1,": "word 4, `,`\n    rule: a list ends with a day",
    "0,1 2": "word 4, `2`\n    rule: days of a list are separated",
    "0,x": "word 3, `x`\n    rule: a list holds days",
    "-1,0": "word 1, `-1`\n    rule: a list holds days",
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_a_refusal_quotes_the_text_and_names_the_word(text):
    with pytest.raises(eq.EquipoiseError) as info:
        parse_schedule(text, 1, 42)
    said = str(info.value)
    assert f'"{text}", at ' in said
    assert REFUSED[text] in said
    assert all(f'"{form}"' in said for form in FORMS)


def test_a_dose_after_the_last_day_is_refused():
    with pytest.raises(eq.EquipoiseError, match="the last day is 14; a dose on day 21 comes after"):
        parse_schedule("4 weekly", 1, 14)
    with pytest.raises(eq.EquipoiseError, match="a dose on day 99 comes after"):
        parse_schedule("99", 1, 84)
    with pytest.raises(eq.EquipoiseError, match=r"a dose on day 14\.5 comes after"):
        parse_schedule("0,14.5", 1, 14)


@pytest.mark.parametrize("text", ["every 0.1 days", "501 daily", "400 daily then 200 daily"])
def test_too_many_doses_are_refused(text):
    with pytest.raises(eq.EquipoiseError, match=f"at most {MOST_DOSES} doses"):
        parse_schedule(text, 1, 5000)


@pytest.mark.parametrize("dose", [-1.0, float("nan"), float("inf")])
def test_an_impossible_dose_is_refused(dose):
    with pytest.raises(eq.EquipoiseError, match="a dose is a number, 0 or more"):
        parse_schedule("5 daily", dose, 42)


PARTS = st.tuples(st.integers(1, 9), st.sampled_from([1.0, 2.0, 7.0, 14.0, 0.5, 10.0]))


@given(parts=st.lists(PARTS, min_size=1, max_size=4))
def test_parts_follow_one_another(parts):
    """As many doses as are said, ascending, in steps of each part, on its part's count of days."""
    text = " then ".join(f"{count} every {step:g} days" for count, step in parts)
    found = parse_schedule(text, 1, 1e6).days
    assert len(found) == sum(count for count, _ in parts)
    assert (np.diff(found) > 0).all()
    at, begun = 0, 0.0
    for count, step in parts:
        mine = found[at : at + count]
        np.testing.assert_allclose(np.diff(mine), step)
        assert (mine[0] - begun) % step == 0
        assert at == 0 or 0 < mine[0] - found[at - 1] <= step
        at, begun = at + count, mine[0]


@given(
    days=st.lists(st.integers(0, 4000), min_size=1, max_size=40, unique=True),
    dose=st.floats(0, 1e3),
)
def test_a_list_comes_back(days, dose):
    """Also the same doses said by their days one after the other."""
    listed = [day / 8 for day in sorted(days)]
    found = parse_schedule(",".join(f"{day:g}" for day in listed), dose, 500)
    assert found.days.tolist() == [float(f"{day:g}") for day in listed]
    again = parse_schedule(" then ".join(f"once on day {day:g}" for day in listed), dose, 500)
    assert again == found
    assert hash(again) == hash(found)


@given(text=st.text("0123456789., -") | st.lists(st.sampled_from(
    ["5", "3", "0", "-1", "daily", "weekly", "once", "then", "for", "days", "from", "day", "week",
     "every", "other", "2.5", ",", "x", "on"]), max_size=9).map(" ".join))  # fmt: skip
def test_any_text_gives_a_valid_schedule_or_a_refusal(text):
    try:
        found = parse_schedule(text, 1, 84)
    except eq.EquipoiseError as error:
        assert all(fault.rule and fault.remedy for fault in error.faults)
    else:
        assert 0 < len(found) <= MOST_DOSES
        assert (np.diff(found.days) > 0).all()
        assert found.days[0] >= 0
        assert found.days[-1] <= 84


def schedule(**changes):
    given = {"days": np.array([0.0, 1.0]), "amounts": np.array([1.0, 2.0]), **changes}
    return Schedule(**given)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"days": [1, 0]}, "each after the one before"),
        ({"days": [0, 0]}, "each after the one before"),
        ({"days": [-1, 0]}, "0 or later"),
        ({"days": [0, np.nan]}, "days of doses are numbers"),
        ({"amounts": [1, -1]}, "a dose is a number, 0 or more"),
        ({"amounts": [1, np.inf]}, "a dose is a number, 0 or more"),
        ({"amounts": [1]}, "every day has its amount"),
        ({"unit": "mL"}, "units of amounts: IU, kIU, MIU"),
        ({"route": "intramuscular"}, "routes that are followed: subcutaneous, intravenous, oral"),
        ({"hours": 6.0}, "an infusion is intravenous"),
        ({"hours": -1.0, "route": "i.v."}, "between 0"),
        ({"days": range(501), "amounts": [1] * 501}, "at most 500 doses"),
    ],
)
def test_what_is_no_schedule_is_refused(changes, said):
    with pytest.raises(eq.EquipoiseError, match=said):
        schedule(**changes)


def test_all_faults_come_at_once():
    with pytest.raises(eq.EquipoiseError, match="3 faults"):
        schedule(days=[1, 0], amounts=[1, -1], unit="mL")


def test_routes_have_several_names():
    for name, others in ROUTES.items():
        assert all(schedule(route=other.upper()).route == name for other in (name, *others))


def test_amounts_in_other_units():
    assert schedule().amounts_in("IU").tolist() == [1e6, 2e6]
    assert schedule(unit="g").amounts_in("mg").tolist() == [1e3, 2e3]
    with pytest.raises(eq.EquipoiseError, match="an amount in MIU is none in mg"):
        schedule().amounts_in("mg")
    with pytest.raises(eq.EquipoiseError, match="units of amounts"):
        schedule().amounts_in("mL")


@given(unit=st.sampled_from(sorted(UNITS)), other=st.sampled_from(sorted(UNITS)))
def test_units_go_there_and_back(unit, other):
    if UNITS[unit][0] == UNITS[other][0]:
        there = schedule(unit=unit).amounts_in(other)
        back = schedule(amounts=there, unit=other).amounts_in(unit)
        np.testing.assert_allclose(back, [1, 2], rtol=1e-15)


def test_a_schedule_does_not_change():
    made = schedule()
    with pytest.raises(ValueError, match="read-only"):
        made.days[0] = 5
    assert made.scaled(3).amounts.tolist() == [3, 3]
    assert made.scaled(3) != made
    assert made != "a schedule"


def test_the_schedule_of_an_arm():
    twin = eq.load_protocol("il2-depression")
    active, placebo = schedule_of_arm(twin, "il2"), schedule_of_arm(twin, "placebo")
    assert active == parse_schedule("5 daily then 4 weekly from week 2", 1, 56)
    assert placebo == active.scaled(0)
    daily = schedule_of_arm(
        eq.load_protocol("minocycline-randomised"), "minocycline", "minocycline"
    )
    assert daily == parse_schedule("56 daily", 200, 56, unit="mg", route="oral")
    assert len(schedule_of_arm(twin, "il2", "minocycline")) == 0
    with pytest.raises(eq.EquipoiseError, match="arms of the protocol: placebo, il2"):
        schedule_of_arm(twin, "il-2")


def with_doses(*doses):
    twin = eq.load_protocol("il2-depression")
    first = twin.arms["il2"].doses[0]
    given = tuple(first.model_copy(update=change) for change in doses)
    arm = twin.arms["il2"].model_copy(update={"doses": given})
    return twin.model_copy(update={"arms": {**twin.arms, "il2": arm}})


def test_doses_of_one_drug_are_joined_and_those_of_several_need_a_name():
    joined = with_doses({"days": (0.0, 1.0)}, {"days": (1.0, 7.0), "amount": 0.5})
    found = schedule_of_arm(joined, "il2")
    assert found.days.tolist() == [0, 1, 7]
    assert found.amounts.tolist() == [1, 1.5, 0.5]
    mixed = with_doses({"days": (0.0,)}, {"drug": "minocycline", "unit": "mg", "days": (0.0, 1.0)})
    with pytest.raises(eq.EquipoiseError, match="follows one drug, in one unit and by one route"):
        schedule_of_arm(mixed, "il2")
    assert schedule_of_arm(mixed, "il2", "minocycline").days.tolist() == [0, 1]
    dummy = with_doses({"days": (0.0,)}, {"drug": "placebo", "amount": 0.0, "days": (0.0, 1.0)})
    assert schedule_of_arm(dummy, "il2").days.tolist() == [0]


@pytest.mark.parametrize(
    ("text", "doses"),
    [
        ("1", (1,)),
        ("0.3,1,3", (0.3, 1, 3)),
        ("3, 0.3,0", (0, 0.3, 3)),
        ("0.3:3", (0.3, 0.949, 3)),
        ("0.3:3:5", (0.3, 0.533, 0.949, 1.69, 3)),
        ("1:1.0002:3", (1, 1.0002**0.5, 1.0002)),
    ],
)
def test_doses_of_a_text(text, doses):
    assert parse_doses(text) == doses


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "`` is no number"),
        ("1 MIU", "`1 MIU` is no number"),
        ("nan", "`nan` is no number"),
        ("1,,3", "`` is no number"),
        ("-1", "a dose is a number, 0 or more"),
        ("-1:3", "a dose is a number, 0 or more"),
        ("1,1", "every dose stands there once"),
        ("3:0.3", "with 0 < LOW < HIGH"),
        ("0:3", "with 0 < LOW < HIGH"),
        ("0.3:1:3:4", "LOW:HIGH:HOW-MANY"),
        ("0.3:3:2.5", "2 to 20 doses"),
        ("0.3:3:21", "2 to 20 doses"),
    ],
)
def test_what_are_no_doses_is_refused(text, said):
    with pytest.raises(eq.EquipoiseError, match=said):
        parse_doses(text)


@given(low=st.floats(1e-3, 10), ratio=st.floats(1.5, 1e3), count=st.integers(2, 20))
def test_a_range_rises_from_end_to_end(low, ratio, count):
    found = parse_doses(f"{low!r}:{low * ratio!r}:{count}")
    assert found[0] == low
    assert found[-1] == low * ratio
    assert len(found) == count
    steps = np.diff(np.log(found))
    np.testing.assert_allclose(steps, np.log(ratio) / (count - 1), atol=0.011)
