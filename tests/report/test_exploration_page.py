"""The page, the tables and the command of an exploration."""

from __future__ import annotations

import io
import re

import polars as pl
import pytest
from typer.testing import CliRunner

from equipoise.cli import explore_command
from equipoise.mechanisms import find_model
from equipoise.patients.exploration import explore
from equipoise.report.exploration_page import exploration_files
from equipoise.report.exploration_table import exploration_frame, plain_exploration

AT = (4.0, 28.0)


@pytest.fixture(scope="module")
def explored():
    return explore(
        find_model("il2"), ["5 daily", "2 weekly"], (0.3, 3.0), last_day=28, patients=20,
        changed={"pT": 0.8}, threads=1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def files(explored):
    return exploration_files(explored, AT, "equipoise explore il2")


@pytest.fixture(scope="module")
def page(files):
    return files["exploration.html"].decode()


def test_the_page_needs_nothing_else_and_is_the_same_each_time(explored, files, page):
    assert exploration_files(explored, AT, "equipoise explore il2") == files
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)
    assert "<script" not in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_simulated_stands_everywhere(files, page):
    assert "<title>SIMULATED" in page
    assert page.count('<span class="mark">SIMULATED</span>') >= 4
    for name, content in files.items():
        if name.endswith(".svg"):
            assert b'data-origin="SIMULATED"' in content
            assert b">SIMULATED</text>" in content or b"SIMULATED" in content
    table = pl.read_csv(io.BytesIO(files["exploration.csv"]))
    assert table["origin"].unique().to_list() == ["SIMULATED"]


def test_assumptions_are_stated(page):
    model = find_model("il2")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assumed = sum(row.origin == "assumed" for row in model.parameters.values())
    assert f"{assumed} are assumed" in text
    assert "75 % of severity" in text
    assert "Harms are not in the model" in text
    for row in (*model.parameters.values(), *model.effects.values()):
        assert f"<code>{row.name}</code></th>" in page
    assert "0.8 1/d (changed)" in page
    assert "pT = 0.8" in page


def test_figures_one_a_schedule_with_numbers_that_can_be_read(files, page):
    assert sorted(n for n in files if n.endswith(".svg")) == [
        "figures/exploration-1.svg", "figures/exploration-2.svg"
    ]  # fmt: skip
    assert page.count("<figure") == 2
    assert "<h3>5 daily</h3>" in page
    assert re.search(r"<title>3 MIU, day 28: \d\.\d\d \(\d\.\d\d to \d\.\d\d\)</title>", page)
    assert "No drug, day 28" in page


def test_every_number_stands_in_the_csv(explored, files):
    table = pl.read_csv(io.BytesIO(files["exploration.csv"]))
    assert table.height == 5 * len(explored.readouts) * len(explored.days)
    assert table.columns == exploration_frame(explored).columns
    row = table.filter(
        (pl.col("schedule") == "5 daily") & (pl.col("dose") == 3.0)
        & (pl.col("readout") == "treg") & (pl.col("day") == 4)
    )  # fmt: skip
    band = explored.regimens[2].bands["treg"]
    assert row["median"][0] == pytest.approx(band.median[4])
    assert row["upper_95"][0] == pytest.approx(band.upper[4])


def test_the_terminal_and_the_page_say_the_same_numbers(explored, page):
    text = plain_exploration(explored, AT)
    assert text.startswith("SIMULATED: 20 virtual patients of the model il2 (seed 1; pT = 0.8)")
    assert "2 weekly: 2 doses of 0.3 MIU" in text
    numbers = re.findall(r"-?\d+\.\d+ \(-?\d+\.\d+ to -?\d+\.\d+\)", text)
    assert len(numbers) == 5 * 2 * 4
    assert all(f">{number}<" in page for number in numbers)
    assert "-0.0" not in text


def test_many_doses_grow_stronger_and_keep_one_band():
    many = explore(
        find_model("il2"), ["once"], (0.1, 0.3, 1.0, 3.0), last_day=7, patients=20, threads=1
    )
    page = exploration_files(many, (4.0, 7.0))["exploration.html"].decode()
    assert "the band of no drug and of the highest dose" in page


def test_the_command_prints_the_table_and_writes_the_page(tmp_path):
    words = ["explore", "il2", "--dose", "1", "--schedule", "5 daily", "--patients", "20"]
    words += ["--days", "14", "--at", "4,14", "--set", "phi=0.5", "--out", str(tmp_path / "new")]
    done = CliRunner().invoke(explore_command.app, words)
    assert done.exit_code == 0, done.output
    assert "SIMULATED" in done.stdout
    assert "5 daily: 5 doses of 1 MIU" in done.stdout
    page = (tmp_path / "new" / "exploration.html").read_text(encoding="utf-8")
    assert "equipoise explore il2 --dose 1 --schedule &#39;5 daily&#39;" in page
    assert str(tmp_path) not in page
    again = CliRunner().invoke(explore_command.app, words[:-2])
    assert again.exit_code == 0
    assert "--out FOLDER" in again.output
