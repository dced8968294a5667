"""What is written is what is read, in every format and from every data frame library."""

from __future__ import annotations

import csv
import gzip
import io
import string

import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import equipoise as eq
from equipoise.records.schema import tables
from equipoise.records.table_files import read_table_file


@pytest.mark.parametrize("format", ["csv", "csv.gz", "parquet"])
def test_every_format_gives_the_same_records_back(tmp_path, il2, il2_records, format):
    eq.write_records(il2_records, tmp_path, format=format)
    back = eq.read_records(tmp_path, il2)
    assert back.manifest == il2_records.manifest
    assert set(back.frames()) == set(il2_records.frames())
    for name, frame in il2_records.frames().items():
        assert back.frames()[name].equals(frame), name


def test_another_format_replaces_the_first(tmp_path, il2, il2_records):
    eq.write_records(il2_records, tmp_path)
    eq.write_records(il2_records, tmp_path, format="parquet")
    assert not list(tmp_path.glob("*.csv"))
    assert eq.read_records(tmp_path, il2).scores.equals(il2_records.scores)


def test_the_same_records_give_the_same_bytes(tmp_path, il2_records):
    for name in ("a", "b"):
        eq.write_records(il2_records, tmp_path / name, format="csv.gz")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    assert gzip.decompress((tmp_path / "a" / "scores.csv.gz").read_bytes())


def test_blinded_records_never_land_beside_an_old_allocation(tmp_path, il2_records):
    eq.write_records(il2_records, tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(eq.EquipoiseError, match=r"allocation\.csv"):
        eq.write_records(il2_records.without_allocation(), tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_observed_records_are_never_overwritten_by_others(tmp_path, il2, il2_records):
    observed = eq.records_from_tables(il2, il2_records.frames(), source="a hospital")
    eq.write_records(observed, tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    other = eq.records_from_tables(il2, il2_records.frames(), source="another hospital")
    for records in (il2_records, other):
        with pytest.raises(eq.EquipoiseError, match="never overwritten"):
            eq.write_records(records, tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    eq.write_records(observed, tmp_path, format="parquet")  # the same source may be written anew
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(eq.EquipoiseError, match="unknown origin"):
        eq.write_records(il2_records, tmp_path)
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(eq.EquipoiseError, match="unknown origin"):
        eq.write_records(il2_records, tmp_path)


def test_pandas_frames_and_shuffled_columns_are_read(il2, il2_records):
    frames = {
        name: pd.DataFrame({column: frame[column].to_list() for column in reversed(frame.columns)})
        for name, frame in il2_records.frames().items()
    }
    back = eq.records_from_tables(il2, frames, manifest=il2_records.manifest)
    for name, frame in il2_records.frames().items():
        assert back.frames()[name].equals(frame), name


names = st.text(string.ascii_letters + string.digits + " -_.'äβ", min_size=1, max_size=8).map(
    lambda text: text.strip() or "x"
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_valid_scores_survive_a_round_trip(tmp_path_factory, antidepressant, data):
    people = data.draw(
        st.lists(
            names.filter(lambda n: n not in ("NA", "nan", "NaN")),
            min_size=1,
            max_size=5,
            unique=True,
        )
    )
    visits = {v.id: v for v in antidepressant.visits}
    rows = []
    for person in people:
        for visit in data.draw(st.lists(st.sampled_from(sorted(visits)), unique=True)):
            low, high = visits[visit].window
            day = data.draw(st.floats(low, high, allow_nan=False))
            score = data.draw(st.none() | st.integers(0, 52))
            rows.append((person, visit, day, "hdrs", "total", score))
    scores = pl.DataFrame(
        rows,
        schema={"participant": pl.String, "visit": pl.String, "day": pl.Float64,
                "instrument": pl.String, "item": pl.String, "score": pl.Float64},
        orient="row",
    )  # fmt: skip
    participants = pl.DataFrame(
        {"participant": people, "site": ["1"] * len(people), "sex": ["F"] * len(people)}
    )
    records = eq.records_from_tables(
        antidepressant, {"participants": participants, "scores": scores}
    )
    folder = tmp_path_factory.mktemp("records")
    for format in ("csv", "parquet"):
        eq.write_records(records, folder, format=format)
        back = eq.read_records(folder, antidepressant)
        assert back.participants.equals(records.participants)
        assert back.scores.equals(records.scores)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_bytes_whatever_make_a_traceback(tmp_path_factory, antidepressant, content):
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "manifest.json").write_text('{"origin": "observed"}', encoding="utf-8")
    (folder / "participants.csv").write_text("participant,site,sex\n1,1,F\n", encoding="utf-8")
    header = b"participant,visit,day,instrument,item,score\n"
    for body in (content, header + content):
        (folder / "scores.csv").write_bytes(body)
        try:
            eq.read_records(folder, antidepressant)
        except eq.EquipoiseError as error:
            assert error.faults


SCORES = tables(eq.load_protocol("antidepressant-example"))["scores"]
CELLS = ["a", '"a"', '"a,b"', '""', '"a""b"', 'a"b', '"a', 'a"', "", "1", '"\n"', ' "a"', '"a" ']


@settings(max_examples=400, deadline=None)
@given(
    rows=st.lists(st.lists(st.sampled_from(CELLS), min_size=3, max_size=3), min_size=1, max_size=4),
    end=st.sampled_from(["", "\n", "\r\n", "\n\n"]),
)
def test_an_accepted_csv_is_what_pythons_strict_reader_sees(tmp_path_factory, rows, end):
    """Whatever the quotes: either the file is refused, or no row and no cell is lost."""
    path = tmp_path_factory.getbasetemp() / "scores.csv"
    text = "participant,visit,day\n" + "\n".join(",".join(row) for row in rows) + end
    path.write_bytes(text.encode())
    read = read_table_file(path, SCORES, blinded=False)
    if read.frame is None:
        assert read.faults
        return
    header, *wanted = (r for r in csv.reader(io.StringIO(text, newline=""), strict=True) if r)
    assert header == read.frame.columns
    assert wanted == [[cell or "" for cell in row] for row in read.frame.rows()]
    assert len(wanted) == len([line for line in text.split("\n")[1:] if line.strip("\r")])
