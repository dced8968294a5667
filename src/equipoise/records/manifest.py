"""What is real and what is simulated: ``manifest.json`` beside the tables."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Origin(StrEnum):
    """Whether records were observed in people or drawn by a program."""

    OBSERVED = "observed"
    SIMULATED = "simulated"


class Manifest(BaseModel):
    """Origin of a set of records; it travels into every result, table and figure.

    Attributes
    ----------
    origin
        ``observed`` or ``simulated``; mandatory.
    protocol_hash
        SHA-256 of the protocol under which they were simulated or captured.
    scenario, seed
        How they were simulated; absent for observed records.
    source
        Where observed records come from, in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    origin: Origin
    protocol_hash: str | None = None
    scenario: str | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    source: str | None = None
    software: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Manifest:
        if self.origin is Origin.SIMULATED and (self.seed is None or self.scenario is None):
            raise ValueError("simulated records state their seed and their scenario")
        if self.origin is Origin.OBSERVED and (self.seed is not None or self.scenario is not None):
            raise ValueError("observed records have neither a seed nor a scenario")
        return self

    @property
    def simulated(self) -> bool:
        """Whether the records were drawn by a program."""
        return self.origin is Origin.SIMULATED
