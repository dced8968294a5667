"""Every command that writes, with every write and rename failing once: the folder is as before.

`test_staging.py` tries the machine that writes; this file tries all who use it.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from tests.conftest import ROOT
from tests.light_study import light_fixtures

import equipoise as eq
from equipoise.faults import EquipoiseError

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()

TRIAL = ROOT / "tests" / "faults" / "trial.toml"
VALIDATE = bool(os.environ.get("EQUIPOISE_VALIDATE"))

#: What a file system can refuse: the object, the function, where it is called.
CALLS = [(os, "replace"), (Path, "write_bytes"), (Path, "touch"), (tempfile, "mkdtemp")]
FAILURES = [
    OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    PermissionError(errno.EACCES, os.strerror(errno.EACCES)),
    KeyboardInterrupt("stopped"),
]


def contents(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


@pytest.fixture(scope="module")
def material(il2, il2_records, il2_results, blinded_results):
    """Two generations of everything that is written, computed once."""
    from equipoise.patients.patients_shown import shown_of
    from equipoise.report import writing

    patch = pytest.MonkeyPatch()
    made = {}

    def cached(results, real=writing.report_files, **options):
        key = (id(results), *sorted((k, v) for k, v in options.items() if isinstance(v, bool)))
        if key not in made:
            made[key] = (results, real(results, **options))
        return made[key][1]

    patch.setattr(writing, "report_files", cached)
    yield {
        "protocol": il2,
        "records": (il2_records, eq.simulate(il2, seed=2)),
        "results": (il2_results, blinded_results),
        "shown": shown_of(il2),
        "monitor": {},
    }
    patch.undo()


def write_records(material, folder, generation):
    eq.write_records(material["records"][generation], folder, format=("csv", "parquet")[generation])


def write_results(material, folder, generation):
    eq.write_results(material["results"][generation], folder)


def write_report(material, folder, generation):
    eq.write_report(material["results"][generation], folder)


def run(material, folder, generation):
    """`equipoise run`, with what it would compute at hand."""
    from equipoise.cli import commands

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commands, "_analyse", lambda *_: material["results"][0])
        patch.setattr(commands, "_shown_patients", lambda *_: material["shown"])
        patch.setattr(
            commands,
            "_forecast_model",
            lambda *_: {"forecast-model.json": f"{generation}\n".encode()},
        )
        patch.setattr(
            "equipoise.simulation.simulate", lambda *_, **__: material["records"][generation]
        )
        commands.run("il2-depression", out=folder, seed=generation + 1)


def randomise(material, folder, generation):
    from equipoise.randomisation import write_allocation

    if generation:  # a list is drawn once: there is no list before
        write_allocation(eq.randomise(material["protocol"], 1), folder, rehearsal=True)


def lock(material, folder, generation):
    text = TRIAL.read_text(encoding="utf-8").replace("A small trial", f"Trial {generation}")
    path = folder.parent / "protocol.toml"
    path.write_text(text, encoding="utf-8")
    eq.load_protocol(path).lock(folder, "a new title" if generation else None)


def new(material, folder, generation):
    from equipoise.studies.new_study import write_new_study

    if generation:
        write_new_study(folder / "my-trial")


def monitor(material, folder, generation):
    """The committee's report under new letters; the key stands beside the folder."""
    from equipoise.analysis.monitor_key import draw_key
    from equipoise.analysis.monitoring import monitor as make
    from equipoise.report.monitor_page import write_monitor

    if generation not in material["monitor"]:
        protocol, records = material["protocol"], material["records"][generation]
        key = draw_key(protocol, generation)
        material["monitor"][generation] = make(protocol, records, key), key
    results, key = material["monitor"][generation]
    write_monitor(results, folder / "monitor", key)


WRITERS = [monitor, write_records, write_results, write_report, run, randomise, lock, new]


def counted(material, writer, folder):
    """How often each call is made in a good run."""
    counts = {}
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in CALLS:
            real = getattr(owner, name)

            def call(*a, _real=real, _name=name, **k):
                counts[_name] = counts.get(_name, 0) + 1
                return _real(*a, **k)

            patch.setattr(owner, name, call)
        writer(material, folder, 1)
    return counts


def chosen(count):
    """Which of the calls fail: all of a few, and of many the ends and some between."""
    if count <= 12 or VALIDATE:
        return range(count)
    return [0, 1, 2, count // 3, count // 2, count - 3, count - 2, count - 1]


@pytest.mark.parametrize("writer", WRITERS)
def test_whatever_fails_the_folder_is_as_before(writer, material, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    before, there = tmp_path / "before", tmp_path / "there"
    before.mkdir()
    writer(material, before, 0)
    (before / "mine.txt").write_bytes(b"mine")
    old = contents(before)
    shutil.copytree(before, there)
    counts = counted(material, writer, there)
    assert contents(there) != old
    assert counts["replace"] >= 1
    tried = 0
    for owner, name in CALLS:
        real = getattr(owner, name)
        for at in chosen(counts.get(name, 0)):
            failure = FAILURES[tried % len(FAILURES)]
            tried += 1
            shutil.rmtree(there)
            shutil.copytree(before, there)
            calls = []

            # It fails once: putting things back may work. That it fails for good is tried in
            # test_staging.py.
            def broken(*a, _real=real, _at=at, _failure=failure, _calls=calls, **k):
                _calls.append(1)
                if len(_calls) == _at + 1:
                    raise _failure
                return _real(*a, **k)

            with monkeypatch.context() as patch:
                patch.setattr(owner, name, broken)
                with pytest.raises(
                    (EquipoiseError, KeyboardInterrupt), match=r"untouched|stopped"
                ) as info:
                    writer(material, there, 1)
            where = (writer.__name__, name, at)
            assert contents(there) == old, where
            assert [p for p in there.rglob("*") if ".equipoise-" in p.name] == [], where
            if isinstance(info.value, EquipoiseError):
                (fault,) = info.value.faults
                assert fault.code in ("disk-full", "not-writable"), where
                assert fault.where
                assert fault.remedy
    assert tried >= 3  # the lock: made, written, renamed


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from equipoise.staging import write_files
real, calls = os.replace, []
def replace(source, target):
    calls.append(1)
    if len(calls) == int(sys.argv[2]) + 1:
        os.kill(os.getpid(), int(sys.argv[3]))
    real(source, target)
os.replace = replace
files = {name: b"new" for name in ("a.txt", "sub/b.txt", "last.txt")}
write_files(Path(sys.argv[1]), {"results": files}, last="last.txt")
"""


@pytest.mark.parametrize("at", range(9))
def test_killed_between_two_renames_nothing_old_is_lost(at, tmp_path):
    from equipoise.staging import INDEX, write_files

    names = ("a.txt", "sub/b.txt", "last.txt", "sub/gone.txt")
    write_files(tmp_path, {"results": dict.fromkeys(names, b"old")}, last="last.txt")
    old = contents(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(at), str(int(signal.SIGKILL)), str(ROOT / "src")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    (stage,) = tmp_path.glob(".equipoise-*")
    # As docs/results.md says: what is not in its place is in the hidden folder, whole.
    for name, content in old.items():
        kept = stage / "old" / name
        assert (
            kept.read_bytes() == content
            if kept.is_file()
            else (tmp_path / name).read_bytes() == content
        )
    for name in ("a.txt", "sub/b.txt", "last.txt", INDEX):
        found = tmp_path / name
        assert not found.is_file() or found.read_bytes() in (b"new", old[name]) or name == INDEX
    # Written again, the set is complete.
    write_files(tmp_path, {"results": dict.fromkeys(names[:3], b"new")}, last="last.txt")
    assert {(tmp_path / name).read_bytes() for name in names[:3]} == {b"new"}


@pytest.mark.parametrize("at", [0, 3, 8])
def test_ended_by_the_system_the_folder_is_as_before(at, tmp_path):
    """SIGTERM is turned into an exception by the command line; here by the same handler."""
    from equipoise.staging import write_files

    names = ("a.txt", "sub/b.txt", "last.txt", "sub/gone.txt")
    write_files(tmp_path, {"results": dict.fromkeys(names, b"old")}, last="last.txt")
    old = contents(tmp_path)
    script = KILLED.replace("import os, signal, sys\n", "import os, signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n")  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), str(at), str(int(signal.SIGTERM)), str(ROOT / "src")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 143, done.stderr
    assert contents(tmp_path) == old


def test_a_limit_of_the_system_itself_is_said_and_leaves_the_folder(tmp_path):
    """No simulated failure: the kernel refuses a file of more than 100 bytes."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [
        sys.executable,
        "-m",
        "equipoise",
        "randomise",
        "il2-depression",
        "--seed",
        "1",
        "--out",
    ]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_bytes(b"mine")
    limit = "import resource, os, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", limit, *command, "out"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "the system allows no file so large" in done.stderr
    assert "what stood there before is untouched" in done.stderr
    assert "Traceback" not in done.stderr
    assert contents(tmp_path / "out") == {"mine.txt": b"mine"}
