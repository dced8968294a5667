"""Units of the parameter tables as SBML unit definitions."""

from __future__ import annotations

#: Symbol → (id, what a person reads, base unit of SBML, power of ten, multiplier).
BASE = {
    "1": ("dimensionless", "one", "dimensionless", 0, 1.0),
    "d": ("day", "day", "second", 0, 86400.0),
    "L": ("L", "litre", "litre", 0, 1.0),
    "mL": ("mL", "millilitre", "litre", -3, 1.0),
    "uL": ("uL", "microlitre", "litre", -6, 1.0),
    "mg": ("mg", "milligram", "gram", -3, 1.0),
    # SBML has no unit of biological activity: international units are counted as items.
    "IU": ("IU", "international unit", "item", 0, 1.0),
    "MIU": ("MIU", "million international units", "item", 6, 1.0),
    "cells": ("cells", "cells", "item", 0, 1.0),
    "10^9": ("giga", "10^9 cells", "item", 9, 1.0),
    "points": ("points", "points of a rating scale", "dimensionless", 0, 1.0),
}  # fmt: skip


def unit_id(unit: str) -> str:
    """Identifier of a unit as the tables write it: ``mL/d`` is ``mL_per_day``."""
    if unit == "1":
        return "dimensionless"
    above, _, below = unit.partition("/")
    lower = f"per_{BASE[below][0]}" if below else ""
    return lower if above == "1" else "_".join(filter(None, [BASE[above][0], lower]))


def unit_parts(unit: str) -> list[tuple[str, int, int, float]]:
    """(base unit, exponent, power of ten, multiplier) of each part of a unit."""
    above, _, below = unit.partition("/")
    parts = [(above, 1), (below, -1)] if below else [(above, 1)]
    found: list[tuple[str, int, int, float]] = []
    for symbol, exponent in parts:
        _, _, base, scale, multiplier = BASE[symbol]
        if base != "dimensionless":
            found.append((base, exponent, scale, multiplier))
    return found or [("dimensionless", 1, 0, 1.0)]


def unit_label(unit: str) -> str:
    """Name of a unit in words."""
    above, _, below = unit.partition("/")
    first = BASE[above][1]
    return f"{first} per {BASE[below][1]}" if below else first
