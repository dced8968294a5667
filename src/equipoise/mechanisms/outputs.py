"""What a model gives beside severity, and the words in which doses reach it."""

from __future__ import annotations

from collections.abc import Mapping

#: Populations that a model gives, with the parent of their percentage; None for a count only.
POPULATIONS: Mapping[str, str | None] = {
    "treg": "CD4",
    "th2": "CD4",
    "naive_cd4": "CD4",
    "other_cd4": "CD4",
    "naive_cd8": "CD8",
    "nk": None,
}

#: Laboratory values that a model gives, with their unit.
LABS: Mapping[str, str] = {"crp": "mg/L", "eosinophils": "10^9/L"}

#: Route of administration → other ways to write it.
ROUTES: Mapping[str, tuple[str, ...]] = {
    "subcutaneous": ("s.c.", "sc", "subcutaneously"),
    "intravenous": ("i.v.", "iv", "intravenously"),
    "oral": ("p.o.", "po", "per os", "orally"),
}

#: Unit of an amount → (unit that models count in, how many of these it is).
UNITS: Mapping[str, tuple[str, float]] = {
    "IU": ("IU", 1.0),
    "kIU": ("IU", 1e3),
    "MIU": ("IU", 1e6),
    "ug": ("mg", 1e-3),
    "µg": ("mg", 1e-3),
    "mg": ("mg", 1.0),
    "g": ("mg", 1e3),
}


def route_of(text: str) -> str | None:
    """The route as `ROUTES` names it; None for one that no model follows."""
    word = text.strip().lower()
    return next((name for name, others in ROUTES.items() if word == name or word in others), None)


def units_of(population: str) -> tuple[str, ...]:
    """Units in which a model gives a population."""
    parent = POPULATIONS[population]
    return ("cells/uL",) if parent is None else (f"%{parent}", "cells/uL")
