"""What all parts of the results share: frozen, and refusing unknown fields."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Row(BaseModel):
    """A part of the results."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
