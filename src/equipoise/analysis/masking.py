"""Records without what gives an arm away, for arms that are compared under letters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from equipoise.analysis.open_words import names_an_arm
from equipoise.protocol.endpoint_sources import SOURCES

if TYPE_CHECKING:
    from equipoise.protocol import Protocol
    from equipoise.records import Records

WITHHELD_REASON = "Reason withheld: it can name the treatment"


def without_unblinding(protocol: Protocol, records: Records) -> tuple[Records, list[str]]:
    """The records without measurements, terms and words that give an arm away.

    Returns
    -------
    The records, without kits, and sentences that say what was left out, pooled over all arms.
    """
    tables: dict[str, pl.DataFrame | None] = {"kits": None}
    said: list[str] = []
    hidden_entries = 0
    for source in SOURCES:
        entries = getattr(protocol, source.table)
        hidden = [k for k, e in entries.items() if source.can_unblind and e.unblinding]
        frame = getattr(records, source.records)
        if hidden and frame is not None:
            hidden_entries += len(hidden)
            tables[source.records] = frame.filter(~pl.col(source.column).is_in(hidden))
    if hidden_entries:
        said.append(f"{_count(hidden_entries, 'measurement')} that can give an arm away: left out")
    if records.adverse_events is not None:
        tables["adverse_events"], sentence = _events(protocol, records.adverse_events)
        said += sentence
    if records.disposition is not None:
        tables["disposition"] = records.disposition.with_columns(
            reason=_replaced(protocol, records.disposition["reason"], WITHHELD_REASON)
        )
    # The notes of reading say nothing of arms: what names one is a fault, not a note.
    return replace(records, **tables), said


def _events(protocol: Protocol, events: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    terms = events["term"].unique().to_list()
    named = protocol.safety.events
    closed = [
        term
        for term in terms
        if (term in named and named[term].unblinding) or names_an_arm(protocol, term)
    ]
    out = events.filter(pl.col("term").is_in(closed))
    kept = events.filter(~pl.col("term").is_in(closed))
    kept = kept.with_columns(organ_class=_replaced(protocol, kept["organ_class"], None))
    if out.is_empty():
        return kept, []
    serious = int(out["serious"].sum())
    severe = int((out["grade"] >= 3).sum())
    fatal = int((out["grade"] == 5).sum())
    return kept, [
        f"{_count(out.height, 'adverse event')} of terms that can give an arm away: left out of "
        f"all counts by arm (over all arms {serious} serious, {severe} of grade 3 or higher, "
        f"{fatal} fatal)"
    ]


def _replaced(protocol: Protocol, texts: pl.Series, by: str | None) -> pl.Series:
    """The texts with those replaced that name an arm or what is withheld."""
    hidden = [term for term, event in protocol.safety.events.items() if event.unblinding]
    for source in SOURCES:
        entries: dict[str, Any] = getattr(protocol, source.table)
        if source.can_unblind:
            hidden += [entry.label for entry in entries.values() if entry.unblinding]
    result = [
        by
        if text is not None
        and (names_an_arm(protocol, text) or any(word.lower() in text.lower() for word in hidden))
        else text
        for text in texts.to_list()
    ]
    return pl.Series(texts.name, result, dtype=pl.String)


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' if n != 1 else ''}"
