"""The answer sheet: every number is the computed one, nothing is called shown that is not."""

from __future__ import annotations

import dataclasses
import re

import pytest

import equipoise as eq
from equipoise.design.design_storage import design_files
from equipoise.report import design_words
from equipoise.report.design_figures import claims_shown, share_text
from equipoise.report.design_page import write_design
from equipoise.report.twins_words import percent


@pytest.fixture(scope="module")
def protocol():
    return eq.load_protocol("antidepressant-example")


@pytest.fixture(scope="module")
def parts(protocol):
    small = {"workers": 1}
    found = eq.find_size(protocol, power=0.8, between=range(40, 401, 40), **small)
    curves = eq.map_characteristics(
        protocol, {"population.size": (40, 80), "analysis.alpha": (0.01, 0.05)}, 20, **small
    )
    names = ("planned", "null", "mnar-dropout", "slower-recruitment")
    worlds = eq.map_characteristics(
        protocol, {"population.size": [int(found.found.size)]}, 20, scenarios=names, **small
    )
    return worlds, curves, found


@pytest.fixture(scope="module")
def page(parts, tmp_path_factory):
    worlds, curves, found = parts
    folder = tmp_path_factory.mktemp("sheet")
    path = write_design(worlds, folder, curves=curves, found=found, command="a command")
    return path.read_text(encoding="utf-8")


def plain(html):
    html = re.sub(r"<(svg|style).*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def spaced(text):
    """As `plain` has it."""
    return text.replace("\u00a0", " ")


def test_it_says_simulated_at_every_figure_and_table(page):
    assert "A consequence of assumptions, not evidence" in page
    figures = page.count("<figure ")
    assert figures == 5
    assert page.count('data-origin="SIMULATED"') == figures
    for block in re.findall(r"<figcaption>.*?</figcaption>|<p class=\"where\">.*?</p>", page):
        assert "SIMULATED" in block
    assert "<title>SIMULATED" in page


def test_the_answer_is_the_search(page, parts):
    _, _, found = parts
    text = plain(page)
    assert f"{found.found.size:g} participants give a power of at least 80 %" in text
    assert f"{found.found.lower:.0f} and {found.found.upper:.0f}" in text
    assert f"{found.found.trials} simulated trials" in text
    for point in found.points:
        assert spaced(share_text(point.tally(found.claim))) in text
    assert "The protocol plans" in text


def test_every_share_of_map_and_scenarios_stands_there(page, parts):
    worlds, curves, _ = parts
    text = plain(page)
    for one in (worlds, curves):
        for point in one.points:
            assert point.scenario_label in text
            for key, _ in claims_shown(one.points):
                tally = point.tally(key)
                shown = f"{percent(tally.proportion)} {percent(tally.lower)} to"
                assert spaced(shown) in text


def test_what_is_assumed_and_what_people_judge_is_said(page, protocol, parts):
    worlds, _, _ = parts
    text = plain(page)
    for path, _ in worlds.assumptions:
        assert path in text
    assert text.count("To be judged by the team") == 3
    assert protocol.hash[:16] in text
    assert "a command" in text
    assert not re.search(r"\bproves?\b|\bsafe\b|\bguarantee", text.replace("does not prove", ""))


def test_without_an_answer_it_says_so(parts):
    _, _, found = parts
    none = dataclasses.replace(
        found, found=dataclasses.replace(found.found, size=None, said="no size reaches it")
    )
    [said] = design_words.size_answer(none)
    assert said.startswith("No recommended size")
    assert "no size reaches it" in said


def test_the_same_numbers_give_the_same_bytes(parts, tmp_path):
    worlds, curves, found = parts
    one = write_design(worlds, tmp_path / "a", curves=curves, found=found)
    two = write_design(worlds, tmp_path / "b", curves=curves, found=found)
    assert one.read_bytes() == two.read_bytes()
    assert design_files(*parts) == design_files(*parts)


def test_a_map_of_one_field_has_no_heat_map(protocol, tmp_path):
    curves = eq.map_characteristics(protocol, {"analysis.alpha": (0.01, 0.05)}, 5, workers=1)
    worlds = eq.map_characteristics(protocol, {}, 5, workers=1)
    page = write_design(worlds, tmp_path, curves=curves).read_text(encoding="utf-8")
    assert page.count("<figure ") == 2  # curves and scenarios: no size changes, no frontier
    assert 'id="figure-search"' not in page
