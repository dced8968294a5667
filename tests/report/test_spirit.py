"""The SPIRIT page: from the protocol alone, whole in itself, without block sizes."""

from __future__ import annotations

import re

import pytest
from tests.protocol.test_reporting import with_reporting
from tests.report.test_report import Page

import equipoise as eq
from equipoise.analysis.planned import make_plan
from equipoise.report.checklists import load, tidier_rows
from equipoise.report.spirit import render_spirit, schedule, write_spirit


def spirit_page(protocol):
    return render_spirit(make_plan(protocol, False), protocol.hash).decode()


@pytest.mark.parametrize("study", ["il2-depression", "antidepressant-example"])
def test_the_page_is_well_formed_and_needs_nothing_else(study):
    protocol = eq.load_protocol(study)
    text = spirit_page(protocol)
    parsed = Page()
    parsed.feed(text)
    assert parsed.faults == []
    assert parsed.stack == []
    assert len(parsed.ids) == len(set(parsed.ids))
    assert set(parsed.refs) <= set(parsed.ids)
    assert "<script" not in text
    assert "{{" not in text
    assert "None" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    assert protocol.hash in text
    assert {f"item-{item.number}" for item in load("spirit2025").items} <= set(parsed.ids)
    assert text == spirit_page(protocol)


def test_whoever_reads_the_page_cannot_know_the_block_sizes(il2, write_protocol):
    text = spirit_page(il2)
    assert "restricted randomisation; the restriction is kept from those who enrol" in text
    assert "block size 6" not in text
    other = eq.load_protocol(write_protocol(("block_sizes = [6]", "block_sizes = [3, 6]")))
    assert spirit_page(other).replace(other.hash, il2.hash) == text


def test_what_was_written_stands_there_and_what_was_not_names_its_field(il2):
    protocol = with_reporting(il2, oversight={"sponsor": "A <University> & its hospital"})
    text = spirit_page(protocol)
    assert "A &lt;University&gt; &amp; its hospital" in text
    row = text[text.index('id="item-30"') : text.index('id="item-31"')]
    assert "missing" in row
    assert "<code>reporting.oversight.ethics_approval</code>" in row


def test_the_schedule_has_every_measurement_and_every_dose_once(il2):
    plan = make_plan(il2, False)
    found = schedule(plan)
    assert found.columns[0] == "Enrolment"
    assert len(found.columns) == 1 + len(il2.visits)
    assert all(len(row.cells) == len(found.columns) for row in found.rows)
    assessed = {row.label: row.cells[1:] for row in found.rows if row.part == "Assessments"}
    assert set(assessed) == {measure.label for measure in plan.measures}
    treg = assessed[il2.cells["treg"].label]
    assert [v.id for v, mark in zip(il2.visits, treg, strict=True) if mark] == list(
        il2.cells["treg"].visits
    )
    for arm in il2.arms.values():
        (row,) = [r for r in found.rows if r.part == "Interventions" and arm.label in r.label]
        days = [float(d) for cell in row.cells for d in re.findall(r"[\d.]+", cell)]
        assert tuple(days) == arm.doses[0].days
    assert found.rows[1].cells[1:] == found.rows[0].cells[1:] == ("",) * len(il2.visits)


def test_tidier_takes_the_name_the_doses_and_what_was_given_from_where_they_stand(il2, il2_results):
    rows = {row.item.number: row for row in tidier_rows(il2_results.plan, il2_results.flow)}
    assert list(rows) == [str(n) for n in range(1, 13)]
    assert rows["1"].texts == ("Placebo", "Aldesleukin")
    assert "aldesleukin 1 MIU subcutaneous" in rows["8"].texts[1]
    counts = {c.group: c for c in il2_results.flow.counts}
    for key, text in zip(("placebo", "il2"), rows["12"].texts, strict=True):
        planned = counts[key].randomised * len(il2.arms[key].doses[0].days)
        assert text.startswith(f"{counts[key].doses_given} of {planned} planned doses")
    assert rows["3"].texts == (None, None)
    assert rows["3"].fields[1] == "arms.il2.description.materials"
    before = {row.item.number for row in tidier_rows(il2_results.plan)}
    assert before == set(rows) - {"10", "12"}


def test_the_command_writes_the_page(il2, tmp_path):
    from typer.testing import CliRunner

    from equipoise.cli.commands import app

    done = CliRunner().invoke(app, ["spirit", "il2-depression", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    page = tmp_path / "out" / "spirit.html"
    assert done.output.strip() == str(page)
    assert page.read_text(encoding="utf-8") == spirit_page(il2)
    again = write_spirit(make_plan(il2, False), tmp_path / "out", protocol_hash=il2.hash)
    assert again == page
