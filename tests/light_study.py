"""Studies with few draws, for tests in which the numbers of the full ones do not matter.

A count of what is drawn (allocations, permutations, imputations, bootstrap samples, …) is found by
its name wherever it stands in the plan of analysis, written or left to its default, so that an
analysis that is added later is light as well. Everything else is the built-in study: its people,
its endpoints, its estimands and the same seeds.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from annotated_types import Ge, Gt
from pydantic import BaseModel

import equipoise as eq

#: Fields that say how often something is drawn → how often it is drawn here.
COUNTS = {
    "draws": 20,  # with 19 a max-T could never fall below 5 %, and is refused
    "permutations": 19,
    "quasi_bayesian": 99,
    "imputations": 5,
    "bootstrap": 19,
    "bootstraps": 19,
    "bootstrap_samples": 19,
    "resamples": 19,
    "subsamples": 5,
    "replicates": 19,
    "repeats": 2,
    "repetitions": 2,
}


def light_text(study: str = "il2-depression") -> str:
    """The text of a built-in protocol with few draws; other lines are as they were."""
    folder = resources.files("equipoise.studies") / study
    text = (folder / "protocol.toml").read_text(encoding="utf-8")
    return _lightened(text, study)


@lru_cache(maxsize=8)
def _lightened(text: str, study: str | Path) -> str:
    for path, field, count in _counts(eq.load_protocol(study).analysis, ("analysis",)):
        text = _with_count(text, path, field, count)
    return text


def lighten(path: Path) -> Path:
    """Make the protocol in this file a light one."""
    path.write_text(_lightened(path.read_text(encoding="utf-8"), path), encoding="utf-8")
    return path


def light_study(folder: Path, study: str = "il2-depression") -> Path:
    """Write it as the protocol of a folder of its own; the path of the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "protocol.toml"
    path.write_text(light_text(study), encoding="utf-8")
    return path


def _counts(part: object, path: tuple[str, ...]):
    """Path of a table, name of a field in it, and its few draws, for all counts that are larger."""
    if isinstance(part, BaseModel):
        for name, info in type(part).model_fields.items():
            value = getattr(part, name)
            if name in COUNTS and isinstance(value, int) and not isinstance(value, bool):
                least = [m.ge for m in info.metadata if isinstance(m, Ge)]
                least += [m.gt + 1 for m in info.metadata if isinstance(m, Gt)]
                few = max(COUNTS[name], *least) if least else COUNTS[name]
                if few < value:
                    yield path, name, few
            else:
                yield from _counts(value, (*path, name))
    elif hasattr(part, "items"):
        for name, value in part.items():
            yield from _counts(value, (*path, name))


def _with_count(text: str, path: tuple[str, ...], field: str, count: int) -> str:
    """The text with this count in the table at the path, which may be an inline one."""
    heading = re.escape(f"[{'.'.join(path)}]")
    outer = re.escape(f"[{'.'.join(path[:-1])}]")
    body = r"(?:(?!\[).*\n)*?"  # lines of the same table
    for pattern, new in (
        (rf"(?m)(^{heading}\n{body}{field} = )\d+", rf"\g<1>{count}"),
        (rf"(?m)(^{heading}\n)", rf"\g<1>{field} = {count}\n"),
        (rf"(?m)(^{outer}\n{body}{path[-1]} = \{{.*?\b{field} = )\d+", rf"\g<1>{count}"),
        (rf"(?m)(^{outer}\n{body}{path[-1]} = \{{)", rf"\g<1> {field} = {count},"),
        # A table that is left to its defaults altogether stands at the end.
        (r"\n*\Z", f"\n\n[{'.'.join(path)}]\n{field} = {count}\n"),
    ):
        changed, times = re.subn(pattern, new, text, count=1)
        if times:
            found = tomllib.loads(changed)
            for key in path:
                found = found[key]
            assert found[field] == count, (path, field)
            return changed
    raise AssertionError(f"no place for {'.'.join(path)}.{field}")


def light_fixtures():
    """Fixtures of a module in which `il2` is the study with few draws.

    In the order `il2`, `il2_records`, `il2_results`, `blinded_results`, `write_protocol`; those of
    ``conftest.py`` with these names are the full study.
    """

    def of(name: str, scope: Any = "module"):
        return pytest.fixture(scope=scope)(lambda request: request.getfixturevalue(name))

    names = ("light", "light_records", "light_results", "light_blinded_results")
    return (*(of(name) for name in names), of("write_light_protocol", "function"))
