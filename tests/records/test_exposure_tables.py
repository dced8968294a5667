"""Every rule of the tables `exposures` and `imaging`."""

from __future__ import annotations

import polars as pl
import pytest
from tests.exposed import write_exposed

import equipoise as eq


@pytest.fixture(scope="module")
def protocol(tmp_path_factory):
    return eq.load_protocol(write_exposed(tmp_path_factory.mktemp("exposed")))


@pytest.fixture(scope="module")
def records(protocol):
    return eq.simulate(protocol, seed=1)


def changed(records, table, name, at=0, **values):
    """The frames with other values in row `at` of the rows of one exposure or measure."""
    frame = getattr(records, table)
    column = "exposure" if table == "exposures" else "measure"
    row = frame.with_row_index().filter(pl.col(column) == name)["index"][at]
    updates = [
        pl.when(pl.int_range(pl.len()) == row).then(pl.lit(v, dtype=frame.schema[k]))
        .otherwise(pl.col(k)).alias(k)
        for k, v in values.items()
    ]  # fmt: skip
    return {**records.frames(), table: frame.with_columns(updates)}


#: (table, name, changed cells) → (code, field, value, part of the rule, part of the remedy)
CASES = {
    "unknown exposure": (
        ("exposures", "ctq", {"exposure": "ctk"}),
        ("exposure-unknown", "exposure", '"ctk"', "cmv, ctq, titre", "did you mean `ctq`?"),
    ),
    "unknown level": (
        ("exposures", "cmv", {"value": "postive"}),
        ("level-unknown", "value", '"postive"', "negative, positive", "write one of them"),
    ),
    "not a number": (
        ("exposures", "ctq", {"value": "high"}),
        ("not-of-kind", "value", '"high"', "`ctq` is a number", "write a number"),
    ),
    "infinite": (
        ("exposures", "titre", {"value": "inf"}),
        ("not-of-kind", "value", '"inf"', "`titre` is a number", "write a number"),
    ),
    "decimal comma": (
        ("exposures", "ctq", {"value": "41,5"}),
        ("decimal-comma", "value", '"41,5"', "with a decimal point", "write 12.5, not 12,5"),
    ),
    "below the range": (
        ("exposures", "ctq", {"value": "24"}),
        ("value-out-of-range", "value", "24", "ctq is at least 25 and at most 125 points", "correct it"),
    ),
    "above the range": (
        ("exposures", "titre", {"value": "501"}),
        ("value-out-of-range", "value", "501", "titre is at least 0 and at most 500", "correct it"),
    ),
    "another unit": (
        ("exposures", "titre", {"unit": "U/L"}),
        ("unit-unknown", "unit", '"U/L"', "titre is given in IU/mL", "convert"),
    ),
    "a unit of a category": (
        ("exposures", "cmv", {"unit": "IU/mL"}),
        ("unit-unknown", "unit", '"IU/mL"', "cmv has no unit", "leave the unit empty"),
    ),
    "at a visit that is not planned": (
        ("exposures", "cmv", {"visit": "week6", "day": 42.0}),
        ("not-planned", "visit", '"week6"', "`cmv` is planned at baseline", "amendment"),
    ),
    "unknown measure": (
        ("imaging", "tspo", {"measure": "tsop"}),
        ("measure-unknown", "measure", '"tsop"', "tspo, volume", "did you mean `tspo`?"),
    ),
    "unknown region": (
        ("imaging", "tspo", {"region": "amygdala"}),
        ("region-unknown", "region", '"amygdala"', "hippocampus, prefrontal cortex", "correct"),
    ),
    "another unit of an image": (
        ("imaging", "volume", {"unit": "mm3"}),
        ("unit-unknown", "unit", '"mm3"', "volume is given in mL", "convert"),
    ),
    "an impossible value": (
        ("imaging", "tspo", {"value": 10.5}),
        ("value-out-of-range", "value", "10.5", "tspo lies between 0 and 10 ratio", "correct"),
    ),
    "an image that is not planned": (
        ("imaging", "volume", {"visit": "week6", "day": 42.0}),
        ("not-planned", "visit", '"week6"', "`volume` is planned at baseline", "amendment"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_fault_names_value_rule_and_remedy(name, protocol, records):
    (table, which, cells), (code, field, value, rule, remedy) = CASES[name]
    frames = changed(records, table, which, **cells)
    with pytest.raises(eq.EquipoiseError, match="refused") as info:
        eq.records_from_tables(protocol, frames, manifest=records.manifest)
    (fault,) = info.value.faults
    assert (fault.code, fault.field, fault.value) == (code, field, value)
    assert rule in fault.rule
    assert remedy in fault.remedy
    assert fault.where.startswith(table)


def test_empty_values_and_absent_units_are_no_fault(protocol, records):
    frames = changed(records, "exposures", "ctq", value=None)
    frames["exposures"] = frames["exposures"].drop("unit")
    frames |= {"imaging": changed(records, "imaging", "tspo", value=None)["imaging"]}
    checked = eq.records_from_tables(protocol, frames, manifest=records.manifest)
    assert checked.exposures["unit"].is_null().all()
    assert checked.exposures["value"].null_count() == 1


def test_one_value_a_person_visit_and_region(protocol, records):
    frames = records.frames()
    frames["imaging"] = pl.concat([frames["imaging"], frames["imaging"].head(1)])
    with pytest.raises(eq.EquipoiseError, match="stood in a row above"):
        eq.records_from_tables(protocol, frames, manifest=records.manifest)


def test_blinded_faults_quote_no_word_and_nothing_that_unblinds(protocol, records):
    blinded = records.without_allocation()
    for table, name, cells in (
        ("exposures", "cmv", {"value": "aldesleukin"}),
        ("imaging", "volume", {"value": 123.4}),
    ):
        frames = changed(blinded, table, name, **cells)
        with pytest.raises(eq.EquipoiseError, match="withheld while the trial is blinded") as info:
            eq.records_from_tables(protocol, frames, manifest=records.manifest)
        assert "aldesleukin" not in str(info.value)
        assert "123.4" not in str(info.value)
    frames = changed(blinded, "imaging", "tspo", value=10.5)
    with pytest.raises(eq.EquipoiseError, match=r"`value` = 10\.5"):
        eq.records_from_tables(protocol, frames, manifest=records.manifest)


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_written_and_read_back(protocol, records, tmp_path, format):
    eq.write_records(records, tmp_path, format=format)
    back = eq.read_records(tmp_path, protocol)
    assert back.exposures.equals(records.exposures)
    assert back.imaging.equals(records.imaging)
