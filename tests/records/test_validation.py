"""Records against their protocol: every rule is broken once and named, all at once."""

from __future__ import annotations

import json
import re

import polars as pl
import pytest

import equipoise as eq
from equipoise.faults import WITHHELD


@pytest.fixture
def folder(tmp_path, il2_records):
    target = tmp_path / "data"
    eq.write_records(il2_records, target)
    return target


def edit(folder, table, change):
    """Change the lines of a table's CSV; returns nothing, writes in place."""
    path = folder / f"{table}.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(change(lines)) + "\n", encoding="utf-8")


def replace_in_row(row, old, new):
    def change(lines):
        assert old in lines[row], lines[row]
        lines[row] = lines[row].replace(old, new, 1)
        return lines

    return change


def drop_row(row):
    return lambda lines: lines[:row] + lines[row + 1 :]


def repeat_rows(*rows):
    return lambda lines: lines + [lines[row] for row in rows]


def set_cell(row, column, value):
    def change(lines):
        cells = lines[row].split(",")
        cells[lines[0].split(",").index(column)] = value
        lines[row] = ",".join(cells)
        return lines

    return change


CASES = [
    ("scores", set_cell(1, "visit", "week3"), "visit-unknown", "scores.csv, line 2", "week3"),
    ("visits", set_cell(2, "day", "90"), "day-out-of-window", "visits.csv, line 3", "90"),
    ("scores", set_cell(1, "score", "99"), "score-out-of-range", "scores.csv, line 2", "99"),
    ("scores", set_cell(1, "score", "12,5"), "csv-invalid", "scores.csv, line 2", "7 fields"),
    ("scores", set_cell(1, "score", '"12,5"'), "decimal-comma", "scores.csv, line 2", "12,5"),
    ("scores", set_cell(1, "score", "high"), "not-of-kind", "scores.csv, line 2", "high"),
    ("scores", set_cell(1, "score", "inf"), "not-of-kind", "scores.csv, line 2", "inf"),
    ("scores", set_cell(1, "instrument", "hdrx"), "instrument-unknown", "scores.csv, line 2", "hdrx"),
    ("scores", set_cell(1, "item", "18"), "item-unknown", "scores.csv, line 2", "18"),
    ("scores", repeat_rows(1, 2, 3), "row-duplicate", "scores.csv, line 3878", "P001"),
    ("participants", drop_row(1), "participant-unknown", "scores.csv, line 2", "P001"),
    ("participants", set_cell(1, "age", "17"), "covariate-out-of-range", "participants.csv, line 2", "17"),
    ("participants", set_cell(1, "sex", "f"), "level-unknown", "participants.csv, line 2", "f"),
    ("participants", set_cell(1, "diagnosis", ""), "cell-empty", "participants.csv, line 2", ""),
    ("allocation", drop_row(1), "participant-not-allocated", "allocation.csv", "P001"),
    ("allocation", set_cell(1, "arm", "il3"), "arm-unknown", "allocation.csv, line 2", "il3"),
    ("allocation", set_cell(1, "sequence", "1.5"), "not-of-kind", "allocation.csv, line 2", "1.5"),
    ("cells", set_cell(1, "value", "150"), "value-out-of-range", "cells.csv, line 2", "150"),
    ("cells", set_cell(1, "unit", "%"), "unit-unknown", "cells.csv, line 2", "%"),
    ("cells", set_cell(1, "visit", "week2"), "not-planned", "cells.csv, line 2", "week2"),
    ("labs", set_cell(1, "analyte", "cpr"), "analyte-unknown", "labs.csv, line 2", "cpr"),
    ("labs", set_cell(1, "unit", "mg/dL"), "unit-unknown", "labs.csv, line 2", "mg/dL"),
    ("doses", set_cell(1, "drug", "aldesleukin"), "blind-broken", "doses.csv, line 2", "aldesleukin"),
    ("doses", set_cell(1, "kit", "K9999"), "kit-unknown", "doses.csv, line 2", "K9999"),
    ("adverse_events", set_cell(1, "grade", "6"), "grade-out-of-range", "adverse_events.csv, line 2", "6"),
    ("adverse_events", set_cell(1, "end_day", "-1"), "end-before-start", "adverse_events.csv, line 2", "-1"),
    ("adverse_events", set_cell(1, "serious", "maybe"), "not-of-kind", "adverse_events.csv, line 2", "maybe"),
    ("disposition", set_cell(1, "event", "left"), "event-unknown", "disposition.csv, line 2", "left"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "change", "code", "where", "value"), CASES)
def test_each_broken_rule_is_named_with_its_row(folder, il2, table, change, code, where, value):
    edit(folder, table, change)
    with pytest.raises(eq.EquipoiseError, match="are refused") as info:
        eq.read_records(folder, il2)
    found = [f for f in info.value.faults if f.code == code and f.where == where]
    assert found, [str(f) for f in info.value.faults]
    assert value in found[0].value
    assert found[0].rule
    assert found[0].remedy


def test_all_faults_of_all_tables_come_together(folder, il2):
    for table, change, *_ in CASES:
        if table in ("labs", "doses", "disposition"):
            edit(folder, table, change)
    edit(folder, "scores", set_cell(1, "score", "99"))
    with pytest.raises(eq.EquipoiseError, match="are refused") as info:
        eq.read_records(folder, il2)
    tables = {fault.where.split(".")[0] for fault in info.value.faults}
    assert tables == {"labs", "doses", "disposition", "scores"}


def test_three_duplicates_are_three_faults_and_a_thousand_are_counted(folder, il2):
    edit(folder, "scores", repeat_rows(1, 2, 3))
    with pytest.raises(eq.EquipoiseError, match="3 faults"):
        eq.read_records(folder, il2)
    edit(folder, "scores", lambda lines: lines + [lines[1]] * 1000)
    with pytest.raises(eq.EquipoiseError, match=r"more of the kind row-duplicate") as info:
        eq.read_records(folder, il2)
    assert any("803 more rows" in fault.value for fault in info.value.faults)


@pytest.mark.parametrize(
    ("content", "code", "remedy"),
    [
        (b"", "file-empty", "write the header participant,visit"),
        (b"  \n \n", "file-empty", "remove the file"),
        (b"participant;visit;day;instrument;item;score\nP001;baseline;0;hdrs;total;20\n",
         "separator-wrong", "comma-separated"),
        (b"participant\tvisit\tday\tinstrument\titem\tscore\n", "separator-wrong", "comma"),
        ("participant,visit\nP001,baseline\n".encode("utf-16"), "file-encoding", "UTF-8"),
        (b"participant,visit,day,instrument,item,score\nP001,\xe9,0,hdrs,total,1\n",
         "file-encoding", "UTF-8"),
        (b"participant,visit,day,instrument,item\n", "column-missing", "add the column `score`"),
        (b"participant,visit,day,instrument,item,score,arm\n", "column-unknown", "take the column out"),
        (b"participant,visit,day,instrument,item,socre\n", "column-unknown", "did you mean `score`?"),
        (b"participant,visit,day,instrument,item,score\nP001,baseline,0,hdrs,total,20,extra\n",
         "csv-invalid", "double quotes"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_is_refused_in_words(folder, il2, content, code, remedy):
    (folder / "scores.csv").write_bytes(content)
    with pytest.raises(eq.EquipoiseError, match="are refused") as info:
        eq.read_records(folder, il2)
    found = [f for f in info.value.faults if f.code == code]
    assert found, [str(f) for f in info.value.faults]
    assert remedy in found[0].remedy


def test_a_byte_order_mark_is_skipped_and_said(folder, il2, il2_records):
    path = folder / "scores.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    records = eq.read_records(folder, il2)
    assert records.scores.equals(il2_records.scores)
    assert "scores.csv: a UTF-8 byte-order mark was skipped" in records.notes


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (None, "says whether the records were observed or simulated"),
        ("{", "is JSON"),
        ("{}", "origin"),
        ('{"origin": "guessed"}', "observed, simulated"),
        ('{"origin": "simulated"}', "state their seed"),
        ('{"origin": "observed", "seed": 1}', "neither a seed nor a scenario"),
        ('{"origin": "observed", "mood": 1}', "mood"),
    ],
)
def test_the_manifest_is_mandatory_and_checked(folder, il2, manifest, message):
    path = folder / "manifest.json"
    path.unlink()
    if manifest is not None:
        path.write_text(manifest, encoding="utf-8")
    with pytest.raises(eq.EquipoiseError, match=message):
        eq.read_records(folder, il2)


def test_simulated_records_belong_to_their_protocol(folder, antidepressant, il2):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["protocol_hash"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(eq.EquipoiseError, match="belong to the protocol they were drawn from"):
        eq.read_records(folder, il2)


def test_an_allocation_that_is_not_what_the_list_says(folder, il2, tmp_path):
    listed = eq.randomise(il2, seed=1).frame
    path = tmp_path / "list.csv"
    listed.write_csv(path)
    assert eq.read_records(folder, il2, allocation_list=path).allocation is not None
    wrong = listed.with_columns(
        arm=pl.when(pl.int_range(pl.len()) == 0)
        .then(pl.when(pl.col("arm") == "il2").then(pl.lit("placebo")).otherwise(pl.lit("il2")))
        .otherwise(pl.col("arm"))
    )
    with pytest.raises(eq.EquipoiseError, match="1 fault") as info:
        eq.read_records(folder, il2, allocation_list=wrong)
    assert info.value.faults[0].code == "not-as-listed"
    with pytest.raises(eq.EquipoiseError, match="place in the randomisation list") as info:
        eq.read_records(folder, il2, allocation_list=listed.head(30))
    assert {f.code for f in info.value.faults} == {"not-in-list"}
    with pytest.raises(eq.EquipoiseError, match="columns stratum, sequence, arm"):
        eq.read_records(folder, il2, allocation_list=tmp_path / "nothing.csv")


def test_a_stratum_that_the_covariates_do_not_give(folder, il2):
    frame = pl.read_csv(folder / "allocation.csv")
    swapped = frame.with_columns(
        stratum=pl.when(pl.int_range(pl.len()) == 0)
        .then(pl.when(pl.col("stratum") == "BD").then(pl.lit("MDD")).otherwise(pl.lit("BD")))
        .otherwise(pl.col("stratum"))
    )
    swapped.write_csv(folder / "allocation.csv")
    with pytest.raises(eq.EquipoiseError, match="covariates give"):
        eq.read_records(folder, il2)


def test_kits_without_the_allocation_break_the_blind(folder, il2):
    (folder / "allocation.csv").unlink()
    with pytest.raises(eq.EquipoiseError, match="stand beside the allocation"):
        eq.read_records(folder, il2)
    (folder / "kits.csv").unlink()
    assert eq.read_records(folder, il2).blinded


def test_blinded_errors_quote_nothing_that_gives_the_arm_away(folder, il2):
    (folder / "allocation.csv").unlink()
    (folder / "kits.csv").unlink()
    edit(folder, "doses", set_cell(1, "drug", "aldesleukin"))
    cells = pl.read_csv(folder / "cells.csv")
    treg = (cells["population"] == "treg") & (cells["unit"] == "%CD4")
    cells.with_columns(
        value=pl.when(treg).then(pl.lit(123.456)).otherwise(pl.col("value"))
    ).write_csv(folder / "cells.csv")
    events = pl.read_csv(folder / "adverse_events.csv")
    assert "Injection site reaction" in events["term"].to_list()
    events.with_columns(grade=pl.lit(9)).write_csv(folder / "adverse_events.csv")
    with pytest.raises(eq.EquipoiseError, match=WITHHELD) as info:
        eq.read_records(folder, il2)
    text = info.value.render(shown_per_kind=10_000)
    assert "aldesleukin" not in text.lower()
    assert "123.456" not in text
    hidden = [f for f in info.value.faults if f.value == WITHHELD]
    assert {f.where.split(".")[0] for f in hidden} == {"doses", "cells", "adverse_events"}


def test_out_of_window_days_are_reported_where_the_protocol_says_so(tmp_path, antidepressant):
    records = eq.simulate(antidepressant, seed=1)
    visits = records.visits.with_columns(
        day=pl.when(pl.col("visit") == "week6").then(99.0).otherwise(pl.col("day"))
    )
    frames = records.frames() | {"visits": visits}
    kept = eq.records_from_tables(antidepressant, frames, manifest=records.manifest)
    n = (visits["visit"] == "week6").sum()
    assert any(note.startswith(f"{n} visits lie outside") for note in kept.notes)


def test_two_files_of_one_table_and_a_file_of_no_table(folder, il2):
    (folder / "scores.parquet").write_bytes(b"PAR1")
    (folder / "score.csv").write_text("a\n", encoding="utf-8")
    with pytest.raises(eq.EquipoiseError, match="a table is one file") as info:
        eq.read_records(folder, il2)
    assert {f.code for f in info.value.faults} == {"table-twice", "file-unknown"}


def test_a_folder_that_is_not_there(il2, tmp_path):
    with pytest.raises(eq.EquipoiseError, match=re.escape("docs/bring-your-data.md")):
        eq.read_records(tmp_path / "nowhere", il2)


def test_records_without_participants(folder, il2):
    for path in folder.glob("*.csv"):
        path.unlink()
    with pytest.raises(eq.EquipoiseError, match="table `participants`"):
        eq.read_records(folder, il2)


def test_a_line_with_too_few_fields_is_a_fault_not_a_missing_value(folder, il2):
    def shorten(lines):
        return [line.rsplit(",", 1)[0] if ",week8," in line else line for line in lines]

    n = (folder / "scores.csv").read_text(encoding="utf-8").count(",week8,")
    edit(folder, "scores", shorten)
    with pytest.raises(eq.EquipoiseError, match="every line has the 6 fields") as info:
        eq.read_records(folder, il2)
    assert len(info.value.faults) == min(n, 50)
    assert {f.value for f in info.value.faults} == {"5 fields"}


@pytest.mark.parametrize(
    ("first", "last"),
    [('"recovered', 'recovered"'), ('rec"overed', "recovered"), ('"recovered"x', "recovered")],
)
def test_a_quote_left_open_never_swallows_rows(folder, il2, first, last):
    """Between the two quotes stand serious events: they must not vanish without a word."""

    def change(lines):
        lines[2] = lines[2].replace("recovered", first)
        lines[9] = lines[9].replace("recovered", last)
        return lines

    edit(folder, "adverse_events", change)
    n = len((folder / "adverse_events.csv").read_text(encoding="utf-8").splitlines()) - 1
    try:
        records = eq.read_records(folder, il2)
    except eq.EquipoiseError as error:
        assert error.faults[0].where == "adverse_events.csv, line 3"
        assert error.faults[0].code == "csv-quotes"
    else:  # a lone quote inside a field is text, and every row is there
        assert records.adverse_events.height == n
        assert first in records.adverse_events["outcome"].to_list()


def test_quoted_files_are_read_as_written(folder, il2, il2_records):
    """R quotes every text, and so does this file; commas and doubled quotes stand in the text."""
    path = folder / "adverse_events.csv"
    frame = il2_records.adverse_events.with_columns(outcome=pl.lit('recovered, "fully", by itself'))
    frame.write_csv(path, quote_style="non_numeric")
    assert eq.read_records(folder, il2).adverse_events.equals(frame)

    def change(lines):
        lines[3] = lines[3].replace('"recovered', '"recovered again')
        cells = lines[4].split(",")
        cells[lines[0].replace('"', "").split(",").index("grade")] = "9"
        lines[4] = ",".join(cells)
        return lines

    edit(folder, "adverse_events", change)
    with pytest.raises(eq.EquipoiseError, match="between 1 and 5") as info:
        eq.read_records(folder, il2)
    assert info.value.faults[0].where == "adverse_events.csv, line 5"


def test_a_damaged_parquet_file_is_a_fault_and_silent(folder, il2, il2_records, capfd):
    eq.write_records(il2_records, folder, format="parquet")
    path = folder / "cells.parquet"
    good = path.read_bytes()
    for at in range(4, len(good) - 8, max(1, len(good) // 60)):
        path.write_bytes(good[:at] + bytes(b ^ 0x5A for b in good[at : at + 6]) + good[at + 6 :])
        try:
            eq.read_records(folder, il2)
        except eq.EquipoiseError as error:
            assert error.faults
    assert capfd.readouterr().err == ""


def test_blinded_errors_quote_no_word_of_any_table(blinded, il2):
    for table, old, new in (
        ("participants", "MDD", "aldesleukin"),
        ("scores", "hdrs", "aldesleukin"),
        ("visits", "day5", "aldesleukin"),
    ):
        edit(
            blinded,
            table,
            lambda lines, o=old, n=new: [
                lines[0],
                lines[1].replace(o, n),
                *[x.replace(o, n) for x in lines[2:]],
            ],
        )
    with pytest.raises(eq.EquipoiseError, match=WITHHELD) as info:
        eq.read_records(blinded, il2)
    assert "aldesleukin" not in info.value.render(shown_per_kind=10_000)


def test_empty_lines_are_no_rows_and_rows_of_frames_are_called_rows(folder, il2, il2_records):
    path = folder / "scores.csv"
    path.write_text(path.read_text(encoding="utf-8") + "\n\n", encoding="utf-8")
    assert eq.read_records(folder, il2).scores.equals(il2_records.scores)
    wrong = il2_records.scores.with_columns(score=pl.lit(99.0))
    with pytest.raises(eq.EquipoiseError, match=r"scores, row 1\b"):
        eq.records_from_tables(
            il2, il2_records.frames() | {"scores": wrong}, manifest=il2_records.manifest
        )


@pytest.fixture
def blinded(folder):
    for name in ("allocation", "kits"):
        (folder / f"{name}.csv").unlink()
    return folder


def drop_header(lines):
    return lines[1:]


def cr_only(path):
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r"))


def misspell(old, new):
    return lambda lines: [line.replace(f",{old},", f",{new},") for line in lines]


def with_comma(column):
    def change(lines):
        at = lines[0].split(",").index(column)
        rows = [line.split(",") for line in lines]
        for row in rows[1:]:
            row[at] = '"' + row[at].replace(".", ",") + '"'
        return [",".join(row) for row in rows]

    return change


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("cells", drop_header),
        ("labs", drop_header),
        ("adverse_events", drop_header),
        ("cells", lambda lines: [lines[0], '"' + lines[1], *lines[2:]]),
        ("cells", with_comma("value")),
        ("cells", lambda lines: misspell("treg", "Treg")(with_comma("value")(lines))),
        ("labs", lambda lines: misspell("eosinophils", "Eos")(with_comma("value")(lines))),
        ("adverse_events", lambda lines: [lines[0], *(x.replace(",1,", ",7,") for x in lines[1:])]),
    ],
)
def test_no_damage_makes_a_blinded_error_quote_a_value(blinded, il2, il2_records, table, change):
    edit(blinded, table, change)
    with pytest.raises(eq.EquipoiseError, match="are refused") as info:
        eq.read_records(blinded, il2)
    text = info.value.render(shown_per_kind=10_000)
    secret = il2_records.cells.filter(pl.col("population").is_in(["treg", "th2"]))["value"]
    secret = [*secret, *il2_records.labs.filter(pl.col("analyte") == "eosinophils")["value"]]
    known = il2_records.cells.filter(~pl.col("population").is_in(["treg", "th2"]))["value"]
    known = {*known, *il2_records.labs.filter(pl.col("analyte") == "crp")["value"]}
    quoted = {n.replace(",", ".") for n in re.findall(r"\d+[.,]\d+", text)}
    assert not {f"{value:g}" for value in {*secret} - known} & quoted
    for term in ("Injection", "Influenza"):
        assert term not in text


def test_line_ends_of_old_macs_are_named(blinded, il2):
    cr_only(blinded / "cells.csv")
    with pytest.raises(eq.EquipoiseError, match="lines end with a line feed") as info:
        eq.read_records(blinded, il2)
    assert len(info.value.faults) == 1


@pytest.mark.parametrize("name", ["allocation.txt", "allocation.xlsx", "kits.txt"])
def test_an_allocation_in_another_form_is_refused_not_overlooked(blinded, il2, name):
    (blinded / name).write_text("P001,il2", encoding="utf-8")
    with pytest.raises(eq.EquipoiseError, match="a table is a file named"):
        eq.read_records(blinded, il2)


def test_an_allocation_that_is_a_folder_is_refused(blinded, il2):
    (blinded / "allocation.csv").mkdir()
    with pytest.raises(eq.EquipoiseError, match="a table is a file named"):
        eq.read_records(blinded, il2)


def test_a_list_beside_blinded_records_is_refused_and_not_quoted(blinded, il2, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("stratum,sequence,arm\nMDD,il2,placebo\n", encoding="utf-8")
    with pytest.raises(eq.EquipoiseError, match="these records have none") as info:
        eq.read_records(blinded, il2, allocation_list=path)
    assert "placebo" not in str(info.value)
    assert "il2`" not in str(info.value)


def test_what_was_checked_and_what_differs_is_noted(folder, il2, il2_records):
    listed = eq.randomise(il2, seed=1).frame
    records = eq.read_records(folder, il2, allocation_list=listed)
    assert "Each allocation was held against the randomisation list" in records.notes
    observed = eq.records_from_tables(il2, il2_records.frames(), origin="observed")
    manifest = observed.manifest.model_copy(update={"protocol_hash": "0" * 64})
    noted = eq.records_from_tables(il2, il2_records.frames(), manifest=manifest)
    assert any("captured under another protocol" in note for note in noted.notes)
