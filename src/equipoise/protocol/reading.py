"""Reading ``protocol.toml``: every fault at once, each with its line."""

from __future__ import annotations

import functools
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from equipoise.faults import EquipoiseError, Fault
from equipoise.protocol.consistency import Inconsistency, inconsistencies
from equipoise.protocol.model import Protocol
from equipoise.protocol.scale_files import with_scale_files
from equipoise.protocol.scales import with_all_items
from equipoise.toml_faults import Sources, TomlFile, faults_of, is_inconsistent
from equipoise.toml_syntax import parse_toml, read_toml_text

FILE = "protocol.toml"


def load_protocol(study: str | Path) -> Protocol:
    """Read the protocol of a study.

    Parameters
    ----------
    study
        Name of a built-in study, a study's folder, or a path of a TOML file.

    Returns
    -------
    Protocol

    Raises
    ------
    EquipoiseError
        With every fault of the file: syntax, unknown and missing fields, values out of
        range, references that lead nowhere, formulas that call what they may not.
    """
    protocol, faults = check_protocol(study)
    if protocol is None:
        raise EquipoiseError(f"The protocol of `{study}` is refused", faults)
    return protocol


def check_protocol(study: str | Path) -> tuple[Protocol | None, tuple[Fault, ...]]:
    """The protocol, or None with every fault found in its file."""
    from equipoise.studies import find_study

    path = find_study(study)
    text = read_toml_text(path, f"The protocol of `{study}` cannot be read", "protocol")
    data, syntax = parse_toml(text, path.name, "protocol")
    if syntax and not data:
        return None, tuple(syntax)
    data, files, scale_faults = with_scale_files(data, path.parent)
    sources = Sources(TomlFile(path.name, text, "a protocol"), files)
    syntax += scale_faults
    if syntax:
        # What was cut out to get past a fault of syntax must not be called missing.
        rest = [f for f in _faults(data, sources)[1] if f.code in _SURE_DESPITE_SYNTAX]
        return None, (*syntax, *rest)
    protocol, faults = _faults(data, sources)
    return None if protocol is None else protocol.at(path.parent), tuple(faults)


_SURE_DESPITE_SYNTAX = frozenset({"field-unknown", "value-invalid"})


def _faults(data: dict[str, Any], sources: Sources) -> tuple[Protocol | None, list[Fault]]:
    data = with_all_items(data)
    try:
        return Protocol.model_validate(data), []
    except ValidationError as error:
        found = faults_of(error, Protocol, sources)
        details = error.errors(include_url=False)
    if not any(is_inconsistent(detail) and not detail["loc"] for detail in details):
        known = {path for path, _ in found}
        for item in _inconsistencies_of_the_rest(data, details):
            if item.path_parts not in known:
                found.append((item.path_parts, item.fault(sources)))
    found.sort(key=lambda pair: sources.order(pair[0]))
    return None, [fault for _, fault in found]


def _inconsistencies_of_the_rest(
    data: dict[str, Any], details: Iterable[ErrorDetails]
) -> list[Inconsistency]:
    """Check the tables that are valid, once unknown fields are left out, against each other."""
    stripped = _without(data, [tuple(d["loc"]) for d in details if d["type"] == "extra_forbidden"])
    tables: dict[str, Any] = {}
    for name, field in Protocol.model_fields.items():
        if name in stripped:
            try:
                tables[name] = _adapter(name).validate_python(stripped[name])
            except ValidationError:
                tables[name] = None
        elif field.is_required():
            tables[name] = None
        else:
            tables[name] = field.get_default(call_default_factory=True)
    return inconsistencies(tables)


@functools.cache
def _adapter(name: str) -> TypeAdapter[Any]:
    """What reads one table at the top of a protocol by itself."""
    field = Protocol.model_fields[name]
    # The name is metadata that pydantic ignores: Annotated must have some.
    kind: Any = typing.Annotated[(field.annotation, name, *field.metadata)]
    return TypeAdapter(kind)


def _without(data: Any, paths: list[tuple[str | int, ...]], prefix: tuple[Any, ...] = ()) -> Any:
    if isinstance(data, Mapping):
        return {
            key: _without(item, paths, (*prefix, key))
            for key, item in data.items()
            if (*prefix, key) not in paths
        }
    if isinstance(data, list):
        return [_without(item, paths, (*prefix, index)) for index, item in enumerate(data)]
    return data
