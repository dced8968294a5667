"""Where in a TOML text each field stands, and every syntax fault.

`tomllib` gives values but no positions and stops at its first fault; tree-sitter gives
positions and recovers. Values come from the one, places from the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]


def _parser() -> Any:
    import tree_sitter
    import tree_sitter_toml

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language()))


def _key_parts(node: Any) -> list[str]:
    if node.type == "dotted_key":
        return [part for child in node.named_children for part in _key_parts(child)]
    text = node.text.decode("utf-8", "replace")
    return [text[1:-1] if node.type == "quoted_key" else text]


_KEYS = ("bare_key", "quoted_key", "dotted_key")


def _header(node: Any) -> list[str]:
    for child in node.named_children:
        if child.type in _KEYS:
            return _key_parts(child)
    return []


def places(text: str) -> dict[Path, int]:
    """Line (from 1) of every key and array element of a TOML text, by its path."""
    found: dict[Path, int] = {}
    counters: dict[Path, int] = {}

    def note(path: Path, node: Any) -> None:
        found.setdefault(path, node.start_point[0] + 1)

    def resolve(parts: list[str]) -> Path:
        """A header's path with the index of the array table that it continues."""
        path: Path = ()
        for part in parts:
            path = (*path, part)
            if path in counters:
                path = (*path, counters[path])
        return path

    def value(path: Path, node: Any) -> None:
        if node.type == "array":
            elements = [c for c in node.named_children if c.type != "comment"]
            for index, child in enumerate(elements):
                note((*path, index), child)
                value((*path, index), child)
        elif node.type == "inline_table":
            pairs(path, node)

    def pairs(path: Path, node: Any) -> None:
        for child in node.named_children:
            if child.type == "pair":
                parts = _header(child)
                full: Path = path
                for part in parts:
                    full = (*full, part)
                    note(full, child)
                if child.named_children:
                    value(full, child.named_children[-1])

    root = _parser().parse(text.encode()).root_node
    pairs((), root)
    for node in root.named_children:
        if node.type == "table":
            path = resolve(_header(node))
        elif node.type == "table_array_element":
            parts = _header(node)
            base = (*resolve(parts[:-1]), *parts[-1:])
            counters[base] = counters.get(base, -1) + 1
            note(base, node)
            path = (*base, counters[base])
        else:
            continue
        for end in range(1, len(path) + 1):
            note(path[:end], node)
        pairs(path, node)
    return found


def syntax_fault_lines(text: str) -> list[int]:
    """Lines (from 1) at which tree-sitter sees a fault of syntax."""

    def walk(node: Any) -> Iterator[int]:
        if node.is_error or node.is_missing:
            yield node.start_point[0] + 1
        elif node.has_error:
            for child in node.children:
                yield from walk(child)

    return sorted(set(walk(_parser().parse(text.encode()).root_node)))


def line_of(path: Path, found: dict[Path, int]) -> int | None:
    """Line of a path, or of the nearest table that holds it."""
    while path:
        if path in found:
            return found[path]
        path = path[:-1]
    return None
