"""Vital signs, organ classes and stopping in the records: every rule broken once."""

from __future__ import annotations

import polars as pl
import pytest

import equipoise as eq


def faults_of(il2, il2_records, table, *, blinded=False, **changed):
    """The faults when cells of the first row of a table are changed."""
    frame = il2_records.frames()[table]
    first = pl.int_range(pl.len()) == 0
    frame = frame.with_columns(
        pl.when(first).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for name, value in changed.items()
    )
    records = il2_records.without_allocation() if blinded else il2_records
    with pytest.raises(eq.EquipoiseError, match="refused") as info:
        eq.records_from_tables(il2, records.frames() | {table: frame}, origin="observed")
    return {fault.code: fault for fault in info.value.faults}


@pytest.mark.parametrize(
    ("changed", "code", "rule"),
    [
        ({"sign": "pulse"}, "sign-unknown", "vital signs: temperature"),
        ({"unit": "F"}, "unit-unknown", "temperature is given in °C"),
        ({"value": 98.6}, "value-out-of-range", "temperature lies between 30 and 43 °C"),
        ({"visit": "week9"}, "visit-unknown", "a visit of the protocol"),
        ({"day": 30.0}, "day-out-of-window", "lies in the visit's window"),
    ],
)
def test_a_vital_sign_is_held_against_the_protocol(il2, il2_records, changed, code, rule):
    fault = faults_of(il2, il2_records, "vitals", **changed)[code]
    assert rule in fault.rule
    assert fault.where == "vitals, row 1"
    assert fault.remedy


def test_a_blinded_fault_quotes_no_value_of_an_unblinding_sign(il2, il2_records):
    shown = faults_of(il2, il2_records, "vitals", value=98.6)["value-out-of-range"]
    assert shown.value == "98.6"
    hidden = faults_of(il2, il2_records, "vitals", value=98.6, blinded=True)["value-out-of-range"]
    assert "withheld" in hidden.value


def test_an_organ_class_agrees_with_the_protocol_and_within_a_term(il2, il2_records):
    fault = faults_of(il2, il2_records, "adverse_events", organ_class="Cardiac disorders")
    assert "has the organ class of the protocol" in fault["organ-class-differs"].rule
    events = il2_records.adverse_events.head(2).with_columns(
        term=pl.lit("Palpitations"), start_day=pl.Series([1.0, 2.0]),
        organ_class=pl.Series(["Cardiac disorders", "Investigations"]),
    )  # fmt: skip
    frames = il2_records.frames() | {"adverse_events": events}
    with pytest.raises(eq.EquipoiseError, match="same organ class in every row") as info:
        eq.records_from_tables(il2, frames, origin="observed")
    assert [f.where for f in info.value.faults] == ["adverse_events, row 2"]


def test_the_new_columns_may_be_left_out_and_empty(il2, il2_records):
    events = il2_records.adverse_events.drop("led_to_stopping", "organ_class")
    frames = il2_records.frames() | {"adverse_events": events}
    records = eq.records_from_tables(il2, frames, origin="observed")
    assert records.adverse_events["led_to_stopping"].null_count() == events.height
    assert records.adverse_events["organ_class"].null_count() == events.height
