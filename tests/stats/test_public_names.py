"""The package's door: light, complete, and closed to the rest of Equipoise."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

from equipoise import stats

FOLDER = Path(stats.__file__).parent
ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(FOLDER.rglob("*.py"))


def test_importing_loads_the_standard_library_only() -> None:
    code = (
        "import sys, equipoise.stats\n"
        "heavy = {'numpy', 'scipy', 'numba', 'formulaic', 'pandas', 'polars', 'narwhals'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_survives_the_import_of_every_module() -> None:
    """A module named like a function would replace it on the second access."""
    for module in pkgutil.walk_packages([str(FOLDER)], "equipoise.stats."):
        if ".kernels" not in module.name:
            importlib.import_module(module.name)
    for name in stats.__all__:
        value = getattr(stats, name)
        assert not isinstance(value, type(sys)), name
        assert value is getattr(stats, name)
    assert sorted(stats.__all__) == dir(stats)
    stems = {path.stem for path in SOURCES}
    assert not stems & set(stats.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'mmmrm'"):
        stats.mmmrm  # noqa: B018


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_stats_imports_nothing_else_of_equipoise(path: Path) -> None:
    depth = len(path.relative_to(FOLDER).parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level <= depth, f"{path.name} reaches outside stats"
            assert not (node.level == 0 and (node.module or "").startswith("equipoise"))
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("equipoise") for alias in node.names)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_file_is_a_giant(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 600


def test_vocabularies_hold_word_label_and_count() -> None:
    us = stats.CovarianceStructure.UNSTRUCTURED
    assert (us.word, us.label, us.n_parameters(4)) == ("us", "unstructured", 10)
    page = (ROOT / "docs" / "methods" / "covariance-structures.md").read_text(encoding="utf-8")
    for structure in stats.CovarianceStructure:
        assert len(structure.parameter_names(4)) == structure.n_parameters(4)
        row = next(line for line in page.splitlines() if line.startswith(f"| `{structure.word}` |"))
        assert "| none |" in row or f"`{structure.sas.split('(coord')[0]}" in row
    assert [s.n_parameters(4) for s in stats.CovarianceStructure] == [
        10, 2, 5, 2, 5, 4, 7, 4, 7, 2,
    ]  # fmt: skip
    words = [member.word for member in stats.DegreesOfFreedom]
    assert words == [
        "kenward-roger",
        "kenward-roger-firstorder",
        "satterthwaite",
        "between-within",
        "residual",
    ]
    kinds = [member.word for member in stats.CoefficientCovariance]
    assert kinds == ["model", "cr0", "cr2", "cr2-root", "cr3"]
    assert [member.word for member in stats.Likelihood] == ["reml", "ml"]
