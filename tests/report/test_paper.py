"""The report as PDF: every page marked and numbered, nothing clipped, the same bytes again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import equipoise as eq


def absent(what: str) -> None:
    """Skip with a reason; in CI `.ci/run` has installed it."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and CI=true: .ci/run installs it")
    pytest.skip(what)


@pytest.fixture(scope="module")
def results(antidepressant):
    return eq.analyse(antidepressant, eq.simulate(antidepressant, seed=1))


@pytest.fixture(scope="module")
def folder(results, tmp_path_factory):
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError) as error:
        absent(f"WeasyPrint or the library Pango is not installed ({error})")
    target = tmp_path_factory.mktemp("paper")
    eq.write_report(results, target, pdf=True, rtf=True)
    return target


def text(folder, *options, program="pdftotext", out=("-",)):
    if shutil.which(program) is None:
        absent(f"{program} is not installed (Debian's package `poppler-utils`)")
    done = subprocess.run(
        [program, *options, str(folder / "report.pdf"), *out], capture_output=True, check=True
    )
    return done.stdout.decode()


def test_every_page_carries_title_mark_and_number(folder, results):
    pages = text(folder, "-layout").split("\f")[:-1]
    assert len(pages) > 5
    for number, page in enumerate(pages, 1):
        lines = [line for line in page.splitlines() if line.strip()]
        assert results.short_title in lines[0]
        assert "SIMULATED" in lines[0]
        assert lines[-1].replace(" ", "").endswith(f"{number}/{len(pages)}")


def test_the_contents_name_pages_that_hold_what_they_promise(folder):
    pages = text(folder, "-layout").split("\f")
    for title in ("Baseline", "Harms", "Methods", "Provenance"):
        number = int(re.search(rf"{title}[ .]*\.[ .]*(\d+)", pages[0]).group(1))
        assert re.search(rf"^ *{title}$", pages[number - 1], flags=re.MULTILINE)


def test_nothing_is_clipped(folder, results):
    """No word lies outside the paper's margins, and every word of a table is there."""
    from equipoise.report.grids import grids

    boxes = text(folder, "-bbox")
    for page in boxes.split("<page ")[1:]:
        width = float(re.match(r'width="([\d.]+)"', page).group(1))
        for low, high in re.findall(r'<word xMin="([-\d.]+)".*?xMax="([\d.]+)"', page):
            assert float(low) > 40
            assert float(high) < width - 40
    words = set(text(folder).split())
    for grid in grids((folder / "report.html").read_text(encoding="utf-8")):
        if grid.section in ("baseline", "efficacy", "harms"):
            cells = [cell.text for row in grid.body for cell in row]
            assert {word for cell in cells for word in cell.split()} <= words, grid.key


def test_it_is_tagged_with_bookmarks_and_without_dates(folder):
    said = text(folder, program="pdfinfo", out=())
    assert re.search(r"^Tagged: +yes$", said, flags=re.MULTILINE)
    assert "CreationDate" not in said
    outline = text(folder, "-xml", "-i", "-stdout", program="pdftohtml", out=()).partition(
        "<outline>"
    )[2]
    for title in ("Answers", "Baseline", "HDRS-17 total", "Provenance"):
        assert f">{title}</item>" in outline


def test_the_same_results_give_the_same_bytes(folder, results):
    from equipoise.report.page import draw
    from equipoise.report.paper import render_pdf

    assert render_pdf(results, draw(results)) == (folder / "report.pdf").read_bytes()


def test_a_later_report_without_pdf_removes_the_older_one(folder, results, tmp_path):
    target = shutil.copytree(folder, tmp_path / "copy")
    assert {"report.pdf", "tables.rtf"} <= {path.name for path in target.iterdir()}
    eq.write_report(results, target)
    assert not {"report.pdf", "tables.rtf"} & {path.name for path in target.iterdir()}


def test_wide_tables_lie_across(monkeypatch):
    from equipoise.report.paper import _wide_tables_apart

    row = "<td>x</td>"
    page = "".join(
        f'<div id="table-{n}" class="table-scroll"><table><tr>{row * n}</tr></table></div>'
        for n in (11, 12)
    )
    found = _wide_tables_apart(page)
    assert 'id="table-12" class="table-scroll wide"' in found
    assert 'id="table-11" class="table-scroll">' in found


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("ImportError('weasyprint')", "pip install 'equipoise[pdf]'"),
        ("OSError('cannot load library libpango')", "apt install libpango-1.0-0"),
    ],
)
def test_without_weasyprint_the_command_says_what_to_install(tmp_path, error, said):
    """At once, before the work; nothing is written."""
    code = (
        "import sys, importlib.abc\n"
        "class Absent(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, *rest):\n"
        f"        if name == 'weasyprint': raise {error}\n"
        "sys.meta_path.insert(0, Absent())\n"
        "sys.argv = ['equipoise', 'run', 'il2-depression', '--pdf', '--out', 'out']\n"
        "from equipoise.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(Path(eq.__file__).parents[1])},
    )  # fmt: skip
    assert done.returncode == 1
    assert "The PDF is not written" in done.stderr
    assert "`--pdf`" in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
