"""What is read back from the page: its tables, their CSV, the figures; and the one script."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from importlib import resources

import pytest
from tests.light_study import light_fixtures

from equipoise.report.downloads import file_name, table_csv
from equipoise.report.grids import Cell, grids

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()

PAGE = """
<h2>Section</h2><h3>Sub &amp; title</h3><p class="note">Above.</p>
<div id="table-a" class="table-scroll"><table><thead>
<tr><th rowspan="2">Visit</th><th colspan="2"><span>Arm <b>A</b></span></th><th rowspan="2">p</th></tr>
<tr><th>n</th><th class="gt_right">mean</th></tr></thead>
<tbody><tr><th colspan="4">Group one</th></tr>
<tr><th>Day&nbsp;5</th><td>3</td><td class="gt_right">=1+1</td><td>\u22121.2</td></tr>
</tbody></table></div><p class="note">Below.</p><p>Not a note.</p>
<h3>Other</h3><table id="table-b"><tbody><tr><td>x</td><td>y</td></tr></tbody></table>
"""


def test_a_table_is_read_with_spans_groups_headings_and_notes():
    first, second = grids(PAGE)
    assert (first.key, first.title) == ("a", "Section: Sub & title")
    assert first.notes == ("Above.", "Below.")
    assert first.column_names == ["Visit", "Arm A: n", "Arm A: mean", "p"]
    assert first.is_grouped
    assert first.body[0] == (Cell("Group one", 4),)
    assert [cell.text for cell in first.body[1]] == ["Day 5", "3", "=1+1", "\u22121.2"]
    assert [cell.left for cell in first.body[1]] == [True, True, False, True]
    assert (second.key, second.title, second.notes) == ("b", "Section: Other", ())
    assert not second.is_grouped


def test_the_csv_says_the_origin_and_holds_no_formula():
    text = table_csv(grids(PAGE)[0], "SIMULATED")
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert rows == [
        ["group", "Visit", "Arm A: n", "Arm A: mean", "p", "origin"],
        ["Group one", "Day 5", "3", "'=1+1", "\u22121.2", "SIMULATED"],
    ]


@pytest.fixture(scope="module")
def page(light_report):
    return (light_report / "report.html").read_text(encoding="utf-8")


def links(page, kind):
    found = re.findall(r'<a download="([^"]+)" href="data:([^;,]+)[^,]*,([^"]+)"', page)
    return {name: base64.b64decode(data) for name, media, data in found if media == kind}


def test_every_table_has_its_csv(page):
    found = links(page, "text/csv")
    tables = grids(page)
    assert len(tables) == len(re.findall("<table", page)) == len(found)
    assert len({grid.key for grid in tables}) == len(tables)
    for name, content in found.items():
        assert name.startswith("SIMULATED-il2-depression-")
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        assert len(rows) > 1
        assert {len(row) for row in rows} == {len(rows[0])}
        assert rows[0][-1] == "origin"
        assert {row[-1] for row in rows[1:]} == {"SIMULATED"}


def test_every_figure_has_its_svg_as_in_the_folder(page, il2_results, light_report):
    found = links(page, "image/svg+xml")
    files = {path.stem: path.read_bytes() for path in (light_report / "figures").glob("*.svg")}
    assert {file_name(il2_results, stem, "svg"): text for stem, text in files.items()} == found
    assert all(b"SIMULATED" in text for text in found.values())


def test_names_of_downloads_say_observed_and_blinded(il2_results, blinded_results):
    provenance = il2_results.provenance.model_copy(update={"origin": "observed"})
    observed = il2_results.model_copy(update={"provenance": provenance})
    assert file_name(observed, "a b/c", "csv") == "observed-il2-depression-a_b_c.csv"
    assert file_name(blinded_results, "x", "csv") == "SIMULATED-blinded-il2-depression-x.csv"


def test_the_page_runs_our_script_and_no_other(page):
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    folder = resources.files("equipoise.report") / "templates"
    assert scripts == [(folder / "page.js").read_text(encoding="utf-8")]
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page).group(1)
    assert policy == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src 'sha256-{digest}'"
    )
    assert not re.search(r"\son[a-z]+=", re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL))


def test_the_report_stays_small(page):
    assert len(page.encode()) < 3_000_000


def test_markers_say_what_the_table_beside_them_says(page, il2_results):
    from equipoise.report import words

    told = re.findall(r'<g class="point"><title>([^<]+)</title><use ', page)
    assert len(told) > 50
    for endpoint in il2_results.endpoints.values():
        for c in endpoint.contrasts:
            text = words.contrast_text(c, endpoint.scale == "log_fold")
            assert any(line.endswith(f": {text}") for line in told)


def test_a_marker_without_its_text_is_a_fault_of_ours():
    from equipoise.report.drawing import _with_titles

    svg = '<g id="points-1"><g><use x="1"/><use x="2"/></g></g>'
    with pytest.raises(ValueError, match="1 texts for 2 markers"):
        _with_titles(svg, "points-1", ["one"])
