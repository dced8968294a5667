"""The page of virtual patients: the protocol's arms, and the published numbers beside the model."""

from __future__ import annotations

import re

import numpy as np
import pytest
from tests.light_study import light_fixtures
from typer.testing import CliRunner

import equipoise as eq
from equipoise.cli import model_command
from equipoise.mechanisms import find_model
from equipoise.patients.calibration import read_plan
from equipoise.patients.patients_shown import show_patients, shown_of
from equipoise.patients.published_comparison import plain_comparisons, published_text
from equipoise.report.patients_page import patients_files
from equipoise.report.writing import report_files

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()

TWIN = eq.load_protocol("il2-depression")


@pytest.fixture(scope="module")
def shown():
    return show_patients(TWIN, find_model("il2"), patients=40, threads=1)


@pytest.fixture(scope="module")
def files(shown):
    return patients_files(shown, TWIN.trial.short_title)


@pytest.fixture(scope="module")
def page(files):
    return files["patients.html"].decode()


def test_the_arms_of_the_protocol_are_followed_on_its_schedule(shown):
    assert shown.arms == ("Placebo", "Aldesleukin")
    placebo, active = shown.course.regimens
    assert active.schedule.days.tolist() == [0, 1, 2, 3, 4, 14, 21, 28, 35]
    assert (active.schedule.amounts == 1).all()
    assert shown.visits == (0, 4, 14, 28, 42, 56)
    np.testing.assert_allclose(placebo.bands["treg"].upper, 1.0)
    assert active.bands["treg"].typical[4] > 1


def test_every_published_number_stands_beside_the_model(shown, page):
    plan = read_plan("il2")
    assert [row.key for row in shown.comparisons] == [target.key for target in plan.targets]
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", page, re.S)
    assert len(rows) == len(plan.targets)
    for row, target in zip(shown.comparisons, plan.targets, strict=True):
        assert row.source
        assert row.certainty
        assert row.verdict == target.verdict(row.found)
        if target.value is not None:
            assert row.value == target.value
    held_out = [row for row in shown.comparisons if row.role == "held out"]
    assert held_out
    assert all(row.key.startswith("depil2") for row in held_out)


def test_a_miss_is_shown_as_one(shown, page):
    kirchner = shown.comparison("kirchner")
    assert kirchner.verdict == "missed"
    assert kirchner.found > 2 * kirchner.value
    assert "missed" in page
    with pytest.raises(KeyError, match="nobody"):
        shown.comparison("nobody")


def test_how_a_published_number_is_written(shown):
    text = {row.key: published_text(row) for row in shown.comparisons}
    assert text["depil2-active"] == "1.17 ± 0.084 fold"
    assert text["depil2-active-lower"] == "1.01 fold"
    assert text["transreg"] == "1.5 to 2 fold"
    assert text["il2reg-treg"] == "more than 0 %"


def test_the_terminal_prints_every_target_with_its_verdict(shown):
    text = plain_comparisons(shown.comparisons)
    for row in shown.comparisons:
        (line,) = (line for line in text.splitlines() if line.startswith(f"  {row.key} "))
        assert published_text(row) in line
        assert row.verdict in line
        assert row.certainty in line
        assert f"      {row.what}" in text


def test_the_page_needs_nothing_else_and_is_the_same_each_time(shown, files, page):
    assert patients_files(shown, TWIN.trial.short_title) == files
    assert set(re.findall(r'href="(?!#|data:)([^"]*)"', page)) == {"report.html"}
    assert "<script" not in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_simulated_stands_everywhere(files, page):
    assert "<title>SIMULATED" in page
    assert page.count('<span class="mark">SIMULATED</span>') >= 3
    assert files["tables/patients.csv"].decode().splitlines()[1].startswith("SIMULATED,il2,")
    for name in ("figures/patients-1.svg", "figures/published.svg"):
        assert b'data-origin="SIMULATED"' in files[name]


def test_figures_say_the_published_numbers_and_the_typical_patient(page):
    assert "published: 1.17 (1.01 to 1.34)" in page
    assert "Dotted: the typical patient" in page
    assert "DILT1D" in page
    assert "TRANSREG" in page


def test_a_model_without_published_numbers_shows_the_arms_alone():
    protocol = eq.load_protocol("minocycline-randomised")
    shown = show_patients(protocol, find_model("minocycline"), patients=30, threads=1)
    assert shown.comparisons == ()
    page = patients_files(shown, "x")["patients.html"].decode()
    assert "Published numbers" not in page
    assert "Treg" not in page
    single = eq.load_protocol("minocycline-depression")
    alone = show_patients(single, find_model("minocycline"), patients=30, threads=1)
    assert alone.arms == ("No drug", "Minocycline")


def test_a_protocol_s_own_mechanism_is_shown():
    """Overrides, the name of the drug, and no page without a mechanism."""
    twin = eq.load_protocol("il2-bipolar")
    shown = shown_of(twin)
    assert shown is not None
    assert shown.arms == ("Placebo", "Interleukin-2")
    assert (shown.course.regimens[1].schedule.amounts == 1).all()
    mechanism = twin.assumptions.mechanistic.model_copy(update={"parameters": {"phi": 0.0}})
    changed = twin.assumptions.model_copy(update={"mechanistic": mechanism})
    without_link = shown_of(twin.model_copy(update={"assumptions": changed}))
    placebo, active = without_link.course.regimens
    np.testing.assert_allclose(
        active.bands["severity"].median, placebo.bands["severity"].median, atol=1e-9
    )
    none = twin.assumptions.model_copy(update={"mechanistic": None})
    assert shown_of(twin.model_copy(update={"assumptions": none})) is None


def test_the_command_prints_the_targets():
    done = CliRunner().invoke(model_command.app, ["model", "il2", "--targets"])
    assert done.exit_code == 0, done.output
    assert "SIMULATED against published" in done.output
    assert re.search(r"^  kirchner +627 .* missed +shown +abstract$", done.output, re.M)
    with pytest.raises(eq.EquipoiseError, match="models with targets"):
        CliRunner().invoke(
            model_command.app, ["model", "minocycline", "--targets"], catch_exceptions=False
        )


def test_the_report_leads_to_the_page_or_says_that_there_is_none(shown, il2_results):
    with_page = report_files(il2_results, patients=shown)
    assert (
        with_page["patients.html"]
        == patients_files(shown, il2_results.short_title)["patients.html"]
    )
    text = with_page["report.html"].decode()
    assert '<a href="patients.html">' in text
    assert f"{len(shown.comparisons)} published numbers beside the model" in text
    without = report_files(il2_results)
    assert "patients.html" not in without
    assert 'href="patients.html"' not in without["report.html"].decode()
