"""What simulation has to assume of exposures and images.

A categorical exposure is drawn once a person and stays. A numeric one is
``mean + change[arm, visit] + sd_between · B + sd_within · e``. An image's region is
``mean[region] · (1 + cv_between · B[region] + cv_within · e) + shift[arm, region, visit]``,
the B of two regions correlated. All B and e are standard normal; values are cut to the
admissible range.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from equipoise.protocol.base import Fraction, Key, Map, Number, Part, Text

Courses = Map[Key, Map[Key, Number]]
"""Arm → visit → value."""


class ExposureAssumption(Part):
    """Distribution of one exposure."""

    probabilities: Map[str, Fraction] = Field(
        {}, description="Probability of each level of a categorical exposure; they sum to 1"
    )
    mean: Number | None = Field(None, description="Mean of a numeric exposure at baseline")
    sd_between: Number | None = Field(None, ge=0, description="Between-participant SD")
    sd_within: Number = Field(0.0, ge=0, description="SD of one measurement")
    change: Courses = Field(
        {}, description="Arm → visit → mean change of a numeric exposure; none when left out"
    )


class ImagingAssumption(Part):
    """Course of one imaging measure in all of its regions."""

    mean: Map[Text, Annotated[float, Field(gt=0)]] = Field(
        description="Region → mean at baseline, in the measure's unit"
    )
    cv_between: Number = Field(ge=0, description="Between-participant CV of a region")
    cv_within: Number = Field(ge=0, description="CV of one measurement")
    region_correlation: Fraction = Field(
        0.5, description="Correlation of two regions of one participant"
    )
    share: Fraction = Field(
        1.0,
        description="Share of participants who are imaged; with the same share of two measures "
        "the same people",
    )
    shift: Map[Key, Map[Text, Map[Key, Number]]] = Field(
        description="Arm → region → visit → mean change from baseline, in the measure's unit"
    )
