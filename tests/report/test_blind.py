"""The blind: whoever reads everything that a blinded run writes cannot find an arm."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import polars as pl
import pytest
from tests.light_study import light_fixtures, light_study

import equipoise as eq

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()


@pytest.fixture(scope="module")
def blinded_run(il2_records, tmp_path_factory):
    """Everything that `equipoise run --data` writes and prints without the allocation."""
    root = tmp_path_factory.mktemp("blind")
    eq.write_records(il2_records.without_allocation(), root / "data")
    done = subprocess.run(
        [sys.executable, "-m", "equipoise", "run", str(light_study(root / "study")),
         "--data", str(root / "data"), "--out", str(root / "out")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    files = {
        path.relative_to(root / "out").as_posix(): path.read_text(encoding="utf-8")
        for path in sorted((root / "out").rglob("*"))
        if path.is_file()
    }
    assert {"report.html", "results.json", "provenance.json"} <= set(files)
    return {**files, "stdout": done.stdout, "stderr": done.stderr}


def without_the_public_title(text, il2):
    """The title and what the trial is are public; the id is how the study is called."""
    for known in (
        il2.trial.title,
        il2.trial.about,
        il2.trial.short_title,
        il2.trial.objective,
        str(il2.trial.registration),
        "il2-depression",
    ):
        text = text.replace(known, "").replace(json.dumps(known, ensure_ascii=False)[1:-1], "")
    return text


def test_no_arm_no_drug_and_nothing_unblinding_is_named(blinded_run, il2):
    words = {"aldesleukin", "placebo", "il2"}
    words |= {arm.label.lower() for arm in il2.arms.values()}
    words |= {dose.drug.lower() for arm in il2.arms.values() for dose in arm.doses}
    hidden_cells = {k: c for k, c in il2.cells.items() if c.unblinding}
    words |= set(hidden_cells) | {c.label.lower() for c in hidden_cells.values()}
    words |= {k for k, lab in il2.labs.items() if lab.unblinding}
    words |= {term.lower() for term, e in il2.safety.events.items() if e.unblinding}
    words |= {"regulatory", "1 miu", "block size"}
    for name, text in blinded_run.items():
        lower = without_the_public_title(text, il2).lower()
        for word in words:
            assert not re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", lower), (name, word)


def test_no_participant_is_named_and_no_size_of_an_arm_stands_anywhere(blinded_run, il2_records):
    for name, text in blinded_run.items():
        for participant in il2_records.participants["participant"]:
            assert participant not in text, (name, participant)
    results = json.loads(blinded_run["results.json"])
    assert [g["n"] for g in results["groups"]] == [36]

    def sizes(value):
        if isinstance(value, dict):
            for key, item in value.items():
                if key in ("n", "randomised", "analysed") and isinstance(item, int):
                    yield item
                yield from sizes(item)
        elif isinstance(value, list):
            for item in value:
                yield from sizes(item)

    assert not {12, 24} & set(sizes(results["flow"]))


def test_no_number_is_that_of_an_arm(blinded_run, il2_records):
    """Means, counts and values of each arm are computed here and looked for in the output."""
    numbers = set(re.findall(r"-?\d+\.\d{6,}", blinded_run["results.json"]))
    tables = "".join(t for name, t in blinded_run.items() if name.startswith("tables/"))
    numbers |= set(re.findall(r"-?\d+\.\d{6,}", tables))
    found = {round(float(n), 6) for n in numbers}
    arms = il2_records.allocation.select("participant", "arm")
    for frame, column in ((il2_records.scores, "score"), (il2_records.cells, "value"),
                          (il2_records.labs, "value")):  # fmt: skip
        keys = [c for c in ("instrument", "item", "population", "unit", "analyte", "visit")
                if c in frame.columns]  # fmt: skip
        joined = frame.join(arms, on="participant")
        table = joined.group_by(*keys, "arm").agg(
            pl.col(column).mean().alias("mean"), pl.col(column).std().alias("sd"),
            pl.col(column).log().mean().alias("log"),
        )  # fmt: skip
        for statistic in ("mean", "sd", "log"):
            values = table[statistic].drop_nulls().to_list()
            own = {round(v, 6) for v in values if abs(v - round(v, 2)) > 1e-6}
            assert not own & found, statistic
    assert found  # the search had something to search in


def test_the_seed_and_what_hashes_the_list_are_withheld(blinded_run, il2_records):
    results = json.loads(blinded_run["results.json"])
    assert results["provenance"]["seed"] is None
    assert "seed withheld while blinded" in blinded_run["report.html"]
    allocation = il2_records.allocation.write_csv()
    for digest in _digests(allocation):
        for name, text in blinded_run.items():
            assert digest not in text, name


def _digests(text):
    import hashlib

    yield hashlib.sha256(text.encode()).hexdigest()
    yield hashlib.sha256(text.strip().encode()).hexdigest()


def test_free_text_and_withheld_harms_do_not_reach_a_blinded_report(il2, il2_records):
    events = il2_records.adverse_events
    extra = events.head(1).with_columns(
        term=pl.lit("Capillary leak syndrome"), serious=pl.lit(True), grade=pl.lit(5, pl.Int64)
    )
    left = pl.col("event") == "discontinued"
    disposition = il2_records.disposition.with_columns(
        reason=pl.when(left).then(pl.lit("Injection site reaction on aldesleukin"))
    )
    frames = il2_records.without_allocation().frames() | {
        "adverse_events": pl.concat([events, extra]), "disposition": disposition,
    }  # fmt: skip
    records = eq.records_from_tables(il2, frames, manifest=il2_records.manifest)
    results = eq.analyse(il2, records)
    text = results.model_dump_json()
    for word in ("aldesleukin", "Capillary", "Injection"):
        assert word not in text
    # "0 serious events" would be false: there is no summary of a part of the events.
    assert results.safety.summary == ()
    assert any("serious ones among them, are withheld" in t for t in results.safety.withheld)
    assert results.flow.reasons == ()
    assert results.flow.counts[0].discontinued == disposition.filter(left).height


def test_a_blinded_run_refuses_damaged_data_without_a_value(il2_records, tmp_path):
    eq.write_records(il2_records.without_allocation(), tmp_path / "data")
    path = tmp_path / "data" / "cells.csv"
    path.write_text(path.read_text(encoding="utf-8").split("\n", 1)[1], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "equipoise", "run", "il2-depression",
         "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    value = il2_records.cells.filter(pl.col("population") == "treg")["value"][0]
    assert f"{value:g}" not in done.stderr
    assert "add the column `value`" in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_unmasked_fault_of_ours_writes_no_message_to_the_log(tmp_path, il2_records):
    eq.write_records(il2_records.without_allocation(), tmp_path / "data")
    code = (
        "import sys, equipoise.records.reading as r\n"
        "def broken(*a, **k): raise RuntimeError('Treg of P001 is 17.25')\n"
        "import equipoise.records; equipoise.records.read_records = broken\n"
        f"sys.argv = ['equipoise', 'run', 'il2-depression', '--data', {str(tmp_path / 'data')!r}]\n"
        "from equipoise.cli import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "17.25" not in done.stderr
    log = re.search(r"A log is in (\S+);", done.stderr).group(1)
    with open(log, encoding="utf-8") as file:
        text = file.read()
    assert "RuntimeError" in text
    assert "17.25" not in text
