"""Compiled kernels: kept on disk, never stale, and no burden where the disk cannot be used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import equipoise.stats
from equipoise.stats import compile_kernels, kernels_compiled
from equipoise.stats.kernel_cache import ENTRY_POINTS, cache_folder

STATS = Path(equipoise.stats.__file__).parent

#: A copy whose only entry point is a small kernel, so that compiling it takes a second or two.
SMALL_CALLER = """
import numba

from .callee import number


@numba.njit(cache=True)
def ask():
    return number() + 1.0
"""
CALLEE = """
import numba


@numba.njit(cache=True)
def number():
    return 9.0
"""


def run(code: str, path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    keep = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    return subprocess.run(
        [sys.executable, "-W", "always", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**keep, "PYTHONPATH": str(path), **environment},
    )


def copied_package(tmp_path: Path) -> Path:
    """`equipoise.stats` under another name, its kernels replaced by the two above."""
    copy = tmp_path / "copied"
    shutil.copytree(STATS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (copy / "kernels").glob("*.py"):
        if file.name != "__init__.py":
            file.unlink()
    (copy / "kernels" / "caller.py").write_text(SMALL_CALLER)
    (copy / "kernels" / "callee.py").write_text(CALLEE)
    cache = copy / "kernel_cache.py"
    cache.write_text(
        cache.read_text()
        + 'ENTRY_POINTS = (("caller", "ask"),)\n'
        + "def ask():\n    return _imported(ENTRY_POINTS)['ask']()\n"
    )
    return copy


def test_an_edited_callee_is_seen_by_its_cached_caller(tmp_path: Path) -> None:
    copy = copied_package(tmp_path)
    code = "from copied.kernel_cache import *; print(ask(), kernels_compiled())"
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert run(code, tmp_path, **cache).stdout.split() == ["10.0", "True"]
    callee = copy / "kernels" / "callee.py"
    callee.write_text(CALLEE.replace("9.0", "99.0"))
    check = "from copied.kernel_cache import *; print(kernels_compiled())"
    assert run(check, tmp_path, **cache).stdout.strip() == "False"
    assert run(code, tmp_path, **cache).stdout.split() == ["100.0", "True"]
    assert len(list((tmp_path / "cache" / "equipoise" / "kernels").iterdir())) == 2


def test_a_folder_that_cannot_be_written_gives_a_temporary_one_and_a_warning(
    tmp_path: Path,
) -> None:
    copied_package(tmp_path)
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    code = "from copied.kernel_cache import *; print(ask(), cache_folder())"
    done = run(code, tmp_path, XDG_CACHE_HOME=str(blocked), TMPDIR=str(tmp_path))
    number, folder = done.stdout.split()
    assert number == "10.0"
    assert Path(folder).name.startswith("equipoise-kernels-")
    assert done.stderr.count("cannot be kept in") == 1
    assert not Path(folder).exists(), "it goes when the process ends"


def test_a_user_s_own_cache_setting_is_kept(tmp_path: Path) -> None:
    copied_package(tmp_path)
    own = tmp_path / "own"
    code = (
        "from copied.kernel_cache import *\n"
        "from numba.core import config\n"
        "print(ask(), config.CACHE_DIR)\n"
    )
    done = run(code, tmp_path, NUMBA_CACHE_DIR=str(own))
    assert done.stdout.split() == ["10.0", str(own)]
    assert [folder.name.startswith("equipoise-") for folder in own.iterdir()] == [True]


def test_compiling_reports_each_kernel_and_is_then_known() -> None:
    told: list[str] = []
    done = compile_kernels(told.append)
    assert done == told == [f"{module}.{kernel}" for module, kernel in ENTRY_POINTS]
    assert kernels_compiled()
    assert cache_folder().is_dir()


def test_asking_whether_kernels_are_compiled_is_cheap() -> None:
    code = (
        "import sys\n"
        "from equipoise.stats import kernels_compiled\n"
        "kernels_compiled()\n"
        "print([m for m in ('numba', 'numpy', 'scipy') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("participants", "visits"), [(400, 10)])
def test_a_kernel_call_returns_within_half_a_second(participants: int, visits: int) -> None:
    """Ctrl-C is seen between calls only."""
    import numpy as np

    from equipoise.stats.patterns import group_by_pattern
    from equipoise.stats.unstructured_covariance import UnstructuredCovariance

    compile_kernels()
    rng = np.random.default_rng(1)
    seen = rng.random((participants, visits)) < 0.85
    subject, visit = np.nonzero(seen)
    values = rng.normal(size=(len(subject), 24))
    patterns = group_by_pattern(np.unique(subject, return_inverse=True)[1], visit, values, visits)
    begin = time.perf_counter()
    state = UnstructuredCovariance(patterns).evaluate(np.eye(visits)[None], derivatives=True)
    assert state.ok
    assert time.perf_counter() - begin < 0.5
