"""Items of a checklist, and what can be found about one."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Any

#: Names of the checklists: each is a TOML file beside this one.
CHECKLISTS = ("consort2025", "consort_harms", "spirit2025", "tidier", "tripod_ai")


class State(StrEnum):
    """How far an item is answered."""

    ANSWERED = "answered"
    PARTLY = "partly"
    MISSING = "missing"
    WITHHELD = "withheld while blinded"
    NOT_APPLICABLE = "does not apply"


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a checklist.

    Attributes
    ----------
    number, section, label
        The number in the guideline; section and label in words of our own.
    rule
        Name of the rule that judges it.
    fields
        Dotted paths in the protocol that the rule looks at.
    randomised, blinding
        Whether the item applies only where people are randomised, or where somebody is blinded.
    at
        The item of the main checklist under which an item of an extension stands.
    """

    number: str
    section: str
    label: str
    rule: str
    fields: tuple[str, ...] = ()
    randomised: bool = False
    blinding: bool = False
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Checklist:
    """A guideline's items in order, with its source and how sure the numbering is."""

    name: str
    source: str
    certainty: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one item.

    Attributes
    ----------
    state
        How far it is answered.
    anchors
        Ids in the report where the answer stands.
    fields, tables
        Dotted protocol fields, and tables of the records, that would fill what is missing.
    note
        What is missing, or why the item does not apply.
    says
        (what, text) of the answer itself, for a page made from the protocol alone.
    """

    state: State
    anchors: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    note: str = ""
    says: tuple[tuple[str, str], ...] = ()


@functools.cache
def load(name: str) -> Checklist:
    """The checklist of this name.

    Raises
    ------
    FileNotFoundError
        When there is none.
    """
    folder = resources.files("equipoise.report.checklists")
    data = tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))
    return Checklist(
        name=data["name"],
        source=data["source"],
        certainty=data["certainty"],
        items=tuple(_item(item) for item in data["items"]),
    )


def _item(row: dict[str, Any]) -> Item:
    unknown = set(row) - set(Item.__slots__)
    assert not unknown, unknown
    values: dict[str, Any] = {**row, "fields": tuple(row.get("fields", ()))}
    return Item(**values)
