"""Faults of a model read from TOML, placed in the user's own files.

A rule between fields that does not hold is an :class:`Inconsistency`; a model raises its list
with :func:`refuse_inconsistencies`, so that pydantic carries it to whoever knows the file.
"""

from __future__ import annotations

import functools
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from equipoise.faults import Fault, nearest
from equipoise.toml_places import Path, line_of, places
from equipoise.toml_rules import hint_of, rule_of

_INCONSISTENT = "inconsistent"


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """A rule between fields that does not hold."""

    path_parts: Path
    value: str
    rule: str
    remedy: str
    code: str = "protocol-inconsistent"

    @property
    def path(self) -> str:
        """The dotted path of the field."""
        return ".".join(str(part) for part in self.path_parts)

    def below(self, path: Path) -> Inconsistency:
        """The same rule, seen from the table that holds this one at `path`."""
        return Inconsistency(
            (*path, *self.path_parts), self.value, self.rule, self.remedy, self.code
        )

    def fault(self, sources: Sources) -> Fault:
        """The fault, placed in the user's file."""
        path = self.path_parts
        return Fault(
            self.code,
            sources.where(path),
            sources.field(path),
            self.value,
            self.rule,
            self.remedy,
        )


def refuse_inconsistencies(found: Sequence[Inconsistency]) -> None:
    """Raise what pydantic takes for a fault of validation, unless there is nothing to say."""
    if found:
        raise PydanticCustomError(
            _INCONSISTENT,
            "{summary}",
            {"summary": "; ".join(f"{f.path}: {f.rule}" for f in found), "found": list(found)},
        )


@dataclass(frozen=True)
class TomlFile:
    """A file: its name as said to the user, its text, and what it is: ``a protocol``."""

    name: str
    text: str
    kind: str

    @functools.cached_property
    def lines(self) -> dict[Path, int]:
        """Line of every key, by its path."""
        return places(self.text)


@dataclass(frozen=True)
class Sources:
    """The files that values come from.

    Attributes
    ----------
    main
        The file of the model itself.
    parts
        Path of a table that was read from a file of its own → that file.
    """

    main: TomlFile
    parts: Mapping[Path, TomlFile] = field(default_factory=dict[Path, TomlFile])

    def _file(self, path: Path) -> tuple[TomlFile, Path]:
        for prefix, file in self.parts.items():
            if path[: len(prefix)] == prefix:
                return file, path[len(prefix) :]
        return self.main, path

    def where(self, path: Path) -> str:
        """File and line of a field, or of the nearest table that holds it."""
        file, rest = self._file(path)
        line = line_of(rest, file.lines)
        return f"{file.name}, line {line}" if line else file.name

    def field(self, path: Path) -> str:
        """The dotted path of a field within its file."""
        return ".".join(str(part) for part in self._file(path)[1] if part != "[key]")

    def table(self, path: Path) -> str:
        """The dotted path of a table within its file; what the file is for its top."""
        return self.field(path) or self._file(path)[0].kind

    def order(self, path: Path) -> tuple[int, int]:
        """Where a reader meets the field: the main file first."""
        file, rest = self._file(path)
        files = [self.main, *self.parts.values()]
        return files.index(file), line_of(rest, file.lines) or 0


def faults_of(
    error: ValidationError, model: type[BaseModel], sources: Sources
) -> list[tuple[Path, Fault]]:
    """The faults of a model, each with the path of its field.

    Parameters
    ----------
    error
        What pydantic raised.
    model
        The model that was read.
    sources
        The files of its values.
    """
    found: list[tuple[Path, Fault]] = []
    details = error.errors(include_url=False)
    holders = {tuple(d["loc"])[:end] for d in details for end in range(len(d["loc"]))}
    for detail in details:
        path = tuple(detail["loc"])
        if detail["type"] == "too_short" and path in holders:
            continue  # it is only too short without its faulty elements
        if detail["type"] == _INCONSISTENT:
            inner: list[Inconsistency] = detail.get("ctx", {})["found"]
            found += [(i.path_parts, i.fault(sources)) for i in (i.below(path) for i in inner)]
        elif path and path[-1] in _BRANCHES:
            _add_branch(found, path[:-1], _field_fault(detail, path[:-1], sources, model))
        else:
            found.append((path, _field_fault(detail, path, sources, model)))
    return found


#: What pydantic adds to the path for a kind of value where several may stand.
_BRANCHES = frozenset({"constrained-str", "str", "float", "int", "bool"})


def _add_branch(found: list[tuple[Path, Fault]], path: Path, fault: Fault) -> None:
    """Add what one of several kinds asks for; a value that is none of them is one fault."""
    if found and found[-1][0] == path:
        first = found[-1][1]
        found[-1] = (path, replace(first, rule=f"{first.rule}, or {fault.rule}"))
    else:
        found.append((path, fault))


def is_inconsistent(detail: ErrorDetails) -> bool:
    """Whether pydantic's detail carries inconsistencies."""
    return detail["type"] == _INCONSISTENT


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """The model of the table at a path, so that its fields can be offered."""
    annotation: Any = model
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


def _field_fault(
    detail: ErrorDetails, path: Path, sources: Sources, root: type[BaseModel]
) -> Fault:
    kind = detail["type"]
    where, field = sources.where(path), sources.field(path)
    value = "" if kind == "missing" else _shown(detail["input"])
    if kind == "extra_forbidden":
        model = _model_at(root, path[:-1])
        names = list(model.model_fields) if model else []
        return Fault(
            "field-unknown",
            where,
            field,
            value,
            f"`{path[-1]}` is not a field of `{sources.table(path[:-1])}`",
            nearest(str(path[-1]), names) + " Else take it out",
        )
    if kind == "missing":
        model = _model_at(root, path[:-1])
        info = model.model_fields.get(str(path[-1])) if model else None
        meaning = f" ({info.description})" if info and info.description else ""
        return Fault(
            "field-missing",
            where,
            field,
            "",
            f"`{path[-1]}` is required{meaning}",
            f"add `{path[-1]} = …` to `{sources.field(path[:-1]) or 'the top of the file'}`",
        )
    info = _field_at(root, path)
    remedy = f"give: {info.description}" if info and info.description else "correct the value"
    return Fault("value-invalid", where, field, value, rule_of(detail), remedy + hint_of(detail))


def _field_at(root: type[BaseModel], path: Path) -> FieldInfo | None:
    """The field at a path, or the one whose list or table of values holds it."""
    for end in range(len(path), 0, -1):
        model = _model_at(root, path[: end - 1])
        info = model.model_fields.get(str(path[end - 1])) if model else None
        if info is not None:
            return info
    return None


def _shown(value: Any) -> str:
    text = repr(value) if not isinstance(value, str) else f'"{value}"'
    return text if len(text) <= 80 else text[:77] + "…"
