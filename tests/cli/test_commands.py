"""The commands as a person calls them: each stage on disk, exit codes, no traceback."""

from __future__ import annotations

import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import time

import pytest
from tests.light_study import light_study

import equipoise as eq
from equipoise.patients.patients_shown import shown_of
from equipoise.report.patients_page import patients_files


def call(*arguments, cwd=None, **options):
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "equipoise", *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=cwd, **options,
    )  # fmt: skip


def tree(folder):
    return {p.relative_to(folder): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study with one model and few draws; the built-in ones run in the tests of the docs."""
    return light_study(tmp_path_factory.mktemp("light"), "antidepressant-example").parent


@pytest.fixture(scope="module")
def good_run(tmp_path_factory, study):
    """A report that stands, for the tests that try to spoil it."""
    root = tmp_path_factory.mktemp("good")
    done = call("run", study, "--seed", 1, "--out", root / "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(root / "out" / "report.html")
    return root / "out"


def test_one_can_stop_between_any_two_stages(tmp_path, good_run, study):
    data, results, report = tmp_path / "data", tmp_path / "results", tmp_path / "report"
    for arguments in (
        ("check", study),
        ("simulate", study, "--seed", 1, "--out", data),
        ("analyse", study, "--data", data, "--out", results),
        ("report", results, "--out", report),
    ):
        done = call(*arguments)
        assert done.returncode == 0, done.stderr
    # The stages give what the main job gives, but for the command in the provenance.
    name = shlex.quote(str(study))
    whole = json.loads((good_run / "results.json").read_text(encoding="utf-8"))
    staged = json.loads((results / "results.json").read_text(encoding="utf-8"))
    assert whole["provenance"].pop("command") == f"equipoise run {name} --seed 1"
    assert staged["provenance"].pop("command") == f"equipoise analyse {name} --data DIR"
    assert whole == staged
    assert (report / "report.html").is_file()
    assert tree(data) == tree(good_run / "data")


def test_a_report_never_stands_beside_the_numbers_or_data_of_another_run(tmp_path, good_run, study):
    out = tmp_path / "out"
    assert call("run", study, "--seed", 1, "--out", out).returncode == 0
    mine = out / "tables" / "mine.csv"
    mine.write_text("mine", encoding="utf-8")
    data = out / "data"
    # Other numbers into the same folder: the old report goes, a file of the user stays.
    assert call("simulate", study, "--seed", 2, "--out", tmp_path / "d").returncode == 0
    done = call("analyse", study, "--data", tmp_path / "d", "--out", out)
    assert done.returncode == 0, done.stderr
    assert not (out / "report.html").exists()
    assert mine.read_text(encoding="utf-8") == "mine"
    assert call("report", out).returncode == 0
    # A run over other records: the simulated data of the first run go, with their allocation.
    assert (data / "allocation.csv").is_file()
    done = call("run", study, "--data", tmp_path / "d", "--out", out)
    assert done.returncode == 0, done.stderr
    assert not (data / "allocation.csv").exists()
    # Its own data are not removed when a run analyses them again.
    again = call("run", study, "--data", good_run / "data", "--out", good_run)
    assert again.returncode == 0, again.stderr
    assert (good_run / "data" / "allocation.csv").is_file()


def test_simulated_data_analysed_through_data_stay_simulated(tmp_path):
    study, out = light_study(tmp_path / "study").parent, tmp_path / "out"
    protocol = eq.load_protocol(study)
    eq.write_records(eq.simulate(protocol, seed=1), tmp_path / "data")
    done = call("run", study, "--data", tmp_path / "data", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "SIMULATED" in done.stdout
    assert "<title>SIMULATED" in (out / "report.html").read_text(encoding="utf-8")
    # Its participants come from a mechanism, which a page of its own shows.
    page = patients_files(shown_of(protocol), protocol.trial.short_title)["patients.html"]
    assert (out / "patients.html").read_bytes() == page


def test_a_real_list_is_secret_and_verifies_and_a_rehearsal_says_so(tmp_path):
    real = call("randomise", "il2-depression", "--out", tmp_path / "real")
    assert real.returncode == 0, real.stderr
    secret = json.loads((tmp_path / "real" / "secret.json").read_text(encoding="utf-8"))
    assert secret["seed"] not in real.stdout + real.stderr
    assert int(secret["seed"]) > 2**64  # 128 bits; a smaller one is a chance of 1 in 2**64
    public = json.loads((tmp_path / "real" / "commitment.json").read_text(encoding="utf-8"))
    published = public["commitment"]
    assert published in real.stdout
    verify = ("--out", tmp_path / "real", "--verify", published)
    assert call("randomise", "il2-depression", *verify).returncode == 0
    assert call("randomise", "il2-depression", *verify, "--seed", 1).returncode == 2
    assert call("randomise", "antidepressant-example", *verify).returncode == 1
    again = call("randomise", "il2-depression", "--out", tmp_path / "real")
    assert again.returncode == 1
    assert "never overwritten" in again.stderr
    path = tmp_path / "real" / "allocation-list.csv"
    text = path.read_text(encoding="utf-8")
    swapped = {"il2": "placebo", "placebo": "il2"}
    first = text.splitlines()[1]
    arm = first.rsplit(",", 1)[1]
    path.write_text(text.replace(first, first.replace(arm, swapped[arm]), 1), encoding="utf-8")
    broken = call("randomise", "il2-depression", *verify)
    assert broken.returncode == 1
    assert "do not use the list" in broken.stderr
    rehearsal = call("randomise", "il2-depression", "--out", tmp_path / "r", "--seed", 3)
    assert "REHEARSAL" in rehearsal.stdout


def test_studies_check_version_and_compile(tmp_path):
    listed = call("studies")
    assert all(name in listed.stdout for name in eq.builtin_studies())
    assert eq.load_protocol("il2-depression").hash in call("check", "il2-depression").stdout
    assert call("--version").stdout.strip() == f"equipoise {eq.__version__}"
    assert "compiled already" in call("compile").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("run", "il2-depresion"), 1, "did you mean `il2-depression`"),
        (("run",), 2, "Missing argument"),
        (("walk",), 2, "No such command"),
        (("run", "il2-depression", "--seed", "-1"), 2, "greater than or equal to 0"),
        (("run", "il2-depression", "--seed", "one"), 2, "valid integer"),
        (("simulate", "il2-depression", "--seed", str(2**128)), 1, "whole number from 0"),
        (("simulate", "il2-depression", "--scenario", "nul"), 1, "did you mean `null`?"),
        (("simulate", "il2-depression", "--format", "xlsx"), 1, "csv, csv.gz, parquet"),
        (("analyse", "il2-depression"), 2, "--data"),
        (("analyse", "il2-depression", "--data", "nowhere"), 1, "bring-your-data"),
        (("report", "nowhere"), 1, "name a folder"),
        (("randomise", "il2-depression", "--out", "nowhere", "--verify", "ab"), 1, "complete"),
        (("randomise", "il2-depression", "--seed", str(2**128)), 1, "whole number from 0"),
    ],
)
def test_what_goes_wrong_has_a_message_and_a_code(tmp_path, arguments, code, message):
    done = call(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_broken_protocol_lists_its_faults_with_lines(write_protocol):
    path = write_protocol(("size = 36", "sise = 36"), ("alpha = 0.05", "alpha = 2"))
    done = call("check", path)
    assert done.returncode == 1
    assert "did you mean `size`?" in done.stderr
    assert "analysis.alpha" in done.stderr
    assert done.stderr.count("protocol.toml, line ") >= 3
    assert "Traceback" not in done.stderr


def test_an_out_that_is_a_file_or_below_one(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")
    for out in (file, file / "below"):
        done = call("simulate", "il2-depression", "--out", out)
        assert done.returncode == 1
        assert "name a folder as --out" in done.stderr
        assert "Traceback" not in done.stderr
    assert file.read_text(encoding="utf-8") == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    done = call("simulate", "il2-depression", "--out", tmp_path / "out")
    tmp_path.chmod(0o700)
    assert done.returncode == 1
    assert "no permission" in done.stderr


def test_a_full_disk_leaves_the_older_report_untouched(good_run, study):
    """The system refuses files beyond a size, in the middle of the writing."""
    before = tree(good_run)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    done = call("run", study, "--seed", 2, "--out", good_run, preexec_fn=limit)
    assert done.returncode == 1, done.stderr
    assert "what stood there before is untouched" in done.stderr
    assert "Traceback" not in done.stderr
    assert tree(good_run) == before


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_in_the_middle_leaves_the_older_report_untouched(good_run, sent, code):
    before = tree(good_run)
    with subprocess.Popen(
        [sys.executable, "-m", "equipoise", "run", "antidepressant-example", "--seed", "2",
         "--out", str(good_run)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("model 1"):
                break
        process.send_signal(sent)
        started = time.monotonic()
        rest = process.stderr.read()
        assert process.wait(timeout=20) == code
        assert time.monotonic() - started < 20
    assert "Traceback" not in rest
    assert ("Interrupted. Nothing was written half" in rest) == (sent == signal.SIGINT)
    assert tree(good_run) == before


def test_a_second_run_replaces_the_first_whole(tmp_path, study):
    for seed in (1, 2):
        assert call("run", study, "--seed", seed, "--out", tmp_path).returncode == 0
    assert json.loads((tmp_path / "results.json").read_text())["provenance"]["seed"] == 2
    assert "seed 2" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "data" / "manifest.json").read_text())["seed"] == 2
    assert not list(tmp_path.rglob(".equipoise-*"))


def test_a_reader_that_goes_away_is_no_traceback():
    with subprocess.Popen(
        [sys.executable, "-m", "equipoise", "studies"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
