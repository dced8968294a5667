"""The library of rating scales, one TOML file a scale, and scales of a user's own."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from equipoise.faults import EquipoiseError, nearest, single
from equipoise.instruments.definition import Instrument
from equipoise.toml_faults import Sources, TomlFile, faults_of
from equipoise.toml_syntax import parse_toml, read_toml_text


@functools.cache
def scale_names() -> tuple[str, ...]:
    """Names of all scales of the library, sorted."""
    folder = resources.files("equipoise.instruments") / "scales"
    names = (file.name for file in folder.iterdir())
    return tuple(sorted(n.removesuffix(".toml") for n in names if n.endswith(".toml")))


@functools.cache
def get_scale(name: str) -> Instrument:
    """The scale of this name.

    Raises
    ------
    KeyError
        When the library has no scale of this name.
    """
    if name not in scale_names():
        raise KeyError(name)
    file = resources.files("equipoise.instruments") / "scales" / f"{name}.toml"
    return Instrument.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))


def find_scale(name: str) -> Instrument:
    """The scale of this name, or the one in a file of this path.

    Raises
    ------
    EquipoiseError
        When the library has no such scale and there is no such file, or the file is faulty.
    """
    if name in scale_names():
        return get_scale(name)
    if Path(name).is_file():
        return load_scale(name)
    raise single(
        f"There is no scale `{name}`",
        code="scale-unknown",
        field="NAME",
        value=name,
        rule="a scale is one of the library, or a TOML file of your own",
        remedy=nearest(name, scale_names()),
    )


def load_scale(path: str | Path) -> Instrument:
    """A scale from a TOML file.

    Raises
    ------
    EquipoiseError
        With every fault of the file: syntax, unknown and missing fields, wrong types, ranges
        that are empty, a total that the items do not give, rules that name no item.
    """
    path = Path(path)
    heading = f"The scale in `{path}` is refused"
    text = read_toml_text(path, heading, "scale")
    data, syntax = parse_toml(text, path.name, "scale")
    if syntax:
        raise EquipoiseError(heading, syntax)
    try:
        return Instrument.model_validate(data)
    except ValidationError as error:
        sources = Sources(TomlFile(path.name, text, "a scale"))
        found = faults_of(error, Instrument, sources)
    found.sort(key=lambda pair: sources.order(pair[0]))
    raise EquipoiseError(heading, [fault for _, fault in found])
