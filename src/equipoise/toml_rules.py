"""What must hold of a value, said in the words of a TOML file and not of a Python library."""

from __future__ import annotations

import difflib
import math
import re

from pydantic_core import ErrorDetails

_TABLE = "a table stands here: fields under a heading in [ ], or { field = … }"

#: What pydantic calls the kind of a fault, whole or up to its first underscore → the rule.
_RULES = {
    "bool": "true or false stands here",
    "dict": _TABLE,
    "finite_number": "the value is a finite number",
    "float": "a number stands here",
    "int": "a whole number stands here",
    "list": "a list in [ ] stands here",
    "model": _TABLE,
    "string": 'text in "double quotes" stands here',
    "string_pattern_mismatch": "an identifier is a lower-case letter, then lower-case letters, "
    "digits, _ or -",
    "string_too_short": "the text is not empty",
    "tuple": "a list in [ ] stands here",
}


def rule_of(detail: ErrorDetails) -> str:
    """The rule that a value breaks."""
    kind, bounds = detail["type"], detail.get("ctx", {})
    if kind in _RULES:
        return _RULES[kind]
    if kind in ("literal_error", "enum"):
        return f"one of these words stands here: {bounds['expected']}"
    if kind in ("too_short", "too_long"):
        side, bound = ("least", "min_length") if kind == "too_short" else ("most", "max_length")
        return (
            f"the list or table holds at {side} {bounds[bound]}; it has {bounds['actual_length']}"
        )
    family = kind.split("_")[0]
    if family in _RULES:
        return _RULES[family]
    rule = detail["msg"].replace("Input should be", "the value is").removeprefix("Value error, ")
    return rule[0].lower() + rule[1:]


def hint_of(detail: ErrorDetails) -> str:
    """The nearest value that may stand there, to be added to a remedy; or nothing."""
    return _nearest_number(detail) + _nearest_word(detail)


def _nearest_number(detail: ErrorDetails) -> str:
    """Where the fault is one of range or wholeness."""
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


def _nearest_word(detail: ErrorDetails) -> str:
    if detail["type"] not in ("literal_error", "enum") or not isinstance(detail["input"], str):
        return ""
    words = re.findall(r"'([^']*)'", str(detail.get("ctx", {})["expected"]))
    close = difflib.get_close_matches(detail["input"], words, n=1, cutoff=0.6)
    return f"; did you mean `{close[0]}`?" if close else ""
