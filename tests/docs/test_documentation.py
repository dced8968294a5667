"""Documentation is a tested contract: commands run, code runs, links lead somewhere."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import ROOT

import equipoise as eq
from equipoise.records.schema import DISPOSITION_EVENTS, EXCLUSIONS, tables

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


def named(paths):
    return [pytest.param(p, id=p.relative_to(ROOT).as_posix()) for p in paths]


@pytest.mark.parametrize("page", named(PAGES))
def test_links_lead_to_files(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:", target):
            path = (page.parent / target.split("#")[0]).resolve()
            assert path.exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", named(p for p in PAGES if blocks(p, "python")))
def test_code_runs(page, tmp_path, monkeypatch):
    for folder in ("tests", "examples"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    for block in blocks(page, "python"):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(block, page.name, "exec"), {})
    if page.name == "bring-your-data.md":
        assert out.getvalue().strip() == blocks(page, "text")[0].strip()


@pytest.mark.parametrize("page", named(p for p in PAGES if blocks(p, "console")))
def test_commands_run(page, tmp_path, shared_data):
    """In a folder of their own, in their order, as a reader would."""
    work = tmp_path / "clone"
    work.mkdir()
    (work / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "shared").symlink_to(shared_data.parent)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    commands = [
        line.removeprefix("$ ")
        for block in blocks(page, "console")
        for line in block.splitlines()
        if line.startswith("$ ")
    ]
    assert commands
    for command in commands:
        done = subprocess.run(
            command.replace("equipoise ", f"{sys.executable} -m equipoise ", 1)
            if command.startswith("equipoise ")
            else command.replace("python ", f"{sys.executable} ", 1),
            shell=True, cwd=work, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stderr)


def test_the_fault_that_the_protocol_page_shows_is_what_is_said(tmp_path, monkeypatch):
    from tests.conftest import protocol_text

    text = protocol_text("il2-depression").replace("block_sizes = [6]", "block_sizes = [4]")
    text = text.replace('blinding = "Double-blind"', 'blinding = "x"\nblindnig = "Double-blind"', 1)
    monkeypatch.chdir(tmp_path)
    Path("protocol.toml").write_text(text, encoding="utf-8")
    with pytest.raises(eq.EquipoiseError, match="2 faults") as info:
        eq.load_protocol("protocol.toml")
    shown = blocks(ROOT / "docs" / "protocol.md", "text")[0].strip()
    said = re.sub(r"line \d+", "line N", str(info.value))
    assert said == re.sub(r"line \d+", "line N", shown)


def test_the_first_screen_of_the_readme_has_both_commands():
    first = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:20])
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        assert f"make {target}" in first
        assert re.search(rf"^{target}:", makefile, re.M)


def words(names):
    return ", ".join(f"`{name}`" for name in names)


def test_the_page_of_tables_is_the_schema():
    """`EQUIPOISE_TABLES=1` writes the page anew."""
    page = ROOT / "docs" / "tables.md"
    lines = [
        "# The tables",
        "",
        "The records of a trial: one file a table (`scores.csv`, `scores.csv.gz` or",
        "`scores.parquet`) and `manifest.json`. `day` is decimal and counts from the first dose. A",
        "table that was not collected is left out; an empty table means that nothing happened.",
        "Columns in *italics* may have empty cells, those in (brackets) may be left out. This page",
        "is generated from the schema and held to it by a test.",
        "",
        "| table | columns | unique | |",
        "|---|---|---|---|",
    ]
    for table in tables(eq.load_protocol("antidepressant-example")).values():
        columns = []
        for column in table.columns:
            if table.name == "participants" and column.name == "sex":
                columns.append("*the protocol's covariates*")
                continue
            name = f"{column.name}: {column.kind}"
            name = f"*{name}*" if column.optional else name
            columns.append(f"({name})" if column.absent else name)
        note = "required" if table.required else ""
        note = "gives arms away: kept apart" if table.unblinding else note
        lines.append(f"| `{table.name}` | {', '.join(columns)} | {', '.join(table.key)} | {note} |")
    lines += [
        "",
        "`manifest.json` holds `origin` (`observed` or `simulated`) and, for simulated records,",
        "`protocol_hash`, `scenario` and `seed`; for observed ones `source` in words. `item` is",
        "`total`, the number of an item or a subscale. `doses` names `study drug` and a volume; what a",
        "kit held stands in `kits`, beside the allocation. `event` in `disposition` is one of",
        f"{words(DISPOSITION_EVENTS)};",
        f"`outcome` in `screening` one of {words(('randomised', *EXCLUSIONS))}; in a",
        "single-arm trial `enrolled` stands for `randomised`. Screened people have ids of their",
        "own. Rows of `participants` stand in the order of enrolment. `organ_class` of an adverse",
        "event is for terms that the protocol does not name. In `exposures` `value` is a level or a",
        "number in the unit of the protocol; in `imaging` there is one row a region.",
        "",
    ]
    text = "\n".join(lines)
    if os.environ.get("EQUIPOISE_TABLES"):
        page.write_text(text, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == text


def test_no_path_of_a_machine_and_no_registry_in_what_is_tracked():
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    words = ["/" + "root/", "/" + "home/", "/" + "work/main", "pypi" + ".org", "index" + "-url ="]
    for name in filter(None, done.stdout.split("\0")):
        path = ROOT / name
        if path.suffix in (".png",) or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        for word in words:
            assert word not in text, (name, word)
