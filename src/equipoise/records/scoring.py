"""Totals and subscales from recorded items: computed where they are absent, held against what
was recorded where they are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from equipoise.instruments import TOTAL, needed, score_items

if TYPE_CHECKING:
    import numpy as np

    from equipoise.instruments import Instrument, PartScores
    from equipoise.protocol import Protocol
    from equipoise.records.model import Records
    from equipoise.records.rows import RowFaults


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of one instrument whose items give one of its parts.

    Attributes
    ----------
    instrument, scale, part
        Key in the protocol, its scale, ``total`` or a subscale.
    frame
        One row a form: participant, visit, day, and `given`, the recorded score of the part
        with `row`, its row in `scores`; both null where there is none.
    scored
        The same forms scored.
    """

    instrument: str
    scale: Instrument
    part: str
    frame: pl.DataFrame
    scored: PartScores

    @property
    def label(self) -> str:
        """What the part is called in a sentence."""
        if self.part == TOTAL:
            return f"{self.scale.label} total"
        return f"{self.scale.label} {self.scale.label_of(self.part)}"


def forms_of(protocol: Protocol, scores: pl.DataFrame) -> Iterator[Forms]:
    """The forms whose items give the total or a subscale, instrument by instrument.

    A part is scored when the protocol records all items that it needs.
    """
    for key, use in protocol.instruments.items():
        scale = protocol.scale(key)
        recorded = set(use.items)
        parts = [
            part
            for part in (TOTAL, *scale.subscales)
            if scale.items and needed(scale, None if part == TOTAL else part) <= recorded
        ]
        if not parts:
            continue
        rows = scores.with_row_index("row").filter(instrument=key)
        mine = rows.drop_nulls(["participant", "visit"])
        items = mine.filter(pl.col("item").is_in([str(n) for n in use.items]))
        if items.is_empty():
            continue
        people = items.group_by("participant", "visit", maintain_order=True).agg(
            pl.col("day").first()
        )
        scored = score_items(scale, _array(scale, people, items), use.missing_items)
        for part in parts:
            given = mine.filter(item=part).unique(
                ["participant", "visit"], keep="first", maintain_order=True
            )
            frame = people.join(
                given.select("participant", "visit", "row", pl.col("score").alias("given")),
                on=["participant", "visit"],
                how="left",
                maintain_order="left",
            )
            yield Forms(key, scale, part, frame, scored.part(part))


def _array(scale: Instrument, people: pl.DataFrame, items: pl.DataFrame) -> np.ndarray:
    """(forms, items of the scale) scores, NaN where there is none."""
    import numpy as np

    places = items.join(
        people.with_row_index("form").select("form", "participant", "visit"),
        on=["participant", "visit"],
        how="left",
        maintain_order="left",
    )
    array = np.full((people.height, len(scale.items)), np.nan)
    column = places["item"].cast(pl.Int64).to_numpy() - 1
    array[places["form"].to_numpy(), column] = places["score"].fill_null(float("nan")).to_numpy()
    return array


def check_against_items(protocol: Protocol, scores: pl.DataFrame, rows: RowFaults) -> None:
    """Add a fault for each recorded total or subscale that its items do not give.

    Where items are missing, the score must be one that those rated leave possible.
    """
    for forms in forms_of(protocol, scores):
        possible = forms.frame.with_columns(
            lowest=pl.Series(forms.scored.lowest), highest=pl.Series(forms.scored.highest)
        )
        outside = possible.filter(
            (pl.col("given") < pl.col("lowest") - 1e-9)
            | (pl.col("given") > pl.col("highest") + 1e-9)
        )
        by_row = {row: (low, high) for row, low, high in
                  outside.select("row", "lowest", "highest").iter_rows()}  # fmt: skip
        rule = _Rule(forms.label, by_row)
        wrong = pl.int_range(scores.height, eager=True).is_in(list(by_row))
        rows.add(
            wrong,
            code="total-differs",
            field="score",
            values=scores["score"],
            rule=rule,
            remedy="correct the score or an item; left out, it is computed from the items",
        )


@dataclass(frozen=True, slots=True)
class _Rule:
    """What the items of each row give, in words."""

    label: str
    by_row: dict[int, tuple[float, float]]

    def __call__(self, index: int) -> str:
        low, high = self.by_row[index]
        if low == high:
            return f"{self.label} is what its items give: {low:g}"
        return f"{self.label} is what its items allow: {low:g} to {high:g}, some being missing"


def with_computed_scores(
    protocol: Protocol, scores: pl.DataFrame
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The scores with the totals and subscales that their items give, and notes that say so.

    A computed score takes the place of an empty cell, or stands in a row of its own at the end,
    with the day of the form's first item. Recorded scores are never changed.
    """
    import numpy as np

    added: list[pl.DataFrame] = []
    notes: list[str] = []
    filled: dict[int, float] = {}
    for forms in forms_of(protocol, scores):
        absent = forms.frame["given"].is_null().to_numpy()
        computed = absent & ~np.isnan(forms.scored.score)
        frame = forms.frame.with_columns(score=pl.Series(forms.scored.score)).filter(
            pl.Series(computed)
        )
        at = frame.filter(pl.col("row").is_not_null())
        filled.update(zip(at["row"], at["score"], strict=True))
        added.append(
            frame.filter(pl.col("row").is_null()).select(
                "participant",
                "visit",
                "day",
                pl.lit(forms.instrument).alias("instrument"),
                pl.lit(forms.part).alias("item"),
                "score",
            )
        )
        notes += _notes(forms, computed, absent)
    if filled:
        values = scores["score"].scatter(list(filled), list(filled.values()))
        scores = scores.with_columns(values)
    return pl.concat([scores, *added]), tuple(notes)


def with_scores(protocol: Protocol, records: Records) -> Records:
    """The records with `with_computed_scores`, and its notes among theirs."""
    if records.scores is None:
        return records
    scores, notes = with_computed_scores(protocol, records.scores)
    return replace(records, scores=scores, notes=(*records.notes, *notes))


def _notes(forms: Forms, computed: np.ndarray, absent: np.ndarray) -> Iterator[str]:
    n, prorated = int(computed.sum()), int((computed & forms.scored.prorated).sum())
    if n:
        filled = f" ({prorated} prorated)" if prorated else ""
        yield f"{forms.label}: {_times(n)} computed from items{filled}"
    if left := int((absent & ~computed).sum()):
        yield f"{forms.label}: {_times(left)} not computed, items are missing"


def _times(n: int) -> str:
    return f"{n} score{'s' if n != 1 else ''}"
