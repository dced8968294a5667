"""`equipoise new`: what it writes passes the check, runs, and names every table of a protocol."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path

import pytest
from tests.conftest import protocol_text

import equipoise as eq
from equipoise.protocol import Protocol
from equipoise.studies import builtin_studies, find_study, write_new_study


def template():
    folder = resources.files("equipoise.studies") / "template"
    return (folder / "trial.toml").read_text(encoding="utf-8")


def uncommented(text):
    """Every table and field that is commented out comes in: "#" and no space after it."""
    return re.sub(r"^#(?=[a-z\[\"])", "", text, flags=re.M)


def call(*arguments, cwd):
    """The command of this checkout, from another folder."""
    home = str(Path(eq.__file__).parents[1])
    return subprocess.run(
        [sys.executable, "-m", "equipoise", *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=cwd,
        env={**os.environ, "PYTHONPATH": home},
    )  # fmt: skip


def test_a_new_study_passes_check_and_run(tmp_path):
    done = call("new", "my-trial", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == os.path.join("my-trial", "protocol.toml")
    assert {p.name for p in (tmp_path / "my-trial").iterdir()} == {"protocol.toml", "README.md"}
    done = call("check", "my-trial", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("my-trial: the protocol is valid")
    assert "0 facts" in done.stdout
    # The commands of its README, in their order, but for the last one, which needs data.
    page = (tmp_path / "my-trial" / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^ {7}equipoise (.*)$", page, re.M)
    assert len(commands) == 5
    for command in commands[:-1]:
        done = call(*command.split(), cwd=tmp_path)
        assert done.returncode == 0, (command, done.stderr)
    report = tmp_path / "my-trial" / "rehearsal" / "report.html"
    text = report.read_text(encoding="utf-8")
    assert "SIMULATED" in text
    assert "Placeholder" in text
    assert commands[-1].startswith("run my-trial --data ")


def test_all_it_says_is_assumed_and_nothing_names_a_source(tmp_path):
    protocol = eq.load_protocol(write_new_study(tmp_path / "my-trial"))
    assert protocol.trial.id == "my-trial"
    assert protocol.trial.hypothetical
    assert not protocol.sources
    assert all(entry.assumed for entry in protocol.provenance.values())
    assert "EQUIPOISE-NEW-STUDY" not in (tmp_path / "my-trial" / "README.md").read_text("utf-8")
    assert [e.role for e in protocol.estimands.values()] == ["primary", "key-secondary"]


def test_every_table_of_a_protocol_stands_in_the_template():
    shown = tomllib.loads(uncommented(template()))
    assert set(shown) == set(Protocol.model_fields)
    statistical = Protocol.model_fields["assumptions"].annotation.model_fields["statistical"]
    tables = next(t for t in statistical.annotation.__args__ if t is not type(None)).model_fields
    # The link of cells and scores, and parents of counts, need more than one line of comment.
    assert set(tables) - set(shown["assumptions"]["statistical"]) <= {"link", "parents"}


def test_with_every_comment_taken_away_it_still_passes_and_runs(tmp_path):
    path = tmp_path / "protocol.toml"
    path.write_text(uncommented(template()).replace("EQUIPOISE-NEW-STUDY", "all"), encoding="utf-8")
    assert path.read_text("utf-8").count("[exposures.cmv]") == 1
    protocol = eq.load_protocol(path)
    results = eq.analyse(protocol, eq.simulate(protocol, seed=1))
    assert all(e.failure is None for e in results.endpoints.values())


def test_every_table_is_explained_in_short_sentences():
    lines = template().splitlines()
    seen = set()
    for number, line in enumerate(lines):
        assert len(line) <= 100 or " = " in line, line
        header = re.fullmatch(r"#?\[+([a-z]+)\]+", line)
        if header and header[1] not in seen:
            seen.add(header[1])
            assert lines[number - 1].startswith("# "), line
        elif re.match(r"#?\[+[a-z]+\.", line):
            assert lines[number - 1] == "" or lines[number - 1].startswith("#"), line
    assert "visits" in seen


def test_the_template_is_no_study():
    assert "template" not in builtin_studies()
    with pytest.raises(eq.EquipoiseError, match="There is no study `template`"):
        find_study("template")


@pytest.mark.parametrize("study", builtin_studies())
def test_from_a_study_only_the_id_changes(study, tmp_path):
    text = protocol_text(study)
    path = write_new_study(tmp_path / "mine", text=text)
    mine, theirs = eq.load_protocol(path), eq.load_protocol(study)
    assert mine.trial.id == "mine"
    assert mine.hash != theirs.hash
    renamed = theirs.model_dump()
    renamed["trial"]["id"] = "mine"
    assert mine.model_dump() == renamed
    changed = [
        (a, b)
        for a, b in zip(text.splitlines(), path.read_text("utf-8").splitlines(), strict=True)
        if a != b
    ]
    assert len(changed) == 1


def test_from_on_the_command_line(tmp_path):
    done = call("new", "mine", "--from", "il2-depression", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert eq.load_protocol(tmp_path / "mine").trial.id == "mine"
    broken = tmp_path / "broken.toml"
    broken.write_text("format = 1\n", encoding="utf-8")
    done = call("new", "other", "--from", broken, cwd=tmp_path)
    assert done.returncode == 1
    assert "refused" in done.stderr
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("line", ["id = 'old'", 'id="old" # the "old" one', '"id" = "old"'])
def test_the_id_is_found_however_it_is_written(tmp_path, line):
    text = protocol_text("antidepressant-example")
    changed = text.replace('id = "antidepressant-example"', line, 1)
    assert eq.load_protocol(write_new_study(tmp_path / "mine", text=changed)).trial.id == "mine"


def test_scales_of_its_own_come_along(tmp_path):
    first = write_new_study(tmp_path / "first")
    scale = tmp_path / "first" / "instruments" / "tension.toml"
    scale.parent.mkdir()
    shown = tomllib.loads(uncommented(template()))["scales"]["tension"]
    scale.write_text(
        "".join(
            f"{k} = {v if isinstance(v, list) else chr(34) + v + chr(34)}\n"
            for k, v in shown.items()
        ),
        encoding="utf-8",
    )
    text = first.read_text("utf-8").replace('scale = "hdrs-17"', 'scale = "tension"')
    text = text.replace("items = [3]\n", "").replace("item_weight = 0.4\n", "")
    text = re.sub(r"\[safety\.suicidality\]\n(.+\n)+", "", text)
    first.write_text(text, encoding="utf-8")
    done = call("new", "second", "--from", "first", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "second" / "instruments" / "tension.toml").read_bytes() == scale.read_bytes()
    assert set(eq.load_protocol(tmp_path / "second").scales) == {"tension"}


def test_an_id_that_cannot_be_found_is_a_fault(tmp_path):
    text = protocol_text("antidepressant-example").replace(
        'id = "antidepressant-example"', 'id = """antidepressant-example"""', 1
    )
    with pytest.raises(eq.EquipoiseError, match="stands in one line"):
        write_new_study(tmp_path / "mine", text=text)
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("My Trial", "for example `my-trial`"),
        ("1st", "for example `st`"),
        ("é", "for example `my-trial`"),
        ("a" * 61, "at most 60 in all"),
        ("il2-depression", "--from il2-depression"),
    ],
)
def test_a_name_that_is_none_is_refused(tmp_path, name, message):
    with pytest.raises(eq.EquipoiseError, match=message):
        write_new_study(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_stands_there_is_never_overwritten(tmp_path, kind):
    target = tmp_path / "my-trial"
    if kind == "folder":
        target.mkdir()
        (target / "protocol.toml").write_text("mine", encoding="utf-8")
    elif kind == "file":
        target.write_text("mine", encoding="utf-8")
    else:
        target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(eq.EquipoiseError, match="nothing stands yet"):
        write_new_study(target)
    if kind == "folder":
        assert (target / "protocol.toml").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    written = []

    def full(self, content):
        written.append(self)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(eq.EquipoiseError, match="the disk is full"):
        write_new_study(tmp_path / "my-trial")
    assert written
    assert list(tmp_path.iterdir()) == []
