"""Every field of a protocol, read from the models: path, kind, default, meaning.

The reference page, `equipoise fields` and the tests that try every field all come from here,
so that none can say another thing than the models do.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

NAME, INDEX = "<name>", "<n>"


@dataclass(frozen=True, slots=True)
class FieldEntry:
    """One field.

    Attributes
    ----------
    path
        Dotted parts; ``<name>`` stands for a key of one's own, ``<n>`` for a place in a list.
    kind
        What may stand there, in words.
    words
        The allowed words, where only these may stand there.
    required
        Whether it must be given.
    default
        What holds when it is left out, as written in TOML; empty when required or nothing.
    description
        What it means.
    table
        The path of the table that it opens, or None for a value.
    annotation
        Its type, as pydantic has it.
    """

    path: tuple[str, ...]
    kind: str
    words: tuple[str, ...]
    required: bool
    default: str
    description: str
    table: tuple[str, ...] | None
    annotation: Any

    @property
    def dotted(self) -> str:
        """The dotted path."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One table of the protocol: its path, what it is, its fields in the models' order."""

    path: tuple[str, ...]
    description: str
    fields: tuple[FieldEntry, ...]

    @property
    def dotted(self) -> str:
        """The dotted path; empty for the top of the file."""
        return ".".join(self.path)

    @property
    def title(self) -> str:
        """The heading of the table on the reference page."""
        return self.dotted or "The top of the file"


def protocol_tables() -> tuple[TableEntry, ...]:
    """Every table of a protocol, the top of the file first."""
    from equipoise.protocol.model import Protocol

    return tuple(_tables(Protocol, (), "One TOML file; every stage reads from it alone."))


def find_tables(path: str) -> tuple[TableEntry, ...]:
    """The tables at and below a dotted path; keys of one's own match ``<name>`` and ``<n>``.

    Raises
    ------
    EquipoiseError
        When no table and no field has the path.
    """
    from equipoise.faults import nearest, single

    wanted = tuple(part for part in path.strip(".").split(".") if part)
    tables = protocol_tables()
    found = tuple(t for t in tables if _matches(t.path[: len(wanted)], wanted))
    if found:
        return found
    holders = tuple(
        TableEntry(t.path, t.description, mine)
        for t in tables
        if (mine := tuple(f for f in t.fields if _matches(f.path, wanted)))
    )
    if holders:
        return holders
    names = [f.dotted for t in tables for f in t.fields]
    raise single(
        "There is nothing to show",
        code="protocol-path-unknown",
        field="PATH",
        value=path,
        rule="the path is that of a table or a field of a protocol",
        remedy=nearest(path, names) + "; `equipoise fields` lists all",
    )


def _matches(path: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return len(path) == len(wanted) and all(
        here in (there, NAME, INDEX) for here, there in zip(path, wanted, strict=True)
    )


def field_page() -> str:
    """The reference page, as Markdown."""
    tables = protocol_tables()
    count = sum(len(table.fields) for table in tables)
    lines = [
        "# Every field of the protocol",
        "",
        f"All {count} fields, by table, generated from the models. `<name>` stands for a name of",
        "your own (an arm, an endpoint), `<n>` for a place in a list, counted from 0. A field",
        "without a default must be given. `equipoise fields PATH` prints the same, for example",
        "`equipoise fields randomisation`.",
        "",
    ]
    for table in tables:
        lines += [f"## {table.title.replace('<', '&lt;')}", "", table.description, ""]
        lines += ["| field | what may stand there | default | meaning |", "|---|---|---|---|"]
        for field in table.fields:
            default = "**required**" if field.required else f"`{field.default}`"
            default = "" if default == "``" else default
            lines.append(
                f"| `{field.path[-1]}` | {_cell(field.kind)} | {_cell(default)} "
                f"| {_cell(field.description)} |"
            )
        lines.append("")
    return "\n".join(lines)


def plain_tables(tables: typing.Iterable[TableEntry]) -> str:
    """The same for a terminal."""
    lines: list[str] = []
    for table in tables:
        lines += [f"[{table.dotted}]" if table.path else "(top of the file)", table.description]
        for field in table.fields:
            default = "required" if field.required else f"default {field.default or 'nothing'}"
            lines.append(f"  {field.path[-1]}: {field.kind}; {default}".replace("`", ""))
            lines.append(f"      {field.description}")
        lines.append("")
    return "\n".join(lines).rstrip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _tables(
    model: type[BaseModel], path: tuple[str, ...], description: str
) -> Iterator[TableEntry]:
    fields = tuple(_field(info, (*path, name)) for name, info in model.model_fields.items())
    yield TableEntry(path, description, fields)
    for field in fields:
        inner = _inner_model(field.annotation)
        if field.table is not None and inner is not None:
            yield from _tables(inner, field.table, _first_line(inner))


def _field(info: FieldInfo, path: tuple[str, ...]) -> FieldEntry:
    annotation: Any = info.annotation
    if info.metadata:
        annotation = typing.Annotated[(annotation, *info.metadata)]
    inner = _opened(annotation)
    return FieldEntry(
        path=path,
        kind=_kind(annotation),
        words=_words(annotation),
        required=info.is_required(),
        default="" if info.is_required() else _toml(info.get_default(call_default_factory=True)),
        description=info.description or "",
        table=None if inner is None else (*path, *inner),
        annotation=annotation,
    )


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().split("\n", 1)[0]


def split(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without `Annotated` and `| None`, and the constraints that hung on it."""
    constraints: tuple[Any, ...] = ()
    while True:
        if typing.get_origin(annotation) is typing.Annotated:
            annotation, *more = typing.get_args(annotation)
            for item in more:
                constraints += tuple(item.metadata) if isinstance(item, FieldInfo) else (item,)
        elif type(None) in typing.get_args(annotation):
            rest = [a for a in typing.get_args(annotation) if a is not type(None)]
            annotation = rest[0] if len(rest) == 1 else typing.Union[tuple(rest)]  # noqa: UP007
            if len(rest) > 1:
                return annotation, constraints
        else:
            return annotation, constraints


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    kind, _ = split(annotation)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    if typing.get_origin(kind) in (tuple, dict):
        arguments = [a for a in typing.get_args(kind) if a is not Ellipsis]
        return _inner_model(arguments[-1])
    return None


def _opened(annotation: Any) -> tuple[str, ...] | None:
    """What stands between a field and the fields of its table: nothing, a name, a place."""
    kind, _ = split(annotation)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return ()
    origin = typing.get_origin(kind)
    if origin in (tuple, dict):
        arguments = [a for a in typing.get_args(kind) if a is not Ellipsis]
        below = _opened(arguments[-1])
        return None if below is None else (NAME if origin is dict else INDEX, *below)
    return None


def _words(annotation: Any) -> tuple[str, ...]:
    kind, _ = split(annotation)
    if typing.get_origin(kind) is Literal:
        return tuple(str(word) for word in typing.get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return tuple(str(member.value) for member in kind)
    if typing.get_origin(kind) is tuple:
        return _words(typing.get_args(kind)[0])
    return ()


def _kind(annotation: Any) -> str:
    kind, constraints = split(annotation)
    words = _words(kind)
    origin = typing.get_origin(kind)
    if words and origin is not tuple:
        listed = ", ".join(f"`{word}`" for word in words)
        return listed if len(words) == 1 else f"one of {listed}"
    if origin is tuple:
        arguments = typing.get_args(kind)
        if Ellipsis in arguments:
            return f"list of: {_kind(arguments[0])}{_bounds(constraints, 'element')}"
        return "[" + ", ".join(_kind(a) for a in arguments) + "]"
    if origin is dict:
        key, value = typing.get_args(kind)
        return f"table: {_kind(key)} → {_kind(value)}{_bounds(constraints, 'entry')}"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "table"
    if origin is not None:
        return " or ".join(_kind(a) for a in typing.get_args(kind))
    if any("pattern" in str(item) for item in constraints):
        return "identifier"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    name = names.get(kind, getattr(kind, "__name__", str(kind)))
    return name + ("" if kind is str else _bounds(constraints))


def _bounds(constraints: tuple[Any, ...], things: str = "") -> str:
    """`, at least 1, below 5`: the bounds of a number, or of the length of a list."""
    said: list[str] = []
    for item in constraints:
        for name, words in (
            ("ge", "at least"),
            ("gt", "above"),
            ("le", "at most"),
            ("lt", "below"),
        ):
            if not things and (bound := getattr(item, name, None)) is not None:
                said.append(f"{words} {bound:,}".replace(",", "\u202f") if bound >= 10_000
                            else f"{words} {bound}")  # fmt: skip
        if things:
            for name, words in (("min_length", "at least"), ("max_length", "at most")):
                if bound := getattr(item, name, None):
                    plural = things if bound == 1 else things.replace("entry", "entrie") + "s"
                    said.append(f"{words} {bound} {plural}")
    return "".join(f", {text}" for text in said)


def _toml(value: Any) -> str:
    """A default as one would write it in the file; nothing for what is simply absent."""
    if value is None or isinstance(value, BaseModel) or value in ({}, ()):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return f'"{value.value}"'
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    return f"{value:g}" if isinstance(value, float) else str(value)
