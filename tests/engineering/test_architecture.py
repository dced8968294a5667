"""The house: imports go down only, nothing heavy at the door, names as promised."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys

import pytest
from tests.conftest import ROOT

import equipoise as eq

PACKAGE = ROOT / "src" / "equipoise"

#: What each package may import of the others, beside itself. `stats` stands alone: it knows
#: no trial, so that a protocol may ask it whether a formula is allowed.
TOML = {"strict_models", "toml_faults", "toml_places", "toml_rules", "toml_syntax"}
BASE = {"faults", "streams", "staging", "trial_generators", "_version", *TOML}
ALLOWED = {
    "stats": set(),
    "faults": set(),
    "streams": {"faults"},
    "_version": set(),
    "staging": {"faults"},
    "trial_generators": set(),
    "strict_models": set(),
    "toml_faults": {"faults", "toml_places", "toml_rules"},
    "toml_places": set(),
    "toml_rules": set(),
    "toml_syntax": {"faults", "toml_places"},
    "instruments": BASE,
    "studies": BASE,
    "mechanisms": BASE,
    "protocol": BASE | {"instruments", "mechanisms", "stats", "studies"},
    "records": BASE | {"protocol", "instruments"},
    "randomisation": BASE | {"protocol", "instruments"},
    "patients": BASE | {"protocol", "instruments", "mechanisms", "stats"},
    "exchange": BASE | {"mechanisms", "patients"},
    "simulation": BASE
    | {"protocol", "instruments", "mechanisms", "records", "randomisation", "patients"},
    "analysis": BASE | {"protocol", "instruments", "records", "randomisation", "stats"},
    "design": BASE | {"protocol", "instruments", "mechanisms", "records", "randomisation",
                      "patients", "simulation", "stats", "analysis"},
    "report": BASE | {"analysis", "design", "mechanisms", "patients"},
    "cli": BASE | {"protocol", "instruments", "mechanisms", "records", "randomisation", "patients",
                   "simulation", "stats", "analysis", "design", "report", "studies",
                   "exchange"},
}  # fmt: skip


def imports_of(path):
    """Absolute names that a file imports, wherever in it."""
    package = path.relative_to(PACKAGE.parent).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level]) if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def files():
    return sorted(path for path in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", files(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_go_down_only(path):
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if part in ("__init__", "__main__"):
        return
    allowed = ALLOWED[part] | {part}
    for name in imports_of(path):
        if name == "equipoise" or name.startswith("equipoise."):
            pieces = name.split(".")
            if len(pieces) > 1:
                assert pieces[1] in allowed, f"{path.name} imports {name}"


def test_every_package_has_its_rule():
    parts = {p.relative_to(PACKAGE).parts[0].removesuffix(".py") for p in files()}
    assert parts - {"__init__", "__main__"} == set(ALLOWED)


@pytest.mark.parametrize("path", files(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_a_file_is_one_idea(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 600


def modules_after(code):
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.split())


def test_importing_the_package_loads_the_standard_library_only():
    loaded = {name.partition(".")[0] for name in modules_after("import equipoise")}
    foreign = {m for m in loaded if m not in sys.stdlib_module_names and not m.startswith("_")}
    bare = {name.partition(".")[0] for name in modules_after("pass")}
    assert foreign - bare == {"equipoise"}


def test_help_loads_no_numbers():
    code = (
        "import sys; sys.argv = ['equipoise', '--help']\n"
        "import io, contextlib\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    try:\n"
        "        from equipoise.cli import main; main()\n"
        "    except SystemExit: pass\n"
    )
    loaded = {name.partition(".")[0] for name in modules_after(code)}
    assert not loaded & {"numpy", "polars", "pandas", "scipy", "numba", "matplotlib", "formulaic"}


def test_every_public_name_is_there_after_every_submodule_was_imported():
    for module in pkgutil.walk_packages([str(PACKAGE)], "equipoise."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in eq.__all__:
        value = getattr(eq, name)
        assert type(value).__name__ != "module", f"{name} is a module"
    assert callable(eq.mmrm)
    assert callable(eq.simulate)
    assert callable(eq.analyse)


def test_the_public_names_of_the_design():
    promised = {
        "load_protocol", "simulate", "read_records", "analyse", "write_results", "read_results",
        "write_report", "write_records", "randomise", "mmrm", "operating_characteristics",
    }  # fmt: skip
    assert promised <= set(eq.__all__)
    assert dir(eq) == sorted(eq.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = eq.nonsense  # type: ignore[attr-defined]


def test_the_lazy_table_matches_the_promise():
    assert set(eq._HOME) | {"__version__"} == set(eq.__all__)
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    typed = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.If)
        for inner in node.body
        if isinstance(inner, ast.ImportFrom)
        for alias in inner.names
    }
    assert set(eq._HOME) <= typed | set(eq._HOME)
    assert typed == set(eq._HOME)


@pytest.mark.parametrize(
    "package", ["protocol", "records", "randomisation", "patients", "simulation", "analysis",
                "report", "instruments", "studies", "stats", "cli"],
)  # fmt: skip
def test_each_package_has_one_short_door(package):
    module = importlib.import_module(f"equipoise.{package}")
    for name in module.__all__:
        assert getattr(module, name) is not None
    # the statistics are a shelf of procedures, one function each; their result types stay inside
    assert len(module.__all__) <= (50 if package == "stats" else 30)
