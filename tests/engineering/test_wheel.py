"""The built wheel holds all it needs: installed elsewhere, it runs a built-in study."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile

import pytest
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    target = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target),
         str(ROOT)],
        check=True, capture_output=True,
    )  # fmt: skip
    return next(target.glob("*.whl"))


def test_the_wheel_holds_data_templates_and_licence(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "equipoise/studies/il2-depression/protocol.toml",
        "equipoise/studies/antidepressant-example/protocol.toml",
        "equipoise/studies/template/trial.toml",
        "equipoise/studies/template/README.md",
        "equipoise/instruments/scales/hdrs-17.toml",
        "equipoise/report/templates/report.html.j2",
        "equipoise/report/templates/style.css",
        "equipoise/py.typed",
    ):
        assert wanted in names
    templates = ROOT / "src" / "equipoise" / "report" / "templates"
    for path in templates.rglob("*.*"):
        assert path.relative_to(ROOT / "src").as_posix() in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests", "docs")) for name in names)


def test_a_study_runs_from_the_wheel(wheel, tmp_path):
    site = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "zipfile", "-e", str(wheel), str(site)],
        check=True, capture_output=True,
    )  # fmt: skip
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "import equipoise\n"
        f"assert equipoise.__file__.startswith({str(site)!r}), equipoise.__file__\n"
        "sys.argv = ['equipoise', 'run', 'antidepressant-example', '--out', 'out']\n"
        "from equipoise.cli import main; main()\n"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "compiling the numeric kernels" in done.stderr
    assert (tmp_path / "out" / "report.html").is_file()
