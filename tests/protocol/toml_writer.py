"""A small TOML writer for tests: one field a line, and a mark on those that are looked for."""

from __future__ import annotations

import json
import re

MARK = "# HERE"


def toml(data, *marks):
    """The text, with `# HERE n` at the end of the line of the field at the path `marks[n]`."""
    lines = []
    _table(data, (), [tuple(mark) for mark in marks], lines)
    return "\n".join(lines) + "\n"


def line_of_mark(text, number=0):
    """The line of a mark, counted from 1."""
    end = re.compile(rf"{MARK}[ \d]* {number}\b")
    (found,) = [n for n, line in enumerate(text.splitlines(), 1) if end.search(line)]
    return found


def _mark(marks, fits):
    found = [str(number) for number, mark in enumerate(marks) if fits(mark)]
    return f"  {MARK} {' '.join(found)}" if found else ""


def _table(data, path, marks, lines):
    inner = {k: v for k, v in data.items() if isinstance(v, dict) and v}
    arrays = {k: v for k, v in data.items() if _is_array_of_tables(v)}
    for key, value in data.items():
        if key not in inner and key not in arrays:
            here = (*path, key)
            end = _mark(marks, lambda mark, here=here: mark[: len(here)] == here)
            lines.append(f"{_quoted(key)} = {_value(value)}{end}")
    for key, value in inner.items():
        _heading(lines, "[", (*path, key), marks, "]")
        _table(value, (*path, key), marks, lines)
    for key, values in arrays.items():
        for index, value in enumerate(values):
            _heading(lines, "[[", (*path, key), marks, "]]", index)
            _table(value, (*path, key, index), marks, lines)


def _heading(lines, left, path, marks, right, index=None):
    names = ".".join(_quoted(part) for part in path if isinstance(part, str))
    here = path if index is None else (*path, index)
    end = _mark(marks, lambda mark: mark == here or (index == 0 and mark == path))
    lines.append(f"\n{left}{names}{right}{end}")


def _is_array_of_tables(value):
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _quoted(text):
    return json.dumps(text, ensure_ascii=False)


def _value(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(k)} = {_value(v)}" for k, v in value.items()) + "}"
    return repr(value)
