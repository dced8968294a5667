"""What all tests share: built-in protocols, one simulated trial, its results."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

import equipoise as eq
from tests.light_study import light_study, light_text

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"


def pytest_configure(config: pytest.Config) -> None:
    """Compile once, before any test: a test must not pay for it, nor time it."""
    from hypothesis import settings

    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")
    from equipoise.patients import compile_patient_kernels
    from equipoise.stats import compile_kernels

    compile_kernels()
    compile_patient_kernels()
    # What a person has kept of earlier runs is in no test's report.
    os.environ["EQUIPOISE_CACHE"] = tempfile.mkdtemp(prefix="equipoise-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(os.environ.get("EQUIPOISE_CACHE", ""), ignore_errors=True)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real and reference data; absent it skips, but fails in CI."""
    if not SHARED_DATA.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail("../shared/data is absent, and CI=true: the reference must be compared")
        pytest.skip("../shared/data is not beside this checkout")
    return SHARED_DATA


@pytest.fixture(scope="session")
def il2(tmp_path_factory: pytest.TempPathFactory) -> eq.Protocol:
    """The twin, locked: tests analyse records of it that call themselves observed."""
    protocol = eq.load_protocol("il2-depression")
    protocol.lock(tmp_path_factory.mktemp("il2"))
    return protocol


@pytest.fixture(scope="session")
def antidepressant() -> eq.Protocol:
    return eq.load_protocol("antidepressant-example")


@pytest.fixture(scope="session")
def il2_records(il2: eq.Protocol) -> eq.Records:
    return eq.simulate(il2, seed=1)


@pytest.fixture(scope="session")
def il2_results(il2: eq.Protocol, il2_records: eq.Records) -> eq.Results:
    return eq.analyse(il2, il2_records)


@pytest.fixture(scope="session")
def blinded_results(il2: eq.Protocol, il2_records: eq.Records) -> eq.Results:
    return eq.analyse(il2, il2_records.without_allocation())


@pytest.fixture(scope="session")
def light(tmp_path_factory: pytest.TempPathFactory) -> eq.Protocol:
    """The twin with few draws, locked: analysed in a third of the time."""
    path = light_study(tmp_path_factory.mktemp("light"))
    protocol = eq.load_protocol(path)
    protocol.lock(path.parent)
    return protocol


@pytest.fixture(scope="session")
def light_records(light: eq.Protocol) -> eq.Records:
    return eq.simulate(light, seed=1)


@pytest.fixture(scope="session")
def light_results(light: eq.Protocol, light_records: eq.Records) -> eq.Results:
    return eq.analyse(light, light_records)


@pytest.fixture(scope="session")
def light_blinded_results(light: eq.Protocol, light_records: eq.Records) -> eq.Results:
    return eq.analyse(light, light_records.without_allocation())


@pytest.fixture(scope="session")
def light_report(light_results: eq.Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with these results and their report, which tests read and never change."""
    folder = tmp_path_factory.mktemp("light_report")
    eq.write_results(light_results, folder)
    eq.write_report(light_results, folder)
    return folder


def protocol_text(study: str) -> str:
    """The text of a built-in protocol."""
    folder = resources.files("equipoise.studies") / study
    return (folder / "protocol.toml").read_text(encoding="utf-8")


@pytest.fixture
def write_protocol(tmp_path: Path):
    """Write a changed copy of a built-in protocol: (old, new) pairs, each must occur."""
    return _writer(tmp_path, protocol_text)


@pytest.fixture
def write_light_protocol(tmp_path: Path):
    """The same with few draws."""
    return _writer(tmp_path, light_text)


def _writer(folder: Path, text_of: Callable[[str], str]):
    def write(*changes: tuple[str, str], study: str = "il2-depression") -> Path:
        text = text_of(study)
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        path = folder / "protocol.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
