"""Writing calibrated values back into a model's table; comments and layout stay as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping

_VALUE = re.compile(r"^value = .*$", re.MULTILINE)


def with_new_values(text: str, values: Mapping[str, float]) -> str:
    """The text of the table with other values of these parameters.

    Raises
    ------
    ValueError
        For a parameter that the table does not have, or whose origin is not ``calibrated``:
        what is published or assumed is changed by hand.
    """
    for name, value in values.items():
        start = text.find(f"[parameters.{name}]\n")
        if start < 0:
            raise ValueError(f"the table has no parameter {name}")
        end = text.find("\n[", start)
        block = text[start:] if end < 0 else text[start:end]
        if 'origin = "calibrated"' not in block:
            raise ValueError(f"{name} is not calibrated")
        changed = _VALUE.sub(f"value = {value!r}", block, count=1)
        text = text[:start] + changed + text[start + len(block) :]
    return text
