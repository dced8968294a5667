"""A rating scale as data: items, ranges, how a total comes from them, what its rules rest on.

Item wordings are under copyright and are not shipped: an item is a number with a short label of
our own and a range.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from equipoise.strict_models import Certainty, Flag, Int, Key, Map, Number, Part, Text
from equipoise.toml_faults import refuse_inconsistencies

#: What the item of a total is called in the records; no subscale may have this name.
TOTAL = "total"

Range = tuple[Int, Int]


class Scoring(StrEnum):
    """How a total comes from the items."""

    SUM = "sum"
    DOMAIN_MAXIMA = "sum-of-domain-maxima"
    SINGLE_RATING = "single-rating"


SCORING_MEANINGS = {
    Scoring.SUM: "the counted items are added",
    Scoring.DOMAIN_MAXIMA: "of each domain the largest item counts, and these are added",
    Scoring.SINGLE_RATING: "one rating, which has no items",
}


class MissingRule(StrEnum):
    """What becomes of a total when items are missing."""

    NONE = "none"
    PRORATE = "prorate"


class Rounding(StrEnum):
    """How a prorated total is rounded."""

    NONE = "none"
    NEAREST = "nearest"


class MissingItems(Part):
    """The missing-item rule.

    ``none``: one missing item, and there is no total. ``prorate``: up to `at_most` missing
    items take the share of their range that the others reach of theirs, so that a total stays
    within its range.
    """

    rule: MissingRule = Field(MissingRule.NONE, description="none or prorate")
    at_most: Int = Field(0, ge=0, description="Missing items that the total tolerates")
    at_most_in_subscale: Int = Field(
        0, ge=0, description="Missing items that each subscale tolerates"
    )
    rounding: Rounding = Field(
        Rounding.NONE, description="Prorated scores: none, or nearest whole number (halves up)"
    )


class ScaleItem(Part):
    """An item; its number is its place in the list, from 1."""

    label: Text = Field(description="Short label in words of one's own, never the item's wording")
    range: Range = Field(description="[lowest, highest] score (points)")
    reversed: Flag = Field(
        False, description="True: it counts as lowest + highest - score, as on the form's key"
    )
    counted: Flag = Field(True, description="False: it does not count in the total")


class Domain(Part):
    """Items of which only the largest counts."""

    label: Text = Field(description="Name as printed")
    items: tuple[Int, ...] = Field(min_length=1, description="Numbers of its items")


class Subscale(Part):
    """A part of the scale with a score of its own: the sum of its items."""

    label: Text = Field(description="Name as printed")
    items: tuple[Int, ...] = Field(min_length=1, description="Numbers of its items")
    total: Range = Field(description="[lowest, highest] score (points)")


class RuleSource(Part):
    """Where a rule of the scale comes from: a source, or an assumption with its reason."""

    source: Text | None = Field(None, description="Citation, or address of a page")
    certainty: Certainty | None = Field(None, description="How it was read")
    assumed: Text | None = Field(None, description="Why it was assumed")
    note: Text | None = Field(None, description="What exactly the source says")


class Instrument(Part):
    """A rating scale.

    One that exists is consistent: its ranges are not empty, its items give exactly its total,
    its rules name items that it has.
    """

    label: Text = Field(description="Name as printed: HDRS-17")
    title: Text = Field(description="Full name")
    source: Text = Field(description="Citation of the scale")
    certainty: Certainty = Field(description="How items, ranges and scoring were read")
    rater: Literal["clinician", "participant"] = Field(description="Who rates")
    better: Literal["lower", "higher"] = Field(description="Which direction is better")
    scoring: Scoring = Field(description="sum, sum-of-domain-maxima or single-rating")
    total: Range = Field(description="[lowest, highest] total (points)")
    items: Annotated[tuple[ScaleItem, ...], Field(max_length=500)] = Field(
        (), description="The items in order; a single rating has none"
    )
    domains: tuple[Domain, ...] = Field(
        (), description="sum-of-domain-maxima: the domains, each counted item in one"
    )
    alternatives: tuple[tuple[Int, ...], ...] = Field(
        (), description="Items of which one is rated, such as loss or gain; the larger counts"
    )
    subscales: Map[Key, Subscale] = Field({}, description="Subscales by name")
    missing_items: MissingItems = Field(
        default_factory=MissingItems,  # type: ignore[arg-type]
        description="What becomes of a score when items are missing",
    )
    ordinal: Flag = Field(False, description="True: ratings are ordered, distances mean nothing")
    levels: Map[Text, Text] = Field({}, description="Rating → what it means, in one's own words")
    baseline: Flag = Field(
        True, description="False for a rating of change, which has no baseline of its own"
    )
    suicidality_item: Int | None = Field(None, description="Number of the item on suicidality")
    response_reduction: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Response: a reduction from baseline by at least this fraction"
    )
    response_at_most: Number | None = Field(
        None, description="Response, for a rating of change: a rating of at most this"
    )
    remission_below: Number | None = Field(
        None, description="Remission: a total below this (lower is better)"
    )
    remission_at_least: Number | None = Field(
        None, description="Remission: a total of at least this (higher is better)"
    )
    provenance: Map[Text, RuleSource] = Field(
        {}, description="Field of the scale → where it comes from"
    )
    note: Text | None = Field(None, description="What a user of the scale should know")

    @model_validator(mode="after")
    def _consistent(self) -> Instrument:
        from equipoise.instruments.consistency import scale_inconsistencies

        refuse_inconsistencies(scale_inconsistencies(self))
        return self

    def range_of(self, part: int | str | None) -> Range:
        """Range of an item, of a subscale, or of the total when `part` is None.

        Parameters
        ----------
        part
            Number of an item (also as text), name of a subscale, ``total`` or None.

        Raises
        ------
        KeyError
            When the scale has no such part.
        """
        if part is None or part == TOTAL:
            return self.total
        if isinstance(part, str) and not part.isdecimal():
            return self.subscales[part].total
        number = int(part)
        if not 1 <= number <= len(self.items):
            raise KeyError(part)
        return self.items[number - 1].range

    def label_of(self, part: int | str | None) -> str:
        """What a part is called: ``total``, ``item 3 (suicidality)``, a subscale's label.

        Raises
        ------
        KeyError
            When the scale has no such part.
        """
        if part is None or part == TOTAL:
            return TOTAL
        self.range_of(part)
        if isinstance(part, str) and not part.isdecimal():
            return self.subscales[part].label
        return f"item {part} ({self.items[int(part) - 1].label})"

    @property
    def item_numbers(self) -> tuple[int, ...]:
        """Numbers of all items, from 1."""
        return tuple(range(1, len(self.items) + 1))

    @property
    def counted(self) -> tuple[int, ...]:
        """Numbers of the items that count in the total."""
        return tuple(n for n in self.item_numbers if self.items[n - 1].counted)
