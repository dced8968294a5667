"""Faults in rows: where they stand, and what the blind does not let us quote."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from equipoise.faults import WITHHELD, Fault
from equipoise.protocol.endpoint_sources import SOURCES

if TYPE_CHECKING:
    from equipoise.protocol import Protocol

_NUMBER = re.compile(r'"?[-+]?[\d.,]+"?')

#: Faults of one kind and column that are kept one by one; the rest are counted.
KEPT = 200


@dataclass(frozen=True, slots=True)
class RowPlace:
    """Where the rows of a table stand.

    Attributes
    ----------
    where
        Name of the file, or of the table.
    unit
        ``line`` for a text file, ``row`` (from 1) for everything else.
    lines
        First line of each row, where it is not simply the row's number + 1.
    """

    where: str
    unit: str = "row"
    lines: Sequence[int] | None = None

    def of(self, index: int) -> str:
        """The place of row `index`, counted from 0."""
        if self.unit == "row":
            return f"{self.where}, row {index + 1}"
        return f"{self.where}, line {index + 2 if self.lines is None else self.lines[index]}"


class RowFaults:
    """Collects the faults of one table.

    Parameters
    ----------
    place
        Where the rows stand.
    frame
        The table as read.
    protocol, blinded
        While blinded, no value of a row that can give the arm away is quoted.
    """

    def __init__(
        self, place: RowPlace, frame: pl.DataFrame, protocol: Protocol, blinded: bool
    ) -> None:
        self.place = place
        self.faults: list[Fault] = []
        self._frame = frame
        self._blinded = blinded
        self._secret = _secret_rows(frame, protocol) if blinded else None

    def _open(self, value: str, index: int) -> bool:
        """While blinded only a number of a row that cannot give the arm away is quoted: a word
        where it does not belong may name the arm."""
        secret = self._secret is not None and self._secret[index]
        return not secret and _NUMBER.fullmatch(value) is not None

    def add(
        self,
        wrong: pl.Series,
        *,
        code: str,
        field: str,
        values: pl.Series | None,
        rule: str | Callable[[int], str],
        remedy: str,
    ) -> None:
        """Add a fault for every row where `wrong` (boolean, one a row) is true.

        `rule` may depend on the row.
        """
        rows = wrong.arg_true()
        for index in rows.head(KEPT).to_list():
            value = "" if values is None else _quoted(values[index])
            if value and self._blinded and not self._open(value, index):
                value = WITHHELD
            said = rule if isinstance(rule, str) else rule(index)
            self.faults.append(Fault(code, self.place.of(index), field, value, said, remedy))
        if rows.len() > KEPT:
            self.faults.append(
                Fault(
                    code,
                    self.place.where,
                    field,
                    f"{rows.len() - KEPT} more rows",
                    rule if isinstance(rule, str) else rule(rows[KEPT]),
                    remedy,
                )
            )


def _quoted(value: object) -> str:
    if value is None:
        return ""
    text = f"{value:g}" if isinstance(value, float) else f'"{value}"'
    return text if len(text) <= 60 else text[:57] + "…"


def _secret_rows(frame: pl.DataFrame, protocol: Protocol) -> pl.Series | None:
    """Rows that can give the arm away: all but the measurements and terms known to be open."""
    open_names = {
        source.column: [k for k, e in getattr(protocol, source.table).items() if not e.unblinding]
        for source in SOURCES
        if source.can_unblind
    } | {
        "term": [k for k, e in protocol.safety.events.items() if not e.unblinding],
        "drug": [],
        "reason": [],
        "arm": [],
    }
    for column, names in open_names.items():
        if column in frame.columns:
            return ~_is_in(frame[column], names)
    return None


def _is_in(series: pl.Series, names: list[str]) -> pl.Series:
    return series.cast(pl.String, strict=False).is_in(names).fill_null(False)
