"""From the text or the types of a file to the types of the schema; every cell that does
not fit is a fault with its row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from equipoise.faults import WITHHELD, Fault, nearest
from equipoise.records.model import dtypes
from equipoise.records.rows import RowFaults, RowPlace
from equipoise.records.schema import Column, Kind, Table

if TYPE_CHECKING:
    from equipoise.protocol import Protocol

_DECIMAL_COMMA = re.compile(r"^\s*[-+]?\d+,\d+\s*$")
_TRUE = ("true", "yes", "1")
_FALSE = ("false", "no", "0")
_MISSING = ("", "NA", "NaN", "nan")


def converted(
    name: str,
    frame: pl.DataFrame,
    schema: Mapping[str, Table],
    *,
    place: RowPlace,
    protocol: Protocol,
    blinded: bool,
) -> tuple[pl.DataFrame | None, list[Fault]]:
    """The frame with the schema's columns, order and types, or None, with its faults."""
    if name not in schema:
        return None, [
            Fault("table-unknown", place.where, "", "", f"`{name}` is no table of a trial",
                  nearest(name, list(schema)))
        ]  # fmt: skip
    table = schema[name]
    faults = _column_faults(frame, table, place.where, blinded)
    if faults:
        return None, faults
    rows = RowFaults(place, frame, protocol, blinded)
    columns: list[pl.Series] = []
    types = dtypes(table)
    for column in table.columns:
        if column.name not in frame.columns:
            columns.append(pl.Series(column.name, [None] * frame.height, dtype=types[column.name]))
            continue
        columns.append(_convert(frame[column.name], column, rows))
    return pl.DataFrame(columns), rows.faults


def _column_faults(frame: pl.DataFrame, table: Table, where: str, blinded: bool) -> list[Fault]:
    # A file without a header has values where names are expected.
    quote = not blinded
    found = ", ".join(name[:40] for name in frame.columns[:12]) or "none"
    names = [column.name for column in table.columns]
    faults = [
        Fault(
            "column-missing",
            where,
            column.name,
            "",
            f"`{table.name}` has the columns {', '.join(names)}",
            f"add the column `{column.name}`" + (f"; found: {found}" if quote else ""),
        )
        for column in table.columns
        if column.name not in frame.columns and not column.absent
    ]
    faults += [
        Fault(
            "column-unknown",
            where,
            name[:40] if quote else WITHHELD,
            "",
            f"`{table.name}` has the columns {', '.join(names)}",
            (nearest(name, names) if quote else "")
            + " Else take the column out, or declare it in the protocol",
        )
        for name in frame.columns[:50]
        if name not in names
    ]
    return faults


def _convert(series: pl.Series, column: Column, rows: RowFaults) -> pl.Series:
    if series.dtype == pl.String or series.dtype.is_nested() or series.dtype == pl.Null:
        text = series.cast(pl.String, strict=False)
        # Only spaces around a value are dropped: what it says is the user's.
        text = text.str.strip_chars()
        text = text.set(text.is_in(_MISSING), None) if text.len() else text
        result = _parsed(text, column)
        wrong = text.is_not_null() & result.is_null()
    else:
        text = series.cast(pl.String, strict=False)
        result = _typed(series, column)
        if column.kind is Kind.NUMBER:
            result = result.fill_nan(None)
            series = series.cast(pl.Float64, strict=False).fill_nan(None)
        wrong = series.is_not_null() & result.is_null()
    if column.kind is Kind.NUMBER:
        wrong = wrong | result.is_infinite().fill_null(False)
    if wrong.any():
        comma = bool(text.filter(wrong).head(50).str.contains(_DECIMAL_COMMA.pattern).all())
        rows.add(
            wrong,
            code="decimal-comma" if comma else "not-of-kind",
            field=column.name,
            values=text,
            rule=f"`{column.name}` is a {column.kind}" + (" with a decimal point" if comma else ""),
            remedy="write 12.5, not 12,5" if comma else _remedy(column),
        )
    if not column.optional:
        empty = result.is_null() & ~wrong
        if empty.any():
            rows.add(
                empty,
                code="cell-empty",
                field=column.name,
                values=None,
                rule=f"`{column.name}` is never empty",
                remedy="fill it in, or take the row out",
            )
    return result.alias(column.name)


def _remedy(column: Column) -> str:
    if column.kind is Kind.FLAG:
        return "write true or false"
    return f"write a {column.kind}, or leave the cell empty where nothing was measured"


def _parsed(text: pl.Series, column: Column) -> pl.Series:
    if column.kind is Kind.TEXT:
        return text
    if column.kind is Kind.NUMBER:
        return text.cast(pl.Float64, strict=False)
    if column.kind is Kind.WHOLE:
        number = text.cast(pl.Float64, strict=False)
        whole = number.set(number != number.round(0), None)
        return whole.cast(pl.Int64, strict=False)
    lower = text.str.to_lowercase()
    return (
        pl.DataFrame({"x": lower})
        .select(
            pl.when(pl.col("x").is_in(_TRUE))
            .then(True)
            .when(pl.col("x").is_in(_FALSE))
            .then(False)
            .otherwise(None)
            .alias("x")
        )
        .to_series()
    )


def _typed(series: pl.Series, column: Column) -> pl.Series:
    if column.kind is Kind.TEXT:
        return series.cast(pl.String, strict=False)
    if column.kind is Kind.NUMBER:
        return series.cast(pl.Float64, strict=False)
    if column.kind is Kind.WHOLE:
        number = series.cast(pl.Float64, strict=False)
        return number.set(number != number.round(0), None).cast(pl.Int64, strict=False)
    if series.dtype == pl.Boolean:
        return series
    return _parsed(series.cast(pl.String, strict=False), column)
