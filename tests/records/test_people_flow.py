"""Screening and disposition: records that contradict each other are refused, the rest nests."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.light_study import light_fixtures

import equipoise as eq
from equipoise.analysis.flow import make_flow, nests
from equipoise.analysis.groups import make_groups
from equipoise.analysis.results import FlowCount
from equipoise.faults import WITHHELD

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()

SCHEMA = {"participant": pl.String, "event": pl.String, "day": pl.Float64, "reason": pl.String}


def with_tables(protocol, records, **tables):
    return eq.records_from_tables(protocol, records.frames() | tables, manifest=records.manifest)


def events(*rows):
    return pl.DataFrame([(*row, None) for row in rows], schema=SCHEMA, orient="row")


@pytest.mark.parametrize(
    ("rows", "code", "said"),
    [
        (
            [("P001", "completed", 56), ("P001", "discontinued", 20)],
            "disposition-contradicts",
            "a participant ends the trial once: one of completed, discontinued, lost-to-follow-up",
        ),
        (
            [("P001", "discontinued", 20), ("P001", "lost-to-follow-up", 30)],
            "disposition-contradicts",
            "stopped-study-drug",
        ),
        (
            [("P001", "discontinued", 20), ("P001", "stopped-study-drug", 21)],
            "event-after-end",
            "no drug is stopped after the end of the trial",
        ),
        (
            [("P001", "death", 20), ("P001", "completed", 56)],
            "event-after-end",
            "nothing happens after death",
        ),
        (
            [("P001", "discontinued", -1)],
            "event-before-allocation",
            "nobody leaves or completes before the day of allocation",
        ),
    ],
)
def test_events_that_contradict_each_other_are_refused(il2, il2_records, rows, code, said):
    with pytest.raises(eq.EquipoiseError, match="refused") as info:
        with_tables(il2, il2_records, disposition=events(*rows))
    assert {fault.code for fault in info.value.faults} == {code}
    assert said in str(info.value)


@pytest.mark.parametrize(
    "rows",
    [
        [("P001", "stopped-study-drug", 10), ("P001", "completed", 56)],
        [("P001", "stopped-study-drug", 10), ("P001", "discontinued", 10)],
        [("P001", "lost-to-follow-up", 20), ("P001", "death", 40)],
        [("P001", "completed", 56), ("P001", "death", 60)],
        [("P001", "stopped-study-drug", 10)],
    ],
)
def test_events_that_go_together_are_accepted(il2, il2_records, rows):
    records = with_tables(il2, il2_records, disposition=events(*rows))
    assert records.disposition.height == len(rows)


def test_as_many_enter_as_there_are_participants(il2, il2_records):
    fewer = il2_records.screening.filter(pl.col("screened") != "S001").with_columns(
        outcome=pl.lit("randomised")
    )
    with pytest.raises(eq.EquipoiseError, match="as `participants` has rows, 36") as info:
        with_tables(il2, il2_records, screening=fewer)
    (fault,) = info.value.faults
    assert (fault.code, fault.field, fault.value) == (
        "screening-differs", "outcome", str(fewer.height),
    )  # fmt: skip
    wrong = il2_records.screening.with_columns(
        outcome=pl.when(pl.col("outcome") == "declined")
        .then(pl.lit("refused"))
        .otherwise(pl.col("outcome"))
    )
    with pytest.raises(eq.EquipoiseError, match="randomised, not-eligible, declined") as info:
        with_tables(il2, il2_records, screening=wrong)
    assert {fault.code for fault in info.value.faults} == {"outcome-unknown"}
    twice = pl.concat([il2_records.screening, il2_records.screening.tail(1)])
    with pytest.raises(eq.EquipoiseError, match="each combination stands in one row"):
        with_tables(il2, il2_records, screening=twice)


def test_people_who_were_screened_are_no_participants(il2, il2_records, tmp_path):
    """Their ids are nowhere else; the table is written and read back, blinded too."""
    screened = set(il2_records.screening["screened"])
    assert not screened & set(il2_records.participants["participant"])
    eq.write_records(il2_records.without_allocation(), tmp_path)
    again = eq.read_records(tmp_path, il2)
    assert again.screening.equals(il2_records.screening)
    flow = eq.analyse(il2, again).flow
    assert flow.screening.entered == 36
    assert flow.reasons == ()
    wrong = il2_records.screening.with_columns(outcome=pl.lit("aldesleukin"))
    blinded = il2_records.without_allocation()
    with pytest.raises(eq.EquipoiseError, match="outcomes") as info:
        with_tables(il2, blinded, screening=wrong)
    assert "aldesleukin" not in str(info.value)
    assert WITHHELD in str(info.value)


def test_an_observed_screening_hides_reasons_of_few_but_never_its_counts(il2, il2_records):
    one = il2_records.screening.with_columns(
        reason=pl.when(pl.col("outcome") == "not-eligible").then(pl.lit("Infection"))
    )
    first = one.filter(pl.col("outcome") == "not-eligible")["screened"][0]
    one = one.with_columns(
        reason=pl.when(pl.col("screened") == first)
        .then(pl.lit("A rare disease"))
        .otherwise(pl.col("reason"))
    )
    frames = il2_records.frames() | {"screening": one}
    observed = eq.records_from_tables(il2, frames, origin="observed")
    results = eq.analyse(il2, observed)
    (exclusion,) = [e for e in results.flow.screening.exclusions if e.outcome == "not-eligible"]
    assert (exclusion.reasons, exclusion.reasons_hidden) == ((), True)
    assert exclusion.n == one.filter(pl.col("outcome") == "not-eligible").height
    assert "A rare disease" not in results.model_dump_json()
    assert "Infection" not in results.model_dump_json()


ENDS = st.sampled_from([None, "completed", "discontinued", "lost-to-follow-up"])
PERSON = st.tuples(ENDS, st.booleans(), st.booleans(), st.integers(0, 9))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    people=st.lists(PERSON, min_size=36, max_size=36),
    exclusions=st.lists(st.sampled_from(["not-eligible", "declined", "other"]), max_size=40),
)
def test_whatever_is_accepted_nests(il2, il2_records, people, exclusions):
    """Random ends, deaths, stopped drugs and doses; random exclusions."""
    ids = il2_records.participants["participant"].to_list()
    rows, dosed = [], []
    for person, (end, died, stopped, doses) in zip(ids, people, strict=True):
        rows += [(person, "stopped-study-drug", 5.0)] if stopped else []
        rows += [(person, end, 20.0)] if end else []
        rows += [(person, "death", 30.0)] if died else []
        dosed += [person] * bool(doses)
    screened = ["randomised"] * 36 + exclusions
    tables = {
        "disposition": events(*rows),
        "doses": il2_records.doses.filter(pl.col("participant").is_in(dosed)),
        "screening": pl.DataFrame(
            {
                "screened": [f"S{i}" for i in range(len(screened))],
                "day": [None] * len(screened),
                "outcome": screened,
                "reason": [None] * len(screened),
            },
            schema={"screened": pl.String, "day": pl.Float64, "outcome": pl.String,
                    "reason": pl.String},
        ),
    }  # fmt: skip
    records = with_tables(il2, il2_records, **tables)
    for view in (records, records.without_allocation()):
        flow = make_flow(il2, view, make_groups(il2, view), {})
        assert flow.screening.assessed == flow.screening.excluded + flow.screening.entered
        assert flow.screening.entered == flow.randomised == 36
        assert flow.screening.excluded == sum(e.n for e in flow.screening.exclusions)
        for count in flow.counts:
            ends = (
                count.completed, count.discontinued, count.lost, count.died, count.status_unknown,
            )  # fmt: skip
            assert count.randomised == sum(ends)
            assert 0 <= count.received_dose <= count.randomised
            assert 0 <= count.stopped_drug <= count.randomised
        assert sum(c.died for c in flow.counts) == sum(died for _, died, _, _ in people)
        assert sum(c.completed for c in flow.counts) == sum(
            end == "completed" and not died for end, died, _, _ in people
        )


def test_counts_that_do_not_nest_are_seen():
    good = FlowCount(
        group="a", label="A", randomised=10, received_dose=9, stopped_drug=1, completed=6,
        discontinued=1, lost=1, died=1, status_unknown=1,
    )  # fmt: skip
    assert nests(good)
    for change in (
        {"received_dose": 11},
        {"stopped_drug": 11},
        {"completed": 7},
        {"status_unknown": -1, "completed": 8},
        {"lost": None},
    ):
        assert not nests(good.model_copy(update=change)), change
