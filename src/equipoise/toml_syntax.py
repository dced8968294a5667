"""A TOML file of the user as text and as values: every fault of syntax, each with its line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from equipoise.faults import Fault, single
from equipoise.toml_places import syntax_fault_lines

_LARGEST = 4_000_000
_DEEPEST = 20
_TOO_MANY_SYNTAX_FAULTS = 25


def read_toml_text(path: Path, heading: str, kind: str) -> str:
    """The text of a file.

    Parameters
    ----------
    path, heading
        The file, and the heading of what is raised.
    kind
        What the file is, ``protocol`` or ``scale``: the first word of the fault's code.

    Raises
    ------
    EquipoiseError
        When it cannot be read, is too large or is not UTF-8.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise single(
            heading,
            code=f"{kind}-unreadable",
            where=str(path),
            rule=str(error.strerror or error),
            remedy="mend the path or its permissions",
        ) from error
    if len(raw) > _LARGEST:
        raise single(
            heading,
            code=f"{kind}-too-large",
            where=str(path),
            value=f"{len(raw)} bytes",
            rule=f"a {kind} has at most {_LARGEST} bytes",
            remedy="name the right file: data belong into data/",
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise single(
            heading,
            code=f"{kind}-encoding",
            where=f"{path.name}, line {line}",
            value=f"byte 0x{raw[error.start]:02x}",
            rule="the file is UTF-8",
            remedy="save it as UTF-8",
        ) from error


def parse_toml(text: str, name: str, kind: str) -> tuple[dict[str, Any], list[Fault]]:
    """Values, and every fault of syntax: each faulty line is blanked and the rest read on.

    Parameters
    ----------
    text, name
        The text, and the file's name for the faults.
    kind
        What the file is, as in `read_toml_text`.
    """
    # Not `splitlines`: a line of TOML ends with a line feed, and not with U+2028 or a form feed.
    lines = text.split("\n")
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
            faults[line] = _syntax_fault(kind, name, line, lines[line - 1], problem)
            lines[line - 1] = ""
        except RecursionError:
            return {}, [_syntax_fault(kind, name, 1, "", "values are nested too deeply")]
    if faults:
        for line in syntax_fault_lines(text):
            source = text.split("\n")[line - 1]
            if not any(abs(line - known) <= 1 for known in faults):
                faults[line] = _syntax_fault(kind, name, line, source, "this is not TOML")
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


def _syntax_fault(kind: str, name: str, line: int, source: str, problem: str) -> Fault:
    return Fault(
        code=f"{kind}-syntax",
        where=f"{name}, line {line}",
        field="",
        value=source.strip()[:100],
        rule=f"the file is TOML 1.0: {problem[0].lower()}{problem[1:]}",
        remedy='mend this line: `key = value`, text in "double quotes", lists in [ ]',
    )
