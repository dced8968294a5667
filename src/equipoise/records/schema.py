"""The tables: columns, kinds, which may be empty, what makes a row unique."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equipoise.protocol import Protocol


class Kind(StrEnum):
    """Kind of a column."""

    TEXT = "text"
    NUMBER = "number"
    WHOLE = "whole number"
    FLAG = "true or false"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    kind: Kind = Kind.TEXT
    optional: bool = False
    """True where a cell may be empty."""
    absent: bool = False
    """True where the whole column may be left out."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns in order, and the columns that together are unique."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    unblinding: bool = False
    """True for a table that gives arms away and stands apart."""
    required: bool = False


def _text(name: str, **options: bool) -> Column:
    return Column(name, Kind.TEXT, **options)


def _number(name: str, **options: bool) -> Column:
    return Column(name, Kind.NUMBER, **options)


_PERSON = _text("participant")
_DAY = _number("day")

_TABLES = (
    Table(
        "allocation",
        (
            _PERSON,
            _text("stratum"),
            Column("sequence", Kind.WHOLE, optional=True, absent=True),
            _text("arm"),
            _number("day", optional=True, absent=True),
        ),
        key=("participant",),
        unblinding=True,
    ),
    Table(
        "kits",
        (_text("kit"), _text("drug"), _number("amount"), _text("unit")),
        key=("kit",),
        unblinding=True,
    ),
    Table(
        "screening",
        (
            _text("screened"),
            _number("day", optional=True, absent=True),
            _text("outcome"),
            _text("reason", optional=True),
        ),
        key=("screened",),
    ),
    Table("visits", (_PERSON, _text("visit"), _DAY), key=("participant", "visit")),
    Table(
        "scores",
        (
            _PERSON,
            _text("visit"),
            _DAY,
            _text("instrument"),
            _text("item"),
            _number("score", optional=True),
        ),
        key=("participant", "visit", "instrument", "item"),
    ),
    Table(
        "cells",
        (
            _PERSON,
            _text("visit"),
            _DAY,
            _text("population"),
            _text("unit"),
            _number("value", optional=True),
        ),
        key=("participant", "visit", "population", "unit"),
    ),
    Table(
        "labs",
        (
            _PERSON,
            _text("visit"),
            _DAY,
            _text("analyte"),
            _text("unit"),
            _number("value", optional=True),
        ),
        key=("participant", "visit", "analyte"),
    ),
    Table(
        "vitals",
        (
            _PERSON,
            _text("visit"),
            _DAY,
            _text("sign"),
            _text("unit"),
            _number("value", optional=True),
        ),
        key=("participant", "visit", "sign"),
    ),
    Table(
        "exposures",
        (
            _PERSON,
            _text("visit"),
            _DAY,
            _text("exposure"),
            _text("value", optional=True),
            _text("unit", optional=True, absent=True),
        ),
        key=("participant", "visit", "exposure"),
    ),
    Table(
        "imaging",
        (
            _PERSON,
            _text("visit"),
            _DAY,
            _text("measure"),
            _text("region"),
            _text("unit"),
            _number("value", optional=True),
        ),
        key=("participant", "visit", "measure", "region"),
    ),
    Table(
        "medications",
        (
            _PERSON,
            _number("start_day", optional=True),
            _number("end_day", optional=True),
            _text("drug"),
            _text("class", optional=True),
            _number("dose", optional=True),
            _text("unit", optional=True),
            _text("reason", optional=True),
        ),
        key=("participant", "drug", "start_day"),
    ),
    Table(
        "doses",
        (
            _PERSON,
            _DAY,
            _text("kit", optional=True),
            _text("drug"),
            _number("amount"),
            _text("unit"),
            _text("route"),
        ),
        key=("participant", "day", "drug"),
    ),
    Table(
        "adverse_events",
        (
            _PERSON,
            _text("term"),
            _number("start_day"),
            _number("end_day", optional=True),
            Column("grade", Kind.WHOLE),
            Column("serious", Kind.FLAG),
            Column("related", Kind.FLAG, optional=True),
            _text("outcome", optional=True),
            Column("led_to_stopping", Kind.FLAG, optional=True, absent=True),
            _text("organ_class", optional=True, absent=True),
        ),
        key=("participant", "term", "start_day"),
    ),
    Table(
        "disposition",
        (_PERSON, _text("event"), _DAY, _text("reason", optional=True)),
        key=("participant", "event"),
    ),
)


#: Words of `disposition.event` that end a participant's trial.
ENDS = ("completed", "discontinued", "lost-to-follow-up")

#: Words of `disposition.event`.
DISPOSITION_EVENTS = (*ENDS, "stopped-study-drug", "death")

#: Words of `screening.outcome` for people who did not enter.
EXCLUSIONS = ("not-eligible", "declined", "other")

#: Names of all tables, in the order in which they are written.
TABLE_NAMES = ("participants", *(table.name for table in _TABLES))

#: What the drug is called where the arm is hidden.
BLINDED_DRUG = "study drug"


def tables(protocol: Protocol) -> dict[str, Table]:
    """The tables of a trial: those of every trial, and `participants` with its covariates."""
    covariates = tuple(
        Column(name, Kind.NUMBER if c.type == "numeric" else Kind.TEXT, optional=True)
        for name, c in protocol.population.covariates.items()
    )
    participants = Table(
        "participants",
        (_PERSON, _text("site", optional=True), *covariates),
        key=("participant",),
        required=True,
    )
    return {table.name: table for table in (participants, *_TABLES)}


def entered_word(protocol: Protocol) -> str:
    """The word of `screening.outcome` for who entered the trial."""
    return "enrolled" if protocol.single_arm else "randomised"
