"""What people were exposed to, and what images show: serology, infections, adversity, PET, MRI."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from equipoise.protocol.base import Flag, Key, Map, Number, Part, Text


class Exposure(Part):
    """Something that a person met before or during the trial: an infection, adversity."""

    label: Text = Field(description="Name as printed")
    kind: Literal["serology", "infection", "adversity", "other"] = Field(
        description="serology, infection, adversity or other"
    )
    type: Literal["categorical", "numeric"] = Field(description="Kind of values")
    levels: tuple[Text, ...] = Field((), description="Levels in order; the first is the reference")
    level_labels: Map[str, Text] = Field({}, description="Names of levels as printed")
    unit: Text | None = Field(None, description="Unit of a numeric exposure")
    minimum: Number | None = Field(None, description="Lowest admissible value")
    maximum: Number | None = Field(None, description="Highest admissible value")
    visits: tuple[Key, ...] = Field((), description="Visits; the baseline alone when left out")
    covariate: Flag = Field(
        False, description="True where model formulas may name it, by its baseline value"
    )
    unblinding: Flag = Field(False, description="True where a value can give the arm away")


class Imaging(Part):
    """A quantity that an image gives for each of its regions."""

    label: Text = Field(description="Name as printed")
    modality: Literal["PET", "MRI", "other"] = Field(description="PET, MRI or other")
    tracer: Text | None = Field(None, description="Tracer of a PET")
    sequence: Text | None = Field(None, description="Sequence of an MRI")
    measure: Text = Field(description="What is measured, for example binding potential")
    unit: Text = Field(description="Unit")
    regions: tuple[Text, ...] = Field(min_length=1, description="Regions, as in the tables")
    minimum: Number = Field(0.0, description="Lowest possible value")
    maximum: Number = Field(description="Highest plausible value; above is refused")
    visits: tuple[Key, ...] = Field((), description="Visits; the baseline alone when left out")
    unblinding: Flag = Field(False, description="True where a value can give the arm away")
