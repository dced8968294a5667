"""Every code of a fault that the source can raise, read from the source itself.

A code reaches a fault as a literal, or as an argument that a function hands on; the arguments are
followed to where they are literals. A code that cannot be followed is a failure: write it out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import ROOT

PACKAGE = ROOT / "src" / "equipoise"


@dataclass
class Sink:
    """A callable that makes a fault: its name, and where its code stands."""

    name: str
    position: int | None
    keyword: str | None
    template: str = "{}"
    path: Path | None = None
    """The one file in which it is called; None for all."""


@dataclass
class Scan:
    """What was found: code → places, and what could not be followed."""

    codes: dict[str, set[str]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)


FIRST = [
    Sink("Fault", 0, "code"),
    Sink("single", None, "code"),
    Sink("Inconsistency", 4, "code"),
    Sink("add", None, "code"),
]


def scan() -> Scan:
    """All codes of the package."""
    trees = {p: ast.parse(p.read_text(encoding="utf-8")) for p in sorted(PACKAGE.rglob("*.py"))}
    found, waiting, seen = Scan(), list(FIRST), set()
    while waiting:
        sink = waiting.pop()
        if (sink.name, sink.position, sink.keyword, sink.template) in seen:
            continue
        seen.add((sink.name, sink.position, sink.keyword, sink.template))
        for path, tree in trees.items():
            if sink.path not in (None, path):
                continue
            for call, functions in _calls(tree, sink):
                waiting += _follow(call, sink, functions, tree, path, found)
    for path, tree in trees.items():  # codes that a class gives by default
        for node in ast.walk(tree):
            named = isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "code"
            if named and isinstance(node.value, ast.Constant) and node.value.value:
                _note(found, str(node.value.value), path, node)
    return found


def _note(found: Scan, code: str, path: Path, node: ast.AST) -> None:
    place = f"{path.relative_to(PACKAGE).as_posix()}:{getattr(node, 'lineno', 0)}"
    found.codes.setdefault(code, set()).add(place)


def _calls(tree: ast.AST, sink: Sink) -> Iterator[tuple[ast.expr, list[ast.FunctionDef]]]:
    """The expression of the code in every call of a sink, with the functions around it."""

    def walk(node: ast.AST, around: list[ast.FunctionDef]) -> Iterator:
        inside = [*around, node] if isinstance(node, ast.FunctionDef) else around
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name.lstrip("_") == sink.name.lstrip("_"):  # a private one may be handed on
                for keyword in node.keywords:
                    if keyword.arg == sink.keyword:
                        yield keyword.value, inside
                if sink.position is not None and len(node.args) > sink.position:
                    yield node.args[sink.position], inside
        for child in ast.iter_child_nodes(node):
            yield from walk(child, inside)

    yield from walk(tree, [])


def _follow(expression, sink, functions, tree, path, found) -> list[Sink]:
    if isinstance(expression, ast.IfExp):
        return [
            *_follow(expression.body, sink, functions, tree, path, found),
            *_follow(expression.orelse, sink, functions, tree, path, found),
        ]
    if isinstance(expression, ast.Constant):
        if isinstance(expression.value, str):
            _note(found, sink.template.format(expression.value), path, expression)
        return []
    if isinstance(expression, ast.Attribute) and expression.attr == "code":
        return []  # a fault that is handed on
    template, name = "{}", None
    if isinstance(expression, ast.Name):
        name = expression.id
    elif isinstance(expression, ast.JoinedStr):
        holes = [v for v in expression.values if isinstance(v, ast.FormattedValue)]
        if len(holes) == 1 and isinstance(holes[0].value, ast.Name):
            name = holes[0].value.id
            template = "".join(
                "{}" if isinstance(v, ast.FormattedValue) else str(v.value)
                for v in expression.values
            )
    template = sink.template.format(template)
    for function in reversed(functions):
        arguments = [a.arg for a in function.args.args]
        only = [a.arg for a in function.args.kwonlyargs]
        if name in arguments or name in only:
            if function.name == "add":
                return []  # RowFaults.add itself: its callers are followed already
            position = arguments.index(name) if name in arguments else None
            if position is not None and arguments[0] == "self":
                position -= 1
            nested = len(functions) > 1
            return [Sink(function.name, position, name, template, path if nested else None)]
        literals = [*_assigned(function, name, tree), *_constants(name, tree)]
        for code in literals:
            _note(found, template.format(code), path, expression)
        if literals:
            return []
    if sink not in FIRST and not isinstance(expression, ast.Name | ast.JoinedStr):
        return []  # another function of the same name
    place = f"{path.relative_to(PACKAGE).as_posix()}:{expression.lineno}"
    found.unknown.add(f"{place}: {ast.unparse(expression)}")
    return []


def _assigned(function: ast.FunctionDef, name: str | None, tree: ast.Module) -> Iterator[str]:
    """Literals that a name is given in a function: alone, or in tuples of a table of the module."""
    for node in ast.walk(function):
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            if isinstance(target, ast.Name) and target.id == name:
                yield from _strings(node.value)
            elif isinstance(target, ast.Tuple):
                ids = [getattr(e, "id", "") for e in target.elts]
                if name in ids:
                    at = ids.index(name)
                    sources = [node.value, *_module_values(node.value, tree)]
                    for source in sources:
                        for inner in ast.walk(source):
                            if isinstance(inner, ast.Tuple) and len(inner.elts) == len(ids):
                                yield from _strings(inner.elts[at])
        if isinstance(node, ast.For) and isinstance(node.target, ast.Tuple):
            ids = [getattr(e, "id", "") for e in node.target.elts]
            if name in ids:
                for source in [node.iter, *_module_values(node.iter, tree)]:
                    for inner in ast.walk(source):
                        if isinstance(inner, ast.Tuple) and len(inner.elts) == len(ids):
                            yield from _strings(inner.elts[ids.index(name)])


def _constants(name: str | None, tree: ast.Module) -> Iterator[str]:
    """A constant of the module."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == name for t in node.targets):
            yield from _strings(node.value)


def _strings(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.IfExp):
        yield from _strings(value.body)
        yield from _strings(value.orelse)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value


def _module_values(expression: ast.expr, tree: ast.Module) -> Iterator[ast.expr]:
    names = {n.id for n in ast.walk(expression) if isinstance(n, ast.Name)}
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(getattr(target, "id", "") in names for target in targets):
            yield node.value
