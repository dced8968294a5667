"""Scenarios of the design stage: worlds in which the trial is simulated besides the planned one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from equipoise.protocol.base import Flag, Map, Number, Part, Text

#: Names of scenarios that every protocol has; its own have others.
BUILT_IN = (
    "planned",
    "null",
    "link-off",
    "cells-only",
    "mnar-dropout",
    "weaker-assay",
    "slower-recruitment",
)


class ScenarioAssumption(Part):
    """A world in which some assumption does not hold, or holds more or less."""

    label: Text = Field(description="Name as printed")
    meaning: Text = Field(description="What holds in it, in one sentence")
    based_on: Literal["planned", "null", "link-off", "cells-only"] = Field(
        "planned", description="The built-in scenario that it changes"
    )
    changes: Map[Text, Flag | Number | Text] = Field(
        {}, description="Dotted field of the protocol → the value that it has in this world"
    )
    enrolled: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None,
        description="Share of the planned participants that are enrolled by the end; all where "
        "left out",
    )
