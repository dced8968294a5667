"""Reading ``protocol.toml``: every fault at once, each with its line."""

from __future__ import annotations

import math
import re
import tomllib
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from equipoise.faults import EquipoiseError, Fault, nearest, single
from equipoise.protocol.consistency import Inconsistency, inconsistencies
from equipoise.protocol.model import Protocol
from equipoise.protocol.places import line_of, places, syntax_fault_lines

FILE = "protocol.toml"
_LARGEST = 4_000_000
_DEEPEST = 20
_TOO_MANY_SYNTAX_FAULTS = 25


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
    text, name = _read(study)
    data, syntax = _parse(text, name)
    if syntax and not data:
        return None, tuple(syntax)
    if syntax:
        # What was cut out to get past a fault of syntax must not be called missing.
        rest = [f for f in _faults(data, text, name)[1] if f.code in _SURE_DESPITE_SYNTAX]
        return None, (*syntax, *rest)
    protocol, faults = _faults(data, text, name)
    return protocol, tuple(faults)


_SURE_DESPITE_SYNTAX = frozenset({"field-unknown", "value-invalid"})


def _read(study: str | Path) -> tuple[str, str]:
    from equipoise.studies import find_study

    path = find_study(study)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise single(
            f"The protocol of `{study}` cannot be read",
            code="protocol-unreadable",
            where=str(path),
            rule=str(error.strerror or error),
            remedy="mend the path or its permissions",
        ) from error
    if len(raw) > _LARGEST:
        raise single(
            f"The protocol of `{study}` cannot be read",
            code="protocol-too-large",
            where=str(path),
            value=f"{len(raw)} bytes",
            rule=f"a protocol has at most {_LARGEST} bytes",
            remedy="name the right file: data belong into data/",
        )
    try:
        return raw.decode("utf-8-sig"), path.name
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise single(
            f"The protocol of `{study}` cannot be read",
            code="protocol-encoding",
            where=f"{path.name}, line {line}",
            value=f"byte 0x{raw[error.start]:02x}",
            rule="the file is UTF-8",
            remedy="save it as UTF-8",
        ) from error


def _parse(text: str, name: str) -> tuple[dict[str, Any], list[Fault]]:
    """Values, and every fault of syntax: each faulty line is blanked and the rest read on."""
    lines = text.splitlines()
    faults: dict[int, Fault] = {}
    data: dict[str, Any] = {}
    while len(faults) < _TOO_MANY_SYNTAX_FAULTS:
        try:
            data = tomllib.loads("\n".join(lines) + "\n")
            if _deeper_than(data, _DEEPEST):
                raise RecursionError
            break
        except tomllib.TOMLDecodeError as error:
            match = re.search(r"at line (\d+)", str(error))
            reported = min(int(match.group(1)) if match else len(lines), len(lines))
            line = _culprit(lines, reported)
            if line in faults or not lines[line - 1].strip():
                break
            problem = re.sub(r" \(at .*\)$", "", str(error))
            faults[line] = _syntax_fault(name, line, lines[line - 1], problem)
            lines[line - 1] = ""
        except RecursionError:
            return {}, [_syntax_fault(name, 1, "", "values are nested too deeply")]
    if faults:
        for line in syntax_fault_lines(text):
            source = text.splitlines()[line - 1]
            if not any(abs(line - known) <= 1 for known in faults):
                faults[line] = _syntax_fault(name, line, source, "this is not TOML")
    return data, [faults[line] for line in sorted(faults)]


def _deeper_than(data: Any, limit: int) -> bool:
    layer = [data]
    for _ in range(limit):
        layer = [
            item
            for value in layer
            if isinstance(value, dict | list)
            for item in (value.values() if isinstance(value, dict) else value)
        ]
    return bool(layer)


def _culprit(lines: list[str], reported: int) -> int:
    """The line to blame: the nearest one, from the reported line backwards, that is no TOML by
    itself. A bracket left open is only noticed on a later line."""
    for line in range(reported, max(0, reported - 50), -1):
        text = lines[line - 1].strip()
        if not text:
            continue
        try:
            tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            return line
    while reported > 1 and not lines[reported - 1].strip():
        reported -= 1
    return reported


def _syntax_fault(name: str, line: int, source: str, problem: str) -> Fault:
    return Fault(
        code="protocol-syntax",
        where=f"{name}, line {line}",
        field="",
        value=source.strip()[:100],
        rule=f"the file is TOML 1.0: {problem[0].lower()}{problem[1:]}",
        remedy='mend this line: `key = value`, text in "double quotes", lists in [ ]',
    )


def _faults(data: dict[str, Any], text: str, name: str) -> tuple[Protocol | None, list[Fault]]:
    lines = places(text)

    def where(path: tuple[str | int, ...]) -> str:
        line = line_of(path, lines)
        return f"{name}, line {line}" if line else name

    try:
        return Protocol.model_validate(data), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    found: list[tuple[tuple[str | int, ...], Fault]] = []
    for detail in details:
        if detail["type"] == "inconsistent":
            found += [(i.path_parts, i.fault(where)) for i in detail.get("ctx", {})["found"]]
        else:
            path = tuple(detail["loc"])
            found.append((path, _field_fault(detail, path, where(path))))
    if not any(detail["type"] == "inconsistent" for detail in details):
        known = {fault.field for _, fault in found}
        for item in _inconsistencies_of_the_rest(data, details):
            if item.path not in known:
                found.append((item.path_parts, item.fault(where)))
    found.sort(key=lambda pair: line_of(pair[0], lines) or 0)
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
                # The name is metadata that pydantic ignores: Annotated must have some.
                kind: Any = typing.Annotated[(field.annotation, name, *field.metadata)]
                tables[name] = TypeAdapter(kind).validate_python(stripped[name])
            except ValidationError:
                tables[name] = None
        elif field.is_required():
            tables[name] = None
        else:
            tables[name] = field.get_default(call_default_factory=True)
    return inconsistencies(tables)


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


def _model_at(path: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model of the table at a path, so that its fields can be offered."""
    annotation: Any = Protocol
    for part in path:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            field = annotation.model_fields.get(str(part))
            if field is None:
                return None
            annotation = field.annotation
        else:
            arguments = [a for a in typing.get_args(annotation) if a is not Ellipsis]
            annotation = arguments[-1] if arguments else None
        annotation = _unwrap(annotation)
    return (
        annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
    )


def _unwrap(annotation: Any) -> Any:
    """`Annotated[X, …]` and `X | None` are X."""
    while True:
        if typing.get_origin(annotation) is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
        elif type(None) in typing.get_args(annotation):
            annotation = next(a for a in typing.get_args(annotation) if a is not type(None))
        else:
            return annotation


def _field_fault(detail: ErrorDetails, path: tuple[str | int, ...], where: str) -> Fault:
    kind = detail["type"]
    field = ".".join(str(part) for part in path if part != "[key]")
    value = "" if kind == "missing" else _shown(detail["input"])
    if kind == "extra_forbidden":
        model = _model_at(path[:-1])
        names = list(model.model_fields) if model else []
        return Fault(
            "field-unknown",
            where,
            field,
            value,
            f"`{path[-1]}` is not a field of `{'.'.join(map(str, path[:-1])) or 'a protocol'}`",
            nearest(str(path[-1]), names) + " Else take it out",
        )
    if kind == "missing":
        model = _model_at(path[:-1])
        info = model.model_fields.get(str(path[-1])) if model else None
        meaning = f" ({info.description})" if info and info.description else ""
        return Fault(
            "field-missing",
            where,
            field,
            "",
            f"`{path[-1]}` is required{meaning}",
            f"add `{path[-1]} = …` to `{'.'.join(map(str, path[:-1])) or 'the top of the file'}`",
        )
    rule = detail["msg"]
    if kind == "string_pattern_mismatch":
        rule = "an identifier is a lower-case letter, then lower-case letters, digits, _ or -"
    model = _model_at(path[:-1])
    info = model.model_fields.get(str(path[-1])) if model and path else None
    remedy = f"give: {info.description}" if info and info.description else "correct the value"
    remedy += _nearest_number(detail)
    return Fault("value-invalid", where, field, value, rule[0].lower() + rule[1:], remedy)


def _nearest_number(detail: ErrorDetails) -> str:
    """The nearest valid numbers, where the fault is one of range or wholeness."""
    value, bounds = detail["input"], detail.get("ctx", {})
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    for name in ("ge", "le"):
        if name in bounds:
            return f"; nearest valid: {bounds[name]:g}"
    if detail["type"] in ("int_type", "int_from_float") and math.isfinite(value):
        below = max(int(value // 1), 1)
        return f"; nearest valid: {below} or {below + 1}"
    return ""


def _shown(value: Any) -> str:
    text = repr(value) if not isinstance(value, str) else f'"{value}"'
    return text if len(text) <= 80 else text[:77] + "…"
