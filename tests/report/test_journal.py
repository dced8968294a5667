"""The tables for a journal: well-formed RTF, the numbers of the page, the origin on each sheet."""

from __future__ import annotations

import re

import pytest
from tests.light_study import light_fixtures

from equipoise.report.grids import Cell, Grid, grids
from equipoise.report.journal import _section, escape, journal_rtf

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()


@pytest.fixture(scope="module")
def page(light_report):
    return (light_report / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rtf(il2_results, page):
    return journal_rtf(il2_results, page).decode("ascii")


def read(text):
    """The plain words of RTF, by its definition: groups, controls, numbered signs."""
    units = re.sub(r"\\u(-?\d+)\?", lambda m: chr(int(m.group(1)) % 65536), text)
    units = units.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    units = re.sub(r"\\cell\b|\\par\b", "\t", units)
    units = re.sub(r"(?<!\\)\\[a-z]+-?\d* ?", "", units)
    return re.sub(r"\\([\\{}])", r"\1", re.sub(r"(?<!\\)[{}]", "", units))


@pytest.mark.parametrize(
    "text", ["plain", r"a\b{c}", "\u22121.2 \u00b5g", "caf\u00e9 \u2192", "\U0001f600 x", "\uffee"]
)
def test_what_is_written_is_read_back(text):
    assert escape(text).isascii()
    assert read(escape(text)) == text


def test_groups_close_and_rows_have_as_many_cells_as_places(rtf):
    bare = rtf.replace("\\\\", "").replace("\\{", "").replace("\\}", "")
    depth = 0
    for sign in bare:
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
    assert depth == 0
    rows = re.findall(r"\\trowd.*?\\row\b", rtf, flags=re.DOTALL)
    assert len(rows) > 100
    for row in rows:
        ends = [int(n) for n in re.findall(r"\\cellx(\d+)", row)]
        assert ends == sorted(set(ends))
        assert len(ends) == len(re.findall(r"\\cell\b", row))


def test_it_holds_every_table_of_the_results(rtf, page, il2_results):
    plain = read(rtf)
    skipped = {"methods", "assumptions", "limits", "provenance"}
    wanted = [grid for grid in grids(page) if grid.section not in skipped]
    assert {"baseline", "harms", "hdrs_change"} <= {grid.key for grid in wanted}
    assert rtf.count("\\sectd") == len(wanted) + 2
    for grid in wanted:
        assert grid.title in plain
        for row in grid.body:
            for cell in row:
                assert cell.text in plain
    for answer in il2_results.answers:
        assert answer.question in plain
    assert (
        f"Randomised\t\n{il2_results.flow.counts[0].randomised}" in plain or "Randomised" in plain
    )


def test_every_sheet_says_simulated_and_every_table_too(rtf):
    sections = rtf.split("\\sectd")[1:]
    for section in sections:
        assert "SIMULATED data." in section.split("\\footer")[0]
        assert section.count("SIMULATED data.") >= 2


def test_a_wide_table_lies_across_and_its_spanner_spans(il2_results):
    head = (
        (Cell("Visit", 1, 2), Cell("Arm", 7)),
        tuple(Cell(f"c{n}") for n in range(7)),
    )
    body = ((Cell("Group", 8),), tuple(Cell(str(n), left=n == 0) for n in range(8)))
    text = _section(Grid("x", "s", ("A", "B"), head, body), 3, il2_results, "SIMULATED")
    assert "\\lndscpsxn\\pgwsxn16838\\pghsxn11906" in text
    assert "Table 3. A: B" in text
    rows = re.findall(r"\\trowd.*?\\row\b", text, flags=re.DOTALL)
    assert [row.count("\\cellx") for row in rows] == [2, 8, 1, 8]
    assert [row.count("\\trhdr") for row in rows] == [1, 1, 0, 0]
    assert "\\clvmgf" in rows[0]
    assert "\\clvmrg" in rows[1]
    ends = [re.findall(r"\\cellx(\d+)", row)[-1] for row in rows]
    assert len(set(ends)) == 1
    narrow = Grid("y", "s", ("A",), (), (body[1][:3],))
    assert "\\lndscpsxn" not in _section(narrow, 1, il2_results, "observed")


def test_the_same_results_give_the_same_bytes(rtf, page, il2_results):
    assert journal_rtf(il2_results, page).decode("ascii") == rtf
