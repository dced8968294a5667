"""Faults in rows: where they stand, and what the blind does not let us quote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from equipoise.faults import WITHHELD, Fault

if TYPE_CHECKING:
    from equipoise.protocol import Protocol

#: Faults of one kind and column that are kept one by one; the rest are counted.
KEPT = 200


class RowFaults:
    """Collects the faults of one table.

    Parameters
    ----------
    where
        Name of the file.
    frame
        The table as read: row *i* stands in line *i* + 2 of a CSV.
    protocol, blinded
        While blinded, no value of a row that can give the arm away is quoted.
    """

    def __init__(self, where: str, frame: pl.DataFrame, protocol: Protocol, blinded: bool) -> None:
        self.where = where
        self.faults: list[Fault] = []
        self._frame = frame
        self._secret = _secret_rows(frame, protocol) if blinded else None

    def add(
        self,
        wrong: pl.Series,
        *,
        code: str,
        field: str,
        values: pl.Series | None,
        rule: str,
        remedy: str,
    ) -> None:
        """Add a fault for every row where `wrong` (boolean, one a row) is true."""
        rows = wrong.arg_true()
        for index in rows.head(KEPT).to_list():
            value = "" if values is None else _quoted(values[index])
            if value and self._secret is not None and self._secret[index]:
                value = WITHHELD
            self.faults.append(
                Fault(code, f"{self.where}, line {index + 2}", field, value, rule, remedy)
            )
        if rows.len() > KEPT:
            self.faults.append(
                Fault(code, self.where, field, f"{rows.len() - KEPT} more rows", rule, remedy)
            )


def _quoted(value: object) -> str:
    if value is None:
        return ""
    text = f"{value:g}" if isinstance(value, float) else f'"{value}"'
    return text if len(text) <= 60 else text[:57] + "…"


def _secret_rows(frame: pl.DataFrame, protocol: Protocol) -> pl.Series | None:
    """Rows whose values can give the arm away: unblinding cells, labs, terms and all doses."""
    cells = [k for k, c in protocol.cells.items() if c.unblinding]
    labs = [k for k, c in protocol.labs.items() if c.unblinding]
    open_terms = [k for k, e in protocol.safety.events.items() if not e.unblinding]
    if "population" in frame.columns:
        return _is_in(frame["population"], cells)
    if "analyte" in frame.columns:
        return _is_in(frame["analyte"], labs)
    if "term" in frame.columns:
        return ~_is_in(frame["term"], open_terms)
    if "drug" in frame.columns:
        return pl.Series([True] * frame.height, dtype=pl.Boolean)
    return None


def _is_in(series: pl.Series, names: list[str]) -> pl.Series:
    return series.cast(pl.String, strict=False).is_in(names).fill_null(False)
