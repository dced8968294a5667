"""The words in which the fields of a protocol are written."""

from __future__ import annotations

from equipoise.strict_models import (
    Certainty,
    Flag,
    Fraction,
    FrozenDict,
    Int,
    Key,
    Map,
    Number,
    Part,
    Text,
)

__all__ = [
    "Certainty",
    "Flag",
    "Fraction",
    "FrozenDict",
    "Int",
    "Key",
    "Map",
    "Number",
    "Part",
    "Text",
]
