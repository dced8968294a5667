"""What is measured: rating scales, cell populations, laboratory values, vital signs."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from equipoise.instruments import MissingItems
from equipoise.protocol.base import Flag, Int, Key, Map, Number, Part, Text
from equipoise.protocol.harms import LiverTests, StoppingRule


class CellUnit(StrEnum):
    """Units of cell populations."""

    PERCENT_CD4 = "%CD4"
    PERCENT_CD8 = "%CD8"
    PERCENT_LYMPHOCYTES = "%lymphocytes"
    COUNT = "cells/uL"


class InstrumentUse(Part):
    """A rating scale as this trial uses it."""

    scale: Text = Field(description="Name of a scale: of the library, or of this plan's own")
    visits: tuple[Key, ...] = Field(min_length=1, description="Visits at which it is rated")
    items: tuple[Int, ...] = Field(
        (), description='Items recorded beside the total: their numbers, or "all"'
    )
    subscales: tuple[Key, ...] = Field(
        (), description="Subscales recorded without their items; with all items they are computed"
    )
    missing_items: MissingItems | None = Field(
        None, description="The trial's missing-item rule, where it is not the scale's"
    )


class CellPopulation(Part):
    """A cell population."""

    label: Text = Field(description="Name as printed")
    parent: Text = Field(description="Parent population")
    marker: Text = Field(description="Marker definition")
    units: tuple[CellUnit, ...] = Field(min_length=1, description="Units in which it is recorded")
    visits: tuple[Key, ...] = Field(min_length=1, description="Visits with a sample")
    unblinding: Flag = Field(False, description="True where a value can give the arm away")


class Lab(Part):
    """A laboratory value."""

    label: Text = Field(description="Name as printed")
    unit: Text = Field(description="Unit")
    visits: tuple[Key, ...] = Field(min_length=1, description="Visits with a sample")
    minimum: Number = Field(0.0, description="Lowest possible value")
    maximum: Number = Field(description="Highest plausible value; above is refused")
    normal_low: Number | None = Field(None, description="Lower reference limit, in `unit`")
    normal_high: Number | None = Field(None, description="Upper reference limit, in `unit`")
    unblinding: Flag = Field(False, description="True where a value can give the arm away")


class VitalSign(Part):
    """A vital sign, or another measurement of the body."""

    label: Text = Field(description="Name as printed")
    unit: Text = Field(description="Unit")
    visits: tuple[Key, ...] = Field(min_length=1, description="Visits at which it is taken")
    minimum: Number = Field(description="Lowest plausible value; below is refused")
    maximum: Number = Field(description="Highest plausible value; above is refused")
    marked_low: Number | None = Field(
        None, description="A value below is counted as markedly abnormal"
    )
    marked_high: Number | None = Field(
        None, description="A value above is counted as markedly abnormal"
    )
    unblinding: Flag = Field(False, description="True where a value can give the arm away")


class EventTerm(Part):
    """An adverse-event term that the protocol names beforehand."""

    organ_class: Text = Field(description="System organ class")
    unblinding: Flag = Field(False, description="True where the event can give the arm away")


class ScoreThreshold(Part):
    """A score that is always reported, by the level that calls for attention."""

    instrument: Key = Field(description="Instrument of the protocol")
    item: Int | None = Field(None, description="Item; the total when left out")
    threshold: Number = Field(description="Counted when a post-baseline score is at least this")
    reason: Text = Field(description="Why this threshold")


class Safety(Part):
    """Harms that the report always answers for."""

    events: Map[Text, EventTerm] = Field({}, description="Terms named beforehand")
    suicidality: ScoreThreshold | None = Field(None, description="Suicidality item and threshold")
    mania: ScoreThreshold | None = Field(None, description="Switch into mania")
    liver: LiverTests | None = Field(None, description="Laboratory values of the liver flags")
    stopping: Map[Key, StoppingRule] = Field({}, description="Stopping rules for harm")
