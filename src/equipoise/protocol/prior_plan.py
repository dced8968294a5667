"""Priors on assumptions: how sure the planner is of them. Power is averaged over them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from equipoise.protocol.base import Flag, Number, Part, Text
from equipoise.toml_faults import Inconsistency, refuse_inconsistencies

#: Distribution → the fields that it needs.
NEEDS: dict[str, tuple[str, ...]] = {
    "normal": ("mean", "sd"),
    "log-normal": ("median", "sd_log"),
    "uniform": ("minimum", "maximum"),
    "beta": ("a", "b"),
}


class PriorAssumption(Part):
    """The distribution of one assumption, or of a factor on several."""

    label: Text = Field(description="Name as printed")
    fields: Annotated[tuple[Text, ...], Field(min_length=1)] = Field(
        description="Dotted fields of the protocol that take the drawn value"
    )
    multiplies: Flag = Field(
        False, description="True: the drawn value multiplies what the protocol assumes there"
    )
    distribution: Literal["normal", "log-normal", "uniform", "beta"] = Field(
        description="Its shape; `normal` and `log-normal` are cut to minimum and maximum"
    )
    mean: Number | None = Field(None, description="Of `normal`")
    sd: Annotated[float, Field(gt=0)] | None = Field(None, description="Of `normal`")
    median: Annotated[float, Field(gt=0)] | None = Field(None, description="Of `log-normal`")
    sd_log: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Of the natural logarithm of a `log-normal` value"
    )
    a: Annotated[float, Field(gt=0)] | None = Field(None, description="Of `beta`")
    b: Annotated[float, Field(gt=0)] | None = Field(None, description="Of `beta`")
    minimum: Number | None = Field(None, description="Lowest value")
    maximum: Number | None = Field(None, description="Highest value")

    @model_validator(mode="after")
    def _complete(self) -> PriorAssumption:
        found: list[Inconsistency] = []
        needed = NEEDS[self.distribution]
        for name in needed:
            if getattr(self, name) is None:
                found.append(
                    Inconsistency(
                        (name,), "", f"a {self.distribution} prior has `{name}`", f"add `{name}`"
                    )
                )
        for name in ("mean", "sd", "median", "sd_log", "a", "b"):
            if name not in needed and getattr(self, name) is not None:
                found.append(
                    Inconsistency(
                        (name,),
                        f"{getattr(self, name):g}",
                        f"a {self.distribution} prior has no `{name}`",
                        "take it out",
                    )
                )
        low, high = self.minimum, self.maximum
        if low is not None and high is not None and not low < high:
            found.append(
                Inconsistency(("maximum",), f"{high:g}", f"above the minimum {low:g}", "raise it")
            )
        refuse_inconsistencies(found)
        return self
